//! What a gift is booked to: appeal, source, fund, opportunity, payout, agreement (domain 1.2, 1.7 to 1.10).

use serde::{Deserialize, Serialize};

use super::id::{AgreementId, AppealId, AppealSourceId, FundId, OpportunityId, PayoutId};
use super::money::Money;
use super::patch::Patch;

/// Where a gift belongs, as decided. Names told by a sender never link themselves (domain 4.8.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coding {
    /// What brought the gift.
    pub appeal: Option<AppealId>,
    /// Where inside the appeal it came from.
    pub appeal_source: Option<AppealSourceId>,
    /// What it may be spent on.
    pub fund: Option<FundId>,
    /// The grant or large gift that it pays.
    pub opportunity: Option<OpportunityId>,
    /// The payout of a provider it came with.
    pub payout: Option<PayoutId>,
    /// The regular gift it is an instalment of.
    pub agreement: Option<AgreementId>,
}

/// A change of the coding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodingEdit {
    /// What brought the gift.
    pub appeal: Patch<AppealId>,
    /// Where inside the appeal it came from.
    pub appeal_source: Patch<AppealSourceId>,
    /// What it may be spent on.
    pub fund: Patch<FundId>,
    /// The grant or large gift that it pays.
    pub opportunity: Patch<OpportunityId>,
    /// The payout of a provider it came with.
    pub payout: Patch<PayoutId>,
    /// The regular gift it is an instalment of.
    pub agreement: Patch<AgreementId>,
}

impl Coding {
    /// The coding after a change.
    #[must_use]
    pub fn edited(mut self, edit: CodingEdit) -> Self {
        edit.appeal.apply(&mut self.appeal);
        edit.appeal_source.apply(&mut self.appeal_source);
        edit.fund.apply(&mut self.fund);
        edit.opportunity.apply(&mut self.opportunity);
        edit.payout.apply(&mut self.payout);
        edit.agreement.apply(&mut self.agreement);
        self
    }

    /// The coding with blanks filled from a batch's defaults; what is there stays (domain 4.8.5). A default source goes
    /// only with the appeal it is a source of.
    #[must_use]
    pub fn filled(mut self, defaults: &Self) -> Self {
        let own_appeal = self.appeal.is_some() && self.appeal != defaults.appeal;
        self.appeal = self.appeal.or(defaults.appeal);
        if !own_appeal {
            self.appeal_source = self.appeal_source.or(defaults.appeal_source);
        }
        self.fund = self.fund.or(defaults.fund);
        self
    }
}

/// What a payment cost, as far as the sender knows (domain 1.2). Each is known or not; none is worked out from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fees {
    /// What the donor added to cover fees.
    pub covered: Option<Money>,
    /// What the provider took in before deductions.
    pub gross: Option<Money>,
    /// What was deducted.
    pub processing: Option<Money>,
    /// What arrived.
    pub net: Option<Money>,
}

impl Fees {
    /// All that are known, under the names of Twenty's fields.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, Money)> {
        [
            ("coveredFeeAmount", self.covered),
            ("grossPaymentAmount", self.gross),
            ("processingFeeAmount", self.processing),
            ("netReceivedAmount", self.net),
        ]
        .into_iter()
        .filter_map(|(name, amount)| Some((name, amount?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn defaults_fill_blanks_and_never_overwrite() {
        let appeal = |n| Some(AppealId(Uuid::from_u128(n)));
        let source = |n| Some(AppealSourceId(Uuid::from_u128(n)));
        let fund = |n| Some(FundId(Uuid::from_u128(n)));
        let defaults =
            Coding { appeal: appeal(1), appeal_source: source(2), fund: fund(3), ..Coding::default() };
        assert_eq!(Coding::default().filled(&defaults), defaults);
        let own = Coding { appeal: appeal(9), ..Coding::default() };
        // The source belongs to the default appeal, not to the row's own.
        assert_eq!(own.filled(&defaults), Coding { appeal: appeal(9), fund: fund(3), ..Coding::default() });
        let full = Coding { appeal: appeal(1), appeal_source: source(8), fund: fund(7), ..Coding::default() };
        assert_eq!(full.filled(&defaults), full);
        let same = Coding { appeal: appeal(1), ..Coding::default() };
        assert_eq!(same.filled(&defaults), defaults);
    }

    #[test]
    fn null_clears_and_missing_keeps() {
        let coding = Coding { fund: Some(FundId(Uuid::from_u128(1))), ..Coding::default() };
        assert_eq!(coding.edited(CodingEdit::default()), coding);
        let cleared = coding.edited(CodingEdit { fund: Patch::Clear, ..CodingEdit::default() });
        assert_eq!(cleared, Coding::default());
    }
}
