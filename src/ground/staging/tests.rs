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

type Case = (StagedRow, Around);

/// Each warning that compares: raised at its boundary, not short of it, and switched by the workspace.
#[test]
fn each_warning_that_compares_is_raised_at_its_boundary_and_can_be_switched_off() {
    use crate::ground::settings::Settings;
    let earlier = |count, largest| Earlier { count, largest };
    let pounds = |text: &str| Money::parse(text, "GBP".parse().unwrap()).unwrap();
    let told = |opt_out| DonorEvidence { email_opt_out: opt_out, ..row().evidence };
    let with = |around: Around| (row(), around);
    let unusual = Settings::default().unusual;
    let times = i64::from(unusual.times);
    let at = row().amount.micros / times;
    let promise = i64::from(Settings::default().promise("manual_ui"));
    let aged = |micros: i64| Around { now: Some(Instant(promise * 86_400_000_000 + micros)), ..around() };
    let donor = |count, largest| Around { donor_gifts: earlier(count, largest), ..around() };
    let channel = |count, largest| Around { channel_gifts: earlier(count, largest), ..around() };
    let agreed = |amount: &str| Around { agreed: Some(pounds(amount)), ..around() };
    let out = |said| Around { donor_opted_out: said, ..around() };
    let says = |opt_out, said| (StagedRow { evidence: told(opt_out), ..row() }, out(said));
    let cases: [(&str, Case, Case); 5] = [
        (
            "amount_unusual_for_donor",
            with(donor(unusual.donor_gifts, at)),
            with(donor(unusual.donor_gifts, at + 1)),
        ),
        (
            "amount_unusual_for_channel",
            with(channel(unusual.channel_gifts, at)),
            with(channel(unusual.channel_gifts - 1, at)),
        ),
        ("amount_differs_from_agreement", with(agreed("25.01")), with(agreed("25"))),
        ("consent_conflict", says(Some(false), Some(true)), says(Some(true), Some(true))),
        ("row_late", with(aged(1)), with(aged(0))),
    ];
    for (code, (raised, so), (quiet, short)) in cases {
        assert!(codes(&raised.diagnose(today(), &so).warnings).contains(&code), "{code} is raised");
        assert!(
            !codes(&quiet.diagnose(today(), &short).warnings).contains(&code),
            "{code} is not raised short of it"
        );
        let off = Settings { warnings: [(code.to_owned(), false)].into(), ..Settings::default() };
        let off = Around { settings: off, ..so.clone() };
        assert!(!codes(&raised.diagnose(today(), &off).warnings).contains(&code), "{code} is switched off");
        assert!(raised.marked_ready(today(), &so).is_ok(), "{code} never blocks");
    }
    // What is off by preset is switched on for all gifts, or for one kind.
    let missing = |name: &str| {
        let on = Settings { warnings: [(name.to_owned(), true)].into(), ..Settings::default() };
        codes(&row().diagnose(today(), &Around { settings: on, ..around() }).warnings)
            .contains(&"consent_missing")
    };
    assert!(!codes(&row().diagnose(today(), &around()).warnings).contains(&"consent_missing"));
    assert!(missing("consent_missing") && missing("consent_missing:standard"));
    assert!(!missing("consent_missing:grant"));
    // "May be written to" is known once somebody said no; and no stays no.
    assert!(!codes(&row().diagnose(today(), &out(Some(true))).warnings).contains(&"consent_conflict"));
}
