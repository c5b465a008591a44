//! What stands outside the gateway: an issuer, Volcengine, an OpenClaw, and a folder for grants.

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::Clock;
use oauth_provider::{HttpClient, ReqwestClient};
use resolution_engine::{SystemClock, SystemRandom};
use volcengine_provider::emulator::{EXAMPLE, Emulator, State};

use super::issuer::Issuer;
use super::keys::StoreKey;
use super::openclaw::StateFolder;
use super::options::Pace;

/// How long an access token of the issuer lives.
const TOKEN_LIFE: Duration = Duration::from_secs(3);
const SHORT_LIFE: Duration = Duration::from_secs(2);

/// All of it. Both gateways of the story stand in the same one.
pub(super) struct World {
    pub(super) folder: PathBuf,
    pub(super) key: Arc<StoreKey>,
    pub(super) issuer: Issuer,
    pub(super) emulator: Emulator,
    pub(super) openclaw: StateFolder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: Arc<dyn HttpClient>,
}

impl World {
    /// Starts it in `folder`, with ports that the system chooses.
    pub(super) async fn start(
        pace: Pace,
        folder: &Path,
        key: Arc<StoreKey>,
    ) -> Result<Arc<Self>, Box<dyn Error + Send + Sync>> {
        let (life, latency) = match pace {
            Pace::Told => (TOKEN_LIFE, (50, 100)),
            Pace::Fast => (SHORT_LIFE, (30, 60)),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (state, random) = (State::from_json(EXAMPLE)?, Box::new(SystemRandom::new()));
        let port = (Ipv4Addr::LOCALHOST, 0).into();
        let emulator = Emulator::start_on(port, state, clock.clone(), random).await?;
        Ok(Arc::new(Self {
            folder: folder.to_owned(),
            key,
            issuer: Issuer::start(life, latency).await?,
            emulator,
            openclaw: StateFolder::create(folder)?,
            clock,
            http: Arc::new(ReqwestClient::new()?),
        }))
    }
}
