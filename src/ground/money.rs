//! Money: an integer number of micros with its currency. Never a float, never summed across currencies.
//!
//! 1 major unit is 1,000,000 micros. How many decimals a currency has comes from ISO 4217 (JPY 0, KWD 3);
//! this overrides domain 1.1, which knows two decimals only.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Active codes with two decimals.
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD \
    HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK \
    SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG \
    YER ZAR ZMW ZWG";
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// Not an active ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency code; use three letters such as GBP")]
pub struct UnknownCurrency(String);

impl Currency {
    /// Pounds sterling.
    pub const GBP: Self = Self(*b"GBP");

    /// How many decimals an amount of this currency has.
    pub fn exponent(self) -> u32 {
        let code = self.as_str();
        if NO_DECIMALS.contains(code) {
            0
        } else if THREE_DECIMALS.contains(code) {
            3
        } else {
            2
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Micros of one minor unit (a penny, a yen, a fils).
    pub fn minor_unit_micros(self) -> i64 {
        10_i64.pow(6 - self.exponent())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let upper = text.trim().to_ascii_uppercase();
        let known = [TWO_DECIMALS, NO_DECIMALS, THREE_DECIMALS]
            .iter()
            .any(|list| list.split_whitespace().any(|c| c == upper));
        match <[u8; 3]>::try_from(upper.as_bytes()) {
            Ok(code) if known => Ok(Self(code)),
            _ => Err(UnknownCurrency(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of one currency. The serialised form is Twenty's CURRENCY composite (contract 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// Millionths of the major unit.
    #[serde(rename = "amountMicros")]
    pub micros: i64,
    /// Which currency.
    #[serde(rename = "currencyCode")]
    pub currency: Currency,
}

/// The largest number of micros that survives Twenty's JavaScript number (contract 2.3).
pub const MICROS_MAX: i64 = 9_007_199_254_740_991;

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// Not digits with at most one decimal point.
    #[error("{0:?} is not an amount; write digits and at most one decimal point, such as 1250.50")]
    NotANumber(String),
    /// More decimals than the currency has.
    #[error("{currency} has {decimals} decimals, {text:?} has more")]
    TooFine {
        /// What was written.
        text: String,
        /// The currency.
        currency: Currency,
        /// How many decimals it has.
        decimals: u32,
    },
    /// Beyond what can be held exactly on the other side.
    #[error("{0} is more than can be recorded exactly")]
    TooLarge(String),
}

impl Money {
    /// Reads a plain decimal number ("1250.50") exactly. Group separators are refused: "1.234" can mean two
    /// things and must be asked.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, BadAmount> {
        let bad = || BadAmount::NotANumber(text.to_owned());
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(bad());
        }
        let significant = fraction.trim_end_matches('0');
        if significant.len() > currency.exponent() as usize {
            return Err(BadAmount::TooFine {
                text: text.to_owned(),
                currency,
                decimals: currency.exponent(),
            });
        }
        let too_large = || BadAmount::TooLarge(text.to_owned());
        let whole: i64 = whole.parse().map_err(|_| too_large())?;
        let fraction: i64 = format!("{significant:0<6}").parse().map_err(|_| bad())?;
        let micros =
            whole.checked_mul(1_000_000).and_then(|m| m.checked_add(fraction)).ok_or_else(too_large)?;
        if micros > MICROS_MAX {
            return Err(too_large());
        }
        Ok(Self { micros: sign * micros, currency })
    }

    /// Whether the amount has no more decimals than its currency.
    pub fn is_whole_minor(self) -> bool {
        self.micros % self.currency.minor_unit_micros() == 0
    }

    /// The number without its currency: `1250.50`.
    pub fn decimal(self) -> String {
        let decimals = self.currency.exponent() as usize;
        let magnitude = self.micros.unsigned_abs();
        let (whole, micros) = (magnitude / 1_000_000, magnitude % 1_000_000);
        let sign = if self.micros < 0 { "-" } else { "" };
        let fraction = format!("{micros:06}");
        // Amounts finer than the currency (foreign data) are shown in full rather than rounded away.
        let shown =
            if self.is_whole_minor() { &fraction[..decimals] } else { fraction.trim_end_matches('0') };
        if shown.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{shown}") }
    }
}

/// `£1,250.50`, or `EUR 1,250.50` for a currency other than pounds.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = self.decimal();
        let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let mark =
            if self.currency == Currency::GBP { "£".to_owned() } else { format!("{} ", self.currency) };
        write!(f, "{sign}{mark}{}", grouped(whole))?;
        fraction.map_or(Ok(()), |fraction| write!(f, ".{fraction}"))
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Sums kept apart by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Currency, Total>);

/// The sum of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Sum in micros; wide enough that it cannot overflow.
    pub micros: i128,
    /// How many amounts it is made of.
    pub rows: u64,
}

impl Totals {
    /// Adds one amount to the sum of its currency.
    pub fn add(&mut self, amount: Money) {
        let total = self.0.entry(amount.currency).or_default();
        total.micros += i128::from(amount.micros);
        total.rows += 1;
    }

    /// The sums in order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Total)> + '_ {
        self.0.iter().map(|(currency, total)| (*currency, *total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str, code: &str) -> Result<Money, BadAmount> {
        Money::parse(text, code.parse().unwrap())
    }

    #[test]
    fn reads_amounts_exactly_by_the_exponent_of_the_currency() {
        for (text, code, micros) in [
            ("25", "GBP", 25_000_000),
            ("25.00", "GBP", 25_000_000),
            ("0.01", "GBP", 10_000),
            ("1250.5", "EUR", 1_250_500_000),
            ("500", "JPY", 500_000_000),
            ("500.0", "JPY", 500_000_000),
            ("1.234", "KWD", 1_234_000),
            ("-3.20", "USD", -3_200_000),
        ] {
            assert_eq!(money(text, code).unwrap().micros, micros, "{text} {code}");
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for (text, code) in [
            ("1,250.50", "GBP"),
            ("1.234", "GBP"),
            ("0.5", "JPY"),
            ("1.2345", "KWD"),
            ("", "GBP"),
            (".5", "GBP"),
            ("5.", "GBP"),
            ("1e3", "GBP"),
            ("£5", "GBP"),
            ("١٢", "GBP"),
        ] {
            assert!(money(text, code).is_err(), "{text} {code}");
        }
        assert!(matches!(money("9007199255", "GBP"), Err(BadAmount::TooLarge(_))));
        assert!(matches!(money("99999999999999999999", "GBP"), Err(BadAmount::TooLarge(_))));
    }

    #[test]
    fn prints_for_people() {
        for (text, code, shown) in [
            ("25", "GBP", "£25.00"),
            ("2500.5", "GBP", "£2,500.50"),
            ("1234567", "JPY", "JPY 1,234,567"),
            ("-3.2", "EUR", "-EUR 3.20"),
            ("0.005", "KWD", "KWD 0.005"),
        ] {
            assert_eq!(money(text, code).unwrap().to_string(), shown);
        }
        assert_eq!(Money { micros: 12_345, currency: Currency::GBP }.decimal(), "0.012345");
    }

    #[test]
    fn unknown_codes_are_refused_and_case_is_forgiven() {
        assert_eq!("gbp".parse::<Currency>().unwrap(), Currency::GBP);
        for bad in ["XXY", "GB", "", "£", "GBPP", "AED AFN"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }

    #[test]
    fn currencies_are_summed_apart() {
        let mut totals = Totals::default();
        for (text, code) in [("1.50", "GBP"), ("2.50", "GBP"), ("3", "EUR")] {
            totals.add(money(text, code).unwrap());
        }
        let seen: Vec<_> = totals.iter().map(|(c, t)| (c.to_string(), t.micros, t.rows)).collect();
        assert_eq!(seen, [("EUR".to_owned(), 3_000_000, 1), ("GBP".to_owned(), 4_000_000, 2)]);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(minor in 0_i64..900_000_000_000, code in prop::sample::select(vec!["GBP", "JPY", "KWD"])) {
            let currency: Currency = code.parse().unwrap();
            let amount = Money { micros: minor * currency.minor_unit_micros(), currency };
            prop_assume!(amount.micros <= MICROS_MAX);
            prop_assert_eq!(Money::parse(&amount.decimal(), currency).unwrap(), amount);
        }
    }
}
