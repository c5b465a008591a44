//! [`Finding`]: what was found, and what to do about it.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Level {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Better,
    /// It does not work, or others can reach what they should not.
    Wrong,
}

/// One line of the report. It holds no secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to_do: Option<String>,
}

impl Finding {
    pub(super) fn fine(found: impl Into<String>) -> Self {
        Self { level: Level::Fine, found: found.into(), to_do: None }
    }

    pub(super) fn better(found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Better, found: found.into(), to_do: Some(to_do.into()) }
    }

    pub(super) fn wrong(found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Wrong, found: found.into(), to_do: Some(to_do.into()) }
    }
}
