//! Finds the front matter of a file and reads it, in the forms in which skills are written.

use credential_provider_api::CredentialError;

use super::node::Node;
use super::{json, wrong, yaml};

const LARGEST_FILE: usize = 256 * 1024;
const LARGEST: usize = 32 * 1024;

/// The front matter as a map; an empty one if there is none.
pub(super) fn read(file: &str) -> Result<Node, CredentialError> {
    if file.len() > LARGEST_FILE {
        return Err(wrong("the file", "it has over 256 KiB; move text to other files"));
    }
    let Some(matter) = find(file)? else { return Ok(Node::Map(Vec::new())) };
    if matter.len() > LARGEST {
        return Err(wrong("the front matter", "it has over 32 KiB; keep to what describes it"));
    }
    let mut lines: Vec<&str> = matter.lines().collect();
    let metadata = take_json(&mut lines)?;
    // The fence is line 1.
    let read = yaml::read(&lines.join("\n"), 2).or_else(|error| {
        let texts = take_texts(&mut lines);
        match yaml::read(&lines.join("\n"), 2) {
            _ if texts.is_empty() => Err(error),
            Ok(Node::Null) => Ok(Node::Map(texts)),
            Ok(Node::Map(pairs))
                if texts.iter().all(|(k, _)| pairs.iter().all(|(p, _)| p != k)) =>
            {
                Ok(Node::Map([texts, pairs].concat()))
            }
            _ => Err(error),
        }
    })?;
    let mut pairs = match read {
        Node::Map(pairs) => pairs,
        Node::Null => Vec::new(),
        _ => return Err(wrong("the front matter", "write it as `key: value` lines")),
    };
    if let Some(metadata) = metadata {
        if pairs.iter().any(|(key, _)| key == "metadata") {
            return Err(wrong("metadata", "it is given twice; keep one"));
        }
        pairs.push(("metadata".to_owned(), metadata));
    }
    Ok(Node::Map(pairs))
}

/// What stands between a first line `---` and the next.
fn find(file: &str) -> Result<Option<&str>, CredentialError> {
    let file = file.strip_prefix('\u{FEFF}').unwrap_or(file);
    let Some((first, rest)) = file.split_once('\n') else { return Ok(None) };
    if first.trim_end() != "---" {
        return Ok(None);
    }
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok(rest.get(..length));
        }
        length += line.len();
    }
    Err(wrong("line 1", "a front matter begins here and does not end; add a line `---` after it"))
}

/// `metadata: { … }` in one line, as JSON5. Its line is emptied; what is not JSON5 is left to YAML.
fn take_json(lines: &mut [&str]) -> Result<Option<Node>, CredentialError> {
    for (index, line) in lines.iter_mut().enumerate() {
        let Some(value) = line.strip_prefix("metadata:").map(str::trim) else { continue };
        if !value.starts_with('{') {
            continue;
        }
        return match json::read(value) {
            Ok(node) => {
                *line = "";
                Ok(Some(node))
            }
            Err(json::NotRead::Syntax) => Ok(None),
            Err(json::NotRead::Refused(problem)) => {
                Err(wrong(&format!("line {}, metadata", index + 2), problem))
            }
        };
    }
    Ok(None)
}

/// `name` and `description` of one line, as they stand. Many are written with a colon in them, which
/// YAML takes for a map; OpenClaw reads such lines as text. Their lines are emptied.
fn take_texts(lines: &mut [&str]) -> Vec<(String, Node)> {
    let mut texts: Vec<(String, Node)> = Vec::new();
    for line in lines.iter_mut() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let plain =
            !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '[', '{', '&', '*']);
        let first = !texts.iter().any(|(known, _)| known == key);
        if matches!(key, "name" | "description") && plain && first {
            texts.push((key.to_owned(), Node::Text(value.to_owned())));
            *line = "";
        }
    }
    texts
}
