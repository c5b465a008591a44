//! What an item of a keychain goes by.

use std::collections::BTreeMap;
use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode};

/// An item of ours: written, rewritten and deleted under this name.
///
/// Secret Service: the attributes `service` and `account`, the label for people. macOS: service and
/// account of a generic password. Windows: service and user. keyutils: a key `service:account`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnItem {
    service: String,
    account: String,
}

impl OwnItem {
    /// The item `account` of `service`.
    ///
    /// # Errors
    /// `configuration_invalid` if one is empty or holds a control character, or if `service` holds a
    /// colon: service and account must be told apart where they are one text.
    pub fn new(
        service: impl Into<String>,
        account: impl Into<String>,
    ) -> Result<Self, CredentialError> {
        let (service, account) = (service.into(), account.into());
        let wrong =
            |detail: &'static str| CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
        if service.is_empty() || account.is_empty() {
            return Err(wrong("an item of a keychain has a service and an account"));
        }
        if service.contains(':') {
            return Err(wrong("the service of an item of ours has no ':'"));
        }
        if service.chars().chain(account.chars()).any(char::is_control) {
            return Err(wrong("the name of an item has no control characters"));
        }
        Ok(Self { service, account })
    }

    /// The service, which all items of one provider share.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The account, which tells them apart.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Both as one text, `service:account`; no two items give the same.
    #[must_use]
    pub fn joined(&self) -> String {
        format!("{}:{}", self.service, self.account)
    }
}

/// An item that another program keeps: read, never written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignItem {
    attributes: BTreeMap<String, String>,
}

impl ForeignItem {
    /// The item of this service and account.
    #[must_use]
    pub fn of(service: impl Into<String>, account: impl Into<String>) -> Self {
        let pair = [("service".to_owned(), service.into()), ("account".to_owned(), account.into())];
        Self { attributes: pair.into() }
    }

    /// The one item that has all these attributes, among others perhaps. What attributes there are
    /// depends on the platform; see the table on the [crate's page](crate#items-of-other-programs).
    ///
    /// # Errors
    /// `configuration_invalid` without any: that would be every item there is.
    pub fn with_attributes(
        attributes: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, CredentialError> {
        let attributes: BTreeMap<_, _> = attributes.into_iter().collect();
        if attributes.is_empty() {
            let detail = "an item of another program is named by at least one attribute";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        Ok(Self { attributes })
    }

    /// The attributes.
    #[must_use]
    pub const fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// Service and account, if it is named by these two alone.
    #[must_use]
    pub fn service_and_account(&self) -> Option<(&str, &str)> {
        let of = |name| self.attributes.get(name).map(String::as_str);
        (self.attributes.len() == 2).then(|| of("service").zip(of("account")))?
    }
}

/// An item, ours or another program's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "an item is ours or it is not")]
pub enum Item {
    /// Ours.
    Own(OwnItem),
    /// Another program's.
    Foreign(ForeignItem),
}

impl Item {
    /// What it is found by where items have attributes.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<String, String> {
        match self {
            Self::Own(own) => ForeignItem::of(own.service(), own.account()).attributes,
            Self::Foreign(foreign) => foreign.attributes.clone(),
        }
    }

    /// Whether an item with these attributes is this one.
    #[must_use]
    pub fn matches(&self, attributes: &BTreeMap<String, String>) -> bool {
        self.attributes().iter().all(|(name, value)| attributes.get(name) == Some(value))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(own) => f.write_str(&own.joined()),
            Self::Foreign(foreign) => {
                let pairs = foreign.attributes.iter().map(|(n, v)| format!("{n}={v}"));
                f.write_str(&pairs.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ours_are_told_apart_and_checked() {
        let one = OwnItem::new("a", "b:c").unwrap();
        assert_eq!(one.joined(), "a:b:c");
        for (service, account) in [("", "a"), ("a", ""), ("a:b", "c"), ("a", "b\n")] {
            let error = OwnItem::new(service, account).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
        }
    }

    #[test]
    fn an_item_matches_by_all_its_attributes() {
        let item = Item::Foreign(ForeignItem::of("gh:github.com", "me"));
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        assert!(item.matches(&map(&[("service", "gh:github.com"), ("account", "me"), ("x", "y")])));
        assert!(!item.matches(&map(&[("service", "gh:github.com")])));
        assert!(!item.matches(&map(&[("service", "gh:github.com"), ("account", "you")])));
        ForeignItem::with_attributes([]).unwrap_err();
    }
}
