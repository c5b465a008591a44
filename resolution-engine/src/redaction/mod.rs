//! Masks secrets in what flows back to the model.
//!
//! A tool that was given a key may print it: in an error, a log line, a dumped environment. A
//! [`Redactor`] knows every secret that the engine publishes or hands out, from before anybody can
//! have it, and puts `[redacted]` in its place.
//!
//! ```
//! use credential_provider_api::SecretString;
//! use resolution_engine::{Redactor, SystemRandom};
//! let redactor = Redactor::new(&SystemRandom::new());
//! // let engine = ResolutionEngine::builder().redactor(redactor.clone())…
//! redactor.add(&SecretString::from("p@ss/word 1"), None)?;
//! assert_eq!(redactor.redact("login with p@ss/word 1!"), "login with [redacted]!");
//! assert_eq!(redactor.redact("?key=p%40ss%2fword+1&x=1"), "?key=[redacted]&x=1");
//! assert_eq!(redactor.redact(r#"{"key":"p@ss\/word\u00201"}"#), r#"{"key":"[redacted]"}"#);
//! assert_eq!(redactor.redact("nothing here"), "nothing here");
//!
//! let mut stream = redactor.stream();
//! let mut shown = stream.push(b"in two parts: p@ss/w");
//! shown.extend(stream.push(b"ord 1."));
//! shown.extend(stream.finish());
//! assert_eq!(shown, b"in two parts: [redacted].");
//! # Ok::<(), resolution_engine::Unmaskable>(())
//! ```
//!
//! # What is masked
//! A secret of at least 8 bytes, wherever it begins and however the text is cut into parts:
//! - as it is;
//! - in base64, of either alphabet, also as a part of more that was encoded. What is masked then are
//!   the characters that the secret alone decides: of one at either end, which it shares with its
//!   neighbour, up to four bits stay;
//! - percent-encoded, whichever characters are and in either case, `+` for a space too; also twice,
//!   and a form within a form;
//! - with the escapes of a JSON string; also JSON within JSON;
//! - JSON in a query or form, and a query or form in JSON;
//! - with single line breaks in it, as base64 tools wrap, and up to 32 bytes of indentation after
//!   each; also as `\n` in JSON, JSON within JSON, and as `%0A`;
//! - without the white space that it begins or ends with, as tools trim: if 8 bytes are left.
//!
//! All but the first two and the last are ways to read the text, not more patterns: a text is read anew from each place
//! where a secret may begin, so what stands before it changes nothing. Other encodings (hex,
//! compression, rot13, a secret spelled backwards) are not seen: redaction is a net under a tool
//! that prints what it should not, no barrier for one that wants to.
//!
//! A secret of several lines is masked with other line ends, and where it is indented: it is also
//! looked for without its line breaks and the indentation after them. An empty line divides it then,
//! and parts of less than 64 bytes are looked for only as they are, with the rest.
//!
//! A text without a secret comes out as it was. UTF-8 stays UTF-8, in
//! each part of a stream too.
//!
//! # Bounds
//! A secret longer than 8,192 bytes in one of its forms is known by pieces of that length, each
//! masked wherever it occurs; so is one that repeats its own beginning more than 64 times. Of a
//! secret that is encoded the first 8 bytes take up to 512 bytes of text, the whole up to 98,304;
//! what takes more room is read as no secret.
//!
//! A stream holds back what may still be the beginning of a secret: the last 7 bytes and what belongs
//! to the same character, what an escape or line break needs to be decided, and from a place where a
//! secret has begun all that may be it. Encoded text that is not decided is not looked at for each
//! byte that comes, but when there is half as much again of an escape or indentation, or an eighth
//! more of a secret that has begun; until then it is held back.
//!
//! # What is kept
//! No text. Of each pattern: its length, 32 bits of a keyed hash of its first 8 (32, 128, 512,
//! 2,048) bytes and of the whole, and 128 bits of HMAC-SHA256. The key is random and lives as long
//! as the redactor. Who can read this process's memory reads the key too, and can test guesses: a
//! password of 8 letters is found so, a token is not.
//!
//! # How long
//! A secret is known while anybody holds its credential, as does an
//! [`Injection`](crate::injection::Injection) and what was filled in for placeholders, and after that until it expires; without an
//! expiry for [`Retention::unexpiring`]. Both are noticed when the engine sweeps, once a minute.
//! Beyond [`Retention::secrets`] those withdrawn first are forgotten first, which is counted and
//! traced; one that is held is never forgotten.
//!
//! # Cost
//! Finding starts with one multiplication and one look at a filter for each byte, and a few more
//! for each way to read around characters that may be part of an encoding: a text made of nothing
//! else takes a bounded multiple of the time (`redaction/escapes_over_ordinary` in `benches`), and so
//! does a stream in parts of single bytes. How many secrets begin the same does not matter. A place
//! that begins like a secret costs time in proportion to how far it does. No lock is held over either; a place that begins like a secret
//! is looked up under a lock of a shard, for as long as that takes. Adding hashes a secret about
//! nine times over, one of several lines or with white space around it up to eighteen times, and
//! changes tables in place; they grow by doubling. `benches` has the figures.

mod filter;
mod fingerprint;
mod known;
mod pattern;
mod redactor;
mod register;
mod scan;
mod span;
mod stream;
mod view;
mod window;
mod wiped;

pub use redactor::{Redactor, RedactorCounts, Retention, Unmaskable};
pub use stream::RedactingStream;
