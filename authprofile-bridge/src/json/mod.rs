//! JSON objects that keep what they do not know.
