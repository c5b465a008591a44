//! Where in the parameters a value stands: a JSON pointer (RFC 6901), and patterns of them.

use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode};

/// The keys and indices that lead to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path<'v>(pub(super) Vec<Segment<'v>>);

/// Keys are those of the parameters: one may be long, and have many values below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'v> {
    Key(&'v str),
    Index(usize),
}

impl fmt::Display for Path<'_> {
    /// The pointer, fit for an error: keys come from the model, so they are cut and cleaned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the parameters");
        }
        for segment in &self.0 {
            match segment {
                Segment::Index(index) => write!(f, "/{index}")?,
                Segment::Key(key) => {
                    let shown = |c: &char| c.is_ascii_graphic() || *c == ' ';
                    let key: String = key.chars().take(40).filter(shown).collect();
                    write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?;
                }
            }
        }
        Ok(())
    }
}

/// A JSON pointer in which a segment `*` stands for any one key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, CredentialError> {
        let wrong =
            |problem: &'static str| CredentialError::new(ErrorCode::ConfigurationInvalid, problem);
        let Some(rest) = text.strip_prefix('/') else {
            return Err(wrong("a parameter is a JSON pointer such as /headers/X-Api-Key"));
        };
        let unescape = |segment: &str| {
            // RFC 6901 §3: a tilde stands only before 0 or 1.
            let stray = segment.replace("~0", "").replace("~1", "").contains('~');
            if stray {
                return Err(wrong("in a JSON pointer ~ is written ~0 and / is written ~1"));
            }
            if segment.contains('*') && segment != "*" {
                return Err(wrong("in a parameter's pointer * stands for one whole segment"));
            }
            Ok(segment.replace("~1", "/").replace("~0", "~"))
        };
        Ok(Self(rest.split('/').map(unescape).collect::<Result<_, _>>()?))
    }

    pub(super) fn matches(&self, path: &Path<'_>) -> bool {
        self.0.len() == path.0.len()
            && self.0.iter().zip(&path.0).all(|(pattern, segment)| match segment {
                _ if pattern == "*" => true,
                Segment::Key(key) => key == pattern,
                Segment::Index(index) => index.to_string() == *pattern,
            })
    }
}
