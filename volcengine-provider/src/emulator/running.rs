//! A running emulator, and what a test does with it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use credential_provider_api::{Clock, Random, SeededRandom};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::client::ask;
use super::counters::Counters;
use super::error::EmulatorError;
use super::faults::{Failure, Faults};
use super::gateway::shapes;
use super::issuer::{Login, token_answer};
use super::server::{Shared, serve};
use super::state::State;
use super::world::World;

/// An emulator that serves until it is stopped or dropped.
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
}

/// What somebody does on a sign-in or consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Person<'a> {
    /// Agrees, under this name.
    Allows(&'a str),
    /// Does not agree.
    Denies,
}

impl Emulator {
    /// Starts on a port of loopback that the system chooses. The same state and calls give the same
    /// ids and keys, so that a test repeats itself.
    ///
    /// # Errors
    /// [`EmulatorError`] if there is no port, or the state is not usable.
    pub async fn start(state: State, clock: Arc<dyn Clock>) -> Result<Self, EmulatorError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_on(listen, state, clock, Box::new(SeededRandom::new(1))).await
    }

    /// Starts on `listen`, with ids and tokens from `random`.
    ///
    /// # Errors
    /// As for [`start`](Self::start); also if `listen` is not on loopback.
    pub async fn start_on(
        listen: SocketAddr,
        state: State,
        clock: Arc<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Result<Self, EmulatorError> {
        if !listen.ip().is_loopback() {
            return Err(EmulatorError::Listen(std::io::Error::other("only on loopback")));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let world = World::new(state, address, clock.clone(), random)?;
        let shapes = shapes().map_err(|_| EmulatorError::Unknown("readable table of shapes"))?;
        let shared = Arc::new(Shared::new(world, shapes, clock));
        let (stop, stopped) = watch::channel(());
        let server = tokio::spawn(serve(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop, server })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`: the endpoint of Identity, of STS and of the metadata server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The state now, with all that calls have changed.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.world().state.clone()
    }

    /// Changes the state: deletes a workload, renames a pool, disables a user, sets faults. What is
    /// added with fields left out is completed as at the start.
    pub fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut world = self.shared.world();
        let result = change(&mut world.state);
        world.complete();
        result
    }

    /// Sets the switches for faults in place of those there were.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.world().state.faults = faults;
    }

    /// Adds an answer in place of an action's own.
    pub fn fail(&self, failure: Failure) {
        self.shared.world().state.faults.failures.push(failure);
    }

    /// Ends every temporary key now.
    pub fn expire_sts(&self) {
        self.shared.world().expire_sts();
    }

    /// What was asked for so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.world().counters.clone()
    }

    /// The identifier of the issuer of the user pool with this uid.
    #[must_use]
    pub fn user_pool_issuer(&self, uid: &str) -> String {
        self.shared.world().user_pool_issuer(uid)
    }

    /// The identifier of the issuer of workload tokens of the pool with this id.
    #[must_use]
    pub fn workload_issuer(&self, pool_id: &str) -> String {
        self.shared.world().workload_issuer(pool_id)
    }

    /// An ID token of a user pool's own issuer for the user with this name, as a sign-in gives.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] if pool, client or user is not there or the user is disabled.
    pub fn id_token(&self, pool: &str, client: &str, user: &str) -> Result<String, EmulatorError> {
        let mut world = self.shared.world();
        let (_, found) = world.state.user_pool(pool).ok_or(EmulatorError::Unknown("user pool"))?;
        let known = found.clients.iter().find(|one| one.uid == client).cloned();
        let known = known.ok_or(EmulatorError::Unknown("client"))?;
        let uid = found.users.iter().find(|one| one.name == user).map(|one| one.uid.clone());
        let login = Login {
            pool: pool.to_owned(),
            client: client.to_owned(),
            user: uid.ok_or(EmulatorError::Unknown("user"))?,
            scope: "openid".into(),
            nonce: None,
            end: None,
        };
        let answer = token_answer(&mut world, &known, login, true);
        answer
            .and_then(|answer| Some(answer.get("id_token")?.as_str()?.to_owned()))
            .ok_or(EmulatorError::Unknown("enabled user"))
    }

    /// Opens a page of this emulator, does what `person` does there, and follows redirects for as
    /// long as they stay with the emulator. The address it is sent to in the end, which is not
    /// opened; the emulator's own page if it stays there. Dropping the future leaves the page as
    /// far as it came.
    ///
    /// # Errors
    /// [`EmulatorError::Page`] if a page refuses or does not answer.
    pub async fn browse(&self, url: &str, person: Person<'_>) -> Result<String, EmulatorError> {
        let mut place = Url::parse(url).map_err(|_| EmulatorError::Page(0))?;
        let form = match person {
            Person::Allows(login) => url::form_urlencoded::Serializer::new(String::new())
                .append_pair("login", login)
                .append_pair("decision", "allow")
                .finish(),
            Person::Denies => "decision=deny".to_owned(),
        };
        let here = self.url();
        let at_home = |place: &Url| place.origin().ascii_serialization() == here;
        let page = ask(&place, None).await.ok_or(EmulatorError::Page(0))?;
        if page.status != 200 && page.location.is_none() {
            return Err(EmulatorError::Page(page.status));
        }
        let mut answer = match page.location {
            Some(_) => page,
            None => ask(&place, Some(form)).await.ok_or(EmulatorError::Page(0))?,
        };
        loop {
            let Some(to) = answer.location else {
                return match answer.status {
                    200 => Ok(place.into()),
                    status => Err(EmulatorError::Page(status)),
                };
            };
            place = place.join(&to).map_err(|_| EmulatorError::Page(0))?;
            if !at_home(&place) {
                return Ok(place.into());
            }
            answer = ask(&place, None).await.ok_or(EmulatorError::Page(0))?;
        }
    }

    /// Stops listening, ends every connection, and returns when all of that has ended.
    pub async fn stop(self) {
        // An error says that it has ended already.
        let _ = self.stop.send(());
        let _ = self.server.await;
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}
