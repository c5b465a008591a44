//! Against `keyring-core`'s mock: what macOS and Windows share, without either.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use keyring_core::mock;

use super::*;
use crate::item::ForeignItem;
use crate::keychain::tests::a_call;
use credential_provider_api::ErrorCode;

fn natives() -> (Native, Arc<CredentialStore>) {
    of(Dialect::Apple)
}

fn of(dialect: Dialect) -> (Native, Arc<CredentialStore>) {
    let store: Arc<CredentialStore> = mock::Store::new().unwrap();
    (Native::new(store.clone(), store.clone(), dialect), store)
}

fn own(account: &str) -> OwnItem {
    OwnItem::new("svc", account).unwrap()
}

fn secret(text: &str) -> SecretSlice<u8> {
    text.as_bytes().to_vec().into()
}

#[test]
fn an_item_is_written_read_listed_and_deleted() {
    let (mut native, _) = natives();
    let (call, item) = (a_call(), own("openai"));
    native.write(&item, "label", &secret("sk-1"), &call).unwrap();
    native.write(&item, "label", &secret("sk-2"), &call).unwrap();
    let read = native.read(&Item::Own(item.clone()), &call).unwrap().unwrap();
    assert_eq!(read.expose_secret(), b"sk-2");
    assert_eq!(native.accounts("svc", &call).unwrap(), ["openai"]);
    assert_eq!(
        native.accounts("sv", &call).unwrap(),
        [""; 0],
        "a part of a service is another one"
    );
    assert!(native.holds(&Item::Own(item.clone()), &call).unwrap());
    assert!(native.delete(&item, &call).unwrap());
    assert!(!native.delete(&item, &call).unwrap());
    assert!(native.read(&Item::Own(item), &call).unwrap().is_none());
    assert_eq!(native.condition(&call).unwrap(), Condition::Ready);
}

#[test]
fn another_programs_item_is_read_by_service_and_account_and_by_nothing_else() {
    let (mut native, store) = natives();
    let call = a_call();
    store.build("gh:github.com", "me", None).unwrap().set_password("gho_1").unwrap();
    let item = Item::Foreign(ForeignItem::of("gh:github.com", "me"));
    assert_eq!(native.read(&item, &call).unwrap().unwrap().expose_secret(), b"gho_1");
    assert!(native.holds(&item, &call).unwrap());
    let pairs = [("server".to_owned(), "github.com".to_owned())];
    let other = Item::Foreign(ForeignItem::with_attributes(pairs).unwrap());
    assert_eq!(native.read(&other, &call).unwrap_err().code(), ErrorCode::Unsupported);
}

#[test]
fn on_windows_all_is_looked_through_and_what_is_there_is_asked_of_the_item() {
    let (mut native, store) = of(Dialect::Windows);
    let call = a_call();
    store.build("gh:github.com", "me", None).unwrap().set_password("gho_1").unwrap();
    native.write(&own("openai"), "label", &secret("sk-1"), &call).unwrap();
    assert_eq!(native.accounts("svc", &call).unwrap(), ["openai"]);
    let item = Item::Foreign(ForeignItem::of("gh:github.com", "me"));
    assert_eq!(native.read(&item, &call).unwrap().unwrap().expose_secret(), b"gho_1");
    assert!(native.holds(&item, &call).unwrap());
    let other = Item::Foreign(ForeignItem::of("gh:github.com", "you"));
    assert!(!native.holds(&other, &call).unwrap());
    // The mock knows no targets, and is asked for one.
    let target = [("target".to_owned(), "git:https://github.com".to_owned())];
    let target = Item::Foreign(ForeignItem::with_attributes(target).unwrap());
    assert_eq!(native.read(&target, &call).unwrap_err().code(), ErrorCode::Unsupported);
}

#[test]
fn promise_6_an_error_that_carries_the_secret_is_not_shown() {
    let (mut native, store) = natives();
    let (call, item) = (a_call(), own("openai"));
    let bad = || -> Vec<Error> {
        let carried = || b"canary".to_vec();
        let boxed = || -> keyring_core::error::PlatformError { "canary".into() };
        vec![
            Error::BadEncoding(carried()),
            Error::BadDataFormat(carried(), boxed()),
            Error::BadStoreFormat("canary".into()),
            Error::PlatformFailure(boxed()),
            Error::NoStorageAccess(boxed()),
            Error::TooLong("canary".into(), 3),
            Error::Invalid("canary".into(), "canary".into()),
            Error::NotSupportedByStore("canary".into()),
            Error::Ambiguous(Vec::new()),
        ]
    };
    let mut codes = Vec::new();
    for error in bad() {
        let entry = store.build("svc", "openai", None).unwrap();
        let mocked: &mock::Cred = entry.as_any().downcast_ref().unwrap();
        mocked.set_error(error);
        let error = native.read(&Item::Own(item.clone()), &call).unwrap_err();
        let shown = format!("{error:?} {error}");
        // As text, and as `Debug` shows bytes.
        assert!(!shown.contains("canary") && !shown.contains("99, 97"), "{error}");
        codes.push(error.code());
    }
    use ErrorCode::{
        ConfigurationInvalid, InteractionRequired, InvalidResponse, Unavailable, Unsupported,
    };
    assert_eq!(
        codes,
        [
            InvalidResponse,
            InvalidResponse,
            InvalidResponse,
            Unavailable,
            InteractionRequired,
            Unsupported,
            Unsupported,
            Unsupported,
            ConfigurationInvalid,
        ]
    );
}
