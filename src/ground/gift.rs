//! A gift: what it is, what it is called, and how it is paid (domain 1.2, 1.17).

use serde::{Deserialize, Serialize};

use super::id::{CompanyId, GiftId, PersonId};
use super::money::Money;
use super::time::CalendarDate;

/// A gift of the CRM, as far as the desk needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    /// The id in Twenty.
    pub id: GiftId,
    /// Its label there.
    pub name: Option<String>,
    /// How much; missing when Twenty has no amount or a currency that does not exist.
    pub amount: Option<Money>,
    /// The day the donor gave.
    pub gift_date: Option<CalendarDate>,
    /// Who gave, when a person.
    pub donor: Option<PersonId>,
    /// Who gave, when an organisation.
    pub company: Option<CompanyId>,
}

/// How a gift was paid. Never defaulted: a card gift shown as a bank transfer is a complaint on record
/// (domain 7.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Card.
    Card,
    /// Direct debit.
    DirectDebit,
    /// Cash.
    Cash,
    /// Cheque.
    Cheque,
    /// Bank transfer.
    BankTransfer,
    /// Something else.
    Other,
}

impl PaymentMethod {
    /// Every method.
    pub const ALL: [Self; 6] =
        [Self::Card, Self::DirectDebit, Self::Cash, Self::Cheque, Self::BankTransfer, Self::Other];

    /// The word of our API (`bank_transfer`).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::DirectDebit => "direct_debit",
            Self::Cash => "cash",
            Self::Cheque => "cheque",
            Self::BankTransfer => "bank_transfer",
            Self::Other => "other",
        }
    }

    /// The method of a word, any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.word().eq_ignore_ascii_case(word))
    }

    /// The option value of Twenty's `paymentType` (domain 1.2, later generation).
    pub fn twenty_option(self) -> String {
        self.word().to_ascii_uppercase()
    }
}

/// What kind of gift was meant (domain 1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GiftIntent {
    /// An ordinary gift.
    #[default]
    Standard,
    /// A grant of an organisation.
    Grant,
    /// A legacy.
    Legacy,
    /// In kind, from a company.
    CorporateInKind,
    /// An instalment of a regular gift.
    Recurring,
}

impl GiftIntent {
    /// Every intent.
    pub const ALL: [Self; 5] =
        [Self::Standard, Self::Grant, Self::Legacy, Self::CorporateInKind, Self::Recurring];

    /// The word of our API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Grant => "grant",
            Self::Legacy => "legacy",
            Self::CorporateInKind => "corporateInKind",
            Self::Recurring => "recurring",
        }
    }

    /// The intent of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.word() == word)
    }

    /// Whether an organisation gives (domain 1.2: org intents).
    pub const fn is_organisation(self) -> bool {
        matches!(self, Self::Grant | Self::CorporateInKind)
    }

    /// The option value of Twenty's `giftType`.
    pub const fn twenty_gift_type(self) -> &'static str {
        match self {
            Self::Standard | Self::Legacy | Self::Recurring => "DONATION",
            Self::Grant => "GRANT",
            Self::CorporateInKind => "GIFT_IN_KIND",
        }
    }

    const fn type_word(self) -> &'static str {
        match self {
            Self::Standard | Self::Legacy | Self::Recurring => "Donation",
            Self::Grant => "Grant",
            Self::CorporateInKind => "Gift in kind",
        }
    }
}

/// The generated name of a gift (domain 1.17): `Donation from Ada Lovelace - £25 - 2026-06-24`.
pub fn gift_name(
    intent: GiftIntent,
    donor: Option<&str>,
    amount: Money,
    date: Option<CalendarDate>,
) -> String {
    let decimals_hidden = amount.micros % 1_000_000 == 0;
    let shown = amount.to_string();
    let shown = if decimals_hidden { shown.split('.').next().unwrap_or_default().to_owned() } else { shown };
    let suffix = if intent == GiftIntent::CorporateInKind { " est." } else { "" };
    let mut name =
        format!("{} from {} - {shown}{suffix}", intent.type_word(), donor.unwrap_or("Unknown donor"));
    if let Some(date) = date {
        name.push_str(" - ");
        name.push_str(&date.to_string());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_gifts_are_those_of_the_domain_text() {
        let gbp = |text: &str| Money::parse(text, "GBP".parse().unwrap()).unwrap();
        let date = "2026-06-24".parse().ok();
        for (name, expected) in [
            (
                gift_name(GiftIntent::Standard, Some("Ada Lovelace"), gbp("25"), date),
                "Donation from Ada Lovelace - £25 - 2026-06-24",
            ),
            (
                gift_name(GiftIntent::Grant, Some("Acme Ltd"), gbp("2500.50"), date),
                "Grant from Acme Ltd - £2,500.50 - 2026-06-24",
            ),
            (
                gift_name(GiftIntent::CorporateInKind, None, gbp("78"), None),
                "Gift in kind from Unknown donor - £78 est.",
            ),
            (
                gift_name(
                    GiftIntent::Standard,
                    Some("Yuki"),
                    Money::parse("5000", "JPY".parse().unwrap()).unwrap(),
                    None,
                ),
                "Donation from Yuki - JPY 5,000",
            ),
        ] {
            assert_eq!(name, expected);
        }
    }

    #[test]
    fn words_lead_back() {
        for method in PaymentMethod::ALL {
            assert_eq!(PaymentMethod::from_word(method.word()), Some(method));
        }
        assert_eq!(PaymentMethod::from_word("CARD"), Some(PaymentMethod::Card));
        assert_eq!(PaymentMethod::BankTransfer.twenty_option(), "BANK_TRANSFER");
        for intent in GiftIntent::ALL {
            assert_eq!(GiftIntent::from_word(intent.word()), Some(intent));
        }
    }
}
