//! SecretRefs: env, file, exec and store.
