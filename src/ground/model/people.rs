//! Who gives: what is added to Twenty's people, companies and opportunities, and households (domain 1.5, 1.6, 1.11).

use super::{Kind, WantedField, WantedObject, choice, field, one};

const TOTALS: &str = "showing how much somebody gave and when";
const RECEIPT: &str = "receipts, thank-you letters and Gift Aid claims, which need an address";

/// Twenty's own people.
pub(super) const PERSON: WantedObject = WantedObject {
    singular: "person",
    plural: "people",
    label: "Person",
    label_plural: "People",
    icon: "IconUser",
    standard: true,
    needed_for: "everything: gifts come from people",
    fields: &[
        field("mailingAddress", "Mailing address", Kind::Address, RECEIPT),
        field(
            "supporterEmailOptOut",
            "Supporter email opt-out",
            Kind::Truth(false),
            "keeping somebody's wish not to be written to",
        ),
        field("lifetimeGiftAmount", "Lifetime gift amount", Kind::Money, TOTALS),
        field("giftCount", "Gift count", Kind::Number, TOTALS),
        field("firstGiftDate", "First gift date", Kind::Date, TOTALS),
        field("lastGiftDate", "Last gift date", Kind::Date, TOTALS),
        field("lastGiftAmount", "Last gift amount", Kind::Money, TOTALS),
        field("largestGiftAmount", "Largest gift amount", Kind::Money, TOTALS),
        field(
            "household",
            "Household",
            one("households", "Members", "IconUsers"),
            "writing once to a household",
        ),
    ],
};

const AWARDS: &str = "showing what an organisation has awarded and what comes next";

/// Twenty's own companies.
pub(super) const COMPANY: WantedObject = WantedObject {
    singular: "company",
    plural: "companies",
    label: "Company",
    label_plural: "Companies",
    icon: "IconBuildingSkyscraper",
    standard: true,
    needed_for: "grants and gifts of organisations",
    fields: &[
        field("lifetimeGiftAmount", "Lifetime gift amount", Kind::Money, TOTALS),
        field("lastGiftDate", "Last gift date", Kind::Date, TOTALS),
        field("awardedOpportunityAmount", "Awarded opportunity amount", Kind::Money, AWARDS),
        field("awardedOpportunityCount", "Awarded opportunity count", Kind::Number, AWARDS),
        field("nextApplicationDeadline", "Next application deadline", Kind::Date, AWARDS),
        field("nextFundingPeriodEnd", "Next funding period end", Kind::Date, AWARDS),
    ],
};

const GRANT: &str = "following a grant from application to payment";

const FUNDING: Kind = choice(
    &[
        ("GRANT", "Grant"),
        ("TRUST_FOUNDATION", "Trust or foundation"),
        ("STATUTORY_BID", "Statutory bid"),
        ("CORPORATE_SPONSORSHIP", "Corporate sponsorship"),
        ("MAJOR_GIFT", "Major gift"),
        ("OTHER", "Other"),
    ],
    None,
);

/// Twenty's own opportunities.
pub(super) const OPPORTUNITY: WantedObject = WantedObject {
    singular: "opportunity",
    plural: "opportunities",
    label: "Opportunity",
    label_plural: "Opportunities",
    icon: "IconTargetArrow",
    standard: true,
    needed_for: "following grants that were asked for",
    fields: &[
        field("fundingType", "Funding type", FUNDING, "telling grants, sponsorships and large gifts apart"),
        field("awardedAmount", "Awarded amount", Kind::Money, GRANT),
        field("applicationDeadline", "Application deadline", Kind::Date, GRANT),
        field("submittedDate", "Submitted date", Kind::Date, GRANT),
        field("fundingPeriodStart", "Funding period start", Kind::Date, GRANT),
        field("fundingPeriodEnd", "Funding period end", Kind::Date, GRANT),
    ],
};

const LETTER: &str = "writing once to a household, under the right names";
const HOUSEHOLD_TOTALS: &str = "showing how much a household gave and when";

const HOUSEHOLD_FIELDS: &[WantedField] = &[
    field(
        "primaryContact",
        "Primary contact",
        one("people", "Households as primary contact", "IconHome"),
        LETTER,
    ),
    field("envelopeName", "Envelope name", Kind::Text, LETTER),
    field("salutationFormal", "Salutation (formal)", Kind::Text, LETTER),
    field("salutationInformal", "Salutation (informal)", Kind::Text, LETTER),
    field("mailingAddress", "Mailing address", Kind::Address, LETTER),
    field("lifetimeGiftAmount", "Lifetime gift amount", Kind::Money, HOUSEHOLD_TOTALS),
    field("giftCount", "Gift count", Kind::Number, HOUSEHOLD_TOTALS),
    field("firstGiftDate", "First gift date", Kind::Date, HOUSEHOLD_TOTALS),
    field("lastGiftDate", "Last gift date", Kind::Date, HOUSEHOLD_TOTALS),
    field("lastGiftMemberName", "Last gift's member", Kind::Text, HOUSEHOLD_TOTALS),
];

/// People who live together; they stay donors of record (domain 5.7).
pub(super) const HOUSEHOLD: WantedObject = WantedObject {
    singular: "household",
    plural: "households",
    label: "Household",
    label_plural: "Households",
    icon: "IconHome",
    standard: false,
    needed_for: "writing once to people who live together",
    fields: HOUSEHOLD_FIELDS,
};
