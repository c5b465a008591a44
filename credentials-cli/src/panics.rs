//! What is said of a panic: where, and not what. Its message may hold a secret.

use std::io::Write as _;

pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let _ = writeln!(
            std::io::stderr(),
            "credentials: a bug{place}. Please report it with this line and the steps."
        );
    }));
}
