//! What stands behind gifts: Gift Aid declarations, regular gifts and payouts of providers (domain 1.9, 1.10, 1.12).

use super::{Kind, WantedField, WantedObject, choice, field, one};

const CLAIM: &str = "deciding whether Gift Aid can be claimed on a gift";

/// That a person pays tax and wants it claimed.
pub(super) const DECLARATION: WantedObject = WantedObject {
    singular: "giftAidDeclaration",
    plural: "giftAidDeclarations",
    label: "Gift Aid declaration",
    label_plural: "Gift Aid declarations",
    icon: "IconFileCertificate",
    standard: false,
    needed_for: "Gift Aid",
    fields: &[
        field("person", "Person", one("people", "Gift Aid declarations", "IconFileCertificate"), CLAIM),
        field(
            "status",
            "Status",
            choice(
                &[
                    ("ACTIVE", "Active"),
                    ("INSUFFICIENT", "Insufficient"),
                    ("REVOKED", "Revoked"),
                    ("SUPERSEDED", "Superseded"),
                ],
                Some("ACTIVE"),
            ),
            CLAIM,
        ),
        field("statusReason", "Status reason", Kind::Text, "saying why a declaration does not count"),
        field("declarationDate", "Declaration date", Kind::Date, CLAIM),
        field(
            "coverageScope",
            "Coverage scope",
            Kind::Text,
            "claiming Gift Aid on gifts before the declaration",
        ),
        field("source", "Source", Kind::Text, "proving where a declaration came from"),
        field("textVersion", "Text version", Kind::Text, "proving which text somebody agreed to"),
        field("revokedAt", "Revoked at", Kind::Moment, CLAIM),
        field("notes", "Notes", Kind::Text, "notes about a declaration"),
    ],
};

const DUE: &str = "knowing when the next instalment of a regular gift is due";
const PROVIDER: &str = "recognising instalments by the provider's own ids";
const AGREEMENT_CODING: &str = "giving instalments the coding of their agreement";

const CADENCE: Kind = choice(
    &[
        ("WEEKLY", "Weekly"),
        ("MONTHLY", "Monthly"),
        ("QUARTERLY", "Quarterly"),
        ("ANNUAL", "Annual"),
        ("CUSTOM", "Custom"),
    ],
    Some("MONTHLY"),
);

const AGREEMENT_FIELDS: &[WantedField] = &[
    field(
        "person",
        "Person",
        one("people", "Recurring agreements", "IconRepeat"),
        "showing who gives regularly",
    ),
    field(
        "status",
        "Status",
        choice(
            &[
                ("ACTIVE", "Active"),
                ("PAUSED", "Paused"),
                ("CANCELED", "Cancelled"),
                ("COMPLETED", "Completed"),
                ("DELINQUENT", "Delinquent"),
            ],
            Some("ACTIVE"),
        ),
        "telling active and ended regular gifts apart",
    ),
    field("cadence", "Cadence", CADENCE, DUE),
    field("intervalCount", "Interval count", Kind::Number, DUE),
    field("amount", "Amount", Kind::Money, "noticing an instalment of another amount than agreed"),
    field("startDate", "Start date", Kind::Date, DUE),
    field("endDate", "End date", Kind::Date, DUE),
    field("nextExpectedAt", "Next expected", Kind::Date, DUE),
    field("paymentType", "Payment type", super::PAYMENT, "saying how a regular gift is paid"),
    field(
        "provider",
        "Provider",
        choice(
            &[
                ("STRIPE", "Stripe"),
                ("GOCARDLESS", "GoCardless"),
                ("MANUAL", "Manual"),
                ("IMPORTED", "Imported"),
            ],
            Some("MANUAL"),
        ),
        PROVIDER,
    ),
    field("providerAgreementId", "Provider agreement id", Kind::Text, PROVIDER),
    field("providerPaymentMethodId", "Provider payment method id", Kind::Text, PROVIDER),
    field("mandateReference", "Mandate reference", Kind::Text, PROVIDER),
    field("appeal", "Appeal", one("appeals", "Recurring agreements", "IconRepeat"), AGREEMENT_CODING),
    field(
        "appealSource",
        "Appeal source",
        one("appealSources", "Recurring agreements", "IconRepeat"),
        AGREEMENT_CODING,
    ),
    field("fund", "Fund", one("funds", "Recurring agreements", "IconRepeat"), AGREEMENT_CODING),
];

/// A regular gift.
pub(super) const AGREEMENT: WantedObject = WantedObject {
    singular: "recurringAgreement",
    plural: "recurringAgreements",
    label: "Recurring agreement",
    label_plural: "Recurring agreements",
    icon: "IconRepeat",
    standard: false,
    needed_for: "regular gifts",
    fields: AGREEMENT_FIELDS,
};

const TIE: &str = "comparing a payout with its gifts";

const PAYOUT_FIELDS: &[WantedField] = &[
    field("sourceSystem", "Source system", Kind::Text, "saying which provider paid out"),
    field("payoutReference", "Payout reference", Kind::Text, "finding a payout on the bank statement"),
    field("depositDate", "Deposit date", Kind::Date, "finding a payout on the bank statement"),
    field("depositGrossAmount", "Deposit gross amount", Kind::Money, TIE),
    field("depositFeeAmount", "Deposit fee amount", Kind::Money, TIE),
    field("depositNetAmount", "Deposit net amount", Kind::Money, TIE),
    field("expectedItemCount", "Expected item count", Kind::Number, TIE),
    field(
        "status",
        "Status",
        choice(
            &[
                ("PENDING", "Pending"),
                ("PARTIALLY_RECONCILED", "Partially reconciled"),
                ("RECONCILED", "Reconciled"),
                ("VARIANCE", "Variance"),
            ],
            Some("PENDING"),
        ),
        "telling which payouts are reconciled",
    ),
    field("varianceAmount", "Variance amount", Kind::Money, TIE),
    field("varianceReason", "Variance reason", Kind::Text, "saying why a payout does not tie"),
    field("note", "Note", Kind::Text, "notes about a payout"),
    field("confirmedAt", "Confirmed at", Kind::Moment, "saying when somebody confirmed a payout"),
    field("matchedGrossAmount", "Matched gross amount", Kind::Money, TIE),
    field("matchedFeeAmount", "Matched fee amount", Kind::Money, TIE),
    field("matchedGiftCount", "Matched gift count", Kind::Number, TIE),
    field("pendingStagingCount", "Pending staging count", Kind::Number, TIE),
];

/// What a provider paid to the bank.
pub(super) const PAYOUT: WantedObject = WantedObject {
    singular: "giftPayout",
    plural: "giftPayouts",
    label: "Gift payout",
    label_plural: "Gift payouts",
    icon: "IconCashBanknote",
    standard: false,
    needed_for: "reconciling gifts with the bank",
    fields: PAYOUT_FIELDS,
};
