//! Gift records as Twenty tells them: 705 bytes of JSON on average, random ids, donors from a pool.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use uuid::Uuid;

/// The mean length of a record, in bytes.
const MEAN_BYTES: usize = 705;
/// Donors to draw from.
const DONORS: usize = 20_000;

const FIRST: &[&str] = &["Amina", "Bertram", "Chiara", "Dafydd", "Eleni", "Farouk", "Grace", "Hamish"];
const LAST: &[&str] =
    &["Whitfield", "Okafor", "Lindqvist", "Pereira", "Nakamura", "Byrne", "Adeyemi", "Holt"];
const PAYMENTS: &[&str] = &["CARD", "DIRECT_DEBIT", "BANK_TRANSFER", "CHEQUE", "CASH"];

/// One record.
#[derive(Clone, Debug)]
pub struct Gift {
    /// Its id in Twenty.
    pub id: Uuid,
    /// Who gave.
    pub donor: Uuid,
    /// When it was changed there, in microseconds.
    pub changed: i64,
    /// Its own text.
    pub json: String,
}

/// A supply of records. The same seed gives the same ones.
pub struct Gifts {
    dice: ChaCha8Rng,
    donors: Vec<Uuid>,
    known: Vec<(Uuid, Uuid)>,
    revision: u32,
}

impl Gifts {
    /// A supply.
    pub fn new(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let donors = (0..DONORS).map(|_| uuid(&mut dice)).collect();
        Self { dice, donors, known: Vec::new(), revision: 0 }
    }

    /// Those who give.
    pub fn donors(&self) -> &[Uuid] {
        &self.donors
    }

    /// New records.
    pub fn fresh(&mut self, count: usize) -> Vec<Gift> {
        let one = |_| {
            let (id, donor) = (uuid(&mut self.dice), self.donors[below(&mut self.dice, self.donors.len())]);
            self.known.push((id, donor));
            gift(id, donor, 0)
        };
        (0..count).map(one).collect()
    }

    /// Records made before, changed: each has another amount, time and note. No record comes twice.
    pub fn changed(&mut self, count: usize) -> Vec<Gift> {
        self.revision += 1;
        let all = self.known.len();
        for place in 0..count.min(all) {
            let other = place + below(&mut self.dice, all - place);
            self.known.swap(place, other);
        }
        self.known.iter().take(count).map(|(id, donor)| gift(*id, *donor, self.revision)).collect()
    }
}

/// Records in groups for one transaction each.
pub fn groups(gifts: Vec<Gift>, size: usize) -> Vec<Vec<Gift>> {
    let mut left = gifts.into_iter();
    std::iter::from_fn(|| Some(left.by_ref().take(size).collect::<Vec<_>>()).filter(|g| !g.is_empty()))
        .collect()
}

/// Whether the records are as long on average as is told.
pub fn check_mean(gifts: &[Gift]) -> anyhow::Result<()> {
    let mean = gifts.iter().map(|gift| gift.json.len()).sum::<usize>() / gifts.len().max(1);
    anyhow::ensure!(
        mean.abs_diff(MEAN_BYTES) <= 10,
        "a record has {mean} bytes on average, not {MEAN_BYTES}"
    );
    Ok(())
}

fn uuid(dice: &mut ChaCha8Rng) -> Uuid {
    let mut bytes = [0; 16];
    dice.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn below(dice: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = bound.max(1) as u64;
    usize::try_from(dice.next_u64() % bound).unwrap_or(0)
}

fn pick<'w>(dice: &mut ChaCha8Rng, words: &[&'w str]) -> &'w str {
    words[below(dice, words.len())]
}

/// The record of an id as the simulated Twenty tells its gifts, but for some empty fields, which are left out so that it
/// has the length that is asked for. What is not in `revision` follows from the id alone.
fn gift(id: Uuid, donor: Uuid, revision: u32) -> Gift {
    let (high, low) = id.as_u64_pair();
    let dice = &mut ChaCha8Rng::seed_from_u64(high ^ low);
    let (first, last) = (pick(dice, FIRST), pick(dice, LAST));
    let pounds = 5 + below(dice, 195) + revision as usize;
    let date = format!("202{}-{:02}-{:02}", 2 + below(dice, 5), 1 + below(dice, 12), 1 + below(dice, 28));
    let time = format!("{:02}:{:02}:{:02}", below(dice, 24), below(dice, 60), below(dice, 60));
    let (created, updated) = (below(dice, 1_000), (below(dice, 1_000) + revision as usize) % 1_000);
    let (payment, position) = (pick(dice, PAYMENTS), below(dice, 200_000));
    let (first_low, last_low, external) = (first.to_lowercase(), last.to_lowercase(), dice.next_u64());
    let provider = pick(dice, &["STRIPE", "GOCARDLESS", "MANUAL"]);
    let json = format!(
        "{{\"name\":\"Donation from {first} {last} - £{pounds} - {date}\",\"id\":\"{id}\",\
         \"createdAt\":\"{date}T{time}.{created:03}Z\",\
         \"createdBy\":{{\"source\":\"IMPORT\",\"workspaceMemberId\":null,\"name\":\"Intake\",\"context\":null}},\
         \"deletedAt\":null,\"position\":{position},\"updatedAt\":\"{date}T{time}.{updated:03}Z\",\
         \"amount\":{{\"amountMicros\":{pounds}000000,\"currencyCode\":\"GBP\"}},\
         \"refundedAmount\":{{\"amountMicros\":null,\"currencyCode\":null}},\"giftDate\":\"{date}\",\
         \"donorId\":\"{donor}\",\"externalId\":\"don_{external:016x}\",\"provider\":\"{provider}\",\
         \"donorFirstName\":\"{first}\",\"donorLastName\":\"{last}\",\
         \"donorEmail\":\"{first_low}.{last_low}@example.org\",\"paymentType\":\"{payment}\",\
         \"giftType\":\"DONATION\",\"companyId\":null}}"
    );
    Gift { id, donor, changed: 1_790_000_000_000_000 + i64::from(revision) * 1_000_000, json }
}
