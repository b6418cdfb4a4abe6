//! What gift, donor, batch and run mean. Pure: decides, and cannot fail for outside reasons.
//!
//! No I/O, no clock, no randomness, no async, no JSON trees. Everything a rule needs is handed in as a
//! value; everything it decides is handed back as a value.

pub mod access;
pub mod backup;
pub mod batch;
pub mod books;
pub mod budget;
pub mod coding;
pub mod crm;
pub mod doctor;
pub mod donor_match;
pub mod edit;
pub mod finance;
pub mod further;
pub mod gift;
pub mod giving;
pub mod groups;
pub mod id;
pub mod intake;
pub mod journal;
pub mod links;
pub mod listing;
pub mod matching;
pub mod merge;
pub mod mirror;
pub mod model;
pub mod money;
pub mod outbox;
pub mod patch;
pub mod person;
pub mod plan;
pub mod provision;
pub mod quarantine;
pub mod replay;
pub mod run;
pub mod settings;
pub mod staging;
pub mod texts;
pub mod time;
pub mod webhook;
pub mod workspace;
pub mod world;
