//! Whose login a profile is: the gate before one is put in place of another.

use super::profile::Profile;

/// Whose a login is, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The account's id.
    pub account: Option<String>,
    /// The account's e-mail address.
    pub email: Option<String>,
}

/// Whether two logins are one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Match {
    /// Both say so.
    Same,
    /// They differ.
    Different,
    /// The one in place says nothing about whose it is.
    Unsaid,
}

impl Identity {
    /// Whose a profile is.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let text = |name: &str| profile.text(name).map(|text| text.to_string());
        Self { account: text("accountId"), email: text("email") }
    }

    /// Somebody with this account id.
    #[must_use]
    pub fn account(id: impl Into<String>) -> Self {
        Self { account: Some(id.into()), email: None }
    }

    /// Somebody with this e-mail address, too.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Whether `incoming` may take the place of this login.
    ///
    /// The account id decides where both have one, else the e-mail address, without regard to case,
    /// where both have one. Where the one in place has either, and the incoming one nothing to
    /// compare it with, they count as different.
    #[must_use]
    pub fn compare(&self, incoming: &Self) -> Match {
        let verdict = |same: bool| if same { Match::Same } else { Match::Different };
        match (&self.account, &incoming.account, &self.email, &incoming.email) {
            (Some(here), Some(there), ..) => verdict(here.trim() == there.trim()),
            (.., Some(here), Some(there)) => {
                verdict(here.trim().to_lowercase() == there.trim().to_lowercase())
            }
            (None, _, None, _) => Match::Unsaid,
            _ => Match::Different,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(account: Option<&str>, email: Option<&str>) -> Identity {
        Identity { account: account.map(Into::into), email: email.map(Into::into) }
    }

    #[test]
    fn promise_5_another_account_never_takes_a_place() {
        let here = somebody(Some("a"), Some("a@x"));
        assert_eq!(here.compare(&somebody(Some("a"), Some("other@x"))), Match::Same);
        assert_eq!(here.compare(&somebody(Some("b"), Some("a@x"))), Match::Different);
        assert_eq!(here.compare(&somebody(None, Some("A@X "))), Match::Same);
        assert_eq!(here.compare(&somebody(None, None)), Match::Different);
        assert_eq!(
            somebody(Some("a"), None).compare(&somebody(None, Some("a@x"))),
            Match::Different
        );
        assert_eq!(somebody(None, None).compare(&somebody(Some("a"), None)), Match::Unsaid);
    }
}
