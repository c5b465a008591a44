//! Permission checks (Cedar).

use super::{answer, object, request};

request! {
    /// Whether `principal` may do `operation` on `resource`.
    CheckPermission -> Permission, Repeatable {
        namespace_name: String = "NamespaceName";
        extra: PermissionExtra = "Extra",
        operation: Entity = "Operation",
        original_callers: Vec<Entity> = "OriginalCallers",
        permission_point_id: String = "PermissionPointId",
        principal: Entity = "Principal",
        references: Vec<EntityReference> = "References",
        resource: Entity = "Resource",
    }
}

object! {
    /// Which run of which session; these two are not spelt like all others.
    PermissionExtra {
        run_id: String = "runID",
        session_id: String = "sessionID",
    }
}

object! {
    /// A thing or person, by type and id.
    Entity {
        id: String = "Id",
        kind: String = "Type",
    }
}

object! {
    /// An entity and those it belongs to.
    EntityReference {
        entity: Entity = "Entity",
        parents: Vec<Entity> = "Parents",
    }
}

impl Entity {
    /// The entity `id` of type `kind`.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), kind: Some(kind.into()) }
    }
}

answer! {
    /// What was decided.
    Permission {
        allowed: bool = "Allowed",
        message: String = "Message";
    }
}

impl Permission {
    /// Whether it is allowed; an answer that does not say so does not.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed == Some(true)
    }
}

request! {
    /// A page of namespaces, counted from 1.
    ListNamespaces -> Namespaces, Repeatable {
        ;
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        project_name: String = "ProjectName",
    }
}

answer! {
    /// A page of namespaces.
    Namespaces {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        namespaces: Namespace = "Namespaces",
    }
}

answer! {
    /// A namespace of policies.
    Namespace {
        description: String = "Description",
        namespace_id: String = "NamespaceId",
        namespace_name: String = "NamespaceName",
        trn: String = "Trn";
    }
}

request! {
    /// Whether an account has the service switched on.
    GetTenantServiceStatus -> TenantServiceStatus, Repeatable {
        ;
        account_id: String = "AccountId",
    }
}

answer! {
    /// Whether the service is switched on.
    TenantServiceStatus {
        status: String = "Status";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_8_what_does_not_say_allowed_is_denied() {
        for (text, allowed) in
            [("{}", false), (r#"{"Allowed":null}"#, false), (r#"{"Allowed":true}"#, true)]
        {
            let permission: Permission = serde_json::from_str(text).unwrap();
            assert_eq!(permission.is_allowed(), allowed, "{text}");
        }
    }
}
