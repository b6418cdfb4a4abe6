//! Merging people through Twenty's own call: shown first, made once, and nothing lost.
//!
//! Keeps out: a merge that nobody saw, one of records that changed since, one that is made twice or half, a gift or a note
//! that is lost with the record, an old id that leads nowhere, a finalised claim that changes under somebody's hands.

use almoner::desk::Refusal;
use almoner::desk::links::Saying;
use almoner::ground::id::{GiftId, Object, PersonId, SubjectKey};
use almoner::ground::journal::SubjectState;
use almoner::ground::links::{LinkState, Said, Who};
use almoner::ground::merge::{Merge, MergeState};
use almoner::ground::staging::DonorDecision;
use almoner::sim::faults::{Fault, Plan};
use almoner::store::Changes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::checks::{assert_mirror_equals, assert_sound};
use crate::world::{Outside, Process, Settled, block, delivery, gbp, reviewer};

fn person(outside: &Outside, first: &str, email: &str, phone: &str) -> PersonId {
    PersonId(outside.create(
        "people",
        &json!({
            "name": { "firstName": first, "lastName": "Pugh" },
            "emails": { "primaryEmail": email, "additionalEmails": [] },
            "phones": { "primaryPhoneNumber": phone, "primaryPhoneCallingCode": if phone.is_empty() { "" } else { "+44" } },
        }),
    ))
}

fn gift(outside: &Outside, donor: PersonId) -> GiftId {
    let amount = json!({ "amountMicros": 25_000_000, "currencyCode": "GBP" });
    GiftId(
        outside.create("gifts", &json!({ "amount": amount, "giftDate": "2026-11-20", "donorId": donor.0 })),
    )
}

/// Two records of one person with gifts, and a note about the second.
struct Pair {
    keep: PersonId,
    lose: PersonId,
    gifts: Vec<GiftId>,
    link: Uuid,
}

fn pair(outside: &Outside) -> Pair {
    let keep = person(outside, "Ada", "ada@pugh.example", "");
    let lose = person(outside, "Ada", "a.pugh@work.example", "1633700221");
    let gifts = vec![gift(outside, keep), gift(outside, lose), gift(outside, lose)];
    let note = outside.create("notes", &json!({ "title": "Called her" }));
    let link = outside.create("noteTargets", &json!({ "noteId": note, "targetPersonId": lose.0 }));
    Pair { keep, lose, gifts, link }
}

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn ask(process: &Process, pair: &Pair) -> Result<Uuid, Refusal> {
    block(process.desk.ask_merge(&reviewer(), pair.keep, vec![pair.lose]))
}

fn merge(process: &Process, id: Uuid) -> Merge {
    process.means.store.snapshot().unwrap().ledger().merge(id).unwrap().unwrap().value
}

fn there(outside: &Outside, plural: &str, id: Uuid) -> Option<Value> {
    let id = id.to_string();
    outside.twenty.records(plural).into_iter().find(|record| record["id"] == id.as_str())
}

/// Everything a merge must have come to.
fn assert_merged(outside: &Outside, process: &Process, pair: &Pair, id: Uuid) {
    let done = merge(process, id);
    assert!(matches!(done.state, MergeState::Done { .. }), "{done:?}");
    assert_eq!((done.lost.clone(), done.note.clone()), (vec![], None));
    assert_eq!(there(outside, "people", pair.lose.0), None);
    let kept = there(outside, "people", pair.keep.0).expect("stays");
    assert_eq!(kept["emails"]["additionalEmails"], json!(["a.pugh@work.example"]));
    assert_eq!(kept["phones"]["primaryPhoneNumber"], "1633700221");
    for gift in &pair.gifts {
        assert_eq!(there(outside, "gifts", gift.0).expect("is there")["donorId"], pair.keep.to_string());
    }
    let link = there(outside, "noteTargets", pair.link).expect("the note is still linked");
    assert_eq!(link["targetPersonId"], pair.keep.to_string());
    let snapshot = process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let record = ledger.record_of(&SubjectKey::twenty(Object::People, pair.lose.0)).unwrap().unwrap();
    assert_eq!(record.key.uuid(), Some(pair.keep.0), "the old id leads on");
    assert_eq!(ledger.stands_for(pair.lose).unwrap(), pair.keep);
    assert_eq!(ledger.gift_count_of(pair.keep).unwrap(), 3);
    let subject = ledger.subject(&SubjectKey::twenty(Object::People, pair.lose.0)).unwrap().unwrap();
    assert_eq!(ledger.head(subject).unwrap().unwrap().state, SubjectState::Merged);
    let versions = ledger.history(subject, almoner::ground::id::Seq(u64::MAX), 100).unwrap();
    assert!(versions.len() >= 2, "what was known of it stays in its history");
    assert_sound(outside, process);
    assert_mirror_equals(outside, process);
}

fn merges_sent(outside: &Outside) -> usize {
    let calls = outside.twenty.request_log();
    calls.iter().filter(|call| call.path.contains("/merge")).count()
}

#[test]
fn a_merge_is_shown_then_made_once_and_nothing_is_lost() {
    let outside = Outside::new(91);
    let pair = pair(&outside);
    let mut process = settled(&outside);
    let row = process.take_in(delivery(Some(pair.lose), gbp("5")));
    outside.twenty.clear_log();
    let id = ask(&process, &pair).expect("asked");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let shown = merge(&process, id);
    assert_eq!(shown.state, MergeState::Previewed, "{shown:?}");
    let preview = shown.preview.expect("a preview");
    assert_eq!((preview.gifts, preview.links, preview.rows), (2, 1, 1));
    let left: Value = serde_json::from_str(&preview.record).unwrap();
    assert_eq!(left["phones"]["primaryPhoneNumber"], "1633700221");
    assert!(there(&outside, "people", pair.lose.0).is_some(), "nothing is changed by showing it");
    assert!(ask(&process, &pair).is_err(), "one merge at a time");

    block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_merged(&outside, &process, &pair, id);
    assert_eq!(merges_sent(&outside), 2, "a dry run and the merge");
    assert_eq!(process.row(row).donor, DonorDecision::GivenBySender(pair.keep));

    // What comes in with the old id, or is chosen by it, is the kept donor's.
    let came = process.take_in(delivery(Some(pair.lose), gbp("6")));
    assert_eq!(process.row(came).donor, DonorDecision::GivenBySender(pair.keep));
    let (batch, rows) = process.ready_batch(&[(pair.lose, gbp("7"))]);
    process.process(batch);
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let posted = process.row(rows[0]).gift().expect("posted");
    assert_eq!(there(&outside, "gifts", posted.0).unwrap()["donorId"], pair.keep.to_string());
    assert!(block(process.desk.withdraw_merge(&reviewer(), id)).is_err());
}

#[test]
fn a_link_between_them_ends_with_the_merge() {
    let outside = Outside::new(92);
    let pair = pair(&outside);
    let mut process = settled(&outside);
    let link = block(process.desk.link(&reviewer(), Who::Person(pair.lose), pair.keep)).expect("linked");
    let id = ask(&process, &pair).expect("asked");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_merged(&outside, &process, &pair, id);
    let state = process.means.store.snapshot().unwrap().ledger().link(link).unwrap().unwrap().value.state;
    assert_eq!(state, LinkState::Merged);
    assert!(block(process.desk.unlink(&reviewer(), link)).is_err(), "a merge cannot be undone");
}

#[test]
fn a_record_that_changed_since_is_shown_again() {
    let outside = Outside::new(93);
    let pair = pair(&outside);
    let mut process = settled(&outside);
    let id = ask(&process, &pair).expect("asked");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    outside.advance_ms(5_000);
    assert!(outside.twenty.edit("people", pair.lose.0, &json!({ "jobTitle": "Chair" })));
    block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    let again = merge(&process, id);
    assert_eq!(again.state, MergeState::Previewed);
    assert!(again.note.unwrap().contains("changed since"));
    assert!(there(&outside, "people", pair.lose.0).is_some());
    block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed again");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    assert_merged(&outside, &process, &pair, id);
}

#[test]
fn what_must_not_be_merged_is_refused_with_its_reason() {
    let outside = Outside::new(94);
    let pair = pair(&outside);
    let mut process = settled(&outside);
    let two = (Who::Person(pair.keep), Who::Person(pair.lose));
    let saying =
        |said| Saying { one: two.0, other: two.1, said, keep: None, blind: false, weight: (0, "m".into()) };
    block(process.desk.say(&reviewer(), saying(Said::Different))).expect("said");
    assert!(matches!(ask(&process, &pair), Err(Refusal::Nothing(text)) if text.contains("two people")));
    block(process.desk.say(&reviewer(), saying(Said::Open))).expect("said");
    let with_itself = block(process.desk.ask_merge(&reviewer(), pair.keep, vec![pair.keep]));
    assert!(matches!(with_itself, Err(Refusal::Nothing(_))));
    let nobody = block(process.desk.ask_merge(&reviewer(), pair.keep, vec![PersonId(Uuid::from_u128(3))]));
    assert!(matches!(nobody, Err(Refusal::NotFound(_))));

    // A gift of the one who would go is in a claim that Twenty does not show to be a draft.
    let key = SubjectKey::twenty(Object::Gifts, pair.gifts[1].0);
    let written = block(process.means.store.write::<_, (), _>({
        let key = key.clone();
        move |view| {
            let mut gift: Value =
                serde_json::from_str(&view.ledger().record_of(&key)?.expect("there").value).unwrap();
            gift["giftAidClaimBatchId"] = json!("11111111-2222-4333-8444-555555555555");
            let mut changes = Changes::new(reviewer().cause("test"));
            changes.seen(key, gift.to_string(), false, None);
            Ok((changes, ()))
        }
    }));
    written.expect("stored");
    let id = ask(&process, &pair).expect("asked");
    for _ in 0..20 {
        process.step();
        outside.advance_ms(500);
    }
    let refused = merge(&process, id).state;
    assert!(
        matches!(&refused, MergeState::Refused { reason } if reason.contains("Gift Aid claim")),
        "{refused:?}"
    );
    assert!(there(&outside, "people", pair.lose.0).is_some());
}

/// A merge, agreed to.
fn agreed(outside: &Outside) -> (Process, Pair, Uuid) {
    let pair = pair(outside);
    let mut process = settled(outside);
    let id = ask(&process, &pair).expect("asked");
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    outside.twenty.clear_log();
    block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed");
    (process, pair, id)
}

#[test]
fn each_fault_of_the_network_at_each_call_leaves_one_whole_merge() {
    let faults = [
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayAfter(503),
        Fault::DuplicateDelivery,
        Fault::StaleRead(3),
        Fault::QueryTimeout,
        Fault::Storm(2),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        for call in 1..=7 {
            let outside = Outside::new(950 + n as u64);
            let (mut process, pair, id) = agreed(&outside);
            outside.twenty.set_faults(Plan::none().at(call, fault.clone()));
            assert_eq!(outside.settle(&mut process), Settled::Quiet, "{fault:?} at {call}");
            outside.twenty.set_faults(Plan::none());
            if merge(&process, id).state == MergeState::Previewed {
                // A read that lagged behind made it be shown again.
                block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed again");
                assert_eq!(outside.settle(&mut process), Settled::Quiet);
            }
            outside.advance_ms(20 * 60_000);
            process.sync_now();
            assert_eq!(outside.settle(&mut process), Settled::Quiet);
            assert_merged(&outside, &process, &pair, id);
        }
    }
}

#[test]
fn a_process_that_dies_at_any_moment_leaves_one_whole_merge() {
    for moments in 0..20 {
        let mut outside = Outside::new(970);
        let (mut process, pair, id) = agreed(&outside);
        process.light_fuse(moments);
        let ended = outside.settle(&mut process);
        if ended == Settled::Died {
            process = outside.crash(process);
            outside.disk.heal();
        }
        process.put_out_fuse();
        assert_eq!(outside.settle(&mut process), Settled::Quiet, "at {moments}");
        if merge(&process, id).state == MergeState::Previewed {
            block(process.desk.confirm_merge(&reviewer(), id)).expect("agreed again");
            assert_eq!(outside.settle(&mut process), Settled::Quiet);
        }
        outside.advance_ms(20 * 60_000);
        process.sync_now();
        assert_eq!(outside.settle(&mut process), Settled::Quiet);
        assert_merged(&outside, &process, &pair, id);
    }
}
