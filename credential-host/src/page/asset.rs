//! The page's own files, part of the program.

use super::reply::Reply;

const PAGE: &str = include_str!("asset/page.html");
const LOCKED: &str = include_str!("asset/locked.html");
const RESULT: &str = include_str!("asset/result.html");

/// The status page of a session.
pub(super) fn page(csrf: &str) -> Reply {
    Reply::html(200, PAGE.replace("{{csrf}}", csrf))
}

/// For a browser without a session.
pub(super) fn locked() -> Reply {
    let process = std::process::id().to_string();
    Reply::html(401, LOCKED.replace("{{process}}", &process))
}

/// Where a sign-in ended. The texts are ours: nothing of a request is among them.
pub(super) fn result(status: u16, title: &str, text: &str) -> Reply {
    Reply::html(status, RESULT.replace("{{title}}", title).replace("{{text}}", text))
}

pub(super) fn style() -> Reply {
    Reply::of(200, "text/css; charset=utf-8", include_str!("asset/page.css"))
}

pub(super) fn script() -> Reply {
    Reply::of(200, "text/javascript; charset=utf-8", include_str!("asset/page.js"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_comes_from_elsewhere_and_no_script_is_inline() {
        for page in [super::PAGE, super::LOCKED, super::RESULT] {
            for bad in ["http:", "https:", "//", "style=", "onclick", "<style"] {
                assert!(!page.contains(bad), "{bad}");
            }
            for script in page.split("<script").skip(1) {
                assert!(script.starts_with(" src=\"/page.js\" defer></script>"), "{script}");
            }
        }
        let script = include_str!("asset/page.js");
        for bad in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "http:", "https:"] {
            assert!(!script.contains(bad), "{bad}");
        }
    }
}
