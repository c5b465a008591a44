//! Locks of others, in their protocol.
