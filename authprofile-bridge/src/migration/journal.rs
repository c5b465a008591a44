//! What was moved where, without a secret.

use std::path::Path;

use credential_provider_api::{CredentialError, CredentialRef, ErrorCode};

use super::plan::Replacement;
use crate::file::{malformed, read, replace};
use crate::json::{Object, Raw};
use crate::openclaw::about;

/// Where each moved secret is. Read and written only under the store's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    document: Object,
}

/// One secret that was moved, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) to: CredentialRef,
    pub(super) field: String,
    pub(super) replacement: Replacement,
    /// Whether the sink had nothing under this name before: what it has now is ours to remove.
    pub(super) fresh: Fresh,
    /// Whether the sink may still hold what an attempt left there.
    pub(super) stage: Stage,
}

/// Whose a name in the sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    Yes,
    No,
}

/// How far a move has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It may have ended anywhere before its end.
    Begun,
    /// The sink has given the secret back: from now on what it has may be newer than the profile.
    Moved,
}

const MOST: u64 = 4 << 20;
const PROFILES: &str = "profiles";
const BEGUN: &str = "begun";
const MOVED: &str = "moved";

impl Journal {
    /// What is written down; nothing if there is no file. It blocks.
    pub(super) fn read(path: &Path) -> Result<Self, CredentialError> {
        let Some(found) = read(path, MOST)? else {
            let mut document = Object::new();
            document.set("version", Raw::from_number(1.0));
            return Ok(Self { document });
        };
        let document = Object::parse(&found.text);
        let document = document.map_err(|why| malformed(path, &why.to_string()))?;
        if document.get(PROFILES).is_some_and(|raw| raw.object().is_none()) {
            return Err(malformed(path, "has no profiles by their ids"));
        }
        Ok(Self { document })
    }

    /// Makes it durable. It blocks.
    pub(super) fn write(&self, path: &Path) -> Result<(), CredentialError> {
        let mut text = self.document.to_text(0);
        text.push('\n');
        replace(path, &text, None)
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.all().entries().map(|(id, _)| id.to_owned()).collect()
    }

    /// What is written down of a profile.
    ///
    /// # Errors
    /// `store_unreadable` for an entry that cannot be understood: it says where a secret is, and stays.
    pub(super) fn get(&self, id: &str) -> Result<Option<Entry>, CredentialError> {
        let Some(entry) = self.all().get(id).cloned() else { return Ok(None) };
        let what = "was migrated, and what is written down of it cannot be understood";
        let odd = || about(ErrorCode::StoreUnreadable, id, what);
        entry.object().as_ref().and_then(understood).ok_or_else(odd).map(Some)
    }

    pub(super) fn put(&mut self, id: &str, entry: &Entry) {
        let mut object = Object::new();
        object.set("to", Raw::from_text(&entry.to.to_string()));
        object.set("field", Raw::from_text(&entry.field));
        if let Replacement::ExecReference { provider } = &entry.replacement {
            object.set("exec", Raw::from_text(provider));
        }
        let fresh = if entry.fresh == Fresh::Yes { "true" } else { "false" };
        if let Some(fresh) = Raw::checked(fresh) {
            object.set("fresh", fresh);
        }
        let stage = if entry.stage == Stage::Begun { BEGUN } else { MOVED };
        object.set("stage", Raw::from_text(stage));
        let mut all = self.all();
        all.set(id, Raw::from_object(&object, 2));
        self.document.set(PROFILES, Raw::from_object(&all, 1));
    }

    pub(super) fn remove(&mut self, id: &str) {
        let mut all = self.all();
        all.remove(id);
        self.document.set(PROFILES, Raw::from_object(&all, 1));
    }

    fn all(&self) -> Object {
        self.document.object(PROFILES).unwrap_or_default()
    }
}

fn understood(entry: &Object) -> Option<Entry> {
    let replacement = match entry.get("exec") {
        Some(provider) => Replacement::ExecReference { provider: provider.text()?.to_string() },
        None => Replacement::Delegation,
    };
    Some(Entry {
        to: CredentialRef::parse(&entry.text("to")?).ok()?,
        field: entry.text("field")?.to_string(),
        replacement,
        fresh: match entry.get("fresh").map(Raw::as_str) {
            Some("true") => Fresh::Yes,
            _ => Fresh::No,
        },
        // Whatever else it says: nothing is overwritten by it.
        stage: match entry.text("stage").as_ref().map(|stage| stage.as_str()) {
            Some(BEGUN) => Stage::Begun,
            _ => Stage::Moved,
        },
    })
}
