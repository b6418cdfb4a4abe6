//! What an organisation sets for its desk: which warnings it wants to see, from when on, and what is switched on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::gift::GiftIntent;
use super::texts::{self, Finding};

/// The one subject that holds the settings.
pub const SETTINGS_ID: Uuid = Uuid::from_u128(0x616c_6d6f_6e65_7200_0000_0000_0000_0001);

/// Settings of the desk. Everything has a value; a change is journaled with who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Warnings switched on (true) or off (false) against their preset; the key is the code, or `code:intent` for one
    /// kind of gift only.
    pub warnings: BTreeMap<String, bool>,
    /// From when on an amount is unusual.
    pub unusual: Unusual,
    /// Days after which an unposted row is late, by channel; `*` stands for all others.
    pub promise_days: BTreeMap<String, u32>,
    /// Flags that were set, by name.
    pub flags: BTreeMap<String, bool>,
}

/// From when on an amount is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Unusual {
    /// So many times the largest earlier gift of the donor, or of the channel.
    pub times: u32,
    /// Earlier gifts of the donor it takes to judge.
    pub donor_gifts: u32,
    /// Earlier gifts of the channel it takes to judge.
    pub channel_gifts: u32,
}

impl Default for Unusual {
    fn default() -> Self {
        Self { times: 5, donor_gifts: 3, channel_gifts: 20 }
    }
}

/// Days a row of a channel without a promise of its own may wait.
const PROMISE_DAYS: u32 = 5;

/// A switch, whom it belongs to, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The name in the API and in the environment of older installations.
    pub name: &'static str,
    /// Who decides about it.
    pub owner: &'static str,
    /// What it does, in plain words.
    pub text: &'static str,
    /// What it is until somebody sets it.
    pub preset: bool,
}

/// Whether gifts are taken in at all.
pub const GIFT_STAGING: Flag = Flag {
    name: "FUNDRAISING_ENABLE_GIFT_STAGING",
    owner: "Fundraising",
    text: "Gifts are taken in to be reviewed. Off: every attempt is refused with a clear message, and nothing is lost that is already here.",
    preset: true,
};
/// Whether a sender's wish to post at once is heard.
pub const AUTO_PROCESS: Flag = Flag {
    name: "FUNDRAISING_STAGING_AUTO_PROCESS_DEFAULT",
    owner: "Fundraising",
    text: "A gift whose sender says nothing about it is posted at once if it is complete and its channel is trusted. Off: it waits for a person.",
    preset: false,
};

/// Whether a unique strong match may be linked without a person.
pub const LINK_STRONG: Flag = Flag {
    name: "MATCHING_LINK_STRONG",
    owner: "Fundraising",
    text: "A donor-match run links a single match that is all but certain, also where name or e-mail differ, once people's own decisions here have shown that at least 99.9 % of such matches are right (about 3,000 decisions without an error). Off: only the same first and last name with the same e-mail address links.",
    preset: false,
};

/// Every flag.
pub const FLAGS: [Flag; 3] = [GIFT_STAGING, AUTO_PROCESS, LINK_STRONG];

/// Warnings that are shown unless somebody switches them off.
const ON_BY_PRESET: [Finding; 9] = [
    texts::GIFT_DATE_FUTURE,
    texts::IDENTITY_LOW_CONFIDENCE,
    texts::POSSIBLE_DUPLICATE,
    texts::AMOUNT_UNUSUAL_DONOR,
    texts::AMOUNT_UNUSUAL_CHANNEL,
    texts::CONSENT_CONFLICT,
    texts::ROW_LATE,
    texts::AMOUNT_DIFFERS_FROM_AGREEMENT,
    texts::OPPORTUNITY_MISSING,
];
/// Warnings that are shown only where somebody wants them: always-on ones were found noisy (domain 4.2).
const OFF_BY_PRESET: [Finding; 4] =
    [texts::APPEAL_MISSING, texts::FUND_MISSING, texts::PAYOUT_MISSING, texts::CONSENT_MISSING];

impl Settings {
    /// Every warning with its preset.
    pub fn all_warnings() -> impl Iterator<Item = (Finding, bool)> {
        let on = ON_BY_PRESET.into_iter().map(|finding| (finding, true));
        on.chain(OFF_BY_PRESET.into_iter().map(|finding| (finding, false)))
    }

    /// Whether a warning is wanted for a kind of gift. What is said for the kind counts before what is said for all.
    pub fn wants(&self, finding: Finding, intent: GiftIntent) -> bool {
        let of_kind = self.warnings.get(&format!("{}:{}", finding.code, intent.word()));
        let of_all = self.warnings.get(finding.code);
        let preset = || ON_BY_PRESET.contains(&finding);
        of_kind.or(of_all).copied().unwrap_or_else(preset)
    }

    /// Days a row of this channel may wait.
    pub fn promise(&self, channel: &str) -> u32 {
        let set = self.promise_days.get(channel).or_else(|| self.promise_days.get("*"));
        set.copied().unwrap_or(PROMISE_DAYS)
    }

    /// Whether a flag is on.
    pub fn is_on(&self, flag: Flag) -> bool {
        self.flags.get(flag.name).copied().unwrap_or(flag.preset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_for_a_kind_counts_before_what_is_said_for_all() {
        let mut settings = Settings::default();
        assert!(settings.wants(texts::POSSIBLE_DUPLICATE, GiftIntent::Standard));
        assert!(!settings.wants(texts::APPEAL_MISSING, GiftIntent::Standard));
        settings.warnings.insert("appeal_missing".into(), true);
        settings.warnings.insert("appeal_missing:grant".into(), false);
        assert!(settings.wants(texts::APPEAL_MISSING, GiftIntent::Standard));
        assert!(!settings.wants(texts::APPEAL_MISSING, GiftIntent::Grant));
    }

    #[test]
    fn a_channel_without_a_promise_has_that_of_all_others() {
        let mut settings = Settings::default();
        assert_eq!(settings.promise("csv_import"), 5);
        settings.promise_days.insert("*".into(), 2);
        settings.promise_days.insert("manual_ui".into(), 1);
        assert_eq!((settings.promise("csv_import"), settings.promise("manual_ui")), (2, 1));
    }

    #[test]
    fn a_flag_is_what_it_was_set_to() {
        let mut settings = Settings::default();
        assert!(settings.is_on(GIFT_STAGING) && !settings.is_on(AUTO_PROCESS));
        settings.flags.insert(GIFT_STAGING.name.into(), false);
        assert!(!settings.is_on(GIFT_STAGING));
    }
}
