//! `GET /events`: what happens, as server-sent events (HTML Living Standard §9.2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use credential_provider_api::{Clock, Sleep};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use resolution_engine::{Delivery, EventStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::connection::Shared;
use super::gate::Session;
use super::reply::Reply;
use crate::control::EventLine;

/// A word now and then, so that a browser that is gone is noticed.
const PAUSE: Duration = Duration::from_secs(15);

/// Events from now on, until the session or the gateway ends, or the session makes room for another.
pub(super) fn events(shared: &Shared, session: &Session) -> Reply {
    let Ok(permit) = shared.streams.clone().try_acquire_owned() else {
        return Reply::text(503, "too many pages are open\n");
    };
    let clock = shared.gate.clock().clone();
    let watched = Watched {
        events: shared.operations.host().engine().events(),
        stop: shared.stop.clone(),
        replaced: session.replaced.clone(),
        end: clock.sleep_until(session.until),
        clock,
        begun: false,
        _permit: permit,
    };
    let frames = futures::stream::unfold(watched, |mut watched| async move {
        let text = watched.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(text)), watched))
    });
    Reply::streamed(200, "text/event-stream", StreamBody::new(frames).boxed_unsync())
}

struct Watched {
    events: EventStream,
    stop: CancellationToken,
    replaced: CancellationToken,
    clock: Arc<dyn Clock>,
    end: Sleep,
    begun: bool,
    _permit: OwnedSemaphorePermit,
}

impl Watched {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.begun {
            self.begun = true;
            return Some(Bytes::from_static(b"retry: 2000\nevent: ready\ndata: {}\n\n"));
        }
        let pause = self.clock.sleep_until(self.clock.now().plus(PAUSE));
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.replaced.cancelled() => None,
            () = &mut self.end => None,
            delivery = self.events.next() => Some(match delivery? {
                Delivery::Event(event) => message(&EventLine::from(&event)),
                _ => Bytes::from_static(b"event: missed\ndata: {}\n\n"),
            }),
            () = pause => Some(Bytes::from_static(b":\n\n")),
        }
    }
}

/// JSON has no line's end in it.
fn message(line: &EventLine) -> Bytes {
    let json = serde_json::to_string(line).unwrap_or_else(|_| "{}".to_owned());
    Bytes::from(format!("event: happened\ndata: {json}\n\n"))
}
