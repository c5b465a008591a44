//! The profiles of one agent, as one document.

use std::fmt;

use credential_provider_api::Timestamp;

use super::config::Config;
use super::eligibility::Eligibility;
use super::era::Era;
use super::profile::{Profile, Skipped};
use super::provider_name::normalized;
use super::usage::Usage;
use crate::json::{NotAnObject, Object, Raw};

const PROFILES: &str = "profiles";
const ORDER: &str = "order";
const LAST_GOOD: &str = "lastGood";
const USAGE: &str = "usageStats";

/// One store's profiles, their order and their use, with all that we do not know.
///
/// Era A keeps all in one document; later eras keep order and use in a second one, which wins over the
/// same entries of the first. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Profiles {
    profiles: Object,
    state: Option<Object>,
    era: Era,
    /// The profiles inherited from the main agent: seen, never edited here.
    main: Option<Box<Self>>,
}

impl Profiles {
    /// A store without profiles, of one document.
    #[must_use]
    pub fn empty() -> Self {
        let mut profiles = Object::new();
        profiles.set("version", Raw::from_number(1.0));
        profiles.set(PROFILES, Raw::from_object(&Object::new(), 1));
        Self { profiles, state: None, era: Era::A, main: None }
    }

    /// Reads a store: its profiles, and the document with order and use where there is one.
    ///
    /// # Errors
    /// [`NotAnObject`], for a document whose `profiles` are none either.
    pub fn parse(profiles: &str, state: Option<&str>) -> Result<Self, NotAnObject> {
        let profiles = Object::parse(profiles)?;
        if profiles.get(PROFILES).is_some_and(|raw| raw.object().is_none()) {
            return Err(NotAnObject { line: 0, column: 0 });
        }
        let state = state.map(Object::parse).transpose()?;
        let era = if state.is_some() { Era::B } else { Era::A };
        Ok(Self { profiles, state, era, main: None })
    }

    /// The same, by the rules of another era.
    #[must_use]
    pub const fn of_era(mut self, era: Era) -> Self {
        self.era = era;
        self
    }

    /// The era whose rules decide.
    #[must_use]
    pub const fn era(&self) -> Era {
        self.era
    }

    /// Whether OpenClaw would consider a profile for a provider.
    #[must_use]
    pub fn eligibility(
        &self,
        id: &str,
        provider: &str,
        config: &Config,
        now: Timestamp,
    ) -> Eligibility {
        Eligibility::of(self.profile(id).as_ref(), provider, config.profile(id), self.era, now)
    }

    /// The same, with the main agent's profiles seen through: an own entry hides the main agent's.
    #[must_use]
    pub fn inheriting(mut self, main: Self) -> Self {
        self.main = Some(Box::new(main));
        self
    }

    /// The document with the profiles, as it is to be written.
    #[must_use]
    pub(crate) const fn document(&self) -> &Object {
        &self.profiles
    }

    /// The document with order and use, where it is one of its own.
    #[must_use]
    pub(crate) const fn state_document(&self) -> Option<&Object> {
        self.state.as_ref()
    }

    /// A profile that OpenClaw would understand.
    #[must_use]
    pub fn profile(&self, id: &str) -> Option<Profile> {
        let own = self.own_entry(id).and_then(|entry| Profile::read(&entry).ok());
        own.or_else(|| self.main.as_ref()?.profile(id))
    }

    /// All profiles that OpenClaw would understand, inherited ones first.
    pub fn profiles(&self) -> impl Iterator<Item = (String, Profile)> {
        let inherited = self.main.iter().flat_map(|main| main.profiles());
        let mut all: Vec<(String, Profile)> = inherited.collect();
        for (id, profile) in self.own_profiles() {
            match all.iter_mut().find(|(other, _)| *other == id) {
                Some((_, hidden)) => *hidden = profile,
                None => all.push((id, profile)),
            }
        }
        all.into_iter()
    }

    /// The entries that OpenClaw skips, and why. It drops them when it next saves; we do not.
    #[must_use]
    pub fn skipped(&self) -> Vec<(String, Skipped)> {
        let entries = self.profiles.object(PROFILES).unwrap_or_default();
        let read = |(id, raw): (&str, &Raw)| Some((id.to_owned(), Profile::read(raw).err()?));
        entries.entries().filter_map(read).collect()
    }

    /// Whether a profile is the main agent's, seen through.
    #[must_use]
    pub fn is_inherited(&self, id: &str) -> bool {
        self.own_entry(id).is_none_or(|entry| Profile::read(&entry).is_err())
            && self.main.as_ref().is_some_and(|main| main.profile(id).is_some())
    }

    /// Whether an entry of this id stands here, understood or not.
    #[must_use]
    pub fn has_entry(&self, id: &str) -> bool {
        self.own_entry(id).is_some()
    }

    /// The explicit order for a provider, by its name as it stands.
    #[must_use]
    pub fn order(&self, provider: &str) -> Option<Vec<String>> {
        let found = self.by_provider(ORDER, provider, |raw| {
            let ids = raw.list()?.into_iter().filter_map(|item| {
                let text = item.text()?;
                let text = text.trim();
                (!text.is_empty()).then(|| text.to_owned())
            });
            Some(ids.collect::<Vec<_>>()).filter(|ids| !ids.is_empty())
        })?;
        if self.main.is_none() {
            return Some(found);
        }
        // What both stores have lost is no order any more.
        let known: Vec<String> =
            found.into_iter().filter(|id| self.profile(id).is_some()).collect();
        (!known.is_empty()).then_some(known)
    }

    /// The profile that last worked for a provider.
    #[must_use]
    pub fn last_good(&self, provider: &str) -> Option<String> {
        self.by_provider(LAST_GOOD, provider, |raw| Some(raw.text()?.to_string()))
    }

    /// What is remembered of a profile's use.
    #[must_use]
    pub fn usage(&self, id: &str) -> Usage {
        let own = self.section(USAGE).and_then(|all| all.object(id)).map(Usage::new);
        own.or_else(|| Some(self.main.as_ref()?.usage(id))).unwrap_or_default()
    }

    /// Puts a profile in its place.
    pub fn put(&mut self, id: &str, profile: &Profile) {
        let mut entries = self.profiles.object(PROFILES).unwrap_or_default();
        entries.set(id, Raw::from_object(profile.entry(), 2));
        self.profiles.set(PROFILES, Raw::from_object(&entries, 1));
    }

    /// Takes a profile out, with its use and its places in every order.
    pub fn remove(&mut self, id: &str) {
        let mut entries = self.profiles.object(PROFILES).unwrap_or_default();
        if entries.get(id).is_none() {
            return;
        }
        entries.remove(id);
        self.profiles.set(PROFILES, Raw::from_object(&entries, 1));
        self.change(USAGE, |all| all.remove(id));
        self.change(ORDER, |orders| {
            let named = |(provider, raw): (&str, &Raw)| Some((provider.to_owned(), raw.list()?));
            let lists: Vec<_> = orders.entries().filter_map(named).collect();
            for (provider, list) in lists {
                let left: Vec<_> = list.iter().filter_map(Raw::text).collect();
                if left.len() == list.len() && left.iter().any(|other| **other == id) {
                    let left = left.iter().map(|text| text.as_str()).filter(|other| *other != id);
                    orders.set(&provider, Raw::from_texts(left));
                }
            }
        });
        self.change(LAST_GOOD, |good| {
            let is_it = |(provider, raw): (&str, &Raw)| {
                raw.text().is_some_and(|text| *text == id).then(|| provider.to_owned())
            };
            let providers: Vec<String> = good.entries().filter_map(is_it).collect();
            providers.iter().for_each(|provider| good.remove(provider));
        });
    }

    /// Takes a profile out and leaves its use and its places in every order, for when it returns.
    pub fn take_out(&mut self, id: &str) {
        let mut entries = self.profiles.object(PROFILES).unwrap_or_default();
        if entries.get(id).is_some() {
            entries.remove(id);
            self.profiles.set(PROFILES, Raw::from_object(&entries, 1));
        }
    }

    /// Remembers a profile's use.
    pub fn set_usage(&mut self, id: &str, usage: &Usage) {
        self.change(USAGE, |all| all.set(id, Raw::from_object(usage.object(), 2)));
    }

    /// Says in which order a provider's profiles are tried; an empty order says nothing.
    pub fn set_order<'a>(&mut self, provider: &str, ids: impl IntoIterator<Item = &'a str>) {
        let ids: Vec<&str> = ids.into_iter().collect();
        self.change(ORDER, |orders| {
            let name = existing(orders, provider);
            if ids.is_empty() {
                orders.remove(&name);
            } else {
                orders.set(&name, Raw::from_texts(ids));
            }
        });
    }

    /// Says which profile last worked for a provider.
    pub fn set_last_good(&mut self, provider: &str, id: &str) {
        self.change(LAST_GOOD, |good| {
            let name = existing(good, provider);
            good.set(&name, Raw::from_text(id));
        });
    }

    /// Forgets that this profile last worked for a provider, if it is the one remembered.
    pub fn clear_last_good(&mut self, provider: &str, id: &str) {
        self.change(LAST_GOOD, |good| {
            let name = existing(good, provider);
            if good.text(&name).is_some_and(|known| *known == id) {
                good.remove(&name);
            }
        });
    }

    fn own_entry(&self, id: &str) -> Option<Raw> {
        self.profiles.object(PROFILES)?.get(id).cloned()
    }

    fn own_profiles(&self) -> impl Iterator<Item = (String, Profile)> {
        let entries = self.profiles.object(PROFILES).unwrap_or_default();
        let read = |(id, raw): (&str, &Raw)| Some((id.to_owned(), Profile::read(raw).ok()?));
        entries.entries().filter_map(read).collect::<Vec<_>>().into_iter()
    }

    /// A section of order and use: the second document's, if it has it.
    fn section(&self, name: &str) -> Option<Object> {
        let second = self.state.as_ref().and_then(|state| state.object(name));
        second.or_else(|| self.profiles.object(name))
    }

    fn by_provider<T>(
        &self,
        section: &str,
        provider: &str,
        read: impl Fn(&Raw) -> Option<T> + Copy,
    ) -> Option<T> {
        let wanted = normalized(provider);
        let own = self.section(section).and_then(|all| {
            let mut entries = all.entries().filter(|(name, _)| normalized(name) == wanted);
            entries.find_map(|(_, raw)| read(raw))
        });
        own.or_else(|| self.main.as_ref()?.by_provider(section, provider, read))
    }

    /// Changes a section where it is to stand, with what the first document said of it before.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Object)) {
        let before = self.section(name);
        let mut section = before.clone().unwrap_or_default();
        change(&mut section);
        if before.as_ref() == Some(&section) || (before.is_none() && section.is_empty()) {
            return;
        }
        let document = self.state.as_mut().unwrap_or(&mut self.profiles);
        if section.is_empty() {
            document.remove(name);
        } else {
            document.set(name, Raw::from_object(&section, 1));
        }
    }
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.profiles().map(|(id, _)| id).collect();
        f.debug_struct("Profiles").field("ids", &ids).finish_non_exhaustive()
    }
}

/// The name under which a provider stands already, however it is written.
fn existing(section: &Object, provider: &str) -> String {
    let wanted = normalized(provider);
    let found = section.entries().find(|(name, _)| normalized(name) == wanted);
    found.map_or_else(|| wanted.clone(), |(name, _)| name.to_owned())
}
