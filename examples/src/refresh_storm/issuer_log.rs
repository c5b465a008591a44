//! What the issuer says it was asked.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

/// The log of an issuer, from a place in it on.
pub(super) struct IssuerLog {
    file: PathBuf,
    account: String,
    from: usize,
}

/// What is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Requests with a refresh token.
    pub(super) refresh_calls: usize,
    /// Those that were answered with another refresh token.
    pub(super) rotations: usize,
    /// Those that were refused.
    pub(super) refused: Vec<Refused>,
}

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: String,
    /// When the same token had been taken before, in milliseconds since 1970.
    pub(super) first_taken: Option<u64>,
}

impl Asked {
    pub(super) fn invalid_grants(&self) -> usize {
        self.refused.iter().filter(|refused| refused.error == "invalid_grant").count()
    }
}

impl IssuerLog {
    /// From now on, of `account` only.
    pub(super) fn from_now(file: PathBuf, account: String) -> io::Result<Self> {
        let from = fs::read(&file)?.len();
        Ok(Self { file, account, from })
    }

    pub(super) fn read(&self) -> io::Result<Asked> {
        let bytes = fs::read(&self.file)?;
        let new = bytes.get(self.from..).unwrap_or_default();
        Ok(asked(&String::from_utf8_lossy(new), &self.account))
    }
}

fn asked(text: &str, account: &str) -> Asked {
    let mut asked = Asked::default();
    let mut taken: Vec<(String, u64)> = Vec::new();
    // A line that is being written is read the next time.
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let field = |name: &str| line.get(name).and_then(Value::as_str);
        if field("grant_type") != Some("refresh_token") || field("account") != Some(account) {
            continue;
        }
        asked.refresh_calls += 1;
        let sent = field("sent").unwrap_or_default();
        if let Some(error) = field("error") {
            let first = taken.iter().find(|(token, _)| token == sent).map(|(_, at)| *at);
            asked.refused.push(Refused { error: error.to_owned(), first_taken: first });
            continue;
        }
        let at = line.get("at").and_then(Value::as_u64).unwrap_or_default();
        taken.push((sent.to_owned(), at));
        asked.rotations +=
            usize::from(line.get("rotated").and_then(Value::as_bool).unwrap_or_default());
    }
    // A token that was taken twice is no rotation of its own.
    let distinct: BTreeSet<&str> = taken.iter().map(|(token, _)| token.as_str()).collect();
    asked.rotations = asked.rotations.min(distinct.len());
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_rotations_and_refusals_are_told_apart() {
        let text = r#"
            {"at":1,"grant_type":"authorization_code","account":"a","issued":"1"}
            {"at":2,"grant_type":"refresh_token","account":"a","sent":"1","issued":"2","rotated":true}
            {"at":3,"grant_type":"refresh_token","account":"b","sent":"7","issued":"8","rotated":true}
            {"at":4,"grant_type":"refresh_token","account":"a","sent":"1","error":"invalid_grant"}
            {"at":5,"grant_type":"refresh_token","account":"a","sent":"2","error":"invalid_gr"#;
        let refused = Refused { error: "invalid_grant".to_owned(), first_taken: Some(2) };
        let wanted = Asked { refresh_calls: 2, rotations: 1, refused: vec![refused] };
        assert_eq!(asked(text, "a"), wanted);
        assert_eq!(wanted.invalid_grants(), 1);
    }
}
