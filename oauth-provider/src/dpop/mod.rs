//! Proof of possession (RFC 9449): a token that is bound to a key is of no use to a thief.

mod key;
mod nonces;
mod proof;
mod signer;

pub(crate) use key::ProofKey;
pub(crate) use nonces::Nonces;
pub(crate) use proof::Proof;
pub(crate) use signer::ProofSigner;
