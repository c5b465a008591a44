//! The story, one chapter a file.

mod crowd;
mod denied;
mod ending;
mod identity;
mod outage;
mod people;
mod profiles;
mod rejection;
mod renewal;
mod revocation;
mod shared;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use super::checks::Checks;
use super::events;
use super::host::Host;
use super::keys::StoreKey;
use super::narrator::Narrator;
use super::options::Pace;
use super::world::World;

type Chapter = Result<(), Box<dyn Error + Send + Sync>>;

/// Tells it all. An error is a gateway that could not start.
pub(super) async fn tell(
    pace: Pace,
    narrator: Arc<Narrator>,
    checks: Arc<Checks>,
    folder: PathBuf,
    key: Arc<StoreKey>,
) -> Chapter {
    let world = World::start(pace, &folder, key).await?;
    let host = Host::open("gateway", pace, &narrator, &checks, &world).await?;
    let printing = tokio::spawn(events::print(&host));
    if let Err(error) = chapters(&host).await {
        checks.expect(false, format!("the story is told to its end, not: {error}"));
    }
    ending::shut_down(&host, printing).await;
    table::print(&host);
    // Whoever still has the gateway would keep the engine alive.
    checks.expect(Arc::into_inner(host).is_some(), "no task holds on to the gateway");
    Ok(())
}

async fn chapters(host: &Arc<Host>) -> Chapter {
    denied::tell(host).await?;
    profiles::tell(host).await?;
    people::tell(host).await?;
    identity::tell(host).await?;
    crowd::tell(host).await?;
    renewal::tell(host).await?;
    rejection::tell(host).await?;
    outage::tell(host).await?;
    revocation::tell(host).await?;
    shared::tell(host).await?;
    ending::end_session(host).await
}
