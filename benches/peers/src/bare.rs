//! redb without us: what a commit of as many bytes costs at least.

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use redb::{Database, TableDefinition};

/// As the ledger's.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;

const ONE: Bytes = TableDefinition::new("one");

/// The inserts that one new gift makes in the ledger: table, bytes of the key, bytes of the value, and whether the key
/// begins at random (else it counts up).
const INSERTS: [(Bytes, usize, usize, bool); 9] = [
    (TableDefinition::new("journal"), 8, 830, false),
    (TableDefinition::new("current"), 8, 8, false),
    (TableDefinition::new("history"), 16, 0, false),
    (TableDefinition::new("subject_by_key"), 21, 8, true),
    (TableDefinition::new("index"), 22, 8, false),
    (TableDefinition::new("index"), 35, 8, true),
    (TableDefinition::new("summary"), 0, 8, false),
    (TableDefinition::new("commits"), 8, 70, false),
    (TableDefinition::new("meta"), 0, 4, false),
];

/// Whether everything goes into one table or into as many inserts as the ledger makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One table, one insert of all the bytes.
    OneInsert,
    /// The same bytes as nine inserts in eight tables.
    AsOurs,
}

/// A bare database.
pub struct Bare {
    database: Database,
    dice: ChaCha8Rng,
    count: u64,
    shape: Shape,
}

impl Bare {
    /// A new one that already holds `held` records.
    pub fn open(folder: &Path, shape: Shape, held: usize) -> anyhow::Result<Self> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create(folder.join(format!("{shape:?}.redb")))?;
        let mut bare = Self { database, dice: ChaCha8Rng::seed_from_u64(4), count: 0, shape };
        let mut left = held;
        while left > 0 {
            let now = left.min(1_000);
            bare.commit(now)?;
            left -= now;
        }
        Ok(bare)
    }

    /// One transaction with so many records.
    pub fn commit(&mut self, records: usize) -> anyhow::Result<()> {
        let mut tx = self.database.begin_write()?;
        tx.set_quick_repair(true);
        for _ in 0..records {
            self.count += 1;
            match self.shape {
                Shape::OneInsert => {
                    let bytes: usize = INSERTS.iter().map(|(_, key, value, _)| key + value).sum();
                    tx.open_table(ONE)?.insert(self.count.to_be_bytes().as_slice(), filler(bytes))?;
                }
                Shape::AsOurs => {
                    for (name, key, value, random) in INSERTS {
                        let key = self.key(key, random);
                        tx.open_table(name)?.insert(key.as_slice(), filler(value))?;
                    }
                }
            }
        }
        tx.commit()?;
        Ok(())
    }

    fn key(&mut self, length: usize, random: bool) -> Vec<u8> {
        let mut key = vec![0; length];
        if random {
            self.dice.fill_bytes(&mut key);
        } else if length >= 8 {
            key[..8].copy_from_slice(&self.count.to_be_bytes());
        }
        key
    }
}

fn filler(length: usize) -> &'static [u8] {
    const FILLER: [u8; 2_048] = [7; 2_048];
    &FILLER[..length]
}
