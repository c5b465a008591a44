//! What can be wrong with the emulator itself.

use thiserror::Error;

/// Why an emulator does not start, or does not do what a test asks of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// The state is not usable; says where, shows no value.
    #[error("the state is not usable: {0}")]
    State(String),
    /// A page does not answer, or not with a redirect.
    #[error("the page ended with HTTP {0}")]
    Page(u16),
    /// What the test names is not in the state.
    #[error("there is no {0} in the state")]
    Unknown(&'static str),
}
