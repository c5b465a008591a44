//! Against issuers that none of us wrote. `.ci/interop oauth` installs and starts them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod badge;
mod browser;
mod clients;
mod device;
mod dpop;
mod ending;
mod gateway;
mod id_token;
mod introspection;
mod logout;
mod lost_answer;
mod mcp;
mod peer;
mod pushed;
mod renewal;
mod robot;
mod sign_in;
mod toolkit;
mod userinfo;
mod wire;
