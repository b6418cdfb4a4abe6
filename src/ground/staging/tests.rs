//! Tests of staged rows.

use super::*;
use uuid::Uuid;

/// A complete row, ready but for the mark.
pub(crate) fn row() -> StagedRow {
    StagedRow {
        id: StagedId(Uuid::from_u128(1)),
        origin: Origin([1; 16]),
        received_at: Instant(0),
        amount: Money::parse("25", "GBP".parse().unwrap()).unwrap(),
        gift_date: "2026-11-20".parse().ok(),
        evidence: DonorEvidence {
            first_name: Some("Ada".into()),
            last_name: Some("Lovelace".into()),
            email: None,
            organisation: None,
            email_opt_out: None,
        },
        donor: DonorDecision::Confirmed(PersonId(Uuid::from_u128(9))),
        company: None,
        payment_method: Some(PaymentMethod::Card),
        intent: GiftIntent::Standard,
        notes: None,
        source: Source {
            intake: "manual_ui".into(),
            fingerprint: None,
            external_id: None,
            provider: None,
            provider_payment_id: None,
            provider_event_id: None,
        },
        batch: None,
        progress: Progress::Review,
        attempts: 0,
        coding: Coding::default(),
        fees: Fees::default(),
        expected_at: None,
        matched: None,
    }
}

fn today() -> CalendarDate {
    "2026-11-23".parse().unwrap()
}

fn around() -> Around {
    Around::default()
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn each_missing_thing_is_its_own_blocker_and_its_own_cure() {
    let cases: Vec<(StagedRow, &str)> = vec![
        (StagedRow { gift_date: None, ..row() }, "gift_date_missing"),
        (StagedRow { payment_method: None, ..row() }, "payment_type_required"),
        (StagedRow { donor: DonorDecision::Unreviewed, ..row() }, "donor_review_required"),
        (StagedRow { intent: GiftIntent::Grant, ..row() }, "company_missing_for_org_intent"),
        (StagedRow { intent: GiftIntent::Recurring, ..row() }, "recurring_agreement_missing"),
        (StagedRow { amount: Money { micros: 0, ..row().amount }, ..row() }, "amount_invalid"),
        (StagedRow { amount: Money { micros: 25_000_001, ..row().amount }, ..row() }, "amount_too_fine"),
    ];
    for (row, code) in cases {
        assert_eq!(codes(&row.diagnose(today(), &around()).blockers), [code]);
        assert_eq!(row.main_reason(today(), &around()).unwrap().code, code);
        assert!(matches!(row.marked_ready(today(), &around()), Err(RowRefusal::Blocked(_))));
    }
    assert!(row().diagnose(today(), &around()).blockers.is_empty());
    assert_eq!(row().marked_ready(today(), &around()).unwrap().status(), Status::ReadyForProcess);
}

#[test]
fn warnings_never_block() {
    let future = StagedRow { gift_date: "2026-11-24".parse().ok(), ..row() };
    assert_eq!(codes(&future.diagnose(today(), &around()).warnings), ["gift_date_future"]);
    assert!(future.marked_ready(today(), &around()).is_ok());
    let weak = StagedRow { donor: DonorDecision::Unreviewed, ..row() };
    assert_eq!(codes(&weak.diagnose(today(), &around()).warnings), ["identity_low_confidence"]);
}

#[test]
fn what_was_judged_is_judged_again_and_a_note_is_not() {
    let ready = row().marked_ready(today(), &around()).unwrap();
    let noted =
        ready.clone().edited(RowEdit { notes: Patch::Set("thanks".into()), ..RowEdit::default() }).unwrap();
    assert_eq!(noted.status(), Status::ReadyForProcess);
    let amount = Money::parse("26", "GBP".parse().unwrap()).unwrap();
    let changed = ready.clone().edited(RowEdit { amount: Some(amount), ..RowEdit::default() }).unwrap();
    assert_eq!(changed.status(), Status::Pending);
    let same = ready.edited(RowEdit { amount: Some(row().amount), ..RowEdit::default() }).unwrap();
    assert_eq!(same.status(), Status::ReadyForProcess);
}

#[test]
fn typing_a_name_never_unlinks_the_donor() {
    let edited = row()
        .edited(RowEdit {
            email: Patch::Set("a@b.org".into()),
            last_name: Patch::Clear,
            ..RowEdit::default()
        })
        .unwrap();
    assert_eq!(edited.donor, row().donor);
    assert_eq!(edited.evidence.last_name, None);
    let unlinked = row().edited(RowEdit { donor: DonorEdit::Undecide, ..RowEdit::default() }).unwrap();
    assert_eq!(unlinked.donor, DonorDecision::Unreviewed);
}

#[test]
fn nothing_touches_a_row_that_is_being_sent_or_is_posted() {
    let ready = row().marked_ready(today(), &around()).unwrap();
    let (run, gift) = (RunId(Uuid::from_u128(2)), GiftId(Uuid::from_u128(3)));
    let sending = ready.leased(run, gift).unwrap();
    assert_eq!(sending.attempts, 1);
    let posted = sending.clone().posted(gift, Instant(5));
    for (row, refusal) in [(sending, RowRefusal::BeingSent), (posted, RowRefusal::AlreadyPosted)] {
        assert_eq!(row.clone().edited(RowEdit::default()), Err(refusal.clone()));
        assert_eq!(row.clone().back_to_review(), Err(refusal.clone()));
        assert_eq!(row.clone().discarded(), Err(refusal.clone()));
        assert_eq!(row.clone().leased(run, gift), None);
        assert_eq!(row.marked_ready(today(), &around()), Err(refusal));
    }
}

#[test]
fn a_row_that_is_not_ready_cannot_be_leased() {
    let (run, gift) = (RunId(Uuid::from_u128(2)), GiftId(Uuid::from_u128(3)));
    assert_eq!(row().leased(run, gift), None);
    assert_eq!(row().failed("no".into()).leased(run, gift), None);
    assert_eq!(row().discarded().unwrap().leased(run, gift), None);
    assert_eq!(row().discarded().unwrap().back_to_review().unwrap().status(), Status::Pending);
}
