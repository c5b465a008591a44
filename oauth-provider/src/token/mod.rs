//! The token endpoint and the revocation endpoint: calls, and what their answers mean.

mod answer;
mod dialect;
mod endpoint;
mod meaning;

pub(crate) use answer::Tokens;
pub(crate) use dialect::Dialect;
pub(crate) use endpoint::{TokenEndpoint, TokenKind};
pub(crate) use meaning::TokenAnswer;
