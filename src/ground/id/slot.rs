//! Places for objects that the operator switches on, and what Twenty calls an object.

use serde::{Deserialize, Serialize};

/// One of the places for objects that the operator switches on. Which object has it stands in the store; a place is
/// given once and not again, since history is kept under its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomSlot(u8);

impl CustomSlot {
    /// How many places there are.
    pub const COUNT: u8 = 16;
    const WORDS: [&'static str; Self::COUNT as usize] = [
        "custom_1",
        "custom_2",
        "custom_3",
        "custom_4",
        "custom_5",
        "custom_6",
        "custom_7",
        "custom_8",
        "custom_9",
        "custom_10",
        "custom_11",
        "custom_12",
        "custom_13",
        "custom_14",
        "custom_15",
        "custom_16",
    ];
    /// The number on disk of the first place.
    const FIRST: u16 = 41;

    /// The place with this index, from 0.
    pub const fn new(index: u8) -> Option<Self> {
        if index < Self::COUNT { Some(Self(index)) } else { None }
    }

    /// Its index, from 0.
    pub const fn index(self) -> u8 {
        self.0
    }

    /// Its number on disk.
    pub(super) const fn number(self) -> u16 {
        Self::FIRST + self.0 as u16
    }

    /// Its word in the API.
    pub(super) const fn word(self) -> &'static str {
        Self::WORDS[self.0 as usize]
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

/// The names of an object in Twenty's API (contract 1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// `person`
    pub singular: String,
    /// `people`
    pub plural: String,
}
