//! Where in a profile its secret is, and what a reference looks like in its place.

use std::fmt::Write as _;
use std::path::Path;

use credential_provider_api::{CredentialId, CredentialRef, InvalidId, ProviderId};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::plan::{Reason, Replacement};
use crate::json::{Object, Raw};
use crate::openclaw::{AgentId, NoSecret, Profile, ProfileKind, ProfileSecret};

/// A secret that can be moved.
pub(super) struct Found {
    /// The field that holds it.
    pub(super) field: &'static str,
    pub(super) secret: SecretString,
}

/// The secret of a profile.
///
/// # Errors
/// Why it is not moved.
pub(super) fn find(profile: &Profile) -> Result<Found, Reason> {
    let (fields, reference): (&[&'static str], _) = match profile.kind() {
        ProfileKind::ApiKey => (&["key", "apiKey"], "keyRef"),
        ProfileKind::Token => (&["token"], "tokenRef"),
        ProfileKind::OAuth => return Err(Reason::Login),
    };
    let secret = match profile.secret() {
        None => return Err(Reason::Nothing),
        Some(ProfileSecret::Reference(_)) => return Err(Reason::Reference),
        Some(ProfileSecret::Inline(secret)) => secret,
    };
    if let Some(mark) = NoSecret::of(secret.expose_secret()) {
        return Err(Reason::Mark(mark));
    }
    if profile.entry().get(reference).is_some_and(|raw| raw.as_str() != "null") {
        return Err(Reason::Both);
    }
    let mut holding = fields.iter().filter(|name| profile.text(name).is_some());
    match (holding.next(), holding.next()) {
        (Some(field), None) => Ok(Found { field, secret }),
        // With one of them gone the other would count.
        (Some(_), Some(_)) => Err(Reason::Both),
        _ => Err(Reason::Nothing),
    }
}

/// The field in which a profile of this kind has its reference.
pub(super) const fn reference_field(kind: ProfileKind) -> &'static str {
    match kind {
        ProfileKind::ApiKey => "keyRef",
        _ => "tokenRef",
    }
}

/// Puts a reference where the secret was.
pub(super) fn replace(profile: &mut Profile, field: &str, to: &CredentialRef, by: &Replacement) {
    let reference = reference_field(profile.kind());
    profile.edit(|entry| {
        entry.remove(field);
        if let Replacement::ExecReference { provider } = by {
            // Three levels in: profiles, the profile, this.
            entry.set(reference, Raw::from_object(&exec_reference(provider, to), 3));
        }
    });
}

/// Puts the secret back where it was.
pub(super) fn restore(profile: &mut Profile, field: &str, by: &Replacement, secret: &SecretString) {
    let reference = reference_field(profile.kind());
    profile.edit(|entry| {
        if matches!(by, Replacement::ExecReference { .. }) {
            entry.remove(reference);
        }
        entry.set(field, Raw::from_secret(secret));
    });
}

/// Whether a profile is as [`replace`] left it.
pub(super) fn is_replaced(profile: &Profile, to: &CredentialRef, by: &Replacement) -> bool {
    let standing = profile.entry().object(reference_field(profile.kind()));
    match by {
        Replacement::ExecReference { provider } => {
            let ours = exec_reference(provider, to);
            let same = |name| standing.as_ref().and_then(|it| it.text(name)) == ours.text(name);
            standing.is_some() && ["source", "provider", "id"].into_iter().all(same)
        }
        Replacement::Delegation => profile.secret().is_none(),
    }
}

fn exec_reference(provider: &str, to: &CredentialRef) -> Object {
    let mut reference = Object::new();
    reference.set("source", Raw::from_text("exec"));
    reference.set("provider", Raw::from_text(provider));
    reference.set("id", Raw::from_text(&to.to_string()));
    reference
}

/// The agent whose folder this is, where OpenClaw's layout says it.
pub(super) fn agent(folder: &Path) -> Option<AgentId> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (own, agents) = (folder.parent()?, folder.parent()?.parent()?);
    let is_one = name(folder)? == "agent" && name(agents)? == "agents";
    is_one.then(|| name(own)).flatten().map(|id| AgentId::new(&id))
}

/// The name under which a profile's secret is kept: one that an exec reference may have.
///
/// The profile's id, where it is such a name; otherwise what is left of it and a digest of the whole.
pub(super) fn name(
    provider: &ProviderId,
    prefix: &str,
    profile: &str,
) -> Result<CredentialRef, InvalidId> {
    const LONGEST: usize = 120;
    let whole = format!("{prefix}{profile}");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    let mut name: String =
        whole.chars().map(|c| if plain(c) { c } else { '-' }).take(LONGEST).collect();
    if name != whole || name.chars().all(|c| c == '.') {
        name.push('-');
        for byte in Sha256::digest(whole.as_bytes()).iter().take(8) {
            // Writing to text never fails.
            let _ = write!(name, "{byte:02x}");
        }
    }
    Ok(CredentialRef::new(provider.clone(), CredentialId::new(name)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn id(profile: &str) -> String {
        name(&ProviderId::new("keychain").unwrap(), "main.", profile).unwrap().id.to_string()
    }

    #[test]
    fn an_agents_folder_names_its_agent() {
        let of = |folder: &str| agent(Path::new(folder)).map(|agent| agent.to_string());
        assert_eq!(of("/home/a/.openclaw/agents/research/agent").as_deref(), Some("research"));
        for other in ["/", "agent", "/srv/agent", "/srv/x/agent", "/srv/agents/x/other"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn names_are_readable_where_they_can_be_and_never_shared() {
        assert_eq!(id("openai:default"), "main.openai:default");
        let odd = ["openai:a@x", "openai:a-x", "openai:a x", "openai:a/x", "openai:ä", ".."];
        let mut names: Vec<String> = odd.iter().map(|profile| id(profile)).collect();
        names.push(id(&"x".repeat(500)));
        names.push(id(&"x".repeat(501)));
        for name in &names {
            assert!(name.len() <= 140, "{name}");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
            assert!(name.chars().all(plain), "{name}");
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
