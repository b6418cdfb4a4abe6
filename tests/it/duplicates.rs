//! Groups of duplicates over the whole base: found in the background, named for good, split by what people say.
//!
//! Keeps out: a search that begins again after a crash, one that writes when nothing changed, a group that changes its name,
//! two big groups that one pair joins, a pair that is asked about again although somebody decided.

use almoner::desk::links::Saying;
use almoner::ground::id::PersonId;
use almoner::ground::links::{Said, Who};
use almoner::runs::Next;
use almoner::store::verify;
use serde_json::{Value, json};

use crate::world::{Outside, Process, Settled, block, reviewer};

fn body(first: &str, last: &str, email: &str, phone: &str) -> Value {
    json!({
        "name": { "firstName": first, "lastName": last },
        "emails": { "primaryEmail": email, "additionalEmails": [] },
        "phones": { "primaryPhoneNumber": phone, "primaryPhoneCallingCode": "+44" },
        "mailingAddress": { "addressStreet1": "7 Mill Lane", "addressCity": "Newport", "addressPostcode": "NP20 1AA" },
    })
}

/// People of whom two are one, twice, among others.
fn base(outside: &Outside, others: usize) -> [PersonId; 4] {
    for n in 0..others {
        let last = format!("Stone{n}");
        outside.create(
            "people",
            &json!({ "name": { "firstName": "Bob", "lastName": last }, "emails": { "primaryEmail": format!("b{n}@x{n}.example") } }),
        );
    }
    [
        ("Katherine", "Llewellyn", "kate@llewellyn.example", "1633700221"),
        ("Kate", "Llewellyn", "kate.l@llewellyn.example", "1633700221"),
        ("Zoltan", "Quist", "zoltan@quist.example", "1633700999"),
        ("Zoltan", "Quist", "z.quist@quist.example", "1633700999"),
    ]
    .map(|(first, last, email, phone)| PersonId(outside.create("people", &body(first, last, email, phone))))
}

fn settled(outside: &Outside) -> Process {
    let mut process = outside.boot();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process
}

fn members(process: &Process) -> Vec<Vec<PersonId>> {
    process.groups().into_iter().map(|group| group.members).collect()
}

fn pair(one: PersonId, other: PersonId) -> Vec<PersonId> {
    let mut pair = vec![one, other];
    pair.sort_unstable();
    pair
}

fn last_seq(process: &Process) -> u64 {
    process.means.store.snapshot().unwrap().ledger().last_seq().unwrap().0
}

#[test]
fn duplicates_are_found_once_and_again_when_somebody_changes() {
    let outside = Outside::new(81);
    let [kate, katherine, zoltan, quist] = base(&outside, 150);
    let mut process = settled(&outside);
    assert!(process.find_duplicates() >= 2, "in stretches");
    let mut wanted = vec![pair(kate, katherine), pair(zoltan, quist)];
    wanted.sort();
    assert_eq!(members(&process), wanted);
    let groups = process.groups();
    assert!(groups.iter().all(|group| group.weakest.is_some() && group.bonds.len() == 1));
    let finding = process.means.store.snapshot().unwrap().ledger().finding().unwrap();
    assert!(finding.complete_at.is_some() && finding.looked_at >= 154, "{finding:?}");

    let before = last_seq(&process);
    assert_eq!((process.find_duplicates(), last_seq(&process)), (0, before), "nothing is written again");

    // One of them turns out to be somebody else: that group goes, the other keeps its name.
    outside.advance_ms(60_000);
    let other = json!({
        "name": { "firstName": "Hugo", "lastName": "Brandt" }, "emails": { "primaryEmail": "h@b.example" },
        "phones": { "primaryPhoneNumber": "2079460000", "primaryPhoneCallingCode": "+44" },
        "mailingAddress": { "addressStreet1": "1 High St", "addressCity": "Leeds", "addressPostcode": "LS1 1AA" },
    });
    assert!(outside.twenty.edit("people", quist.0, &other));
    process.sync_now();
    assert_eq!(outside.settle(&mut process), Settled::Quiet);
    process.find_duplicates();
    let now = process.groups();
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].members, pair(kate, katherine));
    assert!(groups.iter().any(|group| group.id == now[0].id));
    assert_eq!(verify(&process.means.store).unwrap().fault, None);
}

#[test]
fn what_somebody_said_parts_a_group_until_it_is_taken_back() {
    let outside = Outside::new(82);
    let [kate, katherine, ..] = base(&outside, 3);
    let mut process = settled(&outside);
    process.find_duplicates();
    let id = process.groups().into_iter().find(|group| group.members.contains(&kate)).unwrap().id;
    let say = |process: &Process, said| {
        let (one, other) = (Who::Person(kate), Who::Person(katherine));
        let saying = Saying { one, other, said, keep: None, blind: false, weight: (0, "m".into()) };
        block(process.desk.say(&reviewer(), saying)).expect("kept");
    };
    say(&process, Said::Different);
    process.find_duplicates();
    assert!(members(&process).iter().all(|members| !members.contains(&kate)));
    say(&process, Said::Open);
    process.find_duplicates();
    let again = process.groups().into_iter().find(|group| group.members.contains(&kate)).unwrap();
    assert_eq!((again.members, again.id), (pair(kate, katherine), id), "with the name it had");
}

#[test]
fn the_search_goes_on_after_a_kill_and_comes_to_the_same() {
    let mut outside = Outside::new(83);
    base(&outside, 350);
    let mut process = settled(&outside);
    assert_eq!(process.find_some(), Next::Again);
    let first = process.means.store.snapshot().unwrap().ledger().finding().unwrap();
    assert!(first.looked_at > 0 && first.complete_at.is_none(), "{first:?}");
    process = outside.crash(process);
    let left = process.find_duplicates();
    let finding = process.means.store.snapshot().unwrap().ledger().finding().unwrap();
    assert!(finding.complete_at.is_some() && left < 6, "goes on where it was: {left} {finding:?}");
    assert_eq!(process.groups().len(), 2);
    let (groups, again) = (process.groups(), {
        let other = Outside::new(83);
        base(&other, 350);
        let mut process = settled(&other);
        process.find_duplicates();
        process.groups()
    });
    let shape = |groups: &[almoner::ground::groups::Group]| -> Vec<usize> {
        groups.iter().map(|group| group.members.len()).collect()
    };
    assert_eq!(shape(&groups), shape(&again));
}
