//! [`bearer_challenges`]: what a server says it wants (`WWW-Authenticate`, RFC 9110 §11.6.1).

/// A `Bearer` challenge (RFC 6750 §3), as far as a client acts on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BearerChallenge {
    /// Where the server describes itself (RFC 9728 §5.1). A server's word: not yet an address to follow.
    pub resource_metadata: Option<String>,
    /// The scopes the request needs. What is no scope by RFC 6749 §3.3 is left out.
    pub scopes: Vec<String>,
    /// The error code.
    pub error: Option<String>,
}

impl BearerChallenge {
    /// Whether the token was good and covers too little (RFC 6750 §3.1): a sign-in for
    /// [`scopes`](Self::scopes), beside those there are, may help.
    #[must_use]
    pub fn wants_more_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// Longer headers are not read.
const LONGEST: usize = 16 * 1024;

/// The `Bearer` challenges in the values of all `WWW-Authenticate` headers of an answer, in their
/// order. Other schemes are passed over. Of a parameter that comes twice the first counts; one whose
/// value does not end, and what follows it in that header, is ignored.
///
/// ```
/// let header = r#"Basic realm="a, Bearer b", Bearer error="insufficient_scope", scope="files:write""#;
/// let challenges = oauth_provider::bearer_challenges([header]);
/// assert!(challenges[0].wants_more_scope());
/// assert_eq!(challenges[0].scopes, ["files:write"]);
/// ```
#[must_use]
pub fn bearer_challenges<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<BearerChallenge> {
    let mut found = Vec::new();
    for value in values.into_iter().filter(|value| value.len() <= LONGEST) {
        read(value, &mut found);
    }
    found
}

fn read(value: &str, found: &mut Vec<BearerChallenge>) {
    let mut rest = Rest(value);
    // Whether what follows belongs to a challenge in `found`.
    let mut bearer = false;
    loop {
        rest.skip(|c| c == ',' || is_space(c));
        if rest.0.is_empty() {
            return;
        }
        let Some(word) = rest.token() else {
            // No word begins so: on to the next element.
            rest.skip(|c| c != ',');
            continue;
        };
        match rest.parameter() {
            Parameter::Value(value) => {
                if let Some(challenge) = found.last_mut().filter(|_| bearer) {
                    challenge.take(word, value);
                }
            }
            Parameter::Endless => return,
            Parameter::None => {
                bearer = word.eq_ignore_ascii_case("bearer");
                if bearer {
                    found.push(BearerChallenge::default());
                }
                rest.token68();
            }
        }
    }
}

impl BearerChallenge {
    fn take(&mut self, name: &str, value: String) {
        match name.to_ascii_lowercase().as_str() {
            "resource_metadata" if self.resource_metadata.is_none() => {
                self.resource_metadata = Some(value);
            }
            "error" if self.error.is_none() => self.error = Some(value),
            "scope" if self.scopes.is_empty() => self.scopes = scopes(value.split(' ')),
            _ => {}
        }
    }
}

/// Those that are scopes (RFC 6749 §3.3), each once.
pub(super) fn scopes<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let valid = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    let mut scopes: Vec<String> = Vec::new();
    for word in words {
        if !word.is_empty() && word.chars().all(valid) && !scopes.iter().any(|s| s == word) {
            scopes.push(word.to_owned());
        }
    }
    scopes
}

enum Parameter {
    Value(String),
    /// A quoted value without its end.
    Endless,
    /// What came before is a scheme.
    None,
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(what);
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end).filter(|(token, _)| !token.is_empty())?;
        self.0 = rest;
        Some(token)
    }

    /// `= value` after a name; spaces around `=` are allowed to a recipient (RFC 9110 §11.2).
    fn parameter(&mut self) -> Parameter {
        let Some(after) = self.0.trim_start_matches(is_space).strip_prefix('=') else {
            return Parameter::None;
        };
        let mut value = Rest(after.trim_start_matches(is_space));
        if let Some(quoted) = value.0.strip_prefix('"') {
            let Some((text, rest)) = quoted_string(quoted) else { return Parameter::Endless };
            self.0 = rest;
            return Parameter::Value(text);
        }
        // Without quotes an address is no token; it is read all the same, up to a comma or space.
        let end = value.0.find(|c| c == ',' || is_space(c)).unwrap_or(value.0.len());
        let (text, rest) = value.0.split_at_checked(end).unwrap_or((value.0, ""));
        value.0 = rest;
        self.0 = value.0;
        Parameter::Value(text.to_owned())
    }

    /// What a scheme may have in place of parameters: nothing that is read here.
    fn token68(&mut self) {
        let inner = self.0.trim_start_matches(is_space);
        let letters = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let after = inner.trim_start_matches(letters).trim_start_matches('=');
        let next = after.trim_start_matches(is_space);
        if after.len() < inner.len() && (next.is_empty() || next.starts_with(',')) {
            self.0 = next;
        }
    }
}

/// The text up to the closing quote, without its backslashes, and what follows.
fn quoted_string(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' => text.push(letters.next()?.1),
            letter => text.push(letter),
        }
    }
    None
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// RFC 9110 §5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use credential_provider_api::{Random as _, SeededRandom};

    use super::*;

    fn one(value: &str) -> BearerChallenge {
        let mut found = bearer_challenges([value]);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn the_examples_of_the_specification() {
        let unauthorized = one(
            r#"Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource", scope="files:read""#,
        );
        let place = "https://mcp.example/.well-known/oauth-protected-resource";
        assert_eq!(unauthorized.resource_metadata.as_deref(), Some(place));
        assert_eq!(unauthorized.scopes, ["files:read"]);
        assert!(!unauthorized.wants_more_scope());
        let forbidden = one(concat!(
            r#"Bearer error="insufficient_scope", scope="files:read files:write user:profile","#,
            r#" resource_metadata="https://a.example/x", error_description="Additional, \"wide\" one""#
        ));
        assert!(forbidden.wants_more_scope());
        assert_eq!(forbidden.scopes, ["files:read", "files:write", "user:profile"]);
        assert_eq!(forbidden.resource_metadata.as_deref(), Some("https://a.example/x"));
    }

    #[test]
    fn challenges_are_told_apart() {
        let found = bearer_challenges([
            r#"Negotiate YWJj==, Basic realm="Bearer error=\"x\", scope=y", bearer error="a""#,
            "Digest nonce=x, error=no, Bearer, BEARER scope=b error=c",
        ]);
        let errors: Vec<_> = found.iter().map(|c| c.error.as_deref()).collect();
        assert_eq!(errors, [Some("a"), None, Some("c")]);
        assert_eq!(found[2].scopes, ["b"], "no comma between parameters");
        assert!(bearer_challenges(["Basic", "", ", ,", "Bearer2 error=x", "error=x"]).is_empty());
    }

    #[test]
    fn oddities_are_read_or_ignored() {
        assert_eq!(one(r#"Bearer error = "a", error="b""#).error.as_deref(), Some("a"));
        let bare = one("Bearer resource_metadata=https://a.example/x?y=z, error=e");
        assert_eq!(bare.resource_metadata.as_deref(), Some("https://a.example/x?y=z"));
        assert_eq!(bare.error.as_deref(), Some("e"));
        let endless = one(r#"Bearer error="a", scope="b, resource_metadata=x"#);
        assert_eq!((endless.error.as_deref(), endless.scopes.len()), (Some("a"), 0));
        assert_eq!(endless.resource_metadata, None);
        assert_eq!(one("Bearer \u{fc}=x, error=e").error.as_deref(), Some("e"));
        assert_eq!(one("Bearer scope=\"a  b a\u{e4} a \\\\\"").scopes, ["a", "b"]);
        assert_eq!(one("Bearer token68==").error, None);
        assert!(
            bearer_challenges([format!("Bearer error={}", "x".repeat(LONGEST)).as_str()])
                .is_empty()
        );
    }

    #[test]
    fn no_text_breaks_it() {
        let (random, letters) = (SeededRandom::new(3), r#"Bearer error="\,= scope\u{fc}"#);
        let letters: Vec<char> = letters.chars().collect();
        for _ in 0..20_000 {
            let mut bytes = [0; 24];
            random.fill(&mut bytes);
            let text: String =
                bytes.iter().map(|byte| letters[usize::from(*byte) % letters.len()]).collect();
            let _ = bearer_challenges([text.as_str()]);
        }
    }
}
