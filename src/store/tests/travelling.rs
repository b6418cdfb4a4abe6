//! Time travel against a model that remembers every state there ever was; merges; connections.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ground::id::{ForeignId, PersonId};
use crate::store::Asked;

/// A record as a list of a past moment shows it.
type Told = (String, SubjectState);
/// Every record with the entry that left it so.
type Then = BTreeMap<u8, (u64, Told)>;

#[derive(Clone, Debug)]
enum Act {
    See(u8, u8, bool),
    Pending(u8, u8),
    Withdraw(u8),
    Erase(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (0..8_u8, 0..5_u8, any::<bool>()).prop_map(|(n, v, d)| Act::See(n, v, d)),
        2 => (0..8_u8, 0..5_u8).prop_map(|(n, v)| Act::Pending(n, v)),
        1 => (0..8_u8).prop_map(Act::Withdraw),
        1 => (0..8_u8).prop_map(Act::Erase),
    ];
    prop::collection::vec(act, 1..50)
}

fn gift(n: u8) -> SubjectKey {
    SubjectKey::twenty(Object::Gifts, uuid::Uuid::from_u128(n.into()))
}

fn donor(n: u8) -> uuid::Uuid {
    uuid::Uuid::from_u128(1_000 + u128::from(n % 3))
}

fn act(store: &Store, act: &Act) {
    let act = act.clone();
    let written = store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        let json =
            |n: u8, v: u8| format!(r#"{{"id":"{}","donorId":"{}","v":{v}}}"#, gift(n).foreign, donor(n + v));
        match act {
            Act::See(n, v, deleted) => changes.seen(gift(n), json(n, v), deleted, None),
            Act::Pending(n, v) => changes.pending(gift(n), json(n, v)),
            Act::Withdraw(n) => changes.withdrawn(gift(n), json(n, 0)),
            Act::Erase(n) => changes.erase(gift(n), "asked for"),
        }
        Ok((changes, ()))
    });
    // A change of an erased record is refused, and that is all.
    let _ = block(written);
}

fn now(store: &Store) -> Then {
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    let record = |n| Some((n, ledger.record_of(&gift(n)).unwrap()?));
    (0..8).filter_map(record).map(|(n, r)| (n, (r.seq.0, (r.value, r.state)))).collect()
}

/// Walks a list of a past moment, page by page.
fn walk(
    ledger: &Ledger<'_>,
    as_of: Seq,
    state: Option<SubjectState>,
    limit: usize,
    of: Option<PersonId>,
) -> Vec<Record<String>> {
    let (mut all, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let asked = Asked { as_of, state, after: after.as_deref(), limit };
        let page = match of {
            Some(donor) => ledger.gifts_as_of(donor, &asked).unwrap(),
            None => ledger.list_as_of(ConnectionId::TWENTY, Object::Gifts, &asked).unwrap(),
        };
        assert!(page.items.len() <= limit);
        all.extend(ledger.records(Page { items: page.items, next: None }).unwrap().items);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Every moment that ever was can be asked for again, but for what was erased since.
    #[test]
    fn the_past_stays_as_it_was(acts in acts(), limit in 1..5_usize) {
        let store = open(&SimDisk::new());
        let mut moments: Vec<(Seq, Then)> = vec![(Seq(0), Then::new())];
        for one in &acts {
            act(&store, one);
            let seq = store.snapshot().unwrap().ledger().last_seq().unwrap();
            moments.push((seq, now(&store)));
        }
        let snapshot = store.snapshot().unwrap();
        let ledger = snapshot.ledger();
        let erased: Vec<u8> = acts.iter().filter_map(|act| match act { Act::Erase(n) => Some(*n), _ => None }).collect();
        for (as_of, then) in &mut moments {
            then.retain(|n, _| !erased.contains(n));
            for n in 0..8 {
                let found = ledger.record_as_of(&gift(n), *as_of).unwrap().map(|r| (r.seq.0, (r.value, r.state)));
                prop_assert_eq!(found.as_ref(), then.get(&n));
            }
            let mut newest: Vec<_> = then.values().cloned().collect();
            newest.sort_unstable_by_key(|(seq, _)| std::cmp::Reverse(*seq));
            let listed: Vec<_> = walk(&ledger, *as_of, None, limit, None).into_iter().map(|r| (r.seq.0, (r.value, r.state))).collect();
            prop_assert_eq!(&listed, &newest);
            for state in [SubjectState::Live, SubjectState::Deleted, SubjectState::Pending, SubjectState::Gone] {
                let listed: Vec<u64> = walk(&ledger, *as_of, Some(state), limit, None).into_iter().map(|r| r.seq.0).collect();
                let wanted: Vec<u64> = newest.iter().filter(|(_, (_, s))| *s == state).map(|(seq, _)| *seq).collect();
                prop_assert_eq!(listed, wanted);
            }
            for one in 0..3 {
                let listed: Vec<u64> = walk(&ledger, *as_of, None, limit, Some(PersonId(donor(one)))).into_iter().map(|r| r.seq.0).collect();
                let theirs = |(_, (json, state)): &&(u64, Told)| json.contains(&donor(one).to_string()) && *state != SubjectState::Gone;
                let wanted: Vec<u64> = newest.iter().filter(theirs).map(|(seq, _)| *seq).collect();
                prop_assert_eq!(listed, wanted);
            }
        }
        assert_sound(&store);
    }
}

#[test]
fn an_instant_is_the_last_entry_recorded_by_then() {
    let store = open(&SimDisk::new());
    for v in 0..9 {
        see(&store, v % 2, &format!("{{\"v\":{v}}}")).unwrap();
    }
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    assert_eq!(ledger.seq_at(Instant(0)).unwrap(), Seq(0));
    assert_eq!(ledger.seq_at(Instant(i64::MAX)).unwrap(), Seq(9));
    for seq in 1..=9 {
        let recorded = ledger.entry(Seq(seq)).unwrap().unwrap().header.recorded;
        assert_eq!(ledger.seq_at(recorded).unwrap(), Seq(seq));
        assert_eq!(ledger.seq_at(recorded.plus_micros(-1)).unwrap(), Seq(seq - 1));
    }
}

fn merge(store: &Store, loser: u128, winner: u128) {
    let written = store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        changes.merged(person(loser), &ForeignId::Uuid(uuid::Uuid::from_u128(winner)))?;
        Ok((changes, ()))
    });
    block(written).unwrap();
}

#[test]
fn an_old_id_leads_to_the_record_it_became_part_of() {
    let store = open(&SimDisk::new());
    for n in 1..=4 {
        see(&store, n, &format!("{{\"n\":{n}}}")).unwrap();
    }
    merge(&store, 1, 2);
    merge(&store, 2, 3);
    assert_eq!(read(&store, 1).as_deref(), Some("{\"n\":3}"));
    assert_eq!(read(&store, 2).as_deref(), Some("{\"n\":3}"));
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    // Before the merge each was its own, and what is known of it stays.
    let then = |n, seq| ledger.record_as_of(&person(n), Seq(seq)).unwrap().map(|r| r.value);
    assert_eq!(then(1, 4).as_deref(), Some("{\"n\":1}"));
    assert_eq!(then(1, 5).as_deref(), Some("{\"n\":2}"));
    assert_eq!(ledger.merged_into(&person(3)).unwrap(), [ledger.subject(&person(2)).unwrap().unwrap()]);
    assert_eq!(ledger.merged_into(&person(2)).unwrap(), [ledger.subject(&person(1)).unwrap().unwrap()]);
    drop(snapshot);
    // Twenty deletes what was merged away; that is no news. Coming back is.
    let deleted = store.write::<_, (), _>(|_| {
        let mut changes = Changes::new(cause());
        changes.seen(person(1), "{\"n\":1}".into(), true, None);
        Ok((changes, ()))
    });
    assert_eq!(block(deleted).unwrap().0, Seq(0));
    see(&store, 1, "{\"n\":1}").unwrap();
    assert_eq!(read(&store, 1).as_deref(), Some("{\"n\":1}"));
    // A circle leads nowhere, and does not go on for ever.
    merge(&store, 3, 2);
    assert_eq!(read(&store, 2), None);
    assert_sound(&store);
}

#[test]
fn two_connections_with_equal_ids_never_meet() {
    let store = open(&SimDisk::new());
    let id = uuid::Uuid::from_u128(5);
    let elsewhere = ConnectionId(9);
    let json = |name: &str| {
        format!(r#"{{"id":"{id}","name":{{"firstName":"{name}"}},"emails":{{"primaryEmail":"Ada@x.org"}}}}"#)
    };
    let both = [json("Ada"), json("Bea")];
    let texts = both.clone();
    let written = store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause());
        let [ada, bea] = texts;
        changes.seen(person(5), ada, false, None);
        let key = SubjectKey { connection: elsewhere, ..person(5) };
        changes.seen(key.clone(), bea, false, None);
        changes.seen(SubjectKey { foreign: ForeignId::Text("5".into()), ..key }, "{}".into(), false, None);
        Ok((changes, ()))
    });
    block(written).unwrap();
    let snapshot = store.snapshot().unwrap();
    let ledger = snapshot.ledger();
    assert_eq!(read(&store, 5).unwrap(), both[0]);
    for (connection, count) in [(ConnectionId::TWENTY, 1), (elsewhere, 2), (ConnectionId(2), 0)] {
        let live = SubjectState::Live;
        assert_eq!(ledger.newest(connection, Object::People, live, None, 9).unwrap().items.len(), count);
        assert_eq!(ledger.object_count(connection, Object::People, live).unwrap(), count as u64);
        let asked = Asked { as_of: Seq(3), state: None, after: None, limit: 9 };
        assert_eq!(ledger.list_as_of(connection, Object::People, &asked).unwrap().items.len(), count);
    }
    let found = ledger.people_by_email(" ADA@X.ORG ").unwrap();
    assert_eq!(found.iter().map(|r| r.value.first_name.as_deref()).collect::<Vec<_>>(), [Some("Ada")]);
    // A page's end in one list is no place in another.
    let other = ledger.newest(elsewhere, Object::People, SubjectState::Live, None, 1).unwrap().next;
    let page = ledger.newest(ConnectionId::TWENTY, Object::People, SubjectState::Live, other.as_deref(), 9);
    assert_eq!(page.unwrap().items.len(), 1);
    assert_sound(&store);
}
