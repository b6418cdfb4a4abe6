//! Keeps out: somebody who is there and is not proposed, an older version that is, and a row that does not see another one
//! of its batch.

use super::*;
use crate::ground::matching::record::Donor;
use crate::ground::staging::DonorDecision;
use crate::ground::staging::StagedRow;
use crate::ground::staging::tests::row;

fn asked(first: &str, last: &str, email: &str) -> Donor {
    let emails = if email.is_empty() { Vec::new() } else { vec![email.to_owned()] };
    Donor { first: first.into(), last: last.into(), emails, ..Donor::default() }
}

fn alike(store: &Store, search: &Search, asked: &Donor) -> Vec<Who> {
    let snapshot = store.snapshot().unwrap();
    let found = search.alike(&snapshot.ledger(), asked, None, 20).unwrap();
    found.alike.into_iter().map(|alike| alike.who).collect()
}

fn see_with(store: &Store, n: u128, name: &str, email: &str) {
    let json = json(n, name, email, "Newport");
    write(store, move |changes| changes.seen(key(n), json, false, None));
}

fn stage(store: &Store, n: u128, change: impl FnOnce(StagedRow) -> StagedRow) {
    let mut row = row();
    row.id = crate::ground::id::StagedId(Uuid::from_u128(n));
    row.evidence.first_name = Some("Ada".into());
    row.evidence.last_name = Some("Pugh".into());
    row.donor = DonorDecision::Unreviewed;
    let row = change(row);
    write(store, move |changes| changes.open(Object::GiftStaging, Uuid::from_u128(n), &row).unwrap());
}

fn person(n: u128) -> Who {
    Who::Person(id(n))
}

fn waiting(n: u128) -> Who {
    Who::Row(crate::ground::id::StagedId(Uuid::from_u128(n)))
}

/// The same answer from memory, from the index, and from an index made anew.
fn proposes(store: &Store, search: &Search, of: &Donor, expected: &[Who]) {
    assert_eq!(alike(store, search, of), expected, "at once");
    while search.catch_up(store).unwrap() {}
    assert_eq!(alike(store, search, of), expected, "from the index");
    let anew = Search::open(Place::Memory, store).unwrap();
    while anew.catch_up(store).unwrap() {}
    assert_eq!(alike(store, &anew, of), expected, "begun anew");
}

#[test]
fn somebody_is_proposed_from_the_next_question_on_and_never_as_they_were() {
    let store = store();
    let search = search(&store);
    see_with(&store, 1, "Katherine|Llewellyn", "kate@llewellyn.example");
    see_with(&store, 2, "Bob|Stone", "bob@stone.example");
    let kate = asked("Kate", "Llewelyn", "");
    proposes(&store, &search, &kate, &[person(1)]);
    proposes(&store, &search, &asked("", "", "KATE@llewellyn.example"), &[person(1)]);
    see_with(&store, 1, "Zoe|Quist", "zoe@quist.example");
    proposes(&store, &search, &kate, &[]);
    see_with(&store, 3, "Katherine|Llewellyn", "");
    delete(&store, 3, "Katherine|Llewellyn");
    proposes(&store, &search, &kate, &[]);
}

#[test]
fn rows_of_one_batch_see_each_other_until_their_donor_is_known() {
    let store = store();
    let search = search(&store);
    see_with(&store, 1, "Ada|Pugh", "ada@pugh.example");
    stage(&store, 100, |row| row);
    stage(&store, 101, |row| row);
    let ada = asked("Ada", "Pugh", "ada@pugh.example");
    let snapshot = store.snapshot().unwrap();
    let found = search.alike(&snapshot.ledger(), &ada, Some(waiting(100)), 20).unwrap();
    assert_eq!(found.alike.iter().map(|alike| alike.who).collect::<Vec<_>>(), [person(1), waiting(101)]);
    drop(snapshot);
    stage(&store, 101, |row| StagedRow { donor: DonorDecision::Confirmed(id(1)), ..row });
    proposes(&store, &search, &ada, &[person(1), waiting(100)]);
    assert_eq!(find(&search, "ada"), [1], "a row is nobody to be found by name");
}

#[test]
fn where_no_key_leads_to_anybody_a_small_mistake_is_forgiven() {
    let store = store();
    let search = search(&store);
    see_with(&store, 1, "Wilhelmina|Quartermaine", "");
    let asked = asked("Vilhelmina", "Puartermaine", "");
    assert_eq!(search.candidates(&asked, 20).unwrap().0, []);
    proposes(&store, &search, &asked, &[person(1)]);
}

#[test]
fn the_rarest_keys_are_read_first_and_a_common_one_does_not_drown_them() {
    let store = store();
    let search = search(&store);
    for n in 0..1_000u128 {
        see_with(&store, n + 10, "Ann|Smith", "");
    }
    see_with(&store, 1, "Ann|Smith", "ann@quite.example");
    while search.catch_up(&store).unwrap() {}
    assert_eq!(alike(&store, &search, &asked("Ann", "Smith", "ann@quite.example"))[0], person(1));
    assert_eq!(alike(&store, &search, &asked("Ann", "Smith", "")).len(), 20);
}
