//! A code that is entered on another device.

use credential_host::control::Secret;
use secrecy::ExposeSecret as _;

use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::plain;

/// Shows it to the person at the terminal, and to nobody else.
pub(super) fn show(
    context: &Context,
    code: &Secret,
    url: &str,
    complete: Option<&Secret>,
) -> Result<(), Failure> {
    let terminal = &context.terminal;
    if !terminal.asks {
        let message = "a sign-in shows a code to the person who signs in: run this at a terminal";
        return Err(Failure::usage(message));
    }
    let code = code.clone().into_inner();
    let whole = complete.map(|complete| complete.clone().into_inner());
    let target = whole.as_ref().map_or(url, |whole| whole.expose_secret());
    if let Some(picture) = terminal.qr(target) {
        terminal.tell(format!("\n{picture}"));
    }
    let code = terminal.colour(1, &plain(code.expose_secret()));
    terminal.tell(format!("\nOpen {} on any device and enter the code {code}\n", plain(url)));
    Ok(())
}
