//! Which credential, and whose.

use credential_host::control::Named;
use credential_provider_api::{
    CredentialRef, EffectiveSession, InvalidId, ProviderId, Requester, Variant,
};

use crate::failure::Failure;

/// A credential on the command line.
#[derive(clap::Args, Debug)]
pub(crate) struct Which {
    /// The credential
    #[arg(value_name = "PROVIDER/ID")]
    credential: String,
    #[command(flatten)]
    whose: Whose,
    /// In which variant, as `status` shows it
    #[arg(long, value_name = "TEXT")]
    variant: Option<String>,
}

/// Whose it is. A credential of the gateway needs none of this.
#[derive(clap::Args, Debug)]
pub(crate) struct Whose {
    /// The gateway's session key; needs --channel, --account and --requester, which with it are one
    /// person in one chat
    #[arg(long, value_name = "KEY", requires_all = ["channel", "account", "requester"])]
    session: Option<String>,
    /// The channel the person writes through, for example slack
    #[arg(long, value_name = "NAME", requires = "session")]
    channel: Option<String>,
    /// The gateway's own account on that channel
    #[arg(long, value_name = "ID", requires = "session")]
    account: Option<String>,
    /// The person, as the channel knows them
    #[arg(long, value_name = "ID", requires = "session")]
    requester: Option<String>,
    /// A session whose credentials everybody in it shares
    #[arg(long, value_name = "KEY", conflicts_with_all = ["session", "encoded"])]
    shared: Option<String>,
    /// An effective session as `status` shows it
    #[arg(long, value_name = "TEXT", conflicts_with = "session")]
    encoded: Option<String>,
}

impl Which {
    pub(crate) fn named(&self) -> Result<Named, Failure> {
        let named = self.whose.named(reference(&self.credential)?)?;
        let Some(variant) = &self.variant else { return Ok(named) };
        let unknown = |_| Failure::usage("--variant takes what `credentials status --json` shows");
        Ok(named.in_variant(&Variant::from_encoded(variant).map_err(unknown)?))
    }
}

impl Whose {
    pub(crate) fn named(&self, credential: CredentialRef) -> Result<Named, Failure> {
        Ok(Named::new(credential).in_session(self.session()?.as_ref()))
    }

    pub(crate) fn session(&self) -> Result<Option<EffectiveSession>, Failure> {
        let invalid = |error: InvalidId| Failure::usage(format!("{error}"));
        let parts = (&self.session, &self.channel, &self.account, &self.requester);
        let session = match (parts, &self.shared, &self.encoded) {
            ((Some(session), Some(channel), Some(account), Some(requester)), _, _) => {
                EffectiveSession::requester(Requester { session, channel, account, requester })
            }
            (_, Some(shared), _) => EffectiveSession::shared(shared),
            (_, _, Some(encoded)) => EffectiveSession::from_encoded(encoded),
            _ => return Ok(None),
        };
        session.map(Some).map_err(invalid)
    }
}

/// What was said is not repeated: it may be a secret in the wrong place.
pub(crate) fn reference(text: &str) -> Result<CredentialRef, Failure> {
    let wrong = |_| {
        Failure::usage(
            "a credential is named PROVIDER/ID, as `credentials list` shows it; what was given is \
             not repeated here, in case it is a secret",
        )
    };
    CredentialRef::parse(text).map_err(wrong)
}

pub(crate) fn provider(text: &str) -> Result<ProviderId, Failure> {
    let wrong = |_| Failure::usage("a provider is named as `credentials providers` shows it");
    ProviderId::new(text).map_err(wrong)
}
