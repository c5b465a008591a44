//! The emulator, by its own tests.
