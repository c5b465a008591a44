//! Two processes and one folder.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use authprofile_bridge::openclaw::Home;
use authprofile_bridge::provider::{AuthProfileProvider, ModelProvider};
use authprofile_bridge::renewal::{NotRenewed, ProfileIssuer, RenewedLogin, StoredLogin};
use credential_provider_api::*;
use resolution_engine::SystemClock;

use super::world::at;

const FOLDER: &str = "AUTHPROFILE_TEST_FOLDER";
const ROTATIONS: usize = 20;

/// An issuer that is a folder: a token is spent by making a file of its name.
struct FolderIssuer(PathBuf);

#[async_trait]
impl ProfileIssuer for FolderIssuer {
    async fn renew(
        &self,
        login: &StoredLogin,
        request: &Request,
    ) -> Result<RenewedLogin, NotRenewed> {
        let token = login.refresh_token.expose_secret();
        let mut options = OpenOptions::new();
        if options.write(true).create_new(true).open(self.0.join(token)).is_err() {
            fs::write(self.0.join("reused"), token).unwrap();
            return Err(NotRenewed::refused("refresh_token_reused"));
        }
        let nth: usize = token.trim_start_matches("refresh-").parse().unwrap();
        let next = nth + 1;
        Ok(RenewedLogin::new(format!("access-{next}").into())
            .with_refresh(format!("refresh-{next}").into())
            .with_expiry(request.now().plus(std::time::Duration::from_secs(3600))))
    }
}

#[tokio::test]
async fn promise_1_two_processes_spend_each_refresh_token_once() {
    let folder = super::folder();
    let agent = folder.0.join("agents/main/agent");
    fs::create_dir_all(&agent).unwrap();
    fs::create_dir(folder.0.join("issuer")).unwrap();
    let login = r#"{"profiles":{"codex:me":{"type":"oauth","provider":"codex","access":"access-0","refresh":"refresh-0","expires":1}}}"#;
    fs::write(agent.join("auth-profiles.json"), login).unwrap();
    let children: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::one_of_the_processes", "--ignored"])
                .env(FOLDER, &folder.0)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap();
        assert!(status.unwrap().success());
    }
    assert!(!folder.0.join("issuer/reused").exists());
    let spent = fs::read_dir(folder.0.join("issuer")).unwrap().count();
    let stored = fs::read_to_string(agent.join("auth-profiles.json")).unwrap();
    assert!(stored.contains(&format!("\"refresh-{spent}\"")), "{stored}");
    assert!(spent >= ROTATIONS, "{spent}");
    let left: Vec<_> = fs::read_dir(folder.0.join("locks/oauth-refresh")).unwrap().collect();
    assert!(left.is_empty(), "no lock is left behind");
}

/// Run by the test above, twice at once.
#[tokio::test]
#[ignore = "a part of another test"]
async fn one_of_the_processes() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let issuer = ModelProvider::new().issuer(Arc::new(FolderIssuer(folder.join("issuer"))));
    let provider =
        AuthProfileProvider::builder(ProviderId::new("auth").unwrap(), Home::at(&folder));
    let provider = provider.model_provider("codex", issuer).build(clock.clone()).unwrap();
    let request = Request::new(Key::gateway(&at("codex:me")), clock);
    let Resolution::Credential(mut current) = provider.resolve(&request).await.unwrap() else {
        panic!("a login")
    };
    for _ in 0..ROTATIONS {
        let next = provider.refresh(&request, &current, Reason::Rejected).await.unwrap();
        let Resolution::Credential(next) = next else { panic!("{next:?}") };
        assert!(!next.same_secrets(&current));
        current = next;
    }
}
