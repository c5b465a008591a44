//! The README's tables name tests; they exist. And its example is as short as it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// What the agent-identity plugin does that belongs to a provider.
const FEATURES: [&str; 25] = [
    "endpoint, or cn-beijing",
    "`regionMetadataUrl`",
    "signer, with session token",
    "envelope, errors with status 200",
    "keys: configuration, environment, metadata URL, file",
    "`role_trn`, `RUNTIME_IAM_ROLE_TRN`",
    "the SDK's own chains",
    "workload token for an ID token",
    "workload created on 404",
    "workload tokens in memory only",
    "delegation chain (`list-tips`)",
    "claims of a workload token",
    "lists of credential providers",
    "hosted API keys",
    "OAuth for users",
    "OAuth for machines",
    "flow inferred",
    "callback of one's own, session binding",
    "user credentials",
    "roles",
    "sign-in: explicit discovery",
    "sign-in: by names, `autoCreate`",
    "PKCE",
    "`identity_provider`",
    "silent renewal",
];

/// The same, of which the sources do not say whose part it is.
const BESIDE: [&str; 8] = [
    "CheckPermission",
    "revocation",
    "health check",
    "`useRelayCallback`",
    "BytePlus",
    "tokens of child sessions",
    "`session.put`, `session.get`",
    "personal session mode",
];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The rows of the README's tables, without their heads: their cells.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(here("README.md")).unwrap();
    let row = |line: &str| -> Option<Vec<String>> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
    };
    page.lines().filter_map(row).filter(|cells| !cells[0].starts_with("---")).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The files of a target, of one of its modules if one is named.
fn files(target: &str, module: Option<&str>) -> Vec<PathBuf> {
    let root = if target == "--lib" { here("src") } else { here(&format!("tests/{target}")) };
    let mut all = Vec::new();
    let file = root.with_extension("rs");
    if file.is_file() {
        all.push(file);
    } else {
        sources(&root, &mut all);
    }
    if let Some(module) = module {
        let module = Path::new(&module.replace("::", "/")).with_extension("rs");
        all.retain(|file| file.ends_with(&module));
    }
    all
}

#[test]
fn every_test_that_a_table_names_is_there() {
    let mut named = 0;
    for cells in rows() {
        let names = |cell: &&String| cell.contains(": ") && !cell.starts_with("not here");
        let Some(cell) = cells.last().filter(names) else { continue };
        let (mut target, mut module) = (String::new(), None);
        for name in quoted(cell) {
            let path = match name.split_once(": ") {
                Some((of, path)) => {
                    (target, module) = (of.to_owned(), None);
                    path.to_owned()
                }
                None => name.clone(),
            };
            let test = match path.rsplit_once("::") {
                Some((of, test)) => {
                    module = Some(of.to_owned());
                    test
                }
                None => &path,
            };
            let places = files(&target, module.as_deref());
            let there = places
                .iter()
                .any(|file| fs::read_to_string(file).unwrap().contains(&format!("fn {test}(")));
            assert!(there, "{}: there is no test `{name}` in {places:?}", cells[0]);
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}

#[test]
fn every_feature_of_the_plugin_has_a_row_with_a_test_or_a_reason() {
    let rows = rows();
    let proof = |feature: &str| {
        let row = rows.iter().find(|cells| cells[0] == feature);
        row.unwrap_or_else(|| panic!("no row for {feature}")).last().unwrap().clone()
    };
    for feature in FEATURES {
        assert!(!quoted(&proof(feature)).is_empty(), "{feature} is proven by nothing");
    }
    for feature in BESIDE {
        let proof = proof(feature);
        assert!(proof.contains(": ") || proof.starts_with("not here"), "{feature}: {proof}");
    }
}

#[test]
fn the_example_is_thirty_lines_and_calls_an_api() {
    let example = fs::read_to_string(here("examples/own_key/main.rs")).unwrap();
    let code = example.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("//") && !line.starts_with("#![allow")
    });
    assert!(code.count() <= 30);
    for part in ["sign_in()", "authorize(", ".send(request)"] {
        assert!(example.contains(part), "{part}");
    }
}
