//! Names of model providers, as OpenClaw compares them.

/// Names that share another's credentials. From the plugin manifests of OpenClaw 2026.5.28.
const ALIASES: [(&str, &str); 6] = [
    ("byteplus-plan", "byteplus"),
    ("minimax-cn", "minimax"),
    ("minimax-portal-cn", "minimax-portal"),
    ("moonshot-ai", "moonshot"),
    ("moonshotai", "moonshot"),
    ("volcengine-plan", "volcengine"),
];

/// A name as it is compared: trimmed, lower case.
#[must_use]
pub fn normalized(provider: &str) -> String {
    provider.trim().to_lowercase()
}

/// The name under which a provider's credentials stand: [`normalized`], and an alias replaced by what
/// it stands for.
#[must_use]
pub fn auth_name(provider: &str) -> String {
    let name = normalized(provider);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, of)| (*of).to_owned())
}

/// Whether credentials of one provider are those of the other.
#[must_use]
pub fn same_auth(one: &str, other: &str) -> bool {
    auth_name(one) == auth_name(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_openclaw_does() {
        assert!(same_auth(" OpenAI", "openai"));
        assert!(same_auth("volcengine-plan", "volcengine"));
        assert!(!same_auth("openai-codex", "openai"));
    }
}
