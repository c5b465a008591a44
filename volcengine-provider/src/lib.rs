//! Volcengine Agent Identity as a credential provider.

#[cfg(feature = "emulator")]
pub mod emulator;
