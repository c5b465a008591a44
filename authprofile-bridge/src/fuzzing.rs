//! What others write and we read, for a fuzzer. Not a public API: it changes without notice.
//!
//! The first byte of an input chooses the [`Format`], the rest is what would be read.

use credential_provider_api::Timestamp;
use serde_json::Value;

use crate::delegation::Delegations;
use crate::exec::ExecRequest;
use crate::json::{Object, Raw};
use crate::lock::Owner;
use crate::openclaw::{Config, For, Profiles, order};
use crate::secret_ref::{
    Answers, Defaults, SecretsConfiguration, check_alias, check_id, fuzzing as secret_ref,
    read_reference,
};

/// What an input is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A request of the exec protocol.
    ExecRequest,
    /// An answer of the exec protocol.
    ExecAnswer,
    /// An answer where plain text is allowed, too.
    PlainAnswer,
    /// A value that may be a reference to a secret.
    SecretRef,
    /// The `secrets` section.
    Secrets,
    /// A store of profiles, of one document.
    Profiles,
    /// What stands in a lock file.
    Lock,
    /// OpenClaw's configuration.
    Configuration,
    /// A configuration with delegations.
    Delegations,
}

impl Format {
    /// All of them, at the index that chooses them.
    pub const ALL: [Self; 9] = [
        Self::ExecRequest,
        Self::ExecAnswer,
        Self::PlainAnswer,
        Self::SecretRef,
        Self::Secrets,
        Self::Profiles,
        Self::Lock,
        Self::Configuration,
        Self::Delegations,
    ];
}

/// Reads `input` as the format that its first byte chooses; whether it was understood.
///
/// # Panics
/// If what was understood is not what it must be, which is a finding.
#[must_use]
pub fn read(input: &[u8]) -> bool {
    let Some((choice, bytes)) = input.split_first() else {
        return false;
    };
    match Format::ALL.get(usize::from(*choice) % Format::ALL.len()) {
        Some(Format::ExecRequest) => request(bytes),
        Some(Format::ExecAnswer) => answer(bytes, Answers::Protocol),
        Some(Format::PlainAnswer) => answer(bytes, Answers::PlainToo),
        Some(Format::SecretRef) => reference(bytes),
        Some(Format::Secrets) => secrets(bytes),
        Some(Format::Profiles) => text(bytes, profiles),
        Some(Format::Lock) => text(bytes, lock),
        Some(Format::Configuration) => text(bytes, configuration),
        Some(Format::Delegations) => text(bytes, delegations),
        None => false,
    }
}

fn request(bytes: &[u8]) -> bool {
    let Ok(request) = ExecRequest::parse(bytes) else {
        return false;
    };
    let again = ExecRequest::parse(&request.to_json());
    assert_eq!(again.as_ref(), Ok(&request), "a request changed");
    true
}

fn answer(bytes: &[u8], answers: Answers) -> bool {
    use secrecy::ExposeSecret as _;

    let ids = ["a".to_owned()];
    let Ok(values) = secret_ref::read_answer(bytes, &ids, answers) else {
        return false;
    };
    assert_eq!(values.len(), ids.len(), "an answer has a place for each id");
    values.iter().all(|value| {
        let Ok(value) = value else { return false };
        assert!(
            !credential_provider_api::is_mark(value.expose_secret()),
            "a mark was taken for a value"
        );
        true
    })
}

fn reference(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return false;
    };
    let Ok(Some(found)) = read_reference(&value, &Defaults::default()) else {
        return false;
    };
    assert!(check_alias(&found.provider), "an alias breaks its grammar");
    assert!(check_id(found.source, &found.id), "an id breaks its grammar");
    true
}

fn secrets(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return false;
    };
    match SecretsConfiguration::read("secrets", &value) {
        Ok(_) => true,
        Err(problem) => {
            assert!(problem.path().starts_with("secrets"), "a problem without its path");
            false
        }
    }
}

fn text(bytes: &[u8], read: fn(&str) -> bool) -> bool {
    std::str::from_utf8(bytes).is_ok_and(read)
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Each profile is put back, used, tried and taken out: what is nobody's business stays as it was.
fn profiles(text: &str) -> bool {
    let Ok(before) = Profiles::parse(text, None) else {
        return false;
    };
    let all: Vec<_> = before.profiles().collect();
    let config = Config::default();
    for (id, profile) in &all {
        for choice in order(&before, &config, profile.provider(), For::pinned(id), NOW) {
            assert!(before.profile(&choice.id).is_some(), "a profile that is not there is chosen");
        }
        let mut edited = before.clone();
        let mut changed = profile.clone();
        changed.edit(|entry| entry.set("displayName", Raw::from_text("fuzzed")));
        edited.put(id, &changed);
        edited.set_usage(id, &before.usage(id));
        let edited = again(&edited);
        let standing = edited.profile(id);
        assert!(standing.is_some_and(|it| it.text("displayName").is_some()), "an edit was lost");
        untouched(&before, &edited, id, &["profiles", "usageStats"]);
        let mut without = edited;
        without.take_out(id);
        let without = again(&without);
        assert!(!without.has_entry(id), "what was taken out is there");
        untouched(&before, &without, id, &["profiles", "usageStats"]);
    }
    let known = |id: &String| before.has_entry(id);
    assert!(before.skipped().iter().all(|(id, _)| known(id)), "an entry that is not there");
    !all.is_empty()
}

/// Written, and read again.
fn again(profiles: &Profiles) -> Profiles {
    let read = Profiles::parse(&profiles.document().to_text(0), None);
    assert!(read.as_ref().is_ok_and(|read| read == profiles), "what was written reads otherwise");
    read.unwrap_or_else(|_| Profiles::empty())
}

/// All but one entry of some sections is the text it was.
fn untouched(before: &Profiles, after: &Profiles, id: &str, sections: &[&str]) {
    for (name, raw) in before.document().entries() {
        if !sections.contains(&name) {
            assert!(after.document().get(name) == Some(raw), "a section was lost");
            continue;
        }
        let (old, new) = (raw.object().unwrap_or_default(), after.document().object(name));
        let new = new.unwrap_or_default();
        let others = |(own, _): &(&str, &Raw)| *own != id;
        assert!(same(&old, &new, others), "an entry of somebody else was lost");
    }
}

fn same(old: &Object, new: &Object, counts: impl Fn(&(&str, &Raw)) -> bool) -> bool {
    old.entries().filter(counts).all(|(name, raw)| new.get(name) == Some(raw))
}

fn lock(text: &str) -> bool {
    let Some(owner) = Owner::parse(text) else {
        return false;
    };
    assert!(owner.pid > 0, "nobody has process 0");
    let again = Owner::parse(&owner.to_text());
    assert!(again.is_some_and(|again| again.pid == owner.pid), "an owner changed");
    assert!(again.is_some_and(|again| again.start_time == owner.start_time), "an owner changed");
    true
}

fn configuration(text: &str) -> bool {
    let Ok(config) = Config::parse(text) else {
        return false;
    };
    let provider = "openai";
    for id in config.profiles_of(provider) {
        assert!(config.profile(&id).is_some(), "a configured profile is not configured");
    }
    let _ = (config.order(provider), config.cooldowns(crate::openclaw::Era::B, provider));
    let _ = order(&Profiles::empty(), &config, provider, For::default(), NOW);
    true
}

fn delegations(text: &str) -> bool {
    let Ok(all) = Delegations::parse(text) else {
        return false;
    };
    for (id, delegation) in all.iter() {
        assert!(!delegation.provider.is_empty(), "a delegation of no provider");
        assert!(all.of(id) == Some(delegation), "a delegation is lost");
    }
    true
}
