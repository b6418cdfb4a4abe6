//! What follows from a weight: words for people, thresholds and their cost, and when a link may be made by itself.

use std::collections::BTreeSet;

/// Bits from which two records are likelier one person than two: where evaluation draws the line.
pub const SAME_BITS: f64 = 0.0;

/// A weight in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// Under one in ten.
    Unlikely,
    /// From one in ten.
    Possible,
    /// From nine in ten.
    VeryLikely,
    /// From 999 in a thousand.
    Certain,
}

impl Likelihood {
    /// The words for a weight in bits.
    pub fn of(bits: f64) -> Self {
        if bits >= bits_of(0.999) {
            Self::Certain
        } else if bits >= bits_of(0.9) {
            Self::VeryLikely
        } else if bits >= bits_of(0.1) {
            Self::Possible
        } else {
            Self::Unlikely
        }
    }

    /// As it is shown.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::VeryLikely => "very likely",
            Self::Possible => "possible",
            Self::Unlikely => "unlikely",
        }
    }
}

/// The weight, in bits, of a probability between 0 and 1.
pub fn bits_of(probability: f64) -> f64 {
    (probability / (1.0 - probability)).log2()
}

/// The probability of a weight in bits.
pub fn probability_of(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits).exp2())
}

/// How open it is whether two are one person, in thousandths: 1000 at even odds, near 0 where it is certain either way.
pub fn openness(bits: i64) -> u32 {
    let probability = probability_of(of_thousandths(bits));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let open = ((1.0 - (2.0 * probability - 1.0).abs()) * 1_000.0).round() as u32;
    open
}

/// From where a match is proposed, and from where it would be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Bits from which a person is asked.
    pub ask: f64,
    /// Bits from which it would be linked, where that is allowed.
    pub link: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { ask: bits_of(0.1), link: bits_of(0.999) }
    }
}

/// What thresholds would cost on pairs whose weights are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Pairs that would be linked.
    pub links: usize,
    /// How many of those are expected to be wrong.
    pub wrong_links: f64,
    /// Pairs a person would look at.
    pub reviews: usize,
    /// Minutes that takes.
    pub minutes: f64,
    /// Pairs of one person that nobody would be asked about, as expected.
    pub missed: f64,
}

impl Thresholds {
    /// The cost on these weights, if a person needs so many seconds for a pair.
    pub fn cost(self, weights: impl IntoIterator<Item = f64>, seconds_each: f64) -> Cost {
        let mut cost = Cost::default();
        for bits in weights {
            let probability = probability_of(bits);
            if bits >= self.link {
                cost.links += 1;
                cost.wrong_links += 1.0 - probability;
            } else if bits >= self.ask {
                cost.reviews += 1;
                cost.minutes += seconds_each / 60.0;
            } else {
                cost.missed += probability;
            }
        }
        cost
    }
}

/// What is asked: who gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// First name.
    pub first: &'a str,
    /// Family name.
    pub last: &'a str,
    /// E-mail address.
    pub email: &'a str,
    /// A company gave: it is never matched with a person.
    pub company: bool,
}

/// Somebody who may be meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'a, Id> {
    /// Who.
    pub id: Id,
    /// First name.
    pub first: &'a str,
    /// Family name.
    pub last: &'a str,
    /// All addresses of the person, the primary one first.
    pub emails: &'a [String],
    /// The weight of the match, in bits.
    pub bits: f64,
}

/// What is done with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<Id> {
    /// It is this person; the rule says so.
    Linked(Id, Rule),
    /// A person decides among these, the likeliest first.
    Proposed(Vec<Id>, Doubt),
    /// Nobody is like it.
    Nobody,
    /// Too little is known of the giver to look for anybody.
    TooLittle,
    /// A company is never matched with people.
    Company,
}

/// What made an automatic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Exactly one person has the same first and last name and owns the e-mail address (domain 4.4).
    NameAndEmail,
    /// One match above the threshold and no other near it, where the operator and the record of decisions allow it.
    UniqueStrong,
}

impl Rule {
    /// What it says, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NameAndEmail => {
                "Exactly one person has this first and last name and owns this e-mail address."
            }
            Self::UniqueStrong => "One match is above the threshold for links, and no other comes near it.",
        }
    }

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NameAndEmail => "name_and_email",
            Self::UniqueStrong => "unique_strong",
        }
    }
}

impl Doubt {
    /// What is doubtful, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SeveralExact => {
                "Blocked by duplicates: several people have this name and this e-mail address. Merge them first."
            }
            Self::EmailOfAnotherName => "The e-mail address belongs to somebody of another name.",
            Self::NameOnly => "Somebody has this name, with another e-mail address or none.",
            Self::Similar => "Somebody is similar. Nothing is certain enough to be linked without a person.",
        }
    }

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SeveralExact => "blocked_by_duplicates",
            Self::EmailOfAnotherName => "email_of_another_name",
            Self::NameOnly => "name_only",
            Self::Similar => "similar",
        }
    }
}

/// Bits as they are shown and stored: in thousandths.
pub fn thousandths(bits: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a weight is a small number")]
    let whole = (bits * 1000.0).round().clamp(-1e9, 1e9) as i64;
    whole
}

/// Bits from thousandths.
pub fn of_thousandths(bits: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "thousandths of bits are far fewer than 2^52")]
    let whole = bits as f64;
    whole / 1000.0
}

/// Why a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Several have the name and own the address: these are duplicates of each other.
    SeveralExact,
    /// The address is known with another name.
    EmailOfAnotherName,
    /// The name is known with another address or none.
    NameOnly,
    /// Similar, no more.
    Similar,
}

/// Whether unique strong matches may be linked without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The operator has switched it on.
    pub switched_on: bool,
    /// Proposals above the link threshold that people confirmed.
    pub right: u32,
    /// .. and that they refused.
    pub wrong: u32,
}

/// The least precision, known with 95 % confidence, from which strong matches link by themselves.
pub const PRECISION_NEEDED: f64 = 0.999;

impl Trust {
    /// Nothing but the rule of name and e-mail links by itself.
    pub const NONE: Self = Self { switched_on: false, right: 0, wrong: 0 };

    /// The lower 95 % bound of the precision that people's decisions show (Clopper and Pearson, one-sided).
    pub fn precision_at_least(self) -> f64 {
        if self.right == 0 {
            return 0.0;
        }
        let (mut low, mut high) = (0.0f64, 1.0f64);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.chance_of_so_few_wrong(middle) < 0.05 {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// How likely at most `wrong` errors are if the true precision is `precision`: rises with it.
    fn chance_of_so_few_wrong(self, precision: f64) -> f64 {
        let decisions = f64::from(self.right) + f64::from(self.wrong);
        let mut logarithm = decisions * precision.ln();
        let mut sum = logarithm.exp();
        for errors in 1..=self.wrong {
            let errors = f64::from(errors);
            logarithm += ((decisions - errors + 1.0) / errors).ln() + (1.0 - precision).ln() - precision.ln();
            sum += logarithm.exp();
        }
        sum
    }

    /// Whether it is switched on and earned.
    pub fn is_earned(self) -> bool {
        self.switched_on && self.precision_at_least() >= PRECISION_NEEDED
    }

    /// Why it is off, in words; none when it is on.
    pub fn why_off(self) -> Option<String> {
        if self.is_earned() {
            return None;
        }
        if !self.switched_on {
            return Some("Linking strong matches without a person is switched off.".to_owned());
        }
        let shown = self.precision_at_least() * 100.0;
        Some(format!(
            "{} decisions, {} of them against a strong match, show a precision of at least {shown:.2} %; 99.90 % is needed, \
             which takes about 3,000 decisions without an error.",
            self.right + self.wrong,
            self.wrong,
        ))
    }
}

/// How far below the best match the next one must be for the best to be unique, in bits: a thousand to one.
const UNIQUE_BITS: f64 = 10.0;

/// Decides a row among its candidates.
pub fn decide<Id: Copy + Ord>(
    asked: &Asked<'_>,
    candidates: &[Candidate<'_, Id>],
    thresholds: Thresholds,
    trust: Trust,
) -> Decision<Id> {
    if asked.company {
        return Decision::Company;
    }
    if asked.first.trim().is_empty() || asked.last.trim().is_empty() {
        return Decision::TooLittle;
    }
    let mut by_rule: Vec<Id> =
        candidates.iter().filter(|one| same_name(asked, one) && owns(asked, one)).map(|one| one.id).collect();
    // Several records may stand for one person.
    by_rule.sort_unstable();
    by_rule.dedup();
    if let [only] = by_rule.as_slice() {
        return Decision::Linked(*only, Rule::NameAndEmail);
    }
    let mut asked_about: Vec<&Candidate<'_, Id>> = candidates
        .iter()
        .filter(|one| one.bits >= thresholds.ask || owns(asked, one) || same_name(asked, one))
        .collect();
    asked_about.sort_by(|left, right| right.bits.total_cmp(&left.bits).then(left.id.cmp(&right.id)));
    let doubt = doubt(asked, &asked_about, by_rule.len());
    let mut known = BTreeSet::new();
    asked_about.retain(|one| known.insert(one.id));
    if by_rule.is_empty() && trust.is_earned() && is_unique_strong(&asked_about, thresholds) {
        return Decision::Linked(asked_about[0].id, Rule::UniqueStrong);
    }
    if asked_about.is_empty() {
        return Decision::Nobody;
    }
    Decision::Proposed(asked_about.iter().map(|one| one.id).collect(), doubt)
}

fn is_unique_strong<Id>(best_first: &[&Candidate<'_, Id>], thresholds: Thresholds) -> bool {
    match best_first {
        [] => false,
        [only] => only.bits >= thresholds.link,
        [best, next, ..] => best.bits >= thresholds.link && next.bits <= best.bits - UNIQUE_BITS,
    }
}

fn doubt<Id>(asked: &Asked<'_>, candidates: &[&Candidate<'_, Id>], by_rule: usize) -> Doubt {
    if by_rule > 1 {
        Doubt::SeveralExact
    } else if candidates.iter().any(|one| owns(asked, one)) {
        Doubt::EmailOfAnotherName
    } else if candidates.iter().any(|one| same_name(asked, one)) {
        Doubt::NameOnly
    } else {
        Doubt::Similar
    }
}

/// Trimmed and without regard to case, as the domain says; nothing else is forgiven where a link is made by itself.
fn same_text(left: &str, right: &str) -> bool {
    !left.trim().is_empty() && left.trim().to_lowercase() == right.trim().to_lowercase()
}

fn same_name<Id>(asked: &Asked<'_>, one: &Candidate<'_, Id>) -> bool {
    same_text(asked.first, one.first) && same_text(asked.last, one.last)
}

fn owns<Id>(asked: &Asked<'_>, one: &Candidate<'_, Id>) -> bool {
    one.emails.iter().any(|email| same_text(asked.email, email))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person<'a>(id: u8, name: (&'a str, &'a str), emails: &'a [String], bits: f64) -> Candidate<'a, u8> {
        Candidate { id, first: name.0, last: name.1, emails, bits }
    }

    const ADA: Asked<'static> =
        Asked { first: "Ada", last: "Pugh", email: "ada@pugh.example", company: false };

    #[test]
    fn only_one_person_of_the_name_who_owns_the_address_is_linked() {
        let hers = ["x@y.example".to_owned(), "ADA@pugh.example ".to_owned()];
        let none: [String; 0] = [];
        let ada = person(1, ("ADA", " pugh"), &hers, 20.0);
        let decide =
            |candidates: &[Candidate<'_, u8>]| decide(&ADA, candidates, Thresholds::default(), Trust::NONE);
        assert_eq!(decide(&[ada]), Decision::Linked(1, Rule::NameAndEmail));
        let twin = person(2, ("Ada", "Pugh"), &hers, 20.0);
        assert_eq!(decide(&[ada, twin]), Decision::Proposed(vec![1, 2], Doubt::SeveralExact));
        let spouse = person(3, ("Bob", "Pugh"), &hers, -5.0);
        assert_eq!(decide(&[spouse]), Decision::Proposed(vec![3], Doubt::EmailOfAnotherName));
        assert_eq!(decide(&[spouse, ada]), Decision::Linked(1, Rule::NameAndEmail));
        let other = person(4, ("Ada", "Pugh"), &none, 30.0);
        assert_eq!(decide(&[other]), Decision::Proposed(vec![4], Doubt::NameOnly));
        assert_eq!(decide(&[person(5, ("Eda", "Pugh"), &none, -9.0)]), Decision::Nobody);
        assert_eq!(decide(&[]), Decision::Nobody);
    }

    #[test]
    fn companies_and_half_names_are_never_linked() {
        let hers = ["ada@pugh.example".to_owned()];
        let ada = [person(1, ("Ada", "Pugh"), &hers, 40.0)];
        let earned = Trust { switched_on: true, right: 5_000, wrong: 0 };
        let company = Asked { company: true, ..ADA };
        assert_eq!(decide(&company, &ada, Thresholds::default(), earned), Decision::Company);
        let half = Asked { first: " ", ..ADA };
        assert_eq!(decide(&half, &ada, Thresholds::default(), earned), Decision::TooLittle);
    }

    #[test]
    fn a_strong_match_links_by_itself_only_where_that_was_earned() {
        let none: [String; 0] = [];
        let strong = person(1, ("Ada", "Pughe"), &none, 20.0);
        let near = person(2, ("Ada", "Pughes"), &none, 15.0);
        let earned = Trust { switched_on: true, right: 3_000, wrong: 0 };
        let decide =
            |candidates: &[Candidate<'_, u8>], trust| decide(&ADA, candidates, Thresholds::default(), trust);
        assert_eq!(decide(&[strong], earned), Decision::Linked(1, Rule::UniqueStrong));
        assert_eq!(decide(&[strong, near], earned), Decision::Proposed(vec![1, 2], Doubt::Similar));
        for trust in [Trust::NONE, Trust { switched_on: false, ..earned }, Trust { right: 2_900, ..earned }] {
            assert_eq!(decide(&[strong], trust), Decision::Proposed(vec![1], Doubt::Similar));
            assert!(trust.why_off().is_some());
        }
        assert_eq!(earned.why_off(), None);
    }

    #[test]
    fn the_bound_of_precision_is_the_exact_one() {
        // No error among n: 0.05^(1/n).
        for (right, wrong, bound) in
            [(2_995, 0, 0.999), (59, 0, 0.950_5), (99, 1, 0.953_4), (10, 0, 0.741_1), (0, 3, 0.0)]
        {
            let shown = Trust { switched_on: true, right, wrong }.precision_at_least();
            assert!((shown - bound).abs() < 1e-4, "{right} {wrong}: {shown}");
        }
    }

    #[test]
    fn thresholds_say_what_they_cost() {
        let thresholds = Thresholds { ask: 0.0, link: 10.0 };
        let cost = thresholds.cost([12.0, 10.0, 5.0, 0.0, -1.0], 30.0);
        assert_eq!((cost.links, cost.reviews), (2, 2));
        assert!((cost.minutes - 1.0).abs() < 1e-9);
        assert!((cost.wrong_links - (1.0 - probability_of(12.0) + 1.0 - probability_of(10.0))).abs() < 1e-12);
        assert!((cost.missed - 1.0 / 3.0).abs() < 1e-9);
    }
}
