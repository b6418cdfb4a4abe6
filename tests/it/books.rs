//! The books against a simulated QuickBooks Online: loads, looks, webhooks, controls, tokens, the month. Our clock, a disk
//! in memory, the simulator in process; the keeper is driven until nothing is due.

#[path = "books/decisions.rs"]
mod decisions;
#[path = "books/face.rs"]
mod face;
#[path = "books/faults.rs"]
mod faults;
#[path = "books/firm.rs"]
pub mod firm;
#[path = "books/golden.rs"]
mod golden;
#[path = "books/mirror.rs"]
mod mirror;
#[path = "books/money.rs"]
mod money;
#[path = "books/month.rs"]
mod month;
#[path = "books/schedules.rs"]
mod schedules;
#[path = "books/tokens.rs"]
mod tokens;
#[path = "books/writes.rs"]
mod writes;
