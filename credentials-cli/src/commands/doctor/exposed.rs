//! What other users of this machine can reach.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use credential_host::{Document, StoreKey};

use super::finding::Finding;
use crate::failure::Failure;
use crate::terminal::quoted;

/// Others may do nothing with it.
const PRIVATE: u32 = 0o077;
/// Others may read it, and not change it.
const THEIRS_TO_READ: u32 = 0o022;
/// In a folder such as /tmp only the owner of a file replaces it.
const STICKY: u32 = 0o1000;

pub(super) fn look(document: &Document) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let mut check = |what: &str, path: &Path, forbidden: u32| {
        findings.extend(judge(what, path, forbidden));
    };
    // It should hold no secret, but who writes it says who gets which.
    let forbidden =
        if super::plaintext::literal(document).is_empty() { THEIRS_TO_READ } else { PRIVATE };
    check("configuration", document.path(), forbidden);
    check("folder of the configuration", document.folder(), THEIRS_TO_READ);
    let store = document.store()?;
    if let Some(store) = &store {
        check("store", &store.folder, PRIVATE);
        if let StoreKey::File(key) = &store.key {
            check("key file of the store", key, PRIVATE);
            check_folder("folder of the key file", key, document, &mut check);
        }
    }
    let gateway = document.gateway()?;
    check("socket", &gateway.socket, PRIVATE);
    check_folder("folder of the socket", &gateway.socket, document, &mut check);
    if let Some(audit) = &gateway.audit {
        check("audit trail", audit, PRIVATE);
    }
    for path in super::plaintext::files(document) {
        check("file of secrets", &path, PRIVATE);
    }
    for path in super::plaintext::openclaws() {
        check("OpenClaw's profiles", &path, PRIVATE);
    }
    match store {
        None => findings.push(Finding::better(
            "no store is configured: a sign-in is lost when the process ends",
            "name one: credentialStore: { folder: \"grants\", keyFile: \"grants.key\" }",
        )),
        Some(store) => {
            if let StoreKey::File(key) = &store.key
                && key.starts_with(&store.folder)
            {
                findings.push(Finding::better(
                    format!("{}: the key lies in the folder it opens", key.display()),
                    "move it elsewhere, so that a copy of the folder is no copy of the key",
                ));
            }
        }
    }
    Ok(findings)
}

/// Who may change a folder replaces what is in it, however private that is.
fn check_folder(
    what: &str,
    of: &Path,
    document: &Document,
    check: &mut impl FnMut(&str, &Path, u32),
) {
    if let Some(folder) = of.parent().filter(|folder| *folder != document.folder()) {
        check(what, folder, THEIRS_TO_READ);
    }
}

/// `None` for what is private, and for what is not there.
fn judge(what: &str, path: &Path, forbidden: u32) -> Option<Finding> {
    let found = std::fs::metadata(path).ok()?;
    let shown = path.display();
    if found.uid() != rustix::process::geteuid().as_raw() && !is_roots(&found) {
        return Some(Finding::wrong(
            format!("{what} {shown} is another user's"),
            "make it your own, or run this as its owner",
        ));
    }
    let mode = found.mode() & 0o7777;
    if mode & forbidden == 0
        || (found.is_dir() && forbidden == THEIRS_TO_READ && mode & STICKY != 0)
    {
        return None;
    }
    let verb = if forbidden == PRIVATE { "reach" } else { "change" };
    let mend = match (found.is_dir(), forbidden) {
        (true, PRIVATE) => "700",
        (false, PRIVATE) => "600",
        _ => "go-w",
    };
    Some(Finding::wrong(
        format!("{what} {shown}: other users may {verb} it (mode {mode:03o})"),
        format!("chmod {mend} {}", quoted(&shown.to_string())),
    ))
}

fn is_roots(found: &Metadata) -> bool {
    found.uid() == 0
}
