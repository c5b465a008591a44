//! Which host is asked, and for which region requests to it are signed.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, InvalidId, Origin, Timestamp};
use futures::future::{Either, select};
use oauth_provider::{HttpClient, HttpRequest};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use crate::sign::{DEFAULT_REGION, Site, is_region};

/// How long the region's metadata is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a failure the default serves for this long.
const FALLBACK_LIFE: Duration = Duration::from_secs(60);
/// A region's id is short; more is something else.
const LONGEST_ANSWER: usize = 256;

/// A service of this crate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Agent Identity: `id`, version 2025-10-30.
    Identity,
    /// Security tokens: `sts`, version 2018-01-01.
    Sts,
}

impl Service {
    /// The code that signatures and hosts are made with.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Identity => "id",
            Self::Sts => "sts",
        }
    }

    /// The version of its API.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::Identity => "2025-10-30",
            Self::Sts => "2018-01-01",
        }
    }
}

/// Where Agent Identity is.
pub(crate) enum IdentityHost {
    /// At this site.
    Given(Site),
    /// In the region that `url` tells, or at `fallback`.
    RegionAt { url: String, fallback: Site },
}

pub(crate) struct Endpoints {
    pub(crate) identity: IdentityHost,
    pub(crate) sts: Site,
    /// For the region's address: it may have no TLS.
    pub(crate) metadata: Arc<dyn HttpClient>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the metadata told, and until when that counts. Held over the fetch it guards.
    pub(crate) learned: Mutex<Option<(Site, Timestamp)>>,
}

impl Endpoints {
    /// The site of a service. Cancel-safe.
    pub(crate) async fn site(&self, service: Service) -> Site {
        let (url, fallback) = match (service, &self.identity) {
            (Service::Sts, _) => return self.sts.clone(),
            (Service::Identity, IdentityHost::Given(site)) => return site.clone(),
            (Service::Identity, IdentityHost::RegionAt { url, fallback }) => (url, fallback),
        };
        let mut learned = self.learned.lock().await;
        let now = self.clock.now();
        if let Some((site, until)) = &*learned
            && now < *until
        {
            return site.clone();
        }
        let told = self.region(url).await.and_then(|region| identity_in(&region).ok());
        let (site, until) = told.map_or_else(
            || {
                tracing::debug!("the region's metadata does not tell: {DEFAULT_REGION} is taken");
                (fallback.clone(), self.clock.now().plus(FALLBACK_LIFE))
            },
            |site| (site, Timestamp::MAX),
        );
        *learned = Some((site.clone(), until));
        site
    }

    async fn region(&self, url: &str) -> Option<String> {
        let request = HttpRequest::get(url, LONGEST_ANSWER);
        let limit = self.clock.sleep_until(self.clock.now().plus(PATIENCE));
        let answer = match select(self.metadata.send(request), limit).await {
            Either::Left((answer, _)) => answer.ok()?,
            Either::Right(_) => return None,
        };
        let text = std::str::from_utf8(answer.body.expose_secret()).ok()?.trim();
        // `unknown` is what the service says where there is no region.
        let told = answer.status == 200 && is_region(text) && text != "unknown";
        told.then(|| text.to_owned())
    }
}

/// Agent Identity's site in a region.
pub(crate) fn identity_in(region: &str) -> Result<Site, InvalidId> {
    let origin = Origin::new("https", &format!("id.{region}.volcengineapi.com"), 443)?;
    Ok(Site::new(origin, Service::Identity.code(), region))
}

/// The site where STS is for everybody.
pub(crate) fn usual_sts() -> Result<Site, InvalidId> {
    let origin = Origin::new("https", "sts.volcengineapi.com", 443)?;
    Ok(Site::new(origin, Service::Sts.code(), DEFAULT_REGION))
}
