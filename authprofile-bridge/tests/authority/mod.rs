//! An authority that says what a test wants.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses a part; a test fails by panicking"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use authprofile_bridge::{Authority, News, NewsStream, Wanted};
use credential_provider_api::{
    Credential, CredentialError, CredentialRef, ErrorCode, Scope, State,
};
use futures::stream;
use tokio::sync::mpsc;

#[derive(Default)]
pub struct Fake(Mutex<Said>);

#[derive(Default)]
struct Said {
    answers: HashMap<CredentialRef, Result<Credential, CredentialError>>,
    scopes: HashMap<CredentialRef, Scope>,
    states: HashMap<CredentialRef, State>,
    asked: Vec<(CredentialRef, Option<String>, Duration)>,
    listeners: Vec<mpsc::UnboundedSender<News>>,
    hanging: Vec<CredentialRef>,
}

pub fn reference(text: &str) -> CredentialRef {
    CredentialRef::parse(text).unwrap()
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// From now on this is the answer; nobody is told.
    pub fn answer(&self, credential: &str, answer: Result<Credential, CredentialError>) {
        let mut said = self.0.lock().unwrap();
        let credential = reference(credential);
        said.scopes.entry(credential.clone()).or_insert(Scope::Gateway);
        said.states.insert(credential.clone(), State::Active);
        said.answers.insert(credential, answer);
    }

    pub fn fails(&self, credential: &str, code: ErrorCode) {
        self.answer(credential, Err(CredentialError::new(code, "as the test wants")));
    }

    pub fn scope_is(&self, credential: &str, scope: Scope) {
        self.0.lock().unwrap().scopes.insert(reference(credential), scope);
    }

    pub fn state_is(&self, credential: &str, state: State) {
        self.0.lock().unwrap().states.insert(reference(credential), state);
    }

    pub fn hangs(&self, credential: &str) {
        self.0.lock().unwrap().hanging.push(reference(credential));
    }

    pub fn tell(&self, news: &News) {
        self.0.lock().unwrap().listeners.retain(|listener| listener.send(news.clone()).is_ok());
    }

    pub fn tell_of(&self, credential: &str) {
        self.tell(&News::Credential(reference(credential)));
    }

    /// What it was asked for, with the session and the least validity.
    pub fn asked(&self) -> Vec<(CredentialRef, Option<String>, Duration)> {
        self.0.lock().unwrap().asked.clone()
    }
}

#[async_trait]
impl Authority for Fake {
    async fn get(&self, wanted: Wanted<'_>) -> Result<Arc<Credential>, CredentialError> {
        let (answer, hangs) = {
            let mut said = self.0.lock().unwrap();
            let session = wanted.session.map(|session| session.encoded().to_owned());
            said.asked.push((wanted.credential.clone(), session, wanted.at_least));
            let answer = said.answers.get(wanted.credential).cloned();
            (answer, said.hanging.contains(wanted.credential))
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        let missing = || Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        let answer = answer.unwrap_or_else(missing);
        answer.map(Arc::new).map_err(|error| error.about(wanted.credential))
    }

    fn scope(&self, credential: &CredentialRef) -> Option<Scope> {
        self.0.lock().unwrap().scopes.get(credential).copied()
    }

    fn state(&self, credential: &CredentialRef) -> Option<State> {
        self.0.lock().unwrap().states.get(credential).copied()
    }

    fn news(&self) -> NewsStream {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().unwrap().listeners.push(sender);
        Box::pin(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|news| (news, receiver))
        }))
    }
}
