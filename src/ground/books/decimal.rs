//! Exact decimals: what QuickBooks writes as a JSON number, read from its text and never through a float (contract 7.1).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most significant digits that are held; amounts have 2 decimals, rates and prices up to 7 (contract 7.1).
const DIGITS_MAX: usize = 19;
/// Most decimals. With [`DIGITS_MAX`] two decimals can always be brought to one scale within 128 bits.
const SCALE_MAX: u32 = 18;

/// A number with its decimals as they were written: `100.00` is not rewritten as `100`. Two are equal when they are the
/// same number.
#[derive(Clone, Copy, Default)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

/// The text is not a number that is held exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number of at most 19 digits")]
pub struct BadDecimal(String);

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self { digits: 0, scale: 0 };

    /// The number `digits` / 10^`scale`; none beyond what is held.
    pub fn new(digits: i128, scale: u32) -> Option<Self> {
        let held = digits.unsigned_abs() < 10_u128.pow(37) && scale <= SCALE_MAX;
        held.then_some(Self { digits, scale })
    }

    /// Whether it is nothing, however many decimals it is written with.
    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether it is below nothing.
    pub const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The same number with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { digits: -self.digits, scale: self.scale }
    }

    /// The sum, exact; none when it is beyond 128 bits, which no ledger reaches.
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { digits, scale })
    }

    /// The product, exact: an amount at a rate. None when it is beyond 128 bits.
    pub fn times(self, other: Self) -> Option<Self> {
        Some(Self { digits: self.digits.checked_mul(other.digits)?, scale: self.scale + other.scale })
    }

    /// The nearest number with so many decimals; halves go to the even neighbour.
    #[must_use]
    pub fn rounded(self, scale: u32) -> Self {
        if scale >= self.scale {
            return self;
        }
        let Some(unit) = 10_i128.checked_pow(self.scale - scale) else { return Self { digits: 0, scale } };
        let (whole, left) = (self.digits.div_euclid(unit), self.digits.rem_euclid(unit));
        let up = match (left * 2).cmp(&unit) {
            Ordering::Less => 0,
            Ordering::Greater => 1,
            Ordering::Equal => whole.rem_euclid(2),
        };
        Self { digits: whole + up, scale }
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at(scale), other.at(scale)) {
            (Some(one), Some(other)) => one.cmp(&other),
            // The one that cannot be brought to the scale is the larger in size.
            (None, _) => self.digits.cmp(&0),
            (_, None) => 0.cmp(&other.digits),
        }
    }
}

impl FromStr for Decimal {
    type Err = BadDecimal;
    /// Takes what JSON takes for a number, with an exponent too.
    fn from_str(text: &str) -> Result<Self, BadDecimal> {
        let bad = || BadDecimal(text.to_owned());
        let (plain, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| bad())?;
        let (sign, unsigned) = plain.strip_prefix('-').map_or((1, plain), |rest| (-1, rest));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let short = whole.len() + fraction.len() <= DIGITS_MAX;
        if whole.is_empty() || unsigned.ends_with('.') || !numeric(whole) || !numeric(fraction) || !short {
            return Err(bad());
        }
        let digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| bad())?;
        let scale =
            i32::try_from(fraction.len()).map_err(|_| bad())?.checked_sub(exponent).ok_or_else(bad)?;
        if scale.unsigned_abs() > SCALE_MAX {
            return Err(bad());
        }
        let shift = u32::try_from(-scale).unwrap_or(0);
        let digits = digits.checked_mul(10_i128.pow(shift)).ok_or_else(bad)?;
        Self::new(sign * digits, u32::try_from(scale).unwrap_or(0)).ok_or_else(bad)
    }
}

/// `-33.3333333`, with the decimals it was written with.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// As text: its digits as they were written.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_keeps_its_decimals_and_equals_the_same_number_written_otherwise() {
        for text in ["0", "100.00", "387.5", "-33.3333333", "0.01", "-0.0000001", "1234567890123.12"] {
            assert_eq!(number(text).to_string(), text);
        }
        for (one, other) in [("100.00", "1E+2"), ("0", "-0.00"), ("12.5", "1.25e1"), ("0.05", "5E-2")] {
            assert_eq!(number(one), number(other));
        }
        assert!(number("-3") < number("-2.99") && number("2.10") > number("2.099999"));
    }

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for text in
            ["", "-", ".5", "5.", "1,5", "INVALID", "1e", "0x1", "12345678901234567890", "1e99", "NaN"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (text, whole) in
            [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("-0.126", "-0.13"), ("7", "7")]
        {
            assert_eq!(number(text).rounded(2).to_string(), whole, "{text}");
        }
        assert_eq!(number("10.00").times(number("1.2345678")).unwrap().rounded(2), number("12.35"));
    }

    proptest! {
        #[test]
        fn sums_are_exact_in_any_order(parts in prop::collection::vec((-1_000_000_000_i64..1_000_000_000, 0_u32..8), 1..40)) {
            let parts: Vec<Decimal> =
                parts.into_iter().map(|(digits, scale)| Decimal::new(digits.into(), scale).unwrap()).collect();
            let forth = parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.plus(*part)).unwrap();
            let back = parts.iter().rev().try_fold(Decimal::ZERO, |sum, part| sum.plus(*part)).unwrap();
            prop_assert_eq!(forth, back);
            let nothing = parts.iter().try_fold(forth, |sum, part| sum.plus(part.negated())).unwrap();
            prop_assert!(nothing.is_zero());
            prop_assert_eq!(forth.to_string().parse::<Decimal>().unwrap(), forth);
        }
    }
}
