//! Where people and programs meet us: the command line, the control socket and HTTP.

pub mod cli;
pub mod command;
pub mod control;
pub mod http;
