//! What stands in the way of a staged row, what is worth a look, and the one main reason (domain 1.15, 1.16, 4.2, 4.5).
//!
//! Blockers follow from the row and from what the ledger knows around it; warnings never block, and a workspace says
//! which it wants to see.

use super::{DonorDecision, Progress, StagedRow};
use crate::ground::gift::GiftIntent;
use crate::ground::id::{AppealId, PersonId};
use crate::ground::money::Money;
use crate::ground::settings::Settings;
use crate::ground::texts::{self, Finding};
use crate::ground::time::{CalendarDate, Instant};

/// How sure the row is about its donor (domain 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityConfidence {
    /// Somebody who owns the e-mail address was found.
    Strong,
    /// The person was named.
    Explicit,
    /// Only names are known.
    Weak,
    /// Nothing is known.
    None,
}

impl IdentityConfidence {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Explicit => "explicit",
            Self::Weak => "weak",
            Self::None => "none",
        }
    }
}

/// What stands in the way of a row, and what may be worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// What must be cleared first, the most important one first.
    pub blockers: Vec<Finding>,
    /// What never blocks.
    pub warnings: Vec<Finding>,
    /// How sure the row is about its donor.
    pub identity: IdentityConfidence,
}

/// What the ledger knows around a row. The default knows nothing, and then nothing is found that needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// What the workspace wants to be warned of.
    pub settings: Settings,
    /// Whose main e-mail address in Twenty the told one is.
    pub email_owner: Option<PersonId>,
    /// Whether the donor has another gift of the same amount within a day, posted or staged (domain 4.5).
    pub has_twin: bool,
    /// The donor's earlier gifts in this currency: how many, and the largest.
    pub donor_gifts: Earlier,
    /// The channel's earlier gifts in this currency: how many, and the largest but for the top twentieth.
    pub channel_gifts: Earlier,
    /// Whether the chosen donor asked not to be written to, as far as Twenty says.
    pub donor_opted_out: Option<bool>,
    /// The appeal that the chosen source belongs to.
    pub source_appeal: Option<AppealId>,
    /// What was agreed for the linked regular gift.
    pub agreed: Option<Money>,
    /// Now, for the age of the row.
    pub now: Option<Instant>,
    /// Whether somebody who owns the told e-mail address was found, where somebody looked.
    pub is_known_by_email: bool,
}

/// Gifts that came before, in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// How many.
    pub count: u32,
    /// The largest, in micros.
    pub largest: i64,
}

impl Earlier {
    /// Counts one more.
    pub fn add(&mut self, micros: i64) {
        self.count += 1;
        self.largest = self.largest.max(micros);
    }

    /// Whether an amount is far above them.
    fn is_exceeded(self, micros: i64, times: u32, least: u32) -> bool {
        let limit = i128::from(self.largest) * i128::from(times);
        self.count >= least && self.largest > 0 && i128::from(micros) >= limit
    }
}

impl StagedRow {
    /// Blockers, warnings and confidence (domain 1.15, 1.16, 4.2; the later generation's form).
    pub fn diagnose(&self, today: CalendarDate, around: &Around) -> Diagnostics {
        let identity = self.identity(around);
        let is_wanted = |finding: &Finding| around.settings.wants(*finding, self.intent);
        let warnings = self.cautions(today, around, identity).into_iter();
        Diagnostics {
            blockers: self.blockers(around),
            warnings: warnings.filter(|(is, finding)| *is && is_wanted(finding)).map(|(_, f)| f).collect(),
            identity,
        }
    }

    fn blockers(&self, around: &Around) -> Vec<Finding> {
        let coding = &self.coding;
        let no_agreement = self.intent == GiftIntent::Recurring && coding.agreement.is_none();
        let other_appeal = coding.appeal.is_some()
            && around.source_appeal.is_some()
            && coding.appeal != around.source_appeal;
        let findings = [
            (self.amount.micros <= 0, Some(texts::AMOUNT_INVALID)),
            (!self.amount.is_whole_minor(), Some(texts::AMOUNT_TOO_FINE)),
            (true, self.donor_blocker(around)),
            (self.gift_date.is_none(), Some(texts::GIFT_DATE_MISSING)),
            (self.payment_method.is_none(), Some(texts::PAYMENT_TYPE_REQUIRED)),
            (no_agreement, Some(texts::RECURRING_AGREEMENT_MISSING)),
            (other_appeal, Some(texts::SOURCE_OF_OTHER_APPEAL)),
        ];
        findings.into_iter().filter(|(is, _)| *is).filter_map(|(_, finding)| finding).collect()
    }

    /// What is missing about who gave. An organisation's gift needs the organisation; a donor does not help.
    fn donor_blocker(&self, around: &Around) -> Option<Finding> {
        if self.intent.is_organisation() {
            return self.company.is_none().then_some(texts::COMPANY_MISSING);
        }
        match self.donor {
            DonorDecision::Unreviewed => Some(texts::DONOR_REVIEW_REQUIRED),
            DonorDecision::NewDonor if !self.evidence.is_full_name() => Some(texts::IDENTITY_MISSING),
            DonorDecision::NewDonor => around.email_owner.map(|_| texts::EMAIL_OWNED),
            DonorDecision::Anonymous => {
                let recurring = self.intent == GiftIntent::Recurring || self.coding.agreement.is_some();
                recurring.then_some(texts::ANONYMOUS_RECURRING)
            }
            DonorDecision::GivenBySender(person)
            | DonorDecision::Confirmed(person)
            | DonorDecision::Created(person) => {
                around.email_owner.filter(|owner| *owner != person).map(|_| texts::EMAIL_OWNED)
            }
        }
    }

    fn cautions(
        &self,
        today: CalendarDate,
        around: &Around,
        identity: IdentityConfidence,
    ) -> [(bool, Finding); 13] {
        let (unusual, micros) = (around.settings.unusual, self.amount.micros);
        let coding = &self.coding;
        let says_yes = self.evidence.email_opt_out == Some(false);
        // Twenty presets "has not opted out": that is nobody's word.
        let known = self.evidence.email_opt_out.is_some() || around.donor_opted_out == Some(true);
        let by_provider = self.source.provider.is_some() || self.source.provider_payment_id.is_some();
        let late = around.now.is_some_and(|now| self.is_late(now, &around.settings));
        [
            (self.gift_date.is_some_and(|date| date > today), texts::GIFT_DATE_FUTURE),
            (around.has_twin, texts::POSSIBLE_DUPLICATE),
            (
                around.donor_gifts.is_exceeded(micros, unusual.times, unusual.donor_gifts),
                texts::AMOUNT_UNUSUAL_DONOR,
            ),
            (
                around.channel_gifts.is_exceeded(micros, unusual.times, unusual.channel_gifts),
                texts::AMOUNT_UNUSUAL_CHANNEL,
            ),
            (around.agreed.is_some_and(|agreed| agreed != self.amount), texts::AMOUNT_DIFFERS_FROM_AGREEMENT),
            (around.donor_opted_out == Some(true) && says_yes, texts::CONSENT_CONFLICT),
            (late, texts::ROW_LATE),
            (identity == IdentityConfidence::Weak, texts::IDENTITY_LOW_CONFIDENCE),
            (coding.appeal.is_none(), texts::APPEAL_MISSING),
            (coding.fund.is_none(), texts::FUND_MISSING),
            (self.intent == GiftIntent::Grant && coding.opportunity.is_none(), texts::OPPORTUNITY_MISSING),
            (by_provider && coding.payout.is_none(), texts::PAYOUT_MISSING),
            (!self.intent.is_organisation() && !known, texts::CONSENT_MISSING),
        ]
    }

    /// Whether an unposted row waits longer than its channel promises.
    fn is_late(&self, now: Instant, settings: &Settings) -> bool {
        let waits = matches!(self.progress, Progress::Review | Progress::Ready | Progress::Failed { .. });
        let days = i64::from(settings.promise(&self.source.intake));
        waits && now.micros_since(self.received_at) > days * 24 * 3_600 * 1_000_000
    }

    fn identity(&self, around: &Around) -> IdentityConfidence {
        if around.is_known_by_email {
            IdentityConfidence::Strong
        } else if self.donor.person().is_some() || self.company.is_some() {
            IdentityConfidence::Explicit
        } else if self.evidence.is_full_name() {
            IdentityConfidence::Weak
        } else {
            IdentityConfidence::None
        }
    }

    /// The one main reason why the row is not posted yet; none when it is posted or set aside.
    pub fn main_reason(&self, today: CalendarDate, around: &Around) -> Option<Finding> {
        match &self.progress {
            Progress::Review => {
                Some(self.diagnose(today, around).blockers.first().copied().unwrap_or(texts::REVIEW_NEEDED))
            }
            Progress::Ready => Some(texts::READY),
            Progress::Sending { .. } => Some(texts::SENDING),
            // The failure's own words are the reason; the caller has them.
            Progress::Failed { .. } | Progress::Posted { .. } | Progress::Discarded => None,
        }
    }
}
