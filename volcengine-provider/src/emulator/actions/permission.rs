//! Who may do what.

use serde_json::{Value, json};

use super::{Answer, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{Entity, Namespace, PermissionRule, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "Namespace";

pub(super) fn check(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let name = params.text("NamespaceName")?;
    let mut namespaces = world.of(caller)?.namespaces.iter();
    let namespace = namespaces.find(|one| one.namespace_name == name);
    let namespace = namespace.ok_or_else(|| ApiError::not_found(WHAT, name))?;
    let entity = |name: &str| params.part::<Entity>(name).map(Option::unwrap_or_default);
    let (principal, operation) = (entity("Principal")?, entity("Operation")?);
    let resource = entity("Resource")?;
    let callers: Vec<Entity> = params.part("OriginalCallers")?.unwrap_or_default();
    let matches = |rule: &&PermissionRule| {
        let PermissionRule { original_callers, .. } = rule;
        is(rule.principal.as_ref(), &principal)
            && is(rule.operation.as_ref(), &operation)
            && is(rule.resource.as_ref(), &resource)
            && original_callers.as_ref().is_none_or(|known| {
                callers.iter().all(|caller| known.iter().any(|one| is(Some(one), caller)))
            })
    };
    let matching: Vec<&PermissionRule> = namespace.rules.iter().filter(matches).collect();
    let forbidden = matching.iter().any(|rule| rule.forbid);
    let (allowed, message) = match (matching.is_empty(), forbidden) {
        (true, _) => (false, "no rule allows it"),
        (false, true) => (false, "a rule forbids it"),
        (false, false) => (true, "a rule allows it"),
    };
    Ok(json!({ "Allowed": allowed, "Message": message }))
}

fn is(rule: Option<&Entity>, found: &Entity) -> bool {
    rule.is_none_or(|rule| {
        rule.kind.eq_ignore_ascii_case(&found.kind) && (rule.id == "*" || rule.id == found.id)
    })
}

fn shown(world: &World, account: u64, namespace: &Namespace) -> Value {
    let trn = world.trn(account, &format!("namespace/{}", namespace.namespace_name));
    with(
        wire(namespace),
        [("Trn", trn.into()), ("Associates", namespace.associates.join(",").into())],
    )
}

/// Its filter has other names than its answer.
pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let all = world.of(caller)?.namespaces.clone();
    let items = all.iter().map(|one| {
        let item = shown(world, caller.account, one);
        let (id, name) = (json!(one.namespace_id), json!(one.namespace_name));
        with(item, [("Id", id), ("Name", name)])
    });
    params.page(items.collect(), "Namespaces")
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let name = params.opt("NamespaceName").ok_or_else(|| ApiError::missing("NamespaceName"))?;
    if world.of(caller)?.namespaces.iter().any(|one| one.namespace_name == name) {
        return Err(ApiError::exists(WHAT, name));
    }
    let mut namespace: Namespace = params.entity(&[])?;
    namespace.namespace_id = world.mint("ns-");
    namespace.create_time = world.stamp();
    namespace.update_time = world.stamp();
    world.of(caller)?.namespaces.push(namespace.clone());
    Ok(shown(world, caller.account, &namespace))
}

pub(super) fn status(world: &mut World, caller: &Caller, _: &Params) -> Answer {
    Ok(json!({ "Status": world.of(caller)?.service_status }))
}
