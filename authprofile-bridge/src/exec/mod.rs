//! The exec protocol, version 1: how OpenClaw asks a program for secrets.
