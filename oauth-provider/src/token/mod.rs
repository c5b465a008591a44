//! The endpoints a client calls with its own name: calls, and what their answers mean.

mod answer;
mod dialect;
mod endpoint;
mod meaning;
mod member;

pub(crate) use answer::{TokenType, Tokens};
pub(crate) use dialect::Dialect;
pub(crate) use endpoint::{TokenEndpoint, TokenKind, patience, token_form};
pub(crate) use meaning::{DeviceAnswer, TokenAnswer};
