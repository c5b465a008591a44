//! What is said of a panic: where, and not what. Its message may hold a secret.

use std::io::Write as _;

/// Has a panic of this process say its place on standard error, and nothing of its message: a provider
/// may have put a secret into it. `program` is the name the line begins with.
pub fn quiet_panics(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let _ = writeln!(
            std::io::stderr(),
            "{program}: a bug{place}. Please report it with this line and the steps."
        );
    }));
}
