//! Thirteen weeks ahead (finance 2.16): what is known to come and go by its date, and what goes as it went. The lowest point
//! and its week. Weeks begin on Mondays; this week is the first one.

use super::burn::Burn;
use super::facts::{Document, Facts, Side};
use super::figure::{Known, RecordName, Unknown, half_even, sum};
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// Weeks that are looked ahead.
pub const WEEKS: usize = 13;

/// One week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub begins: CalendarDate,
    /// Cash at its beginning.
    pub opening: Money,
    /// Invoices that are due in it; in the first week also those that are late.
    pub invoices: Money,
    /// Bills that are due in it; in the first week also those that are late.
    pub bills: Money,
    /// What is spent beyond those bills, as it was spent lately.
    pub other: Money,
    /// Cash at its end.
    pub closing: Money,
    /// The bills and invoices.
    pub of: Vec<RecordName>,
}

/// Thirteen weeks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The weeks.
    pub weeks: Vec<Week>,
    /// Which week ends lowest, by its place; the first of equal ones.
    pub lowest: usize,
    /// Bills and invoices without a due date, which are in no week.
    pub left_out: Vec<RecordName>,
}

fn week_of(document: &Document, first: CalendarDate) -> Option<usize> {
    let days = document.due?.days_since(first);
    usize::try_from(days.max(0) / 7).ok()
}

/// What is ahead, if invoices come in `delay` days after they are due. Spending beyond bills is what is spent a day, less the
/// bills of the week: an open bill takes the place of what is spent usually, and is not counted twice.
pub fn forecast(
    facts: &Facts,
    cash: &Known<Money>,
    burn: &Known<Burn>,
    delay: i32,
    today: CalendarDate,
) -> Known<Forecast> {
    let (mut opening, burn) = ((*cash)?, burn.map_err(|_| Unknown::NoBurn)?);
    let first = today.monday();
    let currency = facts.home;
    let money = |micros: i64| Money { micros, currency };
    let late = |document: &Document| {
        let due = document.due.map(|due| due.plus_days(delay));
        Document { due, ..document.clone() }
    };
    let invoices: Vec<Document> = facts.open(Side::Invoice).map(late).collect();
    let bills: Vec<&Document> = facts.open(Side::Bill).collect();
    let mut weeks = Vec::with_capacity(WEEKS);
    for at in 0..WEEKS {
        let coming: Vec<&Document> = invoices.iter().filter(|it| week_of(it, first) == Some(at)).collect();
        let going: Vec<&&Document> = bills.iter().filter(|it| week_of(it, first) == Some(at)).collect();
        let total = |of: Vec<Known<Money>>| of.into_iter().collect::<Known<Vec<_>>>().and_then(sum);
        let came = total(coming.iter().map(|it| it.open).collect())?;
        let went = total(going.iter().map(|it| it.open).collect())?;
        let begins = first.plus_days(i32::try_from(at).unwrap_or(0) * 7);
        // Of this week only the days that are left.
        let days = if at == 0 { 7 - today.days_since(first) } else { 7 };
        let unit = i128::from(currency.minor_unit_micros());
        let usual = i128::from(burn.spent.micros) * i128::from(days);
        let usual = half_even(usual, i128::from(burn.days.max(1)) * unit).map(|minor| minor * unit);
        let usual = usual.and_then(|it| i64::try_from(it).ok()).ok_or(Unknown::TooLarge)?;
        let other = usual.saturating_sub(went).max(0);
        let closing = opening.micros.checked_add(came).and_then(|it| it.checked_sub(went));
        let closing = closing.and_then(|it| it.checked_sub(other)).ok_or(Unknown::TooLarge)?;
        let of = coming.iter().map(|it| it.name.clone()).chain(going.iter().map(|it| it.name.clone()));
        weeks.push(Week {
            begins,
            opening,
            invoices: money(came),
            bills: money(went),
            other: money(other),
            closing: money(closing),
            of: of.collect(),
        });
        opening = money(closing);
    }
    let least = weeks.iter().map(|week| week.closing.micros).min().unwrap_or(0);
    let lowest = weeks.iter().position(|week| week.closing.micros == least).unwrap_or(0);
    let undated = facts.documents.iter().filter(|it| it.is_open() && it.due.is_none());
    Ok(Forecast { weeks, lowest, left_out: undated.map(|it| it.name.clone()).collect() })
}
