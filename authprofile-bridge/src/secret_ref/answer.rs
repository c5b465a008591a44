//! What a program answers: exec protocol v1, read.

use secrecy::SecretString;
use serde_json::Value;

use super::configuration::Answers;
use super::error::SecretRefProblem as Problem;
use super::wiped::{Wiped, accept, secret};

/// The values of `ids` in `stdout`, in their order. The outer error fails all of them.
pub(crate) fn read_answer(
    stdout: &[u8],
    ids: &[String],
    answers: Answers,
) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
    let text = std::str::from_utf8(stdout).map_err(|_| Problem::InvalidAnswer)?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() {
        return Err(Problem::EmptyAnswer);
    }
    let plain = answers == Answers::PlainToo && ids.len() == 1;
    let Some(parsed) = Wiped::parse(text.as_bytes()) else {
        return if plain { Ok(vec![accept(text)]) } else { Err(Problem::InvalidAnswer) };
    };
    if plain && let Some(value) = parsed.value().as_str() {
        return Ok(vec![accept(value)]);
    }
    let answer = parsed.value().as_object().ok_or(Problem::InvalidAnswer)?;
    // As JavaScript compares: 1 and 1.0, not "1".
    if answer.get("protocolVersion").and_then(Value::as_f64) != Some(1.0) {
        return Err(Problem::WrongVersion);
    }
    let values = answer.get("values").and_then(Value::as_object).ok_or(Problem::MissingValues)?;
    let errors = answer.get("errors").and_then(Value::as_object);
    // An id that is in both has failed.
    let value = |id: &String| match errors.and_then(|errors| errors.get(id)) {
        Some(error) => Err(Problem::Refused(code_of(error))),
        None => values.get(id).ok_or(Problem::MissingId).and_then(secret),
    };
    Ok(ids.iter().map(value).collect())
}

const LONGEST_CODE: usize = 32;

/// The code of `{message, code}`; older programs give the message only. The message is never read,
/// and a code only if no key could look like it.
fn code_of(error: &Value) -> Option<String> {
    let code = error.get("code")?.as_str()?;
    let word = code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.len() <= LONGEST_CODE
        && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    word.then(|| code.to_owned())
}
