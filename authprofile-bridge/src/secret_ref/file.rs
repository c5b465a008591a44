//! The source `file`.

use std::io::Read as _;

use credential_provider_api::Clock;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::bytes::SecretBytes;
use super::configuration::{FileMode, FileSource};
use super::error::SecretRefProblem as Problem;
use super::wiped::{Wiped, accept, secret};
use super::{path, resolver};

/// The values of `ids`, in their order. The file is read once, on a thread that may block; it is
/// given up after the source's limit. Cancel-safe: the thread then ends by itself.
pub(crate) async fn resolve(
    source: &FileSource,
    ids: Vec<String>,
    clock: &dyn Clock,
) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
    let deadline = clock.now().plus(source.timeout);
    let source = source.clone();
    let work = move || values(&source, &ids);
    resolver::blocking(work, clock, deadline, Problem::FileTimedOut).await?
}

fn values(
    source: &FileSource,
    ids: &[String],
) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
    let bytes = read(source)?;
    match source.mode {
        FileMode::SingleValue => {
            let text = std::str::from_utf8(bytes.as_slice()).map_err(|_| Problem::NotText)?;
            let text = text.strip_suffix('\n').map_or(text, |t| t.strip_suffix('\r').unwrap_or(t));
            let value = |id: &String| match id.as_str() {
                "value" => accept(text),
                _ => Err(Problem::InvalidReference),
            };
            Ok(ids.iter().map(value).collect())
        }
        FileMode::Json => {
            let whole = Wiped::parse(bytes.as_slice()).ok_or(Problem::FileNotObject)?;
            if !whole.value().is_object() {
                return Err(Problem::FileNotObject);
            }
            let value = |id: &String| match id.as_str() {
                "value" => Err(Problem::InvalidReference),
                pointer => {
                    whole.value().pointer(pointer).ok_or(Problem::PointerNotFound).and_then(secret)
                }
            };
            Ok(ids.iter().map(value).collect())
        }
    }
}

fn read(source: &FileSource) -> Result<SecretBytes, Problem> {
    let mut file = path::open(&source.path).map_err(Problem::Path)?;
    let mut bytes = SecretBytes::default();
    let mut chunk = Zeroizing::new([0; 8 << 10]);
    loop {
        let count = file.read(chunk.as_mut_slice()).map_err(|_| Problem::FileUnreadable)?;
        if count == 0 {
            return Ok(bytes);
        }
        bytes.extend(chunk.get(..count).unwrap_or_default());
        if bytes.len() > source.max_bytes {
            return Err(Problem::FileTooBig);
        }
    }
}
