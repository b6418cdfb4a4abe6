//! Seeded lives: people edit here and in Twenty at the same time, the network is bad, power fails. Afterwards no value
//! that anybody wrote is gone without having been seen.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const FIELDS: [&str; 3] = ["jobTitle", "name.firstName", "name.lastName"];

fn body(field: &str, value: &str) -> Value {
    match field.split_once('.') {
        None => json!({ field: value }),
        Some((field, part)) => json!({ field: { part: value } }),
    }
}

fn stands(record: &Value, field: &str) -> String {
    let value = field.split('.').fold(record, |value, name| &value[name]);
    value.as_str().unwrap_or_default().to_owned()
}

/// Every value of these fields that the mirror ever had.
fn ever_seen(process: &Process, person: Uuid) -> BTreeMap<&'static str, BTreeSet<String>> {
    let snapshot = process.means.store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let subject = ledger.subject(&SubjectKey::twenty(Object::People, person)).unwrap().unwrap();
    let mut seen: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for seq in ledger.history(subject, Seq(u64::MAX), usize::MAX).unwrap() {
        let record: Value = serde_json::from_str(&ledger.record_at(seq).unwrap().unwrap().value).unwrap();
        for field in FIELDS {
            seen.entry(field).or_default().insert(stands(&record, field));
        }
    }
    seen
}

fn unkind(per_mille: u64) -> Plan {
    [
        Fault::Refused,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::CutBody,
        Fault::GatewayBefore(502),
        Fault::GatewayAfter(503),
        Fault::TimeoutAfter,
        Fault::DuplicateDelivery,
        Fault::StaleRead(2),
        Fault::Storm(2),
    ]
    .into_iter()
    .fold(Plan::none(), |plan, fault| plan.often(per_mille, fault))
}

fn live(seed: u64) {
    let mut outside = Outside::new(seed);
    let (mut process, people) = mirrored(&outside, 2);
    let (person, other) = (people[0], there(&outside, "people", people[1]));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut fused = false;
    for turn in 0..12 {
        outside.twenty.set_faults(unkind(30));
        let field = FIELDS[usize::try_from(outside.roll(3)).unwrap()];
        match outside.roll(5) {
            0 | 1 => {
                let value = format!("here {turn}");
                if try_edit(&process, ask(person, &body(field, &value))).is_ok() {
                    ours.push((field, value));
                }
            }
            2 | 3 => {
                // What this replaces was theirs to replace.
                let before = stands(&there(&outside, "people", person), field);
                theirs.retain(|(_, value)| *value != before);
                ours.retain(|(_, value)| *value != before);
                let value = format!("there {turn}");
                assert!(outside.twenty.edit("people", person, &body(field, &value)));
                theirs.push((field, value));
            }
            _ if !fused => {
                let moments = outside.roll(6);
                process.light_fuse(moments);
                fused = true;
            }
            _ => {}
        }
        for _ in 0..outside.roll(6) {
            process.step();
            outside.advance_ms(700);
        }
        if process.is_dead() {
            process = outside.crash(process);
            outside.disk.heal();
            fused = false;
        }
    }
    outside.twenty.set_faults(Plan::none());
    process.put_out_fuse();
    outside.disk.heal();
    for _ in 0..3 {
        process.sync_now();
        settle(&outside, &mut process);
        outside.advance_ms(60_000);
    }
    assert_mirror_equals(&outside, &process);
    assert_eq!(there(&outside, "people", people[1]), other, "seed {seed}: a foreign record was touched");
    let known = ever_seen(&process, person);
    let open = open_edits(&process);
    assert!(open.iter().all(|edit| edit.state == State::Conflict), "seed {seed}: {open:?}");
    for (field, value) in ours {
        let wanted = format!("{value:?}");
        let waits = open.iter().flat_map(|edit| &edit.fields).any(|edit| edit.value == wanted);
        assert!(waits || known[field].contains(&value), "seed {seed}: {field} {value} is gone");
    }
    for (field, value) in theirs {
        assert!(known[field].contains(&value), "seed {seed}: {field} {value} was overwritten unseen");
    }
}

#[test]
fn sixty_lives_lose_nobodys_value() {
    let wrong: Vec<u64> = (0..60).filter(|seed| std::panic::catch_unwind(|| live(*seed)).is_err()).collect();
    assert!(wrong.is_empty(), "these seeds went wrong: {wrong:?}");
}
