//! Keys that came lately. A key of a scattered place (a foreign id, a donor) changes a page of its own in a large table,
//! so the newest ones stand in small tables first, and go over in the order of keys when they are many: then a page
//! takes several at once.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata};

use super::error::StoreError;
use super::reader::{OpenTables, Order};
use super::tables::Index;

/// Keys from which a small table goes over: few enough for its pages to be few, many enough for a page of the large
/// table to take several (measured). Our own tests hold few records and must see them go over too.
const MOST: u64 = if cfg!(test) { 5 } else { 8_192 };

/// A key of the index is there.
pub(super) const THERE: u8 = 1;
/// A key of the index was taken out.
pub(super) const TAKEN_OUT: u8 = 0;

/// Whether a key of the index has a scattered place.
pub(super) fn is_scattered(key: &[u8]) -> bool {
    const SCATTERED: [Index; 7] = [
        Index::GiftsByDonor,
        Index::UserByEmail,
        Index::PersonByEmail,
        Index::LinksByTarget,
        Index::MergedInto,
        Index::StagedByDonor,
        Index::EditsByRecord,
    ];
    key.first().is_some_and(|number| SCATTERED.iter().any(|index| *index as u8 == *number))
}

/// A row of a large table: its key, and a number where it has one.
pub(super) type Row = Result<(Vec<u8>, u64), StoreError>;
/// A row of a small one; without a number it was taken out.
pub(super) type YoungRow = Result<(Vec<u8>, Option<u64>), StoreError>;

/// Rows of a large table with those of its small one laid over them.
pub(super) struct Laid<A: Iterator<Item = Row>, B: Iterator<Item = YoungRow>> {
    old: Peekable<A>,
    young: Peekable<B>,
    order: Order,
}

/// Lays one over the other; both come in this order.
pub(super) fn lay<A: Iterator<Item = Row>, B: Iterator<Item = YoungRow>>(
    old: A,
    young: B,
    order: Order,
) -> Laid<A, B> {
    Laid { old: old.peekable(), young: young.peekable(), order }
}

impl<A: Iterator<Item = Row>, B: Iterator<Item = YoungRow>> Iterator for Laid<A, B> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let first = match (self.old.peek(), self.young.peek()) {
                (None, None) => return None,
                (Some(_), None) | (Some(Err(_)), _) => return self.old.next(),
                (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
                (Some(Ok((old, _))), Some(Ok((young, _)))) => match self.order {
                    Order::Up => old.cmp(young),
                    Order::Down => young.cmp(old),
                },
            };
            if first == Ordering::Less {
                return self.old.next();
            }
            if first == Ordering::Equal {
                // The newer one says how it is.
                self.old.next();
            }
            match self.young.next()? {
                Ok((key, Some(value))) => return Some(Ok((key, value))),
                Ok((_, None)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

type Bounds<'b> = (Bound<&'b [u8]>, Bound<&'b [u8]>);

/// A range of an index with its small table laid over it.
pub(super) fn index_rows<'t>(
    old: &'t impl ReadableTable<&'static [u8], ()>,
    young: &'t impl ReadableTable<&'static [u8], u8>,
    bounds: Bounds<'_>,
    order: Order,
) -> Result<Box<dyn Iterator<Item = Row> + 't>, StoreError> {
    let old = old.range::<&[u8]>(bounds)?.map(|row| Ok((row?.0.value().to_vec(), 0)));
    let young = young.range::<&[u8]>(bounds)?.map(|row| {
        let (key, there) = row?;
        Ok((key.value().to_vec(), (there.value() == THERE).then_some(0)))
    });
    Ok(match order {
        Order::Up => Box::new(lay(old, young, order)),
        Order::Down => Box::new(lay(old.rev(), young.rev(), order)),
    })
}

/// A range of the names of subjects with its small table laid over it.
pub(super) fn subject_rows<'t>(
    old: &'t impl ReadableTable<&'static [u8], u64>,
    young: &'t impl ReadableTable<&'static [u8], u64>,
    from: Bound<&[u8]>,
) -> Result<impl Iterator<Item = Row> + 't, StoreError> {
    let bounds = (from, Bound::Unbounded);
    let old = old.range::<&[u8]>(bounds)?.map(|row| {
        let (key, subject) = row?;
        Ok((key.value().to_vec(), subject.value()))
    });
    let young = young.range::<&[u8]>(bounds)?.map(|row| {
        let (key, subject) = row?;
        Ok((key.value().to_vec(), Some(subject.value())))
    });
    Ok(lay(old, young, Order::Up))
}

impl OpenTables<'_> {
    /// Puts a key into the index.
    pub(super) fn put_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if is_scattered(key) {
            self.index_young.insert(key, THERE)?;
        } else {
            self.index.insert(key, ())?;
        }
        Ok(())
    }

    /// Takes a key out of the index.
    pub(super) fn take_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if is_scattered(key) {
            self.index_young.insert(key, TAKEN_OUT)?;
        } else {
            self.index.remove(key)?;
        }
        Ok(())
    }

    /// Gives a name its subject.
    pub(super) fn name_subject(&mut self, name: &[u8], subject: u64) -> Result<(), StoreError> {
        self.subject_young.insert(name, subject)?;
        Ok(())
    }

    /// Lets the small tables that hold many keys go over into the large ones.
    pub(super) fn grow_up(&mut self) -> Result<(), StoreError> {
        if self.subject_young.len()? > MOST {
            for row in self.subject_young.iter()? {
                let (name, subject) = row?;
                self.subject_by_key.insert(name.value(), subject.value())?;
            }
            self.subject_young.retain(|_, _| false)?;
        }
        if self.index_young.len()? > MOST {
            for row in self.index_young.iter()? {
                let (key, there) = row?;
                if there.value() == THERE {
                    self.index.insert(key.value(), ())?;
                } else {
                    self.index.remove(key.value())?;
                }
            }
            self.index_young.retain(|_, _| false)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Laid one over the other, two tables read as the one they stand for, both ways.
        #[test]
        fn two_tables_read_as_one(
            old in prop::collection::btree_map(any::<u8>(), any::<u64>(), 0..20),
            young in prop::collection::btree_map(any::<u8>(), any::<Option<u64>>(), 0..20),
        ) {
            let mut one = old.clone();
            for (key, value) in &young {
                match value {
                    Some(value) => one.insert(*key, *value),
                    None => one.remove(key),
                };
            }
            let told = |order| -> Vec<(Vec<u8>, u64)> {
                let olds = old.iter().map(|(key, value)| (vec![*key], *value));
                let youngs = young.iter().map(|(key, value)| (vec![*key], *value));
                let rows: Box<dyn Iterator<Item = Row>> = match order {
                    Order::Up => Box::new(lay(olds.map(Ok), youngs.map(Ok), order)),
                    Order::Down => Box::new(lay(olds.rev().map(Ok), youngs.rev().map(Ok), order)),
                };
                rows.map(Result::unwrap).collect()
            };
            let mut wanted: Vec<_> = one.into_iter().map(|(key, value)| (vec![key], value)).collect();
            prop_assert_eq!(&told(Order::Up), &wanted);
            wanted.reverse();
            prop_assert_eq!(told(Order::Down), wanted);
        }
    }

    #[test]
    fn an_error_is_told_and_not_skipped() {
        let bad = || StoreError::Unavailable("x".into());
        let old: Vec<Row> = vec![Ok((vec![1], 1)), Err(bad())];
        let rows: Vec<_> = lay(old.into_iter(), std::iter::empty(), Order::Up).collect();
        assert!(rows[0].is_ok() && rows[1].is_err());
        let young: Vec<YoungRow> = vec![Err(bad())];
        assert!(
            lay(vec![Ok((vec![1], 1))].into_iter(), young.into_iter(), Order::Up).any(|row| row.is_err())
        );
    }
}
