//! The page that a new user reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

const README: &str = include_str!("../README.md");

#[test]
fn what_the_readme_names_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: Vec<&str> = README
        .split('`')
        .filter(|part| part.starts_with("tests/") && part.ends_with(".rs"))
        .collect();
    assert!(!tests.is_empty());
    let links = README.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let links = links.map(|(to, _)| to).filter(|to| !to.starts_with('#') && !to.contains("://"));
    for name in links.chain(tests) {
        assert!(here.join(name).exists(), "{name}");
    }
}
