//! What others write and we read, for a fuzzer. Not a public API: it changes without notice.
//!
//! The first byte of an input chooses the [`Format`], the rest is what would be read.

use serde_json::Value;

use crate::exec::ExecRequest;
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
}

impl Format {
    /// All of them, at the index that chooses them.
    pub const ALL: [Self; 5] =
        [Self::ExecRequest, Self::ExecAnswer, Self::PlainAnswer, Self::SecretRef, Self::Secrets];
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
