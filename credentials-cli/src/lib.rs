#![doc = include_str!("../README.md")]

mod arguments;
mod backend;
mod commands;
mod context;
mod failure;
mod run;
mod sign_in;
mod terminal;
mod whose;

pub use failure::Exit;
pub use run::run;
