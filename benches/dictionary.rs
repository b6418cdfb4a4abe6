//! How small the shipped dictionary makes records, and the training of the next one.
//!
//! `cargo bench --bench dictionary` prints; `cargo bench --bench dictionary -- --train FILE` trains on simulated
//! charities. A dictionary that landed is never trained anew: the next one gets the next number (`src/store/pack.rs`).

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

#[path = "../tests/it/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use more of it and may unwrap"
)]
mod world;

use almoner::desk::gifts::Mark;
use almoner::ground::crm::PersonRecord;
use almoner::ground::gift::PaymentMethod;
use almoner::ground::id::{ConnectionId, Object, Seq};
use almoner::ground::journal::SubjectState;
use almoner::ground::staging::DonorEvidence;
use almoner::sim::scenario::Size;
use almoner::sim::twenty::{Options, Twenty};
use almoner::store::training_sample;
use world::{Outside, Process, block, delivery, gbp, reviewer};

/// Seeds of the charities that are learnt from; the printed figures are of another one.
const LEARNT: std::ops::Range<u64> = 100..104;
const OTHER: u64 = 7;
/// Bytes of a dictionary: half of it packs 4 % worse, twice as much no better (measured).
const SIZE: usize = 64 * 1024;

/// A charity whose gifts were mirrored, and some that were taken in and posted.
fn charity(seed: u64) -> Process {
    let mut outside = Outside::new(seed);
    let clock = outside.clock.clone();
    let now = move || almoner::ground::world::Clock::now(&*clock).0;
    outside.twenty = Twenty::new(Options::new(seed, now).with_charity(Size { people: 600, gifts: 1_500 }));
    let mut process = outside.boot();
    outside.settle(&mut process);
    let people: Vec<_> = {
        let snapshot = process.means.store.snapshot().expect("a snapshot");
        let page =
            snapshot.ledger().newest(ConnectionId::TWENTY, Object::People, SubjectState::Live, None, 200);
        let read = |json: &str| serde_json::from_str::<PersonRecord>(json).map(PersonRecord::into_person);
        page.expect("people").items.iter().filter_map(|item| read(&item.value).ok()).collect()
    };
    let mut rows = Vec::new();
    for (n, person) in people.iter().enumerate() {
        let mut taken = delivery((n % 3 > 0).then_some(person.id), gbp(&format!("{}", 5 + n % 90)));
        let (first, last) = (person.first_name.clone(), person.last_name.clone());
        let email = person.primary_email().map(str::to_owned);
        taken.body = serde_json::json!({
            "amount": { "amountMicros": taken.intake.amount.micros, "currencyCode": "GBP" },
            "giftDate": "2026-11-20", "intakeSource": "website_form", "provider": "stripe",
            "contact": { "firstName": first, "lastName": last, "email": email },
            "providerPaymentId": format!("pi_{n:08x}"), "providerEventId": format!("evt_{n:08x}"),
        })
        .to_string();
        taken.intake.evidence =
            DonorEvidence { first_name: first, last_name: last, email, ..DonorEvidence::default() };
        taken.intake.source.intake = "website_form".into();
        taken.intake.source.provider = Some("stripe".into());
        taken.intake.source.provider_payment_id = Some(format!("pi_{n:08x}"));
        taken.intake.payment_method = (n % 5 > 0).then_some(PaymentMethod::Card);
        let id = process.take_in(taken);
        if n % 3 > 0 && block(process.desk.mark_row(&reviewer(), id, Mark::Ready, None)).is_ok() {
            rows.push(id);
        }
    }
    let new = almoner::desk::batches::NewBatch { name: "Monday".into(), rows, ..Default::default() };
    let batch = block(process.desk.create_batch(&reviewer(), new)).expect("a batch");
    process.process(batch);
    outside.settle(&mut process);
    process
}

/// What is packed of each entry, by object.
fn contents(process: &Process) -> Vec<(Object, Vec<u8>)> {
    let snapshot = process.means.store.snapshot().expect("a snapshot");
    let ledger = snapshot.ledger();
    let last = ledger.last_seq().expect("a journal").0;
    let entries = (1..=last).filter_map(|seq| ledger.entry(Seq(seq)).expect("an entry"));
    let sample = |entry: almoner::store::Entry| {
        Some((entry.header.key.object, training_sample(&entry).expect("it encodes")?))
    };
    entries.filter_map(sample).collect()
}

fn train(path: &str) {
    let samples: Vec<Vec<u8>> =
        LEARNT.flat_map(|seed| contents(&charity(seed))).map(|(_, content)| content).collect();
    println!("{} samples, {} bytes", samples.len(), samples.iter().map(Vec::len).sum::<usize>());
    let dictionary = zstd::dict::from_samples(&samples, SIZE).expect("it learns");
    std::fs::write(path, &dictionary).expect("the file is written");
    println!("{path}: {} bytes", dictionary.len());
}

fn show() {
    let dictionary = include_bytes!("../assets/dictionaries/1.zdict");
    let mut with = zstd::bulk::Compressor::with_dictionary(3, dictionary).expect("a packer");
    let mut without = zstd::bulk::Compressor::new(3).expect("a packer");
    let all = contents(&charity(OTHER));
    println!("| object | entries | bytes each | packed | packed without the dictionary |");
    println!("| --- | --- | --- | --- | --- |");
    for object in Object::all() {
        let of: Vec<&Vec<u8>> =
            all.iter().filter(|(o, _)| *o == object).map(|(_, content)| content).collect();
        if of.is_empty() {
            continue;
        }
        let mean = |sum: usize| sum / of.len();
        let plain = of.iter().map(|content| content.len()).sum();
        let packed = of.iter().map(|content| with.compress(content).expect("it packs").len()).sum();
        let bare = of.iter().map(|content| without.compress(content).expect("it packs").len()).sum();
        println!(
            "| {} | {} | {} | {} | {} |",
            object.word(),
            of.len(),
            mean(plain),
            mean(packed),
            mean(bare)
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--train") {
        Some(at) => train(arguments.get(at + 1).map_or("1.zdict", String::as_str)),
        None => show(),
    }
}
