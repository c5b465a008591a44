//! Logins of other tools on the same machine, and OpenClaw's old files: read, never written.
