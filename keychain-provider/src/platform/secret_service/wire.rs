//! Method calls of the Secret Service API, and what its errors mean.

use credential_provider_api::CredentialError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::{Connection, DynamicType, Error, ObjectPath, OwnedObjectPath, OwnedVariant, Type};

use crate::error::{garbled, interaction, unavailable, unsupported};

pub(super) const NAME: &str = "org.freedesktop.secrets";
pub(super) const ROOT: &str = "/org/freedesktop/secrets";
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";
pub(super) const ITEM: &str = "org.freedesktop.Secret.Item";
pub(super) const PROMPT: &str = "org.freedesktop.Secret.Prompt";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Why a method call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Ready to be passed on.
    Said(CredentialError),
    /// The object is not there (any more).
    NoObject,
    /// The session is not known (any more): the service was restarted.
    NoSession,
}

impl From<Failure> for CredentialError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Said(error) => error,
            Failure::NoObject => unavailable("the Secret Service has lost an object it named"),
            Failure::NoSession => unavailable("the Secret Service has begun anew"),
        }
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self::Said(error)
    }
}

/// One method call, answered with `R`.
pub(super) async fn call<B, R>(
    bus: &Connection,
    path: &ObjectPath<'_>,
    interface: &'static str,
    method: &'static str,
    body: &B,
) -> Result<R, Failure>
where
    B: Serialize + DynamicType,
    R: DeserializeOwned + Type,
{
    let reply = bus.call_method(Some(NAME), path, Some(interface), method, body).await;
    let reply = reply.map_err(|error| meaning(&error))?;
    // The signature is compared, so a body of another shape is an error.
    let body = reply.body();
    if *body.signature() != *R::SIGNATURE {
        return Err(Failure::Said(garbled("the Secret Service answered in another form")));
    }
    body.deserialize_ignore_signature()
        .map_err(|_| Failure::Said(garbled("the Secret Service's answer cannot be read")))
}

/// A property of an object.
pub(super) async fn property<T: TryFrom<OwnedVariant>>(
    bus: &Connection,
    path: &ObjectPath<'_>,
    interface: &'static str,
    name: &'static str,
) -> Result<T, Failure> {
    let value: OwnedVariant = call(bus, path, PROPERTIES, "Get", &(interface, name)).await?;
    T::try_from(value)
        .map_err(|_| Failure::Said(garbled("a property of the Secret Service has another form")))
}

/// What an error means. Its text and body are left alone: they can be anything.
fn meaning(error: &Error) -> Failure {
    let gone = || unavailable("the Secret Service is gone; it may come back");
    Failure::Said(match error {
        Error::MethodError(name, _, _) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => locked(),
            "org.freedesktop.Secret.Error.NoSession" => return Failure::NoSession,
            "org.freedesktop.Secret.Error.NoSuchObject" => return Failure::NoObject,
            _ => unavailable("the Secret Service answered with an error"),
        },
        Error::FDO(error) => match **error {
            zbus::fdo::Error::UnknownObject(_)
            | zbus::fdo::Error::UnknownMethod(_)
            | zbus::fdo::Error::UnknownInterface(_) => return Failure::NoObject,
            zbus::fdo::Error::AccessDenied(_) => {
                unavailable("the Secret Service denies this process access")
            }
            zbus::fdo::Error::NotSupported(_) => {
                unsupported("the Secret Service does not do that; secrets on the bus are encrypted")
            }
            _ => gone(),
        },
        Error::InputOutput(_) => unavailable("the connection to the session bus is lost"),
        _ => garbled("the Secret Service answered something that is not understood"),
    })
}

/// A person must unlock it.
pub(super) fn locked() -> CredentialError {
    interaction("the keychain is locked: unlock it, or ask with a person at hand")
}

/// `/`, where the API has no object to name.
pub(super) fn is_nothing(path: &OwnedObjectPath) -> bool {
    path.as_str() == "/"
}
