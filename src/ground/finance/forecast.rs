//! Thirteen weeks ahead (finance 2.16): what is known to come and go by its date, and what goes as it went. The lowest point
//! and its week. Weeks begin on Mondays; this week is the first one.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::burn::Burn;
use super::facts::{Document, Facts, Side};
use super::figure::{Figure, Known, RecordName, Share, Source, Unknown, half_even, total};
use super::policy::Policy;
use super::recurring::{Habit, habits};
use crate::ground::books::EntityId;
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

/// Weeks that are looked ahead.
pub const WEEKS: usize = 13;

/// Something that is known to come or to go and is not in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its id.
    pub id: Uuid,
    /// On which day.
    pub on: CalendarDate,
    /// How much: what comes is positive, what goes negative.
    pub amount: Money,
}

/// What a look ahead rests on beside the records.
#[derive(Clone, Debug)]
pub struct Assumed<'a> {
    /// Cash now.
    pub cash: &'a Known<Money>,
    /// What is spent.
    pub burn: &'a Figure<Burn>,
    /// The policy.
    pub policy: &'a Policy,
    /// Days that invoices come in later than they are due.
    pub delay: i32,
    /// Days on which bills are planned to be paid.
    pub planned: &'a BTreeMap<EntityId, CalendarDate>,
    /// What is known beside the books.
    pub expected: &'a [Expected],
    /// The day.
    pub today: CalendarDate,
}

/// One week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub begins: CalendarDate,
    /// Cash at its beginning.
    pub opening: Money,
    /// Invoices that come in; in the first week also those that are late.
    pub invoices: Money,
    /// Bills that are paid; in the first week also those that are late.
    pub bills: Money,
    /// What is known beside the books: what comes less what goes.
    pub expected: Money,
    /// What is spent usually, less what those bills take the place of.
    pub other: Money,
    /// Cash at its end.
    pub closing: Money,
    /// Each invoice, bill and known thing, with its sign.
    pub of: Vec<Share>,
}

/// Thirteen weeks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The weeks.
    pub weeks: Vec<Week>,
    /// Which week ends lowest, by its place; the first of equal ones.
    pub lowest: usize,
    /// Bills and invoices of which nothing says when they are due: they are in no week.
    pub left_out: Vec<RecordName>,
}

/// The day on which an open document is taken to be paid: as planned, when it is due, or by its terms; nothing is paid
/// before today. None where nothing says when.
fn lands(facts: &Facts, assumed: &Assumed<'_>, document: &Document) -> Option<CalendarDate> {
    let planned = match document.side {
        Side::Bill => assumed.planned.get(&document.name.id).copied(),
        Side::Invoice => None,
    };
    let due = planned.or(document.due).or_else(|| facts.due_by_terms(document))?;
    let delay = if document.side == Side::Invoice { assumed.delay } else { 0 };
    Some(due.max(assumed.today).plus_days(delay))
}

/// Days of the weeks on which a habit is not spent, since a bill stands in its place: as many before the bill as lie
/// between two payments.
fn replaced(facts: &Facts, assumed: &Assumed<'_>, burn: &Burn) -> Vec<(Habit, BTreeSet<CalendarDate>)> {
    let Some(window) = assumed.burn.window else { return Vec::new() };
    let habits = habits(facts, assumed.policy, window, assumed.burn.method == "bills_by_date");
    let mut days: BTreeMap<&EntityId, BTreeSet<CalendarDate>> = BTreeMap::new();
    for bill in facts.open(Side::Bill) {
        let habit = bill.party.as_ref().and_then(|vendor| habits.get_key_value(vendor));
        if let (Some((vendor, habit)), Some(lands)) = (habit, lands(facts, assumed, bill)) {
            let before = (0..habit.every(burn.days)).map(|day| lands.plus_days(-day));
            days.entry(vendor).or_default().extend(before.filter(|day| *day >= assumed.today));
        }
    }
    days.into_iter().filter_map(|(vendor, days)| Some((*habits.get(vendor)?, days))).collect()
}

/// What is ahead. Bills and invoices land on their days; beyond them goes what is spent usually, where a bill of somebody
/// who is paid again and again stands in its place and is not counted twice.
pub fn forecast(facts: &Facts, assumed: &Assumed<'_>) -> Known<Forecast> {
    let (mut opening, burn) = ((*assumed.cash)?, assumed.burn.value.map_err(|_| Unknown::NoBurn)?);
    let (first, currency) = (assumed.today.monday(), facts.home);
    let money = |micros: i64| Money { micros, currency };
    let place = |day: CalendarDate| usize::try_from(day.days_since(first) / 7).ok();
    let mut landing: Vec<(Option<usize>, Share, Side)> = Vec::new();
    let mut left_out = Vec::new();
    for document in facts.open(Side::Invoice).chain(facts.open(Side::Bill)) {
        match lands(facts, assumed, document) {
            None => left_out.push(document.name.clone()),
            Some(day) => {
                let sign = if document.side == Side::Bill { -1 } else { 1 };
                let amount = document.open.map(|open| Money { micros: sign * open.micros, ..open });
                landing.push((place(day), Share::of(document.name.clone(), amount), document.side));
            }
        }
    }
    let replaced = replaced(facts, assumed, &burn);
    let mut weeks = Vec::with_capacity(WEEKS);
    for at in 0..WEEKS {
        let begins = first.plus_days(i32::try_from(at).unwrap_or(0) * 7);
        let of = |side: Side| -> Vec<Share> {
            let of = landing.iter().filter(|(week, _, of)| *week == Some(at) && *of == side);
            of.map(|(_, share, _)| share.clone()).collect()
        };
        let known = assumed.expected.iter().filter(|it| it.on >= assumed.today && place(it.on) == Some(at));
        let known = known.map(|it| Share { source: Source::Said(it.id), amount: Ok(it.amount) });
        let (coming, going, known): (_, _, Vec<Share>) = (of(Side::Invoice), of(Side::Bill), known.collect());
        let (came, went) = (total(&coming, currency)?, total(&going, currency)?);
        let expected = total(&known, currency)?;
        let other = usual(&burn, &replaced, begins, assumed.today, currency.minor_unit_micros())?;
        let closing = [came.micros, went.micros, expected.micros, -other]
            .into_iter()
            .try_fold(opening.micros, i64::checked_add)
            .ok_or(Unknown::TooLarge)?;
        weeks.push(Week {
            begins,
            opening,
            invoices: came,
            bills: money(-went.micros),
            expected,
            other: money(other),
            closing: money(closing),
            of: coming.into_iter().chain(going).chain(known).collect(),
        });
        opening = money(closing);
    }
    let least = weeks.iter().map(|week| week.closing.micros).min().unwrap_or(0);
    let lowest = weeks.iter().position(|week| week.closing.micros == least).unwrap_or(0);
    Ok(Forecast { weeks, lowest, left_out })
}

/// What is spent usually in a week, in micros: of this week only the days that are left.
fn usual(
    burn: &Burn,
    replaced: &[(Habit, BTreeSet<CalendarDate>)],
    begins: CalendarDate,
    today: CalendarDate,
    unit: i64,
) -> Known<i64> {
    let (from, until) = (begins.max(today), begins.plus_days(7));
    let days = i128::from(until.days_since(from));
    let mut spent = i128::from(burn.spent.micros) * days;
    for (habit, on) in replaced {
        let within = i128::try_from(on.range(from..until).count()).unwrap_or(0);
        spent -= i128::from(habit.spent) * within;
    }
    let unit = i128::from(unit);
    let minor = half_even(spent.max(0), i128::from(burn.days.max(1)) * unit).unwrap_or(0);
    i64::try_from(minor * unit).map_err(|_| Unknown::TooLarge)
}
