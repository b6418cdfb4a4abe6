//! Any order of events against a plain list of names.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn nobody_is_found_under_what_they_were() {
    let store = store();
    let search = search(&store);
    see(&store, 1, "Old|Name");
    see(&store, 2, "Other|Person");
    while search.catch_up(&store).unwrap() {}
    assert_eq!(find(&search, "old"), [1]);
    see(&store, 1, "New|Name");
    delete(&store, 2, "Other|Person");
    answers(&store, &search, &[("old", &[]), ("new", &[1]), ("name", &[1]), ("person", &[])]);
    see(&store, 2, "Other|Person");
    answers(&store, &search, &[("person", &[2])]);
    let pending = json(3, "Waiting|One", "", "");
    write(&store, move |changes| changes.pending(key(3), pending));
    answers(&store, &search, &[("waiting", &[])]);
    let withdrawn = json(3, "Waiting|One", "", "");
    write(&store, move |changes| changes.withdrawn(key(3), withdrawn));
    let withdrawn = json(2, "Other|Person", "", "");
    write(&store, move |changes| changes.withdrawn(key(2), withdrawn));
    let foreign = json(4, "Not|Ours", "", "");
    write(&store, move |changes| {
        changes.seen(SubjectKey::twenty(Object::Gifts, Uuid::from_u128(4)), foreign, false, None);
    });
    write(&store, |changes| changes.seen(key(5), "[]".into(), false, None));
    answers(&store, &search, &[("waiting", &[]), ("person", &[]), ("ours", &[]), ("name", &[1])]);
}

#[test]
fn a_rename_is_seen_whole_while_catching_up_goes_on() {
    let store = store_on(&SimDisk::new(), Drive::Thread);
    let search = search(&store);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                search.catch_up(&store).unwrap();
            }
        });
        let word = |n: u8| String::from_utf8(vec![b'a' + n / 26, b'a' + n % 26]).unwrap();
        for n in 1..150 {
            see(&store, 1, &format!("Zz|{}", word(n)));
            let (old, new) = (find(&search, &word(n - 1)), find(&search, &word(n)));
            if (&old, &new) != (&vec![], &vec![1]) {
                done.store(true, Ordering::SeqCst);
            }
            assert_eq!((old, new), (vec![], vec![1]), "{n}");
        }
        done.store(true, Ordering::SeqCst);
    });
    store.close();
}

#[derive(Clone, Debug)]
enum Step {
    See(u128, u128),
    Delete(u128),
    CatchUp,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..10_u128, 0..4_u128).prop_map(|(n, name)| Step::See(n, name)),
        2 => (0..10_u128).prop_map(Step::Delete),
        2 => Just(Step::CatchUp),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Live people by name, as anybody would write it down.
type Model = BTreeMap<u128, u128>;

fn named(model: &Model, name: u128) -> Vec<u128> {
    model.iter().filter(|(_, of)| **of == name).map(|(n, _)| *n).collect()
}

fn agrees(search: &Search, model: &Model) {
    for name in 0..4 {
        let (first, last) = words(name).split_once('|').unwrap();
        for question in [first.to_owned(), last.to_owned(), format!("{last} {first}"), first[..2].to_owned()]
        {
            let found = search.find(&question, 20).unwrap();
            let people: Vec<u128> = found.people.iter().map(|hit| hit.id.0.as_u128()).collect();
            let expected = named(model, name);
            if found.behind == 0 {
                assert_eq!(people, expected, "{question}");
            } else {
                let right: BTreeSet<u128> = expected.into_iter().collect();
                assert!(people.iter().all(|n| right.contains(n)), "{question}: {people:?} not in {right:?}");
            }
        }
    }
}

fn run(steps: &[Step], limits: Limits) {
    let folder = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let open = || {
        let store = store_on(&disk, Drive::Inline);
        let search = Search::open_with(Place::Folder(folder.path().into()), &store, limits).unwrap();
        (store, search)
    };
    let mut model = Model::new();
    let mut now = open();
    for step in steps {
        let (store, search) = &now;
        match step {
            Step::See(n, name) => {
                see(store, *n, words(*name));
                model.insert(*n, *name);
            }
            Step::Delete(n) => {
                delete(store, *n, words(model.remove(n).unwrap_or(0)));
            }
            Step::CatchUp => {
                search.catch_up(store).unwrap();
            }
            Step::Reopen => {
                drop(now);
                now = open();
            }
        }
        agrees(&now.1, &model);
    }
    while now.1.catch_up(&now.0).unwrap() {}
    assert_eq!(now.1.find("", 1).unwrap().behind, 0);
    agrees(&now.1, &model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_gives_the_answers_of_a_plain_list(steps in steps()) {
        run(&steps, Limits::HOUSE);
    }

    #[test]
    fn without_room_answers_lack_people_but_are_never_wrong(steps in steps()) {
        run(&steps, SMALL);
    }
}
