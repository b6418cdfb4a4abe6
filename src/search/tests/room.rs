//! What memory has no room for, and what was missed: counted, hidden, caught up with.

use super::*;
use crate::ground::id::SubjectId;
use crate::ground::journal::SubjectState;

#[test]
fn what_finds_no_room_is_behind_and_never_shown_as_it_was() {
    let store = store();
    let search = Search::open_with(Place::Memory, &store, SMALL).unwrap();
    for n in 0..8 {
        see(&store, n, words(n));
    }
    let found = search.find("ann", 9).unwrap();
    assert_eq!((found.people.len(), found.behind), (1, 4));
    assert!(search.wants_catch_up());
    while search.catch_up(&store).unwrap() {}
    assert_eq!((find(&search, "ann"), search.find("", 1).unwrap().behind), (vec![0, 4], 0));
    for n in 0..8 {
        see(&store, n, "Somebody|Else");
    }
    let found = search.find("ann", 9).unwrap();
    assert_eq!((found.people.len(), found.behind), (0, 4));
    assert_eq!(find(&search, "somebody").len(), 4);
    let mut pieces = 1;
    while search.catch_up(&store).unwrap() {
        assert_eq!(find(&search, "ann").len(), 0, "half-way");
        pieces += 1;
    }
    assert!(pieces > 1);
    assert_eq!(find(&search, "somebody").len(), 8);
}

#[test]
fn a_long_journal_is_read_in_pieces_after_the_start() {
    let store = store();
    for n in 0..20 {
        see(&store, n, words(n));
    }
    delete(&store, 0, words(0));
    let search = Search::open_with(Place::Memory, &store, SMALL).unwrap();
    let mut behind = vec![search.find("", 1).unwrap().behind];
    assert!(behind[0] >= 16, "{behind:?}");
    see(&store, 4, "Somebody|Else");
    while search.catch_up(&store).unwrap() {
        let found = search.find("ann", 9).unwrap();
        behind.push(found.behind);
        let shown: Vec<u128> = found.people.iter().map(|hit| hit.id.0.as_u128()).collect();
        assert!(!shown.contains(&0) && !shown.contains(&4), "{shown:?}");
    }
    assert!(behind.len() > 3 && behind.is_sorted_by(|a, b| a >= b), "{behind:?}");
    answers(&store, &search, &[("ann", &[8, 12, 16]), ("somebody", &[4])]);
}

#[test]
fn an_index_with_people_hides_all_who_changed_while_nobody_listened() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let open = || {
        let store = store_on(&disk, Drive::Inline);
        let search = Search::open_with(Place::Folder(folder.path().into()), &store, SMALL).unwrap();
        (store, search)
    };
    let (store, search) = open();
    for n in 0..12 {
        see(&store, n, words(n));
    }
    while search.catch_up(&store).unwrap() {}
    for n in 0..12 {
        see(&store, n, "Somebody|Else");
    }
    drop((store, search));
    let (store, search) = open();
    assert_eq!(passed(&search), 12);
    let found = search.find("ann", 9).unwrap();
    assert_eq!((found.people.len(), found.behind), (0, 8));
    assert_eq!(find(&search, "somebody").len(), 4);
    drop((store, search));
    let store = store_on(&disk, Drive::Inline);
    for n in 0..20 {
        see(&store, 50 + n, "Far|Away");
    }
    drop(store);
    let (store, search) = open();
    assert_eq!(passed(&search), 0, "too far behind: made anew");
    while search.catch_up(&store).unwrap() {}
    assert_eq!((find(&search, "ann").len(), find(&search, "far").len()), (0, 20));
}

#[test]
fn catching_up_is_worth_it_for_much_or_when_idle() {
    let store = store();
    let search = Search::open_with(Place::Memory, &store, SMALL).unwrap();
    assert!(!search.wants_catch_up());
    search.idle();
    assert!(!search.wants_catch_up(), "there is nothing");
    see(&store, 1, words(1));
    assert!(search.wants_catch_up());
    assert!(!search.catch_up(&store).unwrap());
    see(&store, 1, words(2));
    assert!(!search.wants_catch_up(), "no longer idle");
    see(&store, 2, words(1));
    see(&store, 3, words(1));
    assert!(search.wants_catch_up());
}

#[test]
fn a_commit_that_was_not_told_is_noticed() {
    let store = store();
    let search = search(&store);
    see(&store, 1, words(1));
    let told = |seq| Written {
        seq,
        subject: SubjectId(seq),
        key: key(u128::from(seq)),
        state: SubjectState::Live,
        json: json(u128::from(seq), words(2), "", ""),
    };
    search.committed(&[told(2)]);
    assert_eq!(search.find("", 1).unwrap().behind, 0);
    search.committed(&[told(6), told(7)]);
    assert_eq!(search.find("", 1).unwrap().behind, 3);
    assert!(search.wants_catch_up());
}

#[test]
fn a_piece_of_catching_up_keeps_what_it_did_not_reach() {
    let store = store();
    let search = Search::open_with(Place::Memory, &store, SMALL).unwrap();
    see(&store, 1, words(0));
    while search.catch_up(&store).unwrap() {}
    see(&store, 2, words(2));
    for n in 0..8 {
        write(&store, move |changes| {
            let gift = SubjectKey::twenty(Object::Gifts, Uuid::from_u128(n));
            changes.seen(gift, format!(r#"{{"id":"{}"}}"#, Uuid::from_u128(n)), false, None);
        });
    }
    see(&store, 1, words(1));
    assert!(search.catch_up(&store).unwrap(), "gifts are read past, the person is not reached");
    assert_eq!((find(&search, "ann"), find(&search, "bob")), (vec![], vec![1]));
    assert!(!search.catch_up(&store).unwrap());
    assert_eq!((find(&search, "ann"), find(&search, "bob")), (vec![], vec![1]));
}
