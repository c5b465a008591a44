//! Files of others: read whole or not at all, replaced atomically, watched.
