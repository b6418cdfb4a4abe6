//! Amounts of a record: exact, with the currency of the record they stand in.

use super::decimal::Decimal;
use crate::ground::money::{BadAmount, Currency, Money};

/// The currencies in which the amounts of one record are: the record's own, and the company's (contract 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The currency of the record: its `CurrencyRef`, else the company's.
    pub currency: Currency,
    /// The home currency of the company.
    pub home: Currency,
}

impl Terms {
    /// A record in the company's own currency.
    pub const fn home(home: Currency) -> Self {
        Self { currency: home, home }
    }
}

/// An amount as it was written. Lines can be finer than the currency's minor unit, so that it becomes [`Money`] only
/// where it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The number.
    pub exact: Decimal,
    /// Of which currency.
    pub currency: Currency,
}

impl Amount {
    /// The amount as money, whole in the minor units that ISO 4217 gives the currency; refused when it is finer, or
    /// more than can be held.
    pub fn money(self) -> Result<Money, BadAmount> {
        Money::parse(&self.exact.to_string(), self.currency)
    }
}

/// An amount in the company's own currency, whatever the record's is: `HomeTotalAmt`, `HomeBalance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeAmount(pub Amount);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_money_when_it_is_whole_in_its_currency() {
        let amount = |text: &str, code: &str| {
            Amount { exact: text.parse().unwrap(), currency: code.parse().unwrap() }.money()
        };
        assert_eq!(amount("-1.75", "USD").unwrap().micros, -1_750_000);
        assert_eq!(amount("1500.00", "JPY").unwrap().decimal(), "1500");
        assert_eq!(amount("1.125", "KWD").unwrap().micros, 1_125_000);
        for (text, code) in [("33.3333333", "USD"), ("0.5", "JPY")] {
            assert!(matches!(amount(text, code), Err(BadAmount::TooFine { .. })), "{text} {code}");
        }
    }
}
