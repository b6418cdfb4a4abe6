//! What people say about the money of a company: kept beside its books, never in them, and taken back at any time. Its history
//! stays in the journal.

use uuid::Uuid;

use super::super::{Asked, Desk, Refusal};
use crate::ground::books::{Entity, EntityId, RealmId};
use crate::ground::finance::overlay::{Discount, Said, What};
use crate::ground::finance::policy::{Policy, PolicySet};
use crate::ground::finance::priority::Tier;
use crate::ground::id::{Object, Seq, local_id};
use crate::ground::intake::FieldError;
use crate::ground::journal::SubjectState;
use crate::ground::money::{Currency, Money};
use crate::ground::texts;
use crate::ground::time::CalendarDate;
use crate::store::{Changes, Fail, Ledger, StoreError, View};

/// Characters of a reason or a label.
const SAID_MAX: usize = 500;
/// Things of one kind that are said of one company.
const OF_A_KIND_MAX: usize = 500;
/// A fee or a discount of a hundred per cent, in hundredths of a per cent.
const WHOLE: u32 = 10_000;

/// What somebody wants to say.
#[derive(Clone, Debug)]
pub enum Say {
    /// Money is set aside.
    Earmark {
        /// How much, in decimals of the company's currency.
        amount: String,
        /// The last day.
        until: Option<CalendarDate>,
        /// What for.
        reason: String,
    },
    /// Something is known to come or to go.
    Expected {
        /// On which day.
        on: CalendarDate,
        /// How much, in decimals of the company's currency; what goes is negative.
        amount: String,
        /// What it is.
        label: String,
    },
    /// How a vendor is dealt with.
    Vendor {
        /// Which one.
        vendor: EntityId,
        /// How important.
        tier: Tier,
        /// In hundredths of a per cent.
        late_fee: u32,
        /// For paying early.
        discount: Option<Discount>,
    },
}

fn wrong(field: &str, message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
}

fn text(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > SAID_MAX {
        return Err(wrong(field, texts::MONEY_SAID_TEXT));
    }
    Ok(text.to_owned())
}

fn money(text: &str, home: Currency) -> Result<Money, Refusal> {
    let amount = Money::parse(text.trim(), home).map_err(|bad| wrong("amount", &bad.to_string()))?;
    if amount.micros == 0 || !amount.is_whole_minor() {
        return Err(wrong("amount", texts::MONEY_SAID_AMOUNT));
    }
    Ok(amount)
}

impl Say {
    fn checked(self, view: &View<'_>, realm: &RealmId) -> Result<(Option<Uuid>, What), Fail<Refusal>> {
        let company = view.ledger().company(realm)?.ok_or(Refusal::NotFound("company"))?.value;
        let home = company.home.ok_or(Refusal::Nothing(texts::MONEY_NO_CURRENCY))?;
        Ok(match self {
            Self::Earmark { amount, until, reason } => {
                let amount = money(&amount, home)?;
                if amount.micros < 0 {
                    return Err(wrong("amount", texts::MONEY_SAID_AMOUNT).into());
                }
                (None, What::Earmark { amount, until, reason: text("reason", &reason)? })
            }
            Self::Expected { on, amount, label } => {
                (None, What::Expected { on, amount: money(&amount, home)?, label: text("label", &label)? })
            }
            Self::Vendor { vendor, tier, late_fee, discount } => {
                let known = view.ledger().book(company.connection, Entity::Vendor, &vendor)?;
                if known.is_none_or(|record| record.state != SubjectState::Live) {
                    return Err(Refusal::NotFound("vendor").into());
                }
                let most = discount.map_or(0, |it| it.hundredths).max(late_fee);
                if most > WHOLE || discount.is_some_and(|it| !(0..=365).contains(&it.days)) {
                    return Err(wrong("discount", texts::MONEY_SAID_VENDOR).into());
                }
                let id = Said::vendor_id(realm, &vendor);
                (Some(id), What::Vendor { vendor, tier, late_fee, discount })
            }
        })
    }
}

fn put(ledger: &Ledger<'_>, changes: &mut Changes, said: &Said) -> Result<(), StoreError> {
    match ledger.money_said(said.id)? {
        Some(before) if before.value.what == said.what => Ok(()),
        Some(_) => changes.update(Object::MoneySaid, said.id, said),
        None => changes.open(Object::MoneySaid, said.id, said),
    }
}

impl Desk {
    /// Keeps something that is said of a company. What was said of a vendor before is replaced.
    pub async fn say_of_money(&self, asked: &Asked, realm: RealmId, say: Say) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Said about the money of a company");
        let (_, id) = self
            .store
            .write(move |view| {
                let (id, what) = say.checked(view, &realm)?;
                let said = view.ledger().money_beside()?.overlay(&realm);
                if said.earmarks.len().max(said.expected.len()) >= OF_A_KIND_MAX {
                    return Err(Refusal::Nothing(texts::MONEY_SAID_MANY).into());
                }
                let id = id.unwrap_or_else(|| local_id(Object::MoneySaid, view.world.origin()));
                let (by, at) = (cause.actor.clone(), view.world.now());
                let mut changes = Changes::new(cause);
                put(view.ledger(), &mut changes, &Said { id, realm: Some(realm), what, by, at })?;
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Takes back what was said of a company: money is released, a known thing is forgotten, an issue stands again.
    pub async fn unsay_of_money(&self, asked: &Asked, realm: RealmId, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Taken back about the money of a company");
        self.store
            .write(move |view| {
                let said =
                    view.ledger().money_said(id)?.filter(|said| said.value.realm.as_ref() == Some(&realm));
                let said = said.ok_or(Refusal::NotFound("entry"))?.value;
                let mut changes = Changes::new(cause);
                changes.remove(Object::MoneySaid, id, &said)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Lets issues stand, each with what makes it one now: it comes back when that changes.
    pub async fn let_issues_stand(
        &self,
        asked: &Asked,
        realm: RealmId,
        issues: Vec<(String, String)>,
        reason: String,
    ) -> Result<(), Refusal> {
        let (cause, reason) = (asked.cause("Issues let stand"), text("reason", &reason)?);
        self.store
            .write(move |view| {
                let (by, at) = (cause.actor.clone(), view.world.now());
                let mut changes = Changes::new(cause);
                for (key, fingerprint) in issues {
                    let id = Said::ignored_id(&realm, &key);
                    let what = What::Ignored { key, fingerprint, reason: reason.clone() };
                    let said = Said { id, realm: Some(realm.clone()), what, by: by.clone(), at };
                    put(view.ledger(), &mut changes, &said)?;
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Sets the rules to judge by, of a company or of the firm; what is not in the set goes back to the one below.
    /// `version` is the entry that was seen.
    pub async fn set_money_policy(
        &self,
        asked: &Asked,
        realm: Option<RealmId>,
        set: PolicySet,
        version: Option<Seq>,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Rules for the money set");
        if realm.is_none() && set.is_of_one_company() {
            return Err(wrong("policy", texts::MONEY_POLICY_FIRM));
        }
        self.store
            .write(move |view| {
                let id = Said::policy_id(realm.as_ref());
                let known = view.ledger().money_said(id)?;
                let seen = known.as_ref().map_or(Seq(0), |record| record.seq);
                if version.is_some_and(|version| version != seen) {
                    return Err(Refusal::Changed.into());
                }
                let currency = match &realm {
                    Some(realm) => {
                        let company = view.ledger().company(realm)?.ok_or(Refusal::NotFound("company"))?;
                        company.value.home
                    }
                    None => None,
                };
                let base = Policy::of(currency.unwrap_or_else(any_currency));
                let firm = view.ledger().money_beside()?.firm_policy();
                let all = if realm.is_some() { base.with(&firm).with(&set) } else { base.with(&set) };
                all.check().map_err(|bad| wrong("policy", &bad.to_string()))?;
                let (by, at) = (cause.actor.clone(), view.world.now());
                let mut changes = Changes::new(cause);
                put(view.ledger(), &mut changes, &Said { id, realm, what: What::Policy { set }, by, at })?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

/// Days are judged alike in every currency.
fn any_currency() -> Currency {
    Currency::GBP
}
