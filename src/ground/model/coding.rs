//! What gifts are for and what brought them: funds, appeals and their sources (domain 1.7, 1.8).

use super::{Kind, WantedField, WantedObject, choice, field, one};

const RESTRICTED: &str = "keeping restricted money apart";

/// What money may be spent on.
pub(super) const FUND: WantedObject = WantedObject {
    singular: "fund",
    plural: "funds",
    label: "Fund",
    label_plural: "Funds",
    icon: "IconBuildingBank",
    standard: false,
    needed_for: "saying what money may be spent on",
    fields: &[
        field("code", "Code", Kind::Text, "finding a fund by its code"),
        field("description", "Description", Kind::Text, "saying what a fund is for"),
        field(
            "restrictionType",
            "Restriction type",
            choice(
                &[
                    ("UNRESTRICTED", "Unrestricted"),
                    ("RESTRICTED", "Restricted"),
                    ("DESIGNATED", "Designated"),
                    ("ENDOWMENT", "Endowment"),
                    ("OTHER", "Other"),
                ],
                Some("UNRESTRICTED"),
            ),
            RESTRICTED,
        ),
        field("isActive", "Active", Kind::Truth(true), "offering only funds that are still in use"),
        field(
            "externalAccountingCode",
            "External accounting code",
            Kind::Text,
            "matching funds with the accounts in QuickBooks",
        ),
        field("notes", "Notes", Kind::Text, "notes about a fund"),
    ],
};

const STATUS: Kind = choice(
    &[("DRAFT", "Draft"), ("ACTIVE", "Active"), ("CLOSED", "Closed"), ("ARCHIVED", "Archived")],
    Some("DRAFT"),
);
const STATUS_NEED: &str = "offering only appeals that run";
const WHEN: &str = "saying when an appeal runs";
const RESULT: &str = "showing what an appeal brought in";
const TARGET: &str = "comparing an appeal with its goal and its cost";

/// Why people were asked.
pub(super) const APPEAL: WantedObject = WantedObject {
    singular: "appeal",
    plural: "appeals",
    label: "Appeal",
    label_plural: "Appeals",
    icon: "IconSpeakerphone",
    standard: false,
    needed_for: "saying what brought a gift",
    fields: &[
        field(
            "appealType",
            "Appeal type",
            choice(
                &[
                    ("GENERAL", "General"),
                    ("ANNUAL", "Annual"),
                    ("EMERGENCY", "Emergency"),
                    ("REGULAR_GIVING", "Regular giving"),
                    ("EVENT_FUNDRAISING", "Event fundraising"),
                    ("CAPITAL", "Capital"),
                    ("CROWDFUNDING", "Crowdfunding"),
                    ("OTHER", "Other"),
                ],
                Some("GENERAL"),
            ),
            "telling kinds of appeals apart",
        ),
        field("status", "Status", STATUS, STATUS_NEED),
        field("description", "Description", Kind::Text, "saying what an appeal is about"),
        field("startDate", "Start date", Kind::Date, WHEN),
        field("endDate", "End date", Kind::Date, WHEN),
        field("goalAmount", "Goal amount", Kind::Money, TARGET),
        field("budgetAmount", "Budget amount", Kind::Money, TARGET),
        field("targetSolicitedCount", "Target solicited count", Kind::Number, TARGET),
        field("externalReference", "External reference", Kind::Text, "finding an appeal by its id elsewhere"),
        field("notes", "Notes", Kind::Text, "notes about an appeal"),
        field("defaultFund", "Default fund", one("funds", "Appeals", "IconSpeakerphone"), RESTRICTED),
        field("raisedAmount", "Raised amount", Kind::Money, RESULT),
        field("giftCount", "Gift count", Kind::Number, RESULT),
        field("donorCount", "Donor count", Kind::Number, RESULT),
        field("lastGiftAt", "Last gift", Kind::Moment, RESULT),
    ],
};

const SOURCE_RESULT: &str = "showing which mailing, page or person brought gifts in";
const RAISER: &str = "saying who raised money for us";

const SOURCE_KINDS: Kind = choice(
    &[
        ("EMAIL", "Email"),
        ("DIRECT_MAIL", "Direct mail"),
        ("DONATION_PAGE", "Donation page"),
        ("P2P_PAGE", "Peer-to-peer page"),
        ("QR_CODE", "QR code"),
        ("SOCIAL", "Social"),
        ("AD", "Ad"),
        ("PARTNER", "Partner"),
        ("PHONE", "Phone"),
        ("EVENT_ASK", "Event ask"),
        ("SEGMENT", "Segment"),
        ("OTHER", "Other"),
    ],
    None,
);

const SOURCE_FIELDS: &[WantedField] = &[
    field(
        "appeal",
        "Appeal",
        one("appeals", "Appeal sources", "IconRoute"),
        "filling in the appeal when only its source is known",
    ),
    field("sourceType", "Source type", SOURCE_KINDS, SOURCE_RESULT),
    field("status", "Status", STATUS, STATUS_NEED),
    field("description", "Description", Kind::Text, "saying what a source is"),
    field("sourceCode", "Source code", Kind::Text, "finding a source by the code on a form"),
    field("externalId", "External id", Kind::Text, "finding a source by its id elsewhere"),
    field("platform", "Platform", Kind::Text, SOURCE_RESULT),
    field("url", "URL", Kind::Text, "opening a fundraising page"),
    field("startDate", "Start date", Kind::Date, WHEN),
    field("endDate", "End date", Kind::Date, WHEN),
    field("audienceDescription", "Audience description", Kind::Text, "saying who was asked"),
    field("fundraiserPerson", "Fundraiser (person)", one("people", "Appeal sources", "IconRoute"), RAISER),
    field(
        "fundraiserCompany",
        "Fundraiser (company)",
        one("companies", "Appeal sources", "IconRoute"),
        RAISER,
    ),
    field("raisedAmount", "Raised amount", Kind::Money, SOURCE_RESULT),
    field("giftCount", "Gift count", Kind::Number, SOURCE_RESULT),
    field("donorCount", "Donor count", Kind::Number, SOURCE_RESULT),
    field("lastGiftAt", "Last gift", Kind::Moment, SOURCE_RESULT),
];

/// Where an appeal's gifts come from.
pub(super) const APPEAL_SOURCE: WantedObject = WantedObject {
    singular: "appealSource",
    plural: "appealSources",
    label: "Appeal source",
    label_plural: "Appeal sources",
    icon: "IconRoute",
    standard: false,
    needed_for: "saying which mailing, page or person brought a gift",
    fields: SOURCE_FIELDS,
};
