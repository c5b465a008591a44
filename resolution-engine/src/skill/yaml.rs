//! YAML into a [`Node`]. Works on the parser's events, without recursion; aliases are refused.

use credential_provider_api::{CredentialError, Detail};
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::node::{DEPTH, Node};
use super::wrong;

/// What is open: a list, or a map with the key that waits for its value.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

/// Reads one document. `first_line` is where it begins in the file.
pub(super) fn read(text: &str, first_line: usize) -> Result<Node, CredentialError> {
    let mut open: Vec<Open> = Vec::new();
    let mut document = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let place = format!("line {}", error.marker().line() + first_line - 1);
            let info = Detail::cleaned(error.info());
            wrong(&place, &format!("this is not YAML ({}); quote the text", info.as_str()))
        })?;
        let fail =
            |problem: &str| wrong(&format!("line {}", span.start.line() + first_line - 1), problem);
        let done = match event {
            Event::Alias(_) => return Err(fail("an alias (*name) is refused; write it out")),
            Event::Scalar(text, style, _, _) => scalar(&text, style),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH => {
                return Err(fail("it is nested deeper than 32; flatten it"));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Vec::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(list)) => Node::List(list),
                Some(Open::Map(pairs, _)) => Node::Map(pairs),
                None => return Err(fail("a list or map ends that did not begin")),
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(Open::List(list)) => list.push(done),
            Some(Open::Map(pairs, waiting)) => match waiting.take() {
                Some(key) => pairs.push((key, done)),
                None => {
                    let key = match done {
                        Node::Text(key) => key,
                        Node::Bool(value) => value.to_string(),
                        _ => return Err(fail("a key is a plain text")),
                    };
                    if pairs.iter().any(|(known, _)| *known == key) {
                        return Err(fail("a key is given twice; keep one"));
                    }
                    *waiting = Some(key);
                }
            },
            None if document.is_none() => document = Some(done),
            None => return Err(fail("a second document begins; keep one")),
        }
    }
    Ok(document.unwrap_or(Node::Null))
}

/// The core schema's null and booleans (YAML 1.2 §10.3.2); the rest is text.
fn scalar(text: &str, style: ScalarStyle) -> Node {
    match text {
        _ if style != ScalarStyle::Plain => Node::Text(text.to_owned()),
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        text => Node::Text(text.to_owned()),
    }
}
