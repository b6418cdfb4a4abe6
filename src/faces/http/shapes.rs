//! The shapes of request bodies, for the document: what `row_body.rs` reads field by field, so that it can tell everything
//! that is wrong at once. A test holds that each field here is read there.

#![expect(dead_code, reason = "the fields are described, and read from the body's own text")]

use utoipa::ToSchema;

use super::wire::MoneyView;

/// A gift to take in. Only the amount must be there; what is missing is asked of a person.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "amount": { "amountMicros": 25_000_000, "currencyCode": "GBP" }, "giftDate": "2026-11-20",
    "donorFirstName": "Ada", "donorLastName": "King", "paymentMethod": "card", "intakeSource": "website_form"
}))]
pub struct GiftBody {
    #[schema(inline)]
    amount: MoneyView,
    /// The day it was given, YYYY-MM-DD.
    #[schema(format = "date")]
    gift_date: Option<String>,
    donor_first_name: Option<String>,
    donor_last_name: Option<String>,
    donor_email: Option<String>,
    /// The donor's id in Twenty, where the sender knows it.
    #[schema(format = "uuid")]
    donor_id: Option<String>,
    /// `NEW_DONOR`: whoever sends this knows that they are new.
    donor_resolution_state: Option<String>,
    is_anonymous_donor: Option<bool>,
    organization_name: Option<String>,
    supporter_email_opt_out: Option<bool>,
    #[schema(format = "uuid")]
    company_id: Option<String>,
    /// `card`, `direct_debit`, `cash`, `cheque`, `bank_transfer` or `other`.
    payment_method: Option<String>,
    /// `standard`, `grant`, `legacy`, `corporateInKind` or `recurring`.
    gift_intent: Option<String>,
    notes: Option<String>,
    /// Where it came from.
    intake_source: Option<String>,
    /// The same again is the same gift.
    source_fingerprint: Option<String>,
    /// As above.
    external_id: Option<String>,
    provider: Option<String>,
    provider_payment_id: Option<String>,
    provider_event_id: Option<String>,
    #[schema(format = "uuid")]
    gift_batch_id: Option<String>,
    #[schema(format = "uuid")]
    appeal_id: Option<String>,
    #[schema(format = "uuid")]
    appeal_source_id: Option<String>,
    #[schema(format = "uuid")]
    fund_id: Option<String>,
    #[schema(format = "uuid")]
    opportunity_id: Option<String>,
    #[schema(format = "uuid")]
    gift_payout_id: Option<String>,
    #[schema(format = "uuid")]
    recurring_agreement_id: Option<String>,
    /// The day an instalment was expected, YYYY-MM-DD.
    #[schema(format = "date")]
    expected_at: Option<String>,
    /// Whether it may be posted at once, if nothing is in the way.
    auto_process: Option<bool>,
}

/// How a row is to be marked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MarkBody {
    /// `ready_for_process`, `pending` or `discarded`.
    #[schema(pattern = "^(ready_for_process|pending|discarded)$")]
    processing_status: String,
}

/// How rows are to be marked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MarkManyBody {
    #[schema(min_items = 1, max_items = 500)]
    ids: Vec<String>,
    /// `ready_for_process`, `pending` or `discarded`.
    #[schema(pattern = "^(ready_for_process|pending|discarded)$")]
    processing_status: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;

    #[test]
    fn every_field_that_is_described_is_read() {
        let schema = serde_json::to_value(GiftBody::schema()).unwrap();
        let fields = schema["properties"].as_object().unwrap();
        let read = include_str!("row_body.rs");
        for field in fields.keys() {
            assert!(read.contains(&format!("\"{field}\"")), "{field} is described and not read");
        }
        assert!(fields.len() > 20);
    }
}
