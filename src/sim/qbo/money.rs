//! Amounts as whole cents, prices and quantities as exact decimals.

use super::tree::Json;

/// Units of [`Exact`] in one.
const UNIT: i128 = 10_000_000;
const PLACES: usize = 7;

/// A decimal number with seven places, as prices, quantities and rates have (contract 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(i128);

impl Exact {
    /// Reads `-12.5`; further places than seven are cut. `None` for what is no plain decimal.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || whole.len() > 20 || !plain(whole) || !plain(rest) {
            return None;
        }
        let rest: String = rest.chars().chain(std::iter::repeat('0')).take(PLACES).collect();
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        Some(Self(sign * (whole * UNIT + rest.parse::<i128>().ok()?)))
    }

    /// Rounded to whole cents, half away from zero.
    pub(crate) fn cents(self) -> i64 {
        let cent = UNIT / 100;
        let half = if self.0 < 0 { -cent / 2 } else { cent / 2 };
        i64::try_from((self.0 + half) / cent).unwrap_or(i64::MAX)
    }

    /// The product, cut to seven places.
    pub(crate) fn times(self, other: Self) -> Self {
        Self(self.0.saturating_mul(other.0) / UNIT)
    }

    /// Without trailing zeros, as prices are told: `75`, `22.5`.
    pub(crate) fn plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.abs() / UNIT, self.0.abs() % UNIT);
        let rest = format!("{rest:0PLACES$}");
        let rest = rest.trim_end_matches('0');
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{rest}")
    }
}

/// Cents as the server writes an amount: `0`, `100.00`, `-3.05`.
pub(crate) fn money(cents: i64) -> Json {
    Json::Num(if cents == 0 { "0".to_owned() } else { amount(cents) })
}

/// Cents with two places, always.
pub(crate) fn amount(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::{Exact, amount, money};

    #[test]
    fn amounts_are_exact() {
        let cents = |text: &str| Exact::parse(text).unwrap().cents();
        assert_eq!(
            [cents("100.0"), cents("-3.05"), cents("0.005"), cents("-0.005"), cents(".5")],
            [10_000, -305, 1, -1, 50]
        );
        assert_eq!(Exact::parse("1e3"), None);
        let product = Exact::parse("75").unwrap().times(Exact::parse("4.5").unwrap());
        assert_eq!((product.cents(), product.plain()), (33_750, "337.5".to_owned()));
        assert_eq!((money(0).to_text(), amount(-305)), ("0".to_owned(), "-3.05".to_owned()));
    }
}
