//! Signatures are those of the official signers, part by part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "a test may fail by panicking; the example has a `main` of its own"
)]

#[path = "../examples/sign_vectors.rs"]
mod sign_vectors;

use sign_vectors::check_file;

const SDK: &str = include_str!("vectors/sign.json");
const MORE: &str = include_str!("vectors/sign_more.json");

#[test]
fn every_vector_is_met() {
    for (file, count) in [(SDK, 12), (MORE, 9)] {
        let report = check_file(file).unwrap();
        assert_eq!(report.vectors, count);
        assert!(report.mismatches.is_empty(), "{:#?}", report.mismatches);
    }
}

/// A check that cannot fail would prove nothing.
#[test]
fn a_vector_that_is_off_by_a_letter_is_found() {
    for (part, other) in [("cn-beijing", "cn-beijinh"), ("POST", "PUT"), ("AKLT", "AKLX")] {
        let mut file: serde_json::Value = serde_json::from_str(SDK).unwrap();
        let vector = &mut file["vectors"][0];
        let expected = vector["expected"].take();
        let text = vector.to_string().replace(part, other);
        *vector = serde_json::from_str(&text).unwrap();
        vector["expected"] = expected;
        let report = check_file(&file.to_string()).unwrap();
        assert!(!report.mismatches.is_empty(), "{part}");
    }
    let nothing = r#"{"vectors":[]}"#;
    assert!(check_file(nothing).is_err());
}

#[test]
fn every_member_of_expected_is_compared() {
    for file in [SDK, MORE] {
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let mut members: Vec<String> =
            file["vectors"][0]["expected"].as_object().unwrap().keys().cloned().collect();
        members.push("not_known".to_owned());
        for member in members {
            let mut file = file.clone();
            for other in ["another", "00"] {
                file["vectors"][0]["expected"][&member] = other.into();
                let report = check_file(&file.to_string()).unwrap();
                assert_eq!(report.mismatches.len(), 1, "{member} may be anything");
            }
        }
    }
}
