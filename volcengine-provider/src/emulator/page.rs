//! A page on which somebody says who they are and whether they agree: one form, no script.

use std::collections::BTreeMap;

use super::http::escaped;

/// What somebody has decided.
pub(crate) enum Decision {
    /// Agreed, as this login.
    Allow(String),
    /// Did not.
    Deny,
}

/// The page: a POST to the same address with `login` and `decision` (`allow` or `deny`).
pub(crate) fn form(title: &str, query: &str) -> String {
    let (title, query) = (escaped(title), escaped(query));
    format!(
        "<!doctype html><title>{title}</title><h1>{title}</h1>\
         <form method=\"post\" action=\"?{query}\"><input name=\"login\" autofocus>\
         <button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form>"
    )
}

/// What the form brought: everything but a clear consent is none.
pub(crate) fn decision(form: &BTreeMap<String, String>) -> Decision {
    match form.get("decision").map(String::as_str) {
        Some("allow") => Decision::Allow(form.get("login").cloned().unwrap_or_default()),
        _ => Decision::Deny,
    }
}
