//! Search as a whole, over a real ledger in memory.

mod erasing;
mod faint;
mod finding;
mod matching;
mod model;
mod room;
mod shelves;

use std::sync::atomic::AtomicI64;

use uuid::Uuid;

use super::*;
use crate::ground::id::ConnectionId;
use crate::ground::id::{Object, SubjectKey};
use crate::ground::journal::{Actor, Cause};
use crate::ground::time::Instant;
use crate::ground::world::{Clock, Entropy, World};
use crate::store::disk::SimDisk;
use crate::store::{Changes, Drive, Place as Ledger};

struct Counter(AtomicI64);

impl Clock for Counter {
    fn now(&self) -> Instant {
        Instant(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes()[0]);
    }
}

fn store_on(disk: &SimDisk, drive: Drive) -> Store {
    let world = || Arc::new(Counter(AtomicI64::new(1_000)));
    Store::open(Ledger::Memory(disk.clone()), World { clock: world(), entropy: world() }, drive).unwrap()
}

fn store() -> Store {
    store_on(&SimDisk::new(), Drive::Inline)
}

fn search(store: &Store) -> Arc<Search> {
    Search::open(Place::Memory, store).unwrap()
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn key(n: u128) -> SubjectKey {
    SubjectKey::twenty(Object::People, Uuid::from_u128(n))
}

fn id(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn write(store: &Store, change: impl FnOnce(&mut Changes) + Send + 'static) -> Seq {
    let cause =
        Cause { actor: Actor::Connection(ConnectionId::TWENTY), why: "test".into(), request_id: None };
    block(store.write::<_, (), _>(move |_| {
        let mut changes = Changes::new(cause);
        change(&mut changes);
        Ok((changes, ()))
    }))
    .unwrap()
    .0
}

fn json(n: u128, name: &str, email: &str, city: &str) -> String {
    let (first, last) = name.split_once('|').unwrap_or(("", name));
    serde_json::json!({
        "id": Uuid::from_u128(n), "name": { "firstName": first, "lastName": last },
        "emails": { "primaryEmail": email, "additionalEmails": [] },
        "mailingAddress": { "addressCity": city, "addressPostcode": "SW1A 1AA" },
    })
    .to_string()
}

/// `name` is `first|last`.
fn see(store: &Store, n: u128, name: &str) -> Seq {
    let json = json(n, name, "", "");
    write(store, move |changes| changes.seen(key(n), json, false, None))
}

fn delete(store: &Store, n: u128, name: &str) -> Seq {
    let json = json(n, name, "", "");
    write(store, move |changes| changes.seen(key(n), json, true, None))
}

fn find(search: &Search, text: &str) -> Vec<u128> {
    search.find(text, 50).unwrap().people.iter().map(|hit| hit.id.0.as_u128()).collect()
}

/// Asserts the same answer now, after catching up, and from a search begun anew.
fn answers(store: &Store, search: &Search, expected: &[(&str, &[u128])]) {
    let check = |search: &Search, when: &str| {
        for (text, people) in expected {
            assert_eq!(find(search, text), *people, "{text:?} {when}");
        }
    };
    check(search, "at once");
    while search.catch_up(store).unwrap() {}
    assert_eq!(lock(&search.now).overlay.len(), 0);
    check(search, "caught up");
    check(&Search::open(Place::Memory, store).unwrap(), "begun anew");
}

const SMALL: Limits =
    Limits { held: 4, fill: 5, scan: 30, chunk: 3, chunks: 2, far_chunks: 3, worth: 2, worth_entries: 10 };

/// Short words: they are found as they are or not at all.
fn words(n: u128) -> &'static str {
    ["ann|abe", "bob|quy", "cox|zim", "del|ove"][usize::try_from(n % 4).unwrap()]
}

/// How far the index has come.
fn passed(search: &Search) -> u64 {
    lock(&search.now).overlay.passed_to()
}
