//! What a document's own figures say of it: never set by a user, worked out at each reading (finance 1.4).

use super::decimal::Decimal;

/// Where a bill or an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing of it is paid.
    Open,
    /// Some of it is.
    Partial,
    /// All of it is.
    Paid,
    /// It was voided: nothing is owed, and nothing was paid.
    Void,
    /// It was deleted there.
    Deleted,
}

impl Status {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Partial => "partial",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Deleted => "deleted",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Partial, Self::Paid, Self::Void, Self::Deleted]
            .into_iter()
            .find(|status| status.word() == word)
    }

    /// The status by amount and balance. A document of nothing that nobody voided is settled; a balance beyond the amount,
    /// as a wrong record may have, is open.
    pub fn of(total: Decimal, balance: Decimal, voided: bool) -> Self {
        if voided && total.is_zero() {
            Self::Void
        } else if balance.is_zero() {
            Self::Paid
        } else if balance < total {
            Self::Partial
        } else {
            Self::Open
        }
    }

    /// Whether something of it is owed.
    pub const fn is_owed(self) -> bool {
        matches!(self, Self::Open | Self::Partial)
    }
}

/// Whether a note begins as QuickBooks begins the note of a voided document (contract 7.4). It counts only together with
/// amounts of nothing, since anybody can type the word.
pub fn says_voided(note: &str) -> bool {
    note == "Voided" || note.starts_with("Voided -")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_from_amount_and_balance() {
        let of = |total: &str, balance: &str, voided| {
            Status::of(total.parse().unwrap(), balance.parse().unwrap(), voided).word()
        };
        assert_eq!(of("100.00", "100", false), "open");
        assert_eq!(of("100.00", "99.99", false), "partial");
        assert_eq!(of("100.00", "0", false), "paid");
        assert_eq!(of("0", "0", true), "void");
        assert_eq!(of("0", "0", false), "paid", "a document of nothing that nobody voided");
        assert_eq!(of("100.00", "0", true), "paid", "somebody typed the word");
        for status in [Status::Open, Status::Partial, Status::Paid, Status::Void, Status::Deleted] {
            assert_eq!(Status::from_word(status.word()), Some(status));
        }
        assert!(says_voided("Voided - rent") && says_voided("Voided") && !says_voided("Voidedness"));
    }
}
