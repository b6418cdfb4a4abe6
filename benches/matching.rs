//! The matcher against a large base: one row among a million people, the index that answers it, and a base against itself.
//!
//! Prints medians and the plain query of tantivy over the same keys in the same run: judge by the ratio where the load is
//! above 1. `PEOPLE=200000 cargo bench --bench matching`; `DONORS=file.csv` (columns of `almoner match`, with `entity_id`)
//! prints how many true pairs are among the first 20 candidates.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::path::Path;
use std::time::Instant as Wall;

use almoner::ground::id::{ConnectionId, Object, SubjectKey};
use almoner::ground::journal::{Actor, Cause};
use almoner::ground::matching::keys::search_keys;
use almoner::ground::matching::link::{alone, link};
use almoner::ground::matching::record::Donor;
use almoner::ground::matching::told::COUNTRY;
use almoner::search::{Place as IndexPlace, Search, Who};
use almoner::store::{Changes, Drive, Place, Store};
use almoner::sys;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{Index, Term};
use uuid::Uuid;

const ASKED: usize = 2_000;
const LIMIT: usize = 20;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn micros<T>(work: impl FnOnce() -> T) -> (u128, T) {
    let began = Wall::now();
    let made = work();
    (began.elapsed().as_micros(), made)
}

/// A fixed sequence of numbers below a limit, the small ones more often: names are not spread evenly.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap_or(0)
    }

    fn skewed(&mut self, limit: usize) -> usize {
        let (one, other, third) = (self.below(limit), self.below(limit), self.below(limit));
        one.min(other).min(third)
    }
}

const FIRSTS: [&str; 40] = [
    "James",
    "Mary",
    "John",
    "Patricia",
    "Robert",
    "Jennifer",
    "Michael",
    "Linda",
    "William",
    "Elizabeth",
    "David",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Sarah",
    "Charles",
    "Karen",
    "Gwen",
    "Rhys",
    "Owen",
    "Megan",
    "Dylan",
    "Bronwen",
    "Priya",
    "Amir",
    "Fatima",
    "Ivan",
    "Olga",
    "Chen",
    "Mei",
    "Kofi",
    "Ama",
    "Jose",
    "Lucia",
    "Sean",
    "Aoife",
    "Nguyen",
];
const HEADS: [&str; 30] = [
    "Har", "Wil", "Jon", "Ev", "Bow", "Mor", "Pri", "Lew", "Cam", "Don", "Mac", "Fitz", "Ash", "Brad",
    "Clay", "Dun", "El", "Fair", "Gar", "Hol", "Ing", "Ken", "Lang", "Mil", "Nor", "Pem", "Quen", "Rad",
    "Stan", "Tre",
];
const TAILS: [&str; 30] = [
    "ris", "liams", "es", "ans", "en", "gan", "ce", "is", "eron", "ald", "ley", "ford", "worth", "ton",
    "ham", "by", "well", "more", "field", "stone", "wood", "croft", "dale", "bury", "ridge", "shaw",
    "thorpe", "gate", "burn", "land",
];

fn donor(dice: &mut Dice, n: usize) -> Donor {
    let first = FIRSTS[dice.skewed(FIRSTS.len())];
    let middle = ["", "", "ing", "er", "el", "an", "ow", "am", "in", "ar"][dice.skewed(10)];
    let last = format!("{}{middle}{}", HEADS[dice.skewed(HEADS.len())], TAILS[dice.skewed(TAILS.len())]);
    let digits = dice.below(1_000_000);
    let area = ["NP", "CF", "BS", "SA", "LD", "HR", "GL", "BA"][dice.below(8)];
    let letters = ["AA", "AB", "BD", "EE", "GH", "JL", "NP", "QR", "ST", "UW", "XY", "ZZ"][dice.below(12)];
    let has = |part: usize, dice: &mut Dice| dice.below(100) < part;
    let email = format!(
        "{}.{}{}@{}",
        first.to_lowercase(),
        last.to_lowercase(),
        n % 977,
        ["gmail.com", "outlook.com", "mail.example", "btinternet.com"][dice.skewed(4)]
    );
    Donor {
        street: format!("{} {} Road", dice.below(180) + 1, HEADS[dice.below(30)]),
        town: format!("{}{}", HEADS[dice.skewed(30)], TAILS[dice.skewed(30)]),
        postcode: format!("{area}{} {}{letters}", dice.below(40) + 1, dice.below(9) + 1),
        emails: if has(70, dice) { vec![email] } else { Vec::new() },
        phones: if has(60, dice) { vec![format!("07{:03} {digits:06}", n % 1000)] } else { Vec::new() },
        first: first.into(),
        last,
        ..Donor::default()
    }
}

fn json(id: Uuid, donor: &Donor) -> String {
    serde_json::json!({
        "id": id, "name": { "firstName": donor.first, "lastName": donor.last },
        "emails": { "primaryEmail": donor.emails.first(), "additionalEmails": [] },
        "phones": { "primaryPhoneNumber": donor.phones.first() },
        "mailingAddress": { "addressStreet1": donor.street, "addressCity": donor.town, "addressPostcode": donor.postcode },
    })
    .to_string()
}

fn id(n: usize) -> Uuid {
    // Spread as random ids are.
    Uuid::from_u128((n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn fill(store: &Store, donors: &[Donor]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (part, some) in donors.chunks(1_000).enumerate() {
        let people: Vec<(Uuid, String)> = some
            .iter()
            .enumerate()
            .map(|(at, donor)| (id(part * 1_000 + at), json(id(part * 1_000 + at), donor)))
            .collect();
        let cause =
            Cause { actor: Actor::Connection(ConnectionId::TWENTY), why: "bench".into(), request_id: None };
        let write = store.write::<_, (), _>(move |_| {
            let mut changes = Changes::new(cause);
            for (id, json) in people {
                changes.seen(SubjectKey::twenty(Object::People, id), json, false, None);
            }
            Ok((changes, ()))
        });
        runtime.block_on(write).expect("written");
    }
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum()
}

/// The 50th and the 99th of a hundred.
fn parts(mut times: Vec<u128>) -> (u128, u128) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn row(what: &str, told: &str) {
    println!("| {what} | {told} |");
}

fn ms(micros: u128) -> String {
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// What is asked of somebody who gives again: a name with a mistake now and then, and the address or the e-mail.
fn again(dice: &mut Dice, of: &Donor) -> Donor {
    let mut asked = Donor { first: of.first.clone(), last: of.last.clone(), ..Donor::default() };
    if dice.below(10) == 0 {
        asked.last = asked.last.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
    }
    match dice.below(3) {
        0 => asked.emails.clone_from(&of.emails),
        1 => (asked.street, asked.postcode) = (of.street.clone(), of.postcode.clone()),
        _ => (asked.emails, asked.phones) = (of.emails.clone(), of.phones.clone()),
    }
    asked
}

fn plain(index: &Index, searcher: &tantivy::Searcher, asked: &Donor) -> usize {
    let field = index.schema().get_field("alike").expect("the index has keys");
    let terms = search_keys(asked, COUNTRY).into_iter().map(|key| {
        let term = TermQuery::new(Term::from_field_u64(field, key), IndexRecordOption::Basic);
        (Occur::Should, Box::new(term) as Box<dyn Query>)
    });
    let query = BooleanQuery::new(terms.collect());
    searcher.search(&query, &TopDocs::with_limit(LIMIT).order_by_score()).expect("an answer").len()
}

fn one_row(folder: &Path, store: &Store, search: &Search, donors: &[Donor]) {
    let mut dice = Dice(77);
    let asked: Vec<(usize, Donor)> = (0..ASKED)
        .map(|_| {
            let of = dice.below(donors.len());
            (of, again(&mut dice, &donors[of]))
        })
        .collect();
    let index = Index::open_in_dir(folder).expect("the index opens");
    let searcher = index.reader().expect("it reads").searcher();
    let mut found = 0;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..2 {
        for (of, donor) in &asked {
            let (took, answer) = micros(|| {
                let snapshot = store.snapshot().expect("a snapshot");
                search.alike(&snapshot.ledger(), donor, None, LIMIT).expect("an answer")
            });
            let (plainly, _) = micros(|| plain(&index, &searcher, donor));
            // The first round warms up both.
            if round == 1 {
                ours.push(took);
                peer.push(plainly);
                let wanted = Who::Person(almoner::ground::id::PersonId(id(*of)));
                found += usize::from(answer.alike.iter().any(|alike| alike.who == wanted));
            }
        }
    }
    let ((p50, p99), (plain50, plain99)) = (parts(ours), parts(peer));
    row("one row: candidates and scores, p50 and p99", &format!("{}, {}", ms(p50), ms(p99)));
    row(
        "a plain OR of tantivy over the same keys, candidates only",
        &format!("{}, {}", ms(plain50), ms(plain99)),
    );
    row(
        "ours to the plain one, p50",
        &format!("1/{}.{:02}", plain50 / p50.max(1), plain50 * 100 / p50.max(1) % 100),
    );
    row("who is meant is among the 20", &format!("{found} of {ASKED}"));
}

fn large(count: usize) {
    let mut dice = Dice(1);
    let donors: Vec<Donor> = (0..count).map(|n| donor(&mut dice, n)).collect();
    let (store, ledger) = filled(&donors);
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("index");
    let (took, search) = micros(|| {
        let search = Search::open(IndexPlace::Folder(place.clone()), &store).expect("it opens");
        while search.catch_up(&store).expect("it catches up") {}
        search
    });
    row(
        &format!("index of {count} people, read from the ledger"),
        &format!("{}, {} MB", ms(took), size(&place) / 1_000_000),
    );
    one_row(&place, &store, &search, &donors);
    store.close();
    drop(ledger);
}

fn filled(donors: &[Donor]) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(Place::File(folder.path().join("ledger.redb")), sys::world(), Drive::Thread)
        .expect("the ledger opens");
    fill(&store, donors);
    (store, folder)
}

fn whole() {
    let mut dice = Dice(5);
    let mut donors: Vec<Donor> = (0..80_000).map(|n| donor(&mut dice, n)).collect();
    for n in 0..20_000 {
        let twice = again(&mut dice, &donors[n * 4]);
        donors.push(twice);
    }
    let (took, linkage) = micros(|| link(&donors, COUNTRY, alone));
    let told = format!("{}, {} pairs compared, on one thread", ms(took), linkage.compared);
    row("100,000 donors against themselves, weights learnt on the way", &told);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    row("memory of the process at its most", peak);
}

/// True pairs among the first candidates, on a labelled file.
fn labelled(path: &str) {
    let mut reader = csv::Reader::from_path(path).expect("the file opens");
    let headers = reader.headers().expect("headers").clone();
    let at = |name: &str| headers.iter().position(|header| header == name);
    let (mut donors, mut entities) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.expect("a record");
        let get = |name: &str| at(name).and_then(|at| record.get(at)).unwrap_or_default().trim().to_owned();
        let some = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
        entities.push(get("entity_id"));
        donors.push(Donor {
            first: get("first"),
            last: get("last"),
            emails: some(get("email")),
            phones: some(get("phone")),
            street: get("address"),
            town: get("city"),
            postcode: get("postcode"),
            ..Donor::default()
        });
    }
    let (store, folder) = filled(&donors);
    let search = Search::open(IndexPlace::Memory, &store).expect("it opens");
    while search.catch_up(&store).expect("it catches up") {}
    let (mut pairs, mut found) = (0u32, 0u32);
    for (n, donor) in donors.iter().enumerate() {
        let others: Vec<usize> =
            (0..donors.len()).filter(|other| *other != n && entities[*other] == entities[n]).collect();
        if others.is_empty() {
            continue;
        }
        let snapshot = store.snapshot().expect("a snapshot");
        let but = Some(Who::Person(almoner::ground::id::PersonId(id(n))));
        let answer = search.alike(&snapshot.ledger(), donor, but, LIMIT).expect("an answer");
        for other in others {
            let wanted = Who::Person(almoner::ground::id::PersonId(id(other)));
            pairs += 1;
            found += u32::from(answer.alike.iter().any(|alike| alike.who == wanted));
        }
    }
    row(
        "true pairs among the first 20 candidates",
        &format!(
            "{found} of {pairs} ({}.{:02} %)",
            found * 100 / pairs.max(1),
            u64::from(found) * 10_000 / u64::from(pairs.max(1)) % 100
        ),
    );
    store.close();
    drop(folder);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has no settings")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() {
    println!("| what | measured |\n| --- | --- |");
    if let Some(path) = told("DONORS") {
        labelled(&path);
    }
    let people = told("PEOPLE").and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    if people > 0 {
        whole();
        large(people);
    }
}
