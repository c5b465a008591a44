//! Reaching the Secret Service, and saying what is missing where it cannot be reached.

use credential_provider_api::{CredentialError, Detail};
use zbus::connection::Builder;
use zbus::{Address, Connection, Error};

use super::wire::{Failure, NAME};
use crate::error::{absent, unavailable};
use crate::platform::Environment;

const BUS: &str = "org.freedesktop.DBus";

pub(super) async fn connect(environment: &Environment) -> Result<Connection, CredentialError> {
    let place = environment.place().map(|place| format!(" {place}")).unwrap_or_default();
    let Some(address) = environment.session_bus() else {
        let detail = format!(
            "no D-Bus session bus{place}: DBUS_SESSION_BUS_ADDRESS is not set and there is no \
             XDG_RUNTIME_DIR/bus; run it in a desktop session or under dbus-run-session with a \
             keyring daemon, or name encrypted_file among the stores"
        );
        return Err(absent(Detail::composed(detail)));
    };
    let Ok(address) = Address::try_from(address.as_str()) else {
        return Err(absent("DBUS_SESSION_BUS_ADDRESS is not an address"));
    };
    Builder::address(address).build().await.map_err(|error| refused(&error, &place))
}

fn refused(error: &Error, place: &str) -> CredentialError {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, PermissionDenied, UnexpectedEof};
    let turned_away = match error {
        // A bus that knows who asks closes the connection without a word.
        Error::InputOutput(io) => {
            matches!(io.kind(), BrokenPipe | ConnectionReset | PermissionDenied | UnexpectedEof)
        }
        Error::Handshake(_) => true,
        _ => false,
    };
    if turned_away {
        let detail = format!(
            "the session bus turns this user away{place}: it is another's, as under sudo or su"
        );
        return absent(Detail::composed(detail));
    }
    unavailable(Detail::composed(format!("nobody answers at the session bus's address{place}")))
}

/// Whether a Secret Service is on the bus, or would come if called.
pub(super) async fn find(bus: &Connection) -> Result<(), Failure> {
    let ask = async |method: &'static str| {
        bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), method, &()).await
    };
    let names = |reply: Result<zbus::Message, Error>| {
        let reply = reply.ok()?;
        reply.body().deserialize::<Vec<String>>().ok()
    };
    for method in ["ListNames", "ListActivatableNames"] {
        let Some(names) = names(ask(method).await) else {
            return Err(unavailable("the session bus does not answer as one").into());
        };
        if names.iter().any(|name| name == NAME) {
            return Ok(());
        }
    }
    let detail = "no Secret Service on the session bus: start gnome-keyring or KWallet";
    Err(unavailable(detail).into())
}
