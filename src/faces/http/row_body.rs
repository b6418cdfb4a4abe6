//! Reads the bodies of staged rows: a gift to take in, and a change of one.

use serde_json::Value;

use super::body::{Reader, date_of, uuid_of};
use super::problem::Problem;
use crate::ground::coding::{Coding, CodingEdit, Fees};
use crate::ground::gift::{GiftIntent, PaymentMethod};
use crate::ground::id::{
    AgreementId, AppealId, AppealSourceId, BatchId, CompanyId, FundId, OpportunityId, PayoutId, PersonId,
};
use crate::ground::intake::Intake;
use crate::ground::patch::Patch;
use crate::ground::staging::{DonorDecision, DonorEdit, DonorEvidence, RowEdit, Source};

fn method_of(text: &str) -> Result<PaymentMethod, String> {
    let words: Vec<&str> = PaymentMethod::ALL.iter().map(|method| method.word()).collect();
    PaymentMethod::from_word(text)
        .ok_or_else(|| format!("{text:?} is no payment method; use one of {}.", words.join(", ")))
}

fn intent_of(text: &str) -> Result<GiftIntent, String> {
    let words: Vec<&str> = GiftIntent::ALL.iter().map(|intent| intent.word()).collect();
    GiftIntent::from_word(text)
        .ok_or_else(|| format!("{text:?} is no kind of gift; use one of {}.", words.join(", ")))
}

/// A gift to take in (domain 3.5). `default_source` names the channel when the sender does not.
pub fn intake(bytes: &[u8], default_source: &str) -> Result<Intake, Problem> {
    let mut body = Reader::new(bytes)?;
    let amount = body.money("amount");
    if amount.is_none() && body.errors.is_empty() {
        body.wrong(
            "amount",
            "amount is required, such as {\"amountMicros\": 25000000, \"currencyCode\": \"GBP\"} for £25.",
        );
    }
    let mut evidence = DonorEvidence {
        first_name: body.text("donorFirstName"),
        last_name: body.text("donorLastName"),
        email: body.text("donorEmail"),
        organisation: body.text("organizationName").or_else(|| body.text("companyName")),
        email_opt_out: body.optional_truth("supporterEmailOptOut"),
    };
    if let Some(mut contact) = body.inside("contact", "contact.") {
        evidence.first_name = contact.text("firstName").or(evidence.first_name);
        evidence.last_name = contact.text("lastName").or(evidence.last_name);
        evidence.email = contact.text("email").or(evidence.email);
        body.errors.append(&mut contact.errors);
    }
    let donor = body.uuid("donorId").or_else(|| body.uuid("contactId")).map(PersonId);
    let donor = match donor {
        Some(person) => DonorDecision::GivenBySender(person),
        None if body.optional_truth("isAnonymousDonor") == Some(true) => DonorDecision::Anonymous,
        // Whoever types a gift in may say at once that this is somebody new; the person is made when it is posted.
        None if body.text("donorResolutionState").as_deref() == Some("NEW_DONOR") => DonorDecision::NewDonor,
        None => DonorDecision::Unreviewed,
    };
    let coding = Coding::default().edited(coding_edit(&mut body));
    let fees = fees(&mut body);
    let expected_at = body.parsed_text("expectedAt", date_of);
    let auto_process = body.optional_truth("autoProcess");
    let source = Source {
        intake: body.text("intakeSource").unwrap_or_else(|| default_source.to_owned()),
        fingerprint: body.text("sourceFingerprint"),
        external_id: body.text("externalId"),
        provider: body.text("provider"),
        provider_payment_id: body.text("providerPaymentId"),
        provider_event_id: body.text("providerEventId"),
    };
    let gift_date = body.parsed_text("giftDate", date_of);
    let company = body.uuid("companyId").map(CompanyId);
    let payment_method = body.parsed_text("paymentMethod", method_of);
    let intent = body.parsed_text("giftIntent", intent_of).unwrap_or_default();
    let notes = body.text("notes");
    let batch = body.uuid("giftBatchId").map(BatchId);
    let intake = amount.map(|amount| Intake {
        amount,
        gift_date,
        evidence,
        donor,
        company,
        payment_method,
        intent,
        notes,
        source,
        batch,
        coding,
        fees,
        expected_at,
        auto_process,
    });
    body.finish(intake)
}

fn fees(body: &mut Reader) -> Fees {
    Fees {
        covered: body.money("coveredFeeAmount"),
        gross: body.money("grossPaymentAmount"),
        processing: body.money("processingFeeAmount").or_else(|| body.money("feeAmount")),
        net: body.money("netReceivedAmount"),
    }
}

/// The six places a gift can be booked to, in three states each.
pub(super) fn coding_edit(body: &mut Reader) -> CodingEdit {
    CodingEdit {
        appeal: body.id_patch("appealId", AppealId),
        appeal_source: body.id_patch("appealSourceId", AppealSourceId),
        fund: body.id_patch("fundId", FundId),
        opportunity: body.id_patch("opportunityId", OpportunityId),
        payout: body.id_patch("giftPayoutId", PayoutId),
        agreement: body.id_patch("recurringAgreementId", AgreementId),
    }
}

/// What a reviewer says about who gave: a person, somebody new (`donorResolutionState`, domain 2.5), or nobody on
/// purpose. Two of them at once are no answer.
fn donor_edit(body: &mut Reader) -> DonorEdit {
    let person = match body.id_patch("donorId", PersonId) {
        Patch::Keep => None,
        Patch::Clear => Some(DonorEdit::Undecide),
        Patch::Set(person) => Some(DonorEdit::Choose(person)),
    };
    let state = match body.text("donorResolutionState").as_deref() {
        None => None,
        Some("NEW_DONOR") => Some(DonorEdit::New),
        Some("UNREVIEWED") => Some(DonorEdit::Undecide),
        Some(_) => {
            let told = "donorResolutionState can be set to NEW_DONOR or UNREVIEWED. To choose a person, send donorId.";
            body.wrong("donorResolutionState", told);
            None
        }
    };
    let anonymous = body
        .optional_truth("isAnonymousDonor")
        .map(|is| if is { DonorEdit::Anonymous } else { DonorEdit::Undecide });
    let said: Vec<DonorEdit> = [person, state, anonymous].into_iter().flatten().collect();
    let mut firm: Vec<DonorEdit> = said.iter().copied().filter(|edit| *edit != DonorEdit::Undecide).collect();
    firm.dedup();
    match firm[..] {
        [] if said.is_empty() => DonorEdit::Keep,
        [] => DonorEdit::Undecide,
        [one] => one,
        _ => {
            body.wrong("donorId", "Say one thing about who gave: a person, somebody new, or anonymous.");
            DonorEdit::Keep
        }
    }
}

/// A change of a row: a missing key keeps, null clears (domain 4.9).
pub(super) fn row_edit(bytes: &[u8]) -> Result<RowEdit, Problem> {
    const KNOWN: [&str; 23] = [
        "donorResolutionState",
        "isAnonymousDonor",
        "organizationName",
        "supporterEmailOptOut",
        "companyId",
        "appealId",
        "appealSourceId",
        "fundId",
        "opportunityId",
        "giftPayoutId",
        "recurringAgreementId",
        "feeAmount",
        "expectedAt",
        "amount",
        "giftDate",
        "donorFirstName",
        "donorLastName",
        "donorEmail",
        "donorId",
        "paymentMethod",
        "giftIntent",
        "notes",
        "giftBatchId",
    ];
    let mut body = Reader::new(bytes)?;
    let unknown: Vec<String> =
        body.map.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect();
    for key in unknown {
        body.wrong(&key, format!("{key} cannot be changed here."));
    }
    if body.map.is_empty() {
        body.wrong("", "Send at least one field to change.");
    }
    if body.map.get("amount").is_some_and(Value::is_null) {
        body.wrong(
            "amount",
            "The amount can be corrected, not cleared. Discard the row if there was no gift.",
        );
    }
    let intent = match body.parsed_patch("giftIntent", intent_of) {
        Patch::Keep => None,
        Patch::Clear => Some(GiftIntent::Standard),
        Patch::Set(intent) => Some(intent),
    };
    let edit = RowEdit {
        amount: body.money("amount"),
        gift_date: body.parsed_patch("giftDate", date_of),
        first_name: body.text_patch("donorFirstName", Patch::Clear),
        last_name: body.text_patch("donorLastName", Patch::Clear),
        email: body.text_patch("donorEmail", Patch::Clear),
        donor: donor_edit(&mut body),
        organisation: body.text_patch("organizationName", Patch::Clear),
        email_opt_out: body.truth_patch("supporterEmailOptOut"),
        company: body.id_patch("companyId", CompanyId),
        coding: coding_edit(&mut body),
        fee: body.money_patch("feeAmount"),
        expected_at: body.parsed_patch("expectedAt", date_of),
        payment_method: body.parsed_patch("paymentMethod", method_of),
        intent,
        notes: body.text_patch("notes", Patch::Clear),
        batch: body.parsed_patch("giftBatchId", |text| uuid_of(text).map(BatchId)),
    };
    body.finish(Some(edit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(result: Result<impl std::fmt::Debug, Problem>) -> String {
        format!("{:?}", result.unwrap_err())
    }

    #[test]
    fn an_intake_needs_an_amount_and_nothing_else() {
        let least = intake(br#"{"amount":{"amountMicros":25000000,"currencyCode":"gbp"}}"#, "api").unwrap();
        assert_eq!(
            (least.amount.to_string(), least.source.intake.as_str(), least.donor),
            ("£25.00".to_owned(), "api", DonorDecision::Unreviewed)
        );
        let contact = br#"{"amount":{"amountMicros":1,"currencyCode":"GBP"},"contact":{"firstName":" Ada ","lastName":"","email":null},"extra":{"kept":"raw"}}"#;
        assert_eq!(
            intake(contact, "api").unwrap().evidence,
            DonorEvidence { first_name: Some("Ada".into()), ..DonorEvidence::default() }
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_nothing_is_guessed() {
        let told = wrong(intake(br#"{"amount":{"amountMicros":12.5,"currencyCode":"XXY"},"giftDate":"03/04/26","paymentMethod":"wire","notes":5,"contactId":"me"}"#, "api"));
        for part in [
            "whole number of micros",
            "XXY",
            "YYYY-MM-DD",
            "no payment method",
            "notes must be a string",
            "is not an id",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        for bad in [
            &b"[]"[..],
            b"",
            b"{",
            br#"{"amount":25}"#,
            b"{}",
            br#"{"amount":{"amountMicros":9007199254740993,"currencyCode":"GBP"}}"#,
            br#"{"amount":{"amountMicros":1e3,"currencyCode":"GBP"}}"#,
        ] {
            wrong(intake(bad, "api"));
        }
    }

    #[test]
    fn a_missing_key_keeps_and_null_clears() {
        let edit = row_edit(br#"{"notes":null,"donorEmail":" ","giftDate":"2026-11-20"}"#).unwrap();
        assert_eq!((edit.notes, edit.email, edit.first_name), (Patch::Clear, Patch::Clear, Patch::Keep));
        assert!(matches!(edit.gift_date, Patch::Set(_)));
        wrong(row_edit(b"{}"));
        wrong(row_edit(br#"{"amount":null}"#));
        wrong(row_edit(br#"{"processingStatus":"processed"}"#));
    }
}
