//! The configuration file.

mod places;
mod repeated;
mod sections;

pub use places::Places;
pub use sections::{GatewaySettings, StoreKey, StoreSettings};

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A longer configuration is a mistake.
const LONGEST: u64 = 1 << 20;

/// A configuration file, read once.
///
/// It holds no secret, so `Debug` shows where it was read from and which sections it has.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    value: Value,
}

/// Why a configuration cannot be used, with its file where that is known. It repeats nothing of the
/// file's text but names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{place} {problem}", .file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default())]
pub struct DocumentError {
    /// Where it is not the place already.
    file: Option<String>,
    place: String,
    problem: String,
}

impl DocumentError {
    /// A section or a path within the file.
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { file: None, place: place.into(), problem: problem.into() }
    }

    /// The file as a whole.
    pub(crate) fn of_file(path: &Path, problem: impl Into<String>) -> Self {
        Self::new(path.display().to_string(), problem)
    }

    /// Says which file the place is in.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        let file = Some(path.display().to_string()).filter(|file| *file != self.place);
        Self { file, ..self }
    }

    /// The file or the path within it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong with it, and what would be right.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl Document {
    /// Reads the file at `path`, JSON or JSON5, of at most 1 MiB.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too long or not JSON5, with the line; a section that is named
    /// like one of ours, in any spelling, and is none; a name in one of ours that is there twice; one
    /// that is not what it should be.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, DocumentError> {
        let path = path.into();
        let shown = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            let problem = match error.kind() {
                std::io::ErrorKind::NotFound => "does not exist",
                std::io::ErrorKind::PermissionDenied => "may not be read by this user",
                _ => "cannot be read",
            };
            DocumentError::new(&shown, problem)
        };
        let mut text = String::new();
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
            return Err(DocumentError::new(shown, "is longer than 1 MiB"));
        }
        Self::parse(path, &text)
    }

    /// The text of a configuration, whose relative paths begin beside `path`.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Result<Self, DocumentError> {
        let path = path.into();
        // The parser's own words may repeat a value.
        let (value, repeated) = repeated::read(text).map_err(|error| {
            let at = error.position();
            let at = at.map(|at| format!(" at line {}, column {}", at.line + 1, at.column + 1));
            let at = at.unwrap_or_default();
            DocumentError::of_file(&path, format!("is not JSON5{at}"))
        })?;
        let document = Self { path, value };
        document.check(&repeated).map_err(|error| error.in_file(&document.path))?;
        Ok(document)
    }

    /// Where it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole configuration, the host's own sections included.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The folder that relative paths in it begin at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."))
    }

    /// Makes the paths in settings of bundled providers begin beside the file, wherever the program was
    /// started. What a reference or an environment variable says stays as it is.
    pub(crate) fn with_paths_beside(&self, value: &mut Value) {
        let folder =
            std::path::absolute(self.folder()).unwrap_or_else(|_| self.folder().to_owned());
        let providers = value.get_mut("credentialProviders").and_then(Value::as_object_mut);
        for settings in providers.into_iter().flat_map(|providers| providers.values_mut()) {
            let kind = settings.get("type").and_then(Value::as_str).unwrap_or_default();
            let paths: &[&str] = match kind {
                "file" => &["/path"],
                "keychain" => &["/encryptedFile/folder", "/encryptedFile/keyFile"],
                "auth-profiles" => &["/stateFolder"],
                _ => &[],
            };
            for path in paths {
                if let Some(Value::String(text)) = settings.pointer_mut(path)
                    && !text.is_empty()
                    && let Some(joined) = folder.join(&*text).to_str()
                {
                    *text = joined.to_owned();
                }
            }
        }
    }

    /// Whether a provider of this type is configured.
    pub(crate) fn has_provider_of(&self, kind: &str) -> bool {
        let providers = self.value.get("credentialProviders").and_then(Value::as_object);
        let mut kinds = providers.into_iter().flatten().map(|(_, settings)| settings.get("type"));
        kinds.any(|found| found.is_some_and(|found| found == kind))
    }

    pub(crate) const fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    fn check(&self, repeated: &[String]) -> Result<(), DocumentError> {
        let sections = self.value.as_object();
        let sections = sections
            .ok_or_else(|| DocumentError::of_file(&self.path, "is an object of sections"))?;
        for name in sections.keys() {
            if !sections::KNOWN.contains(&name.as_str()) && sections::is_like_ours(name) {
                let known = sections::KNOWN.join(", ");
                return Err(DocumentError::new(name, format!("is no section; there are {known}")));
            }
        }
        // One of them would be dropped without a word.
        let section = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let mut repeated = repeated.iter();
        if let Some(name) = repeated.find(|name| sections::KNOWN.contains(&&*section(name))) {
            return Err(DocumentError::new(name, "is there twice: keep one of them"));
        }
        self.store()?;
        self.gateway()?;
        self.bindings()?;
        Ok(())
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sections: Vec<&String> =
            self.value.as_object().into_iter().flat_map(|sections| sections.keys()).collect();
        f.debug_struct("Document").field("path", &self.path).field("sections", &sections).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, DocumentError> {
        Document::parse("/etc/gateway/credentials.json5", text)
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_without_its_text() {
        let cases = [
            ("{ a: canary", "is not JSON5 at line 1"),
            ("[]", "is an object of sections"),
            ("{credentialAcess: []}", "credentialAcess is no section"),
            ("{credentialStore: {folder: 'a'}}", "credentialStore has a `keyFile` or a `keychain`"),
            ("{credentialStore: {keyFile: 'a'}}", "credentialStore missing field `folder`"),
            ("{credentialStore: {folder: 'a', keyFile: 'b', canary: 1}}", "credentialStore"),
            ("{credentialGateway: {listen: '0.0.0.0:80'}}", "credentialGateway.listen"),
            (
                "{credentialBindings: [{consumer: 'tool:a', env: 'LD_PRELOAD', credential: 'v/k'}]}",
                "credentialBindings",
            ),
            ("{credentialGateway: {listen: 'canary'}}", "credentialGateway.listen"),
            ("{credentialGateway: {socket: ''}}", "credentials.json5: credentialGateway.socket"),
            ("{CredentialStore: {}}", "CredentialStore is no section"),
            (
                "{credentialStore: {folder: 'a', folder: 'b'}}",
                "credentialStore.folder is there twice",
            ),
            ("{credentialAccess: [{x: {a: 1, a: 2}}]}", "credentialAccess.0.x.a is there twice"),
        ];
        for (text, expected) in cases {
            let said = parse(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
            assert!(!said.contains("canary") || text.contains("canary: 1"), "{said}");
        }
    }

    #[test]
    fn sections_of_others_are_theirs() {
        // So is what they repeat, and what they call by a word of ours.
        let text = "{models: {a: 1, a: 2}, secrets: {}, providers: {}, gateway: {}, // ours\n \
                    credentialAccess: [],}";
        let document = parse(text).unwrap();
        assert!(document.value().get("models").is_some());
        assert_eq!(document.store().unwrap(), None);
    }

    #[test]
    fn paths_of_providers_begin_beside_the_file_too() {
        let document = parse(
            "{credentialProviders: {
                a: {type: 'file', path: 'keys.json'}, b: {type: 'file', path: '/abs/keys.json'},
                c: {type: 'keychain', encryptedFile: {folder: 'items', keyFile: '../k'}},
                d: {type: 'auth-profiles', stateFolder: 'claw'}, e: {type: 'other', path: 'x'} }}",
        );
        let document = document.unwrap();
        let mut value = document.value().clone();
        document.with_paths_beside(&mut value);
        for (path, expected) in [
            ("/a/path", "/etc/gateway/keys.json"),
            ("/b/path", "/abs/keys.json"),
            ("/c/encryptedFile/folder", "/etc/gateway/items"),
            ("/c/encryptedFile/keyFile", "/etc/gateway/../k"),
            ("/d/stateFolder", "/etc/gateway/claw"),
            ("/e/path", "x"),
        ] {
            let found = value.pointer(&format!("/credentialProviders{path}")).unwrap();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn paths_begin_beside_the_file() {
        let document = parse("{credentialStore: {folder: 'grants', keyFile: '/keys/k'}}").unwrap();
        let store = document.store().unwrap().unwrap();
        assert_eq!(store.folder, Path::new("/etc/gateway/grants"));
        assert_eq!(store.key, StoreKey::File("/keys/k".into()));
        let socket = document.gateway().unwrap().socket;
        assert_eq!(socket, Path::new("/etc/gateway/credentials.sock"));
    }
}
