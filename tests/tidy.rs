//! The house rules as tests: reads the sources and fails on what a reviewer would have to say twice.
//! Every rule has a twin named `.._can_fail` that shows it a bad sample; a message names the place
//! and what to do. The rules and their reasons are told in `docs/ARCHITECTURE.md`.

#[path = "tidy/bans.rs"]
mod bans;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/ground.rs"]
mod ground;
#[path = "tidy/lex.rs"]
mod lex;
#[path = "tidy/repo.rs"]
mod repo;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;
