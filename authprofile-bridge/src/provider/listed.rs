//! Every profile with its standing, for people and for tables.

use credential_provider_api::{
    CredentialDescriptor, CredentialError, CredentialId, CredentialKind, IdPattern, Timestamp,
};

use super::choice::why_all;
use super::core::{Core, View};
use crate::openclaw::provider_name::auth_name;
use crate::openclaw::{Eligibility, For, NoSecret, Profile, ProfileKind, Skipped, order};
use crate::renewal::Inherited;

/// A profile, and whether and why it may be used. Nothing in it is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The model provider; empty for an entry that OpenClaw skips.
    pub provider: String,
    /// Its kind; none for an entry that OpenClaw skips.
    pub kind: Option<ProfileKind>,
    /// OpenClaw's code.
    pub eligibility: Eligibility,
    /// When its secret ends, where it says so.
    pub expires_at: Option<Timestamp>,
    /// Until when it cools down, for one model at least.
    pub cooling_until: Option<Timestamp>,
    /// The one model that it cools down for.
    pub cooling_model: Option<String>,
    /// Why it cools down, in OpenClaw's words.
    pub reason: Option<&'static str>,
    /// Whether it is the main agent's, seen through.
    pub inherited: Seen,
    /// What stands in place of its secret.
    pub no_secret: Option<NoSecret>,
    /// Why OpenClaw skips the entry.
    pub skipped: Option<Skipped>,
}

/// Whose a profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Seen {
    /// The agent's own.
    Own,
    /// The main agent's, seen through.
    Inherited,
}

impl Listed {
    /// Whether OpenClaw is renewing it, or has failed to: it is not served.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.no_secret == Some(NoSecret::Fence)
    }

    fn line(&self, now: Timestamp) -> String {
        let mut line = self.eligibility.as_str().to_owned();
        if let Some(until) = self.cooling_until {
            let reason = self.reason.unwrap_or("unknown");
            line.push_str(&format!("; cools down for {} s: {reason}", now.until(until).as_secs()));
        }
        if self.is_fenced() {
            line.push_str("; fenced");
        }
        if self.inherited == Seen::Inherited {
            line.push_str("; the main agent's");
        }
        line
    }
}

impl Core {
    pub(crate) fn listed(&self, view: &View) -> Vec<Listed> {
        let now = self.clock.now();
        let listed = |(id, profile): (String, Profile)| {
            let (cooling_until, usage) = view.cooling(&id, None, now);
            let model = usage.object().text("cooldownModel").map(|model| model.to_string());
            let seen = match view.inherited(&id) {
                Inherited::Yes => Seen::Inherited,
                Inherited::No => Seen::Own,
            };
            Listed {
                eligibility: view.eligibility(&id, profile.provider(), now),
                expires_at: match profile.expires() {
                    crate::openclaw::Expiry::At(end) => Some(end),
                    _ => None,
                },
                reason: cooling_until.map(|_| why_all(std::iter::once(&usage), now)),
                cooling_model: model.filter(|_| cooling_until.is_some()),
                cooling_until,
                inherited: seen,
                no_secret: mark(&profile),
                skipped: None,
                kind: Some(profile.kind()),
                provider: profile.provider().to_owned(),
                id,
            }
        };
        let mut all: Vec<Listed> = view.profiles.profiles().map(listed).collect();
        all.extend(view.profiles.skipped().into_iter().map(|(id, skipped)| Listed {
            id,
            provider: String::new(),
            kind: None,
            eligibility: Eligibility::ProfileMissing,
            expires_at: None,
            cooling_until: None,
            cooling_model: None,
            reason: None,
            inherited: Seen::Own,
            no_secret: None,
            skipped: Some(skipped),
        }));
        all
    }

    /// What can be asked for by name: profiles, and model providers that have one.
    pub(crate) fn described(
        &self,
        view: &View,
    ) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let now = self.clock.now();
        let mut found: Vec<CredentialDescriptor> = Vec::new();
        let listed = self.listed(view);
        let understood = listed.iter().filter_map(|one| Some((one, one.kind?)));
        for (one, kind) in understood {
            if let Ok(id) = CredentialId::new(&one.id) {
                let described = CredentialDescriptor::gateway(IdPattern::from(&id), wire(kind));
                found.push(described.with_description(one.line(now)));
            }
        }
        let mut names: Vec<String> = listed
            .iter()
            .filter(|one| one.kind.is_some())
            .flat_map(|one| [one.provider.clone(), auth_name(&one.provider)])
            .collect();
        names.sort();
        names.dedup();
        for name in names {
            // A profile of that name is itself.
            if view.profiles.profile(&name).is_some() {
                continue;
            }
            let Ok(id) = CredentialId::new(&name) else { continue };
            let order = order(&view.profiles, &view.config, &name, For::default(), now);
            let first = order.first().and_then(|choice| view.profiles.profile(&choice.id));
            let kind = first.map_or(CredentialKind::ApiKey, |profile| wire(profile.kind()));
            let ids: Vec<&str> = order.iter().map(|choice| choice.id.as_str()).collect();
            let line = format!("in this order: {}", ids.join(", "));
            let described = CredentialDescriptor::gateway(IdPattern::from(&id), kind);
            found.push(described.with_description(line));
        }
        Ok(found)
    }
}

/// A profile's kind on the wire.
pub(crate) const fn wire(kind: ProfileKind) -> CredentialKind {
    match kind {
        ProfileKind::ApiKey => CredentialKind::ApiKey,
        ProfileKind::Token => CredentialKind::Token,
        ProfileKind::OAuth => CredentialKind::OAuth2,
    }
}

fn mark(profile: &Profile) -> Option<NoSecret> {
    let fields = ["key", "apiKey", "token", "access", "refresh"];
    let texts = fields.iter().filter_map(|field| profile.text(field));
    let marks = texts.filter_map(|text| NoSecret::of(&text));
    // `${NAME}` where a reference may stand is one.
    let own = profile.kind() == ProfileKind::OAuth;
    marks.into_iter().find(|mark| own || *mark != NoSecret::Unresolved)
}
