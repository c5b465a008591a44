//! The story, one chapter a file.

mod crowd;
mod denied;
mod ending;
mod outage;
mod rejection;
mod renewal;
mod revocation;
mod rotation;
mod shared;
mod sign_in;
mod table;

use std::error::Error;
use std::sync::Arc;

use super::events;
use super::host::Host;

type Chapter = Result<(), Box<dyn Error + Send + Sync>>;

/// Tells it all; whether everything expected came true.
pub(super) async fn tell(host: Arc<Host>) -> bool {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let narrator = host.narrator.clone();
    let folder = host.folder.path().to_owned();
    let printing = tokio::spawn(events::print(&host));
    if let Err(error) = chapters(&host).await {
        let told = format!("the story is told to its end, not: {error}");
        host.checks.expect(false, told);
    }
    ending::shut_down(&host, printing).await;
    table::print(&host);
    let checks = ending::close(host);
    let left = tasks();
    checks.expect(left == 0, format!("every task has ended ({left} have not)"));
    checks.expect(!folder.exists(), "nothing is left of the folder");
    let withheld = narrator.withheld();
    checks.expect(withheld == 0, "no line holds a secret");
    narrator.chapter("what was expected");
    checks.conclude(&narrator)
}

async fn chapters(host: &Arc<Host>) -> Chapter {
    denied::tell(host).await?;
    sign_in::tell(host).await?;
    crowd::tell(host).await?;
    renewal::tell(host).await?;
    rejection::tell(host).await?;
    outage::tell(host).await?;
    rotation::tell(host).await?;
    revocation::tell(host).await?;
    shared::tell(host).await?;
    ending::end_session(host).await
}
