//! The gateway starts; nobody has anything that was not granted.

use std::sync::Arc;

use credential_provider_api::ErrorCode;

use super::Chapter;
use crate::gateway::host::Host;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    host.narrator.chapter("the gateway starts");
    for (provider, _) in host.administrator.providers() {
        for credential in &provider.credentials {
            let (id, text) = (credential.id.as_str(), &credential.description);
            let scope = format!("{:?}", credential.scope).to_lowercase();
            let name = format!("{}/{id}", provider.id);
            host.say("gateway", format!("{name:<19} {text} ({scope})"));
        }
    }
    let folder = host.world.folder.display();
    host.say("gateway", format!("writes to {folder} alone, until it stops"));
    host.say(
        "gateway",
        format!("keeps grants there, encrypted; the key is {}", host.world.key.describe()),
    );
    host.say("gateway", "secrets are shown as ••••#fingerprint, with the revision (r1, r2, …)");
    host.pause().await;

    let refused = host.request(&host.stranger, &host.calendar, &host.alice).await;
    let code = refused.as_ref().err().map(|error| error.code());
    if let Err(error) = refused {
        host.say("skill:weather", format!("asks for alice's calendar: {}", error.code()));
        host.say("skill:weather", format!("is told: {}", error.next_step()));
    }
    host.checks
        .expect(code == Some(ErrorCode::AccessDenied), "a consumer without a grant is denied");
    host.pause().await;
    Ok(())
}
