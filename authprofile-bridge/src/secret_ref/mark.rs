//! What stands in for a secret and is none.

/// Whether `text` is a redaction mark, a fence of a renewal, a sentinel or an unresolved reference: what
/// other programs leave where a secret was or will be. It is never served and never written as one.
#[must_use]
pub fn is_mark(text: &str) -> bool {
    let text = text.trim();
    text.contains("__OPENCLAW_REDACTED__")
        || text.starts_with("oc-sent-v2.")
        || text.starts_with("openclaw-oauth-refresh-fence:")
        || (text.starts_with("${") && text.ends_with('}'))
        || text.starts_with("secretref-env:")
        || text.chars().all(|c| matches!(c, '*' | '•' | '…'))
        || (text.len() >= 4 && text.chars().all(|c| matches!(c, 'x' | 'X')))
        || matches!(
            text,
            "[redacted]" | "[REDACTED]" | "<redacted>" | "REDACTED" | "[object Object]"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_10_marks_are_no_values() {
        for mark in [
            "",
            "***",
            " •••• ",
            "xxxxxxxx",
            "__OPENCLAW_REDACTED__",
            "${OPENAI_API_KEY}",
            "oc-sent-v2.AAAA.end",
            "openclaw-oauth-refresh-fence:v1:00112233445566778899aabbccddeeff:access:00",
            "[object Object]",
        ] {
            assert!(is_mark(mark), "{mark}");
        }
        for value in ["sk-1", "$ecret", "pa**word", "xx", "${A}b"] {
            assert!(!is_mark(value), "{value}");
        }
    }
}
