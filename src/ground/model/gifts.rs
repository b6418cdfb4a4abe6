//! The gift itself (domain 1.2).

use super::{Kind, WantedField, WantedObject, choice, field, one};

const POSTING: &str = "posting gifts at all";

const AS_ENTERED: &str = "showing the donor as it was entered with the gift";
const FEES: &str = "showing fees and what arrived after them";
const AGAIN: &str = "recognising the same gift when it comes again";
const SOFT: &str = "crediting whoever asked or introduced";
const AID: &str = "Gift Aid";
const REFUND: &str = "refunds";
const RECEIPTS: &str = "showing whether a receipt was sent";
const PAYOUTS: &str = "reconciling gifts with payouts";

const SOFT_KINDS: Kind = choice(
    &[
        ("FUNDRAISER", "Fundraiser"),
        ("INTRODUCER", "Introducer"),
        ("HOST", "Host"),
        ("MATCHER", "Matcher"),
        ("ADVOCATE", "Advocate"),
        ("PARTNER", "Partner"),
        ("OTHER", "Other"),
    ],
    None,
);

const FIELDS: &[WantedField] = &[
    field("amount", "Amount", Kind::Money, POSTING),
    field("giftDate", "Gift date", Kind::Date, POSTING),
    field("donor", "Donor", one("people", "Gifts", "IconGift"), "showing who gave, and posting gifts at all"),
    field(
        "company",
        "Company",
        one("companies", "Gifts", "IconGift"),
        "posting gifts and grants of organisations",
    ),
    field("paymentType", "Payment type", super::PAYMENT, "showing how a gift was paid"),
    field(
        "giftType",
        "Gift type",
        choice(
            &[
                ("DONATION", "Donation"),
                ("GRANT", "Grant"),
                ("SPONSORSHIP", "Sponsorship"),
                ("GIFT_IN_KIND", "Gift in kind"),
            ],
            Some("DONATION"),
        ),
        "telling donations, grants and gifts in kind apart; Gift Aid",
    ),
    field("description", "Description", Kind::Text, "notes about a gift"),
    field("externalId", "External id", Kind::Text, AGAIN),
    field("sourceFingerprint", "Source fingerprint", Kind::Text, AGAIN),
    field("provider", "Provider", Kind::Text, "showing which provider a gift came through"),
    field("providerPaymentId", "Provider payment id", Kind::Text, AGAIN),
    field("providerPayoutReference", "Provider payout reference", Kind::Text, PAYOUTS),
    field("donorFirstName", "Donor first name", Kind::Text, AS_ENTERED),
    field("donorLastName", "Donor last name", Kind::Text, AS_ENTERED),
    field("donorEmail", "Donor email", Kind::Text, AS_ENTERED),
    field("companyName", "Company name", Kind::Text, AS_ENTERED),
    field("isAnonymousDonor", "Anonymous donor", Kind::Truth(false), "gifts that are anonymous on purpose"),
    field("coveredFeeAmount", "Covered fee amount", Kind::Money, FEES),
    field("grossPaymentAmount", "Gross payment amount", Kind::Money, FEES),
    field("processingFeeAmount", "Processing fee amount", Kind::Money, FEES),
    field("netReceivedAmount", "Net received amount", Kind::Money, FEES),
    field("fund", "Fund", one("funds", "Gifts", "IconGift"), "saying what a gift may be spent on"),
    field("appeal", "Appeal", one("appeals", "Gifts", "IconGift"), "saying what brought a gift"),
    field(
        "appealSource",
        "Appeal source",
        one("appealSources", "Gifts", "IconGift"),
        "saying which mailing, page or person brought a gift",
    ),
    field(
        "opportunity",
        "Opportunity",
        one("opportunities", "Gifts", "IconGift"),
        "comparing a grant with what was paid of it",
    ),
    field(
        "recurringAgreement",
        "Recurring agreement",
        one("recurringAgreements", "Gifts", "IconGift"),
        "linking instalments with their regular gift",
    ),
    field("giftPayout", "Gift payout", one("giftPayouts", "Gifts", "IconGift"), PAYOUTS),
    field("softCreditType", "Soft credit type", SOFT_KINDS, SOFT),
    field(
        "softCreditPerson",
        "Soft credit person",
        one("people", "Soft credited gifts", "IconHeartHandshake"),
        SOFT,
    ),
    field(
        "softCreditCompany",
        "Soft credit company",
        one("companies", "Soft credited gifts", "IconHeartHandshake"),
        SOFT,
    ),
    field(
        "giftAidStatus",
        "Gift Aid status",
        choice(
            &[
                ("CLAIMABLE", "Claimable"),
                ("NOT_CLAIMABLE", "Not claimable"),
                ("NEEDS_REVIEW", "Needs review"),
            ],
            Some("NOT_CLAIMABLE"),
        ),
        AID,
    ),
    field("giftAidReasonCode", "Gift Aid reason code", Kind::Text, AID),
    field(
        "giftAidDecisionSource",
        "Gift Aid decision source",
        choice(&[("SYSTEM", "System"), ("MANUAL_OVERRIDE", "Manual override")], Some("SYSTEM")),
        AID,
    ),
    field("giftAidLastEvaluatedAt", "Gift Aid last evaluated", Kind::Moment, AID),
    field("giftAidDeclaration", "Gift Aid declaration", one("giftAidDeclarations", "Gifts", "IconGift"), AID),
    field("refundedAmount", "Refunded amount", Kind::Money, REFUND),
    field("refundDate", "Refund date", Kind::Moment, REFUND),
    field("refundNote", "Refund note", Kind::Text, REFUND),
    field(
        "receiptStatus",
        "Receipt status",
        choice(
            &[("PENDING", "Pending"), ("SENT", "Sent"), ("FAILED", "Failed"), ("SUPPRESSED", "Suppressed")],
            None,
        ),
        RECEIPTS,
    ),
    field("receiptSentAt", "Receipt sent at", Kind::Moment, RECEIPTS),
];

/// The gift.
pub(super) const GIFT: WantedObject = WantedObject {
    singular: "gift",
    plural: "gifts",
    label: "Gift",
    label_plural: "Gifts",
    icon: "IconGift",
    standard: false,
    needed_for: POSTING,
    fields: FIELDS,
};
