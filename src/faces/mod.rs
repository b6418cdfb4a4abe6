//! Where people and programs meet us: the command line and HTTP.

pub mod cli;
pub mod http;
