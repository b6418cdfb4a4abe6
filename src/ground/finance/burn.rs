//! Cash, what is spent a day, how long the cash lasts, and what one payment changes of that (finance 2.3, 2.4).

use super::facts::{CashAccount, Facts, Flow, Side};
use uuid::Uuid;

use super::figure::{Figure, Known, RecordName, Share, Source, Unknown, half_even, sum, total};
use super::policy::{Band, Policy};
use crate::ground::books::Entity;
use crate::ground::money::Money;
use crate::ground::time::CalendarDate;

fn held<'f>(accounts: impl Iterator<Item = &'f CashAccount>) -> Vec<Share> {
    let name = |account: &CashAccount| RecordName { entity: Entity::Account, id: account.id.clone() };
    accounts.map(|account| Share::of(name(account), account.balance)).collect()
}

/// Cash that is free to spend: bank accounts in use, but for those whose money is restricted, less what is set aside.
pub fn cash(facts: &Facts, policy: &Policy, set_aside: &[(Uuid, Money)]) -> Figure<Money> {
    let mut of = held(facts.cash.iter().filter(|account| !policy.restricted.contains(&account.id)));
    of.extend(set_aside.iter().map(|(id, amount)| Share {
        source: Source::Said(*id),
        amount:
            amount.micros.checked_neg().map(|micros| Money { micros, ..*amount }).ok_or(Unknown::TooLarge),
    }));
    let value = || {
        facts.can_read(&[Entity::Account])?;
        if facts.cash.is_empty() {
            return Err(Unknown::NoBalance);
        }
        total(&of, facts.home)
    };
    Figure::now(value(), "bank_accounts_less_restricted_and_earmarked", of)
}

/// Cash on restricted accounts.
pub fn restricted(facts: &Facts, policy: &Policy) -> Figure<Money> {
    let of = held(facts.cash.iter().filter(|account| policy.restricted.contains(&account.id)));
    Figure::now(total(&of, facts.home), "restricted_bank_accounts", of)
}

/// What is spent: so much over so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burn {
    /// All of it, in the company's currency.
    pub spent: Money,
    /// The days, at least one.
    pub days: i32,
    /// Whether there is less history than a figure needs to be relied on.
    pub low_confidence: bool,
}

impl Burn {
    /// What is spent a day, to the nearest minor unit: for showing only, nothing is computed with it.
    pub fn daily(&self) -> Money {
        let unit = i128::from(self.spent.currency.minor_unit_micros());
        let minor = half_even(i128::from(self.spent.micros), i128::from(self.days.max(1)) * unit);
        let micros = i64::try_from(minor.unwrap_or(0) * unit).unwrap_or(i64::MAX);
        Money { micros, ..self.spent }
    }
}

fn within(flow: &Flow, from: CalendarDate, to: CalendarDate) -> bool {
    flow.date.is_some_and(|date| from <= date && date <= to)
}

/// Kinds by which money goes out.
const OUT: [Entity; 4] = [Entity::BillPayment, Entity::Purchase, Entity::RefundReceipt, Entity::JournalEntry];

/// Kinds by which money comes in.
const IN: [Entity; 5] =
    [Entity::Payment, Entity::SalesReceipt, Entity::Deposit, Entity::JournalEntry, Entity::Purchase];

/// What is spent a day: payments and purchases of the last days; where there are none, bills by their date. With enough
/// history and neither, nothing is spent; else it is unknown. The window begins with the first record there is, if that is
/// later.
pub fn burn(facts: &Facts, policy: &Policy, today: CalendarDate) -> Figure<Burn> {
    if let Err(why) = facts.can_read(&OUT) {
        return Figure::now(Err(why), "none", Vec::new());
    }
    let first = today.plus_days(1 - policy.burn_days);
    let flows = facts.flows.iter().filter_map(|flow| flow.date);
    let spent: Vec<&Flow> =
        facts.flows.iter().filter(|flow| !flow.is_in && within(flow, first, today)).collect();
    if !spent.is_empty() {
        let began = flows.min().unwrap_or(today);
        let is_regular = |flow: &&&Flow| {
            let amount = flow.amount.map_or(0, |amount| amount.micros);
            policy.one_time_micros.is_none_or(|most| amount <= most)
        };
        let of = spent.iter().filter(is_regular).map(|flow| Share::of(flow.name.clone(), flow.amount));
        return over(facts, policy, (first.max(began), today), ("payments_and_purchases", of.collect()));
    }
    if let Err(why) = facts.can_read(&[Entity::Bill]) {
        return Figure::now(Err(why), "none", Vec::new());
    }
    let bills = facts.documents.iter().filter(|it| it.side == Side::Bill && it.status.word() != "void");
    let dated = bills.filter(|it| it.date.is_some_and(|date| first <= date && date <= today));
    let of: Vec<Share> = dated.map(|it| Share::of(it.name.clone(), it.home_total)).collect();
    let documents = facts.documents.iter().filter_map(|it| it.date);
    let began = flows.chain(documents).min();
    match began {
        Some(began) if !of.is_empty() => {
            over(facts, policy, (first.max(began), today), ("bills_by_date", of))
        }
        // Records go back far enough, and none of them says that anything was spent.
        Some(began) if today.days_since(began) >= policy.history_days => {
            over(facts, policy, (first.max(began), today), ("nothing_spent", Vec::new()))
        }
        Some(_) | None => Figure::now(Err(Unknown::NoHistory), "none", Vec::new()),
    }
}

fn over(
    facts: &Facts,
    policy: &Policy,
    window: (CalendarDate, CalendarDate),
    (method, of): (&'static str, Vec<Share>),
) -> Figure<Burn> {
    let days = (window.1.days_since(window.0) + 1).max(1);
    let value =
        total(&of, facts.home).map(|spent| Burn { spent, days, low_confidence: days < policy.history_days });
    Figure { value, method, window: Some(window), of }
}

/// What came in over the window of the burn.
pub fn inflow(facts: &Facts, window: (CalendarDate, CalendarDate)) -> Figure<Money> {
    let came = facts.flows.iter().filter(|flow| flow.is_in && within(flow, window.0, window.1));
    let of: Vec<Share> = came.map(|flow| Share::of(flow.name.clone(), flow.amount)).collect();
    let value = facts.can_read(&IN).and_then(|()| total(&of, facts.home));
    Figure { value, method: "payments_receipts_and_deposits", window: Some(window), of }
}

/// How long the cash lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runway {
    /// So many whole days; until the last of them the cash covers what is spent.
    Days {
        /// Days.
        days: i64,
        /// Today and so many days more.
        covered_until: CalendarDate,
        /// How it is judged.
        band: Band,
    },
    /// Nothing is spent.
    NotBurning,
}

/// So many days are told at the most: beyond, calendars end.
const DAYS_MAX: i128 = 36_500;

/// How long the cash lasts (finance 2.3): nothing left is 0 days, nothing known is unknown.
pub fn runway(
    cash: &Known<Money>,
    burn: &Known<Burn>,
    policy: &Policy,
    today: CalendarDate,
) -> Known<Runway> {
    let cash = (*cash)?;
    let days = |days: i64| {
        let until = today.plus_days(i32::try_from(days).unwrap_or(i32::MAX));
        Ok(Runway::Days { days, covered_until: until, band: policy.band(days) })
    };
    let burn = burn.map_err(|_| Unknown::NoBurn)?;
    if cash.micros <= 0 {
        return days(0);
    }
    if burn.spent.micros <= 0 {
        return Ok(Runway::NotBurning);
    }
    let whole = i128::from(cash.micros) * i128::from(burn.days) / i128::from(burn.spent.micros);
    days(i64::try_from(whole.min(DAYS_MAX)).map_err(|_| Unknown::TooLarge)?)
}

/// Tenths of a day that an amount is worth at this burn; paying is negative, delaying and collecting are positive (2.4).
pub fn impact_tenths(amount: Money, burn: &Burn) -> Known<i64> {
    if burn.spent.micros <= 0 {
        return Err(Unknown::NoBurn);
    }
    let tenths =
        half_even(i128::from(amount.micros) * i128::from(burn.days) * 10, i128::from(burn.spent.micros));
    tenths.and_then(|tenths| i64::try_from(tenths).ok()).ok_or(Unknown::TooLarge)
}

/// What paying a set of amounts does: one computation with all of them, not a sum of single ones (2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// What is paid.
    pub amount: Money,
    /// Tenths of days, negative.
    pub tenths: Known<i64>,
    /// The cash afterwards.
    pub cash: Known<Money>,
    /// The runway before.
    pub before: Known<Runway>,
    /// The runway afterwards.
    pub after: Known<Runway>,
}

/// What paying these amounts now does.
pub fn pay(
    amounts: &[Money],
    cash: &Known<Money>,
    burn: &Known<Burn>,
    policy: &Policy,
    today: CalendarDate,
) -> Known<Impact> {
    let currency = amounts.first().map(|amount| amount.currency).ok_or(Unknown::NoRecords)?;
    let amount = Money { micros: sum(amounts.iter().copied())?, currency };
    let left = (*cash).and_then(|cash| {
        let micros = cash.micros.checked_sub(amount.micros).ok_or(Unknown::TooLarge)?;
        Ok(Money { micros, ..cash })
    });
    let tenths = burn
        .map_err(|_| Unknown::NoBurn)
        .and_then(|burn| impact_tenths(Money { micros: -amount.micros, ..amount }, &burn));
    Ok(Impact {
        amount,
        tenths,
        cash: left,
        before: runway(cash, burn, policy, today),
        after: runway(&left, burn, policy, today),
    })
}

/// What stands in the way of an approval (2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Free,
    /// It leaves too little: an essential may pass with a warning, anything else needs an override with a reason.
    Blocked {
        /// Whether too few days are left.
        days: bool,
        /// Whether too little money is left.
        money: bool,
        /// How much is missing to what must be left, where that is known.
        shortfall: Option<Money>,
    },
    /// It cannot be said.
    Unknown(Unknown),
}

/// Whether a payment leaves the buffer of the policy.
pub fn guard(impact: &Impact, burn: &Known<Burn>, policy: &Policy) -> Guard {
    let (cash, after, buffer) = match (impact.cash, impact.after, policy.buffer_micros) {
        (Ok(cash), Ok(after), Some(buffer)) => (cash, after, buffer),
        (Err(why), ..) | (_, Err(why), _) => return Guard::Unknown(why),
        (_, _, None) => return Guard::Unknown(Unknown::NotSet),
    };
    let days = matches!(after, Runway::Days { days, .. } if days < policy.buffer_days);
    let money = cash.micros < buffer;
    if !(days || money) {
        return Guard::Free;
    }
    let for_days = burn.ok().and_then(|burn| {
        let needed = i128::from(burn.spent.micros) * i128::from(policy.buffer_days);
        // Up: a part of a minor unit too little is too little.
        let unit = i128::from(cash.currency.minor_unit_micros());
        let minor = needed.div_euclid(i128::from(burn.days.max(1)) * unit);
        i64::try_from((minor + 1) * unit).ok()
    });
    let needed = if days { for_days.map(|needed| needed.max(buffer)) } else { Some(buffer) };
    let missing = needed.and_then(|needed| needed.checked_sub(cash.micros));
    let shortfall = missing.map(|micros| Money { micros: micros.max(0), ..cash });
    Guard::Blocked { days, money, shortfall }
}

/// How many people other than who asks must say yes to a payment (2.6); unknown where no limit is set.
pub fn people_needed(amount: Money, policy: &Policy) -> Known<u32> {
    let (review, two) = policy.review_micros.zip(policy.two_people_micros).ok_or(Unknown::NotSet)?;
    Ok(match amount.micros {
        micros if micros >= two => 2,
        micros if micros >= review => 1,
        _ => 0,
    })
}
