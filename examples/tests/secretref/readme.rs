//! The bridge's README, followed to the letter but for where things are.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use authprofile_bridge::secret_ref::{
    SecretRefs, SecretsConfiguration, SystemEnvironment, read_reference,
};
use credential_provider_api::ExposeSecret as _;
use resolution_engine::SystemClock;
use serde_json::Value;

use super::common::{Folder, PROGRAM};

const README: &str = include_str!("../../../authprofile-bridge/README.md");

#[tokio::test]
async fn the_readmes_first_five_minutes_end_with_a_key() {
    let folder = Folder::new();
    let home = folder.path("");
    let here = README.replace("/home/me/", home.to_str().unwrap());
    let blocks: Vec<Value> = here
        .split("```json5\n")
        .skip(1)
        .map(|rest| json5::from_str(rest.split_once("```").unwrap().0).unwrap())
        .collect();
    let [gateway, openclaw] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    folder.file("keys.json", r#"{ "keys": { "openai": "sk-1" } }"#);
    folder.file("gateway.json5", &gateway.to_string());

    // Installed as it says: without `allowInsecurePath`.
    fs::create_dir(folder.path("bin")).unwrap();
    let installed = Command::new("install")
        .args(["-m", "700", PROGRAM])
        .arg(folder.path("bin/"))
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(installed.success());
    let mode = fs::metadata(folder.path("bin/secretref")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let section = SecretsConfiguration::read("secrets", &openclaw["secrets"]).unwrap();
    let clock = Arc::new(SystemClock::new());
    let secrets = SecretRefs::new(section, Arc::new(SystemEnvironment), clock);
    let key = &openclaw["models"]["providers"]["openai"]["apiKey"];
    let reference = read_reference(key, secrets.defaults()).unwrap().unwrap();
    let found = secrets.resolve_all(&[reference]).await.remove(0);
    assert_eq!(found.unwrap().expose_secret(), "sk-1");
}
