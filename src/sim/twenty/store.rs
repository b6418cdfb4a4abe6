//! The rows: one table per object, ordered by id as Postgres orders a uuid, with its unique indexes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::schema::{Kind, Object, OnDelete, Schema};
use crate::sim::json::Json;

/// One stored record; `cells` runs parallel to the fields of its object.
///
/// Instants are held as whole microseconds, absent composites as null, everything else as the API shows it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Primary key.
    pub(crate) id: Uuid,
    /// When this version of the row was written, counted over the whole database: unordered
    /// statements answer in this order.
    pub(crate) written: u64,
    /// The values.
    pub(crate) cells: Vec<Json>,
}

impl Row {
    /// The value of a field.
    pub(crate) fn cell(&self, index: usize) -> &Json {
        const NULL: &Json = &Json::Null;
        self.cells.get(index).unwrap_or(NULL)
    }

    /// Sets the value of a field.
    pub(crate) fn set(&mut self, index: usize, value: Json) {
        if let Some(cell) = self.cells.get_mut(index) {
            *cell = value;
        }
    }

    /// True when the row sits in the bin.
    pub(crate) fn is_deleted(&self, object: &Object) -> bool {
        !self.cell(object.columns.deleted_at).is_null()
    }
}

/// All rows of one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<Uuid, Row>,
    /// For every field with a unique index: its place, and who holds which value. Soft-deleted rows
    /// hold theirs too, because the index of the real server has no condition.
    unique: Vec<(usize, BTreeMap<String, Uuid>)>,
    /// How many rows sit at which whole position, to find the smallest without a scan.
    positions: BTreeMap<i64, u32>,
}

impl Table {
    /// An empty table for an object.
    pub(crate) fn new(object: &Object) -> Self {
        let unique = unique_columns(object).map(|index| (index, BTreeMap::new())).collect();
        Self { rows: BTreeMap::new(), unique, positions: BTreeMap::new() }
    }

    /// Brings the rows and indexes into the shape of a changed object.
    fn fit(&mut self, object: &Object) {
        for row in self.rows.values_mut() {
            let missing = object.fields.iter().skip(row.cells.len());
            row.cells.extend(missing.map(super::schema::Field::initial));
        }
        if self.unique.iter().map(|(index, _)| *index).ne(unique_columns(object)) {
            let holders = |index: usize| {
                let rows = self.rows.values();
                rows.filter_map(|row| Some((unique_key(object, index, row.cell(index))?, row.id))).collect()
            };
            self.unique = unique_columns(object).map(|index| (index, holders(index))).collect();
        }
    }

    /// The rows, by id.
    pub(crate) fn rows(&self) -> &BTreeMap<Uuid, Row> {
        &self.rows
    }

    /// One row, in the bin or not.
    pub(crate) fn get(&self, id: Uuid) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// The row that holds a value of a unique field.
    pub(crate) fn holder(&self, field: usize, key: &str) -> Option<Uuid> {
        let (_, holders) = self.unique.iter().find(|(index, _)| *index == field)?;
        holders.get(key).copied()
    }

    /// The unique fields.
    pub(crate) fn unique_fields(&self) -> impl Iterator<Item = usize> + '_ {
        self.unique.iter().map(|(index, _)| *index)
    }

    /// The place before all others: new rows come first.
    pub(crate) fn first_position(&self) -> i64 {
        self.positions.keys().next().map_or(0, |lowest| lowest.saturating_sub(1))
    }

    /// The row that stands in the way when storing another one would break a unique index (its own old version does not count).
    pub(crate) fn conflict(&self, object: &Object, row: &Row) -> Option<Uuid> {
        self.unique.iter().find_map(|(index, holders)| {
            let key = unique_key(object, *index, row.cell(*index))?;
            holders.get(&key).copied().filter(|holder| *holder != row.id)
        })
    }

    /// Stores a row, answering its older version; the caller has looked for conflicts.
    pub(crate) fn put(&mut self, object: &Object, row: Row) -> Option<Row> {
        let old = self.take(object, row.id);
        for (index, holders) in &mut self.unique {
            if let Some(key) = unique_key(object, *index, row.cell(*index)) {
                holders.insert(key, row.id);
            }
        }
        if let Some(position) = row.cell(object.columns.position).as_i64() {
            *self.positions.entry(position).or_default() += 1;
        }
        self.rows.insert(row.id, row);
        old
    }

    /// Removes a row for good.
    pub(crate) fn take(&mut self, object: &Object, id: Uuid) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        for (index, holders) in &mut self.unique {
            if let Some(key) = unique_key(object, *index, row.cell(*index))
                && holders.get(&key) == Some(&id)
            {
                holders.remove(&key);
            }
        }
        if let Some(position) = row.cell(object.columns.position).as_i64()
            && let Some(count) = self.positions.get_mut(&position)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.positions.remove(&position);
            }
        }
        Some(row)
    }
}

/// The columns with a unique index.
fn unique_columns(object: &Object) -> impl Iterator<Item = usize> + '_ {
    object.live_fields().filter(|(_, field)| field.unique).map(|(index, _)| index)
}

/// The text a unique index compares; null and empty values never collide.
pub(crate) fn unique_key(object: &Object, index: usize, cell: &Json) -> Option<String> {
    let kind = object.fields.get(index)?.kind;
    let text = match kind {
        Kind::Emails => cell.get("primaryEmail")?.as_str()?,
        Kind::Links => cell.get("primaryLinkUrl")?.as_str()?,
        Kind::Phones => {
            let part = |name: &str| cell.get(name).and_then(Json::as_str).unwrap_or_default();
            let number = part("primaryPhoneNumber");
            let whole = [part("primaryPhoneCountryCode"), part("primaryPhoneCallingCode"), number].join(" ");
            return (!number.is_empty()).then_some(whole);
        }
        _ if !cell.is_null() && cell.as_str().is_none() => return Some(cell.to_text()),
        _ => cell.as_str()?,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// The whole database of one workspace.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// The data model; shared until a schema fault changes it.
    pub(crate) schema: Arc<Schema>,
    tables: Vec<Table>,
    writes: u64,
    /// True when filters compare instants in microseconds, as older servers do.
    pub(crate) raw_instants: bool,
    /// The last writes with what was there before, for replicas that lag behind.
    recent: VecDeque<(usize, Uuid, Option<Row>)>,
}

/// Writes a replica may lack at most.
const REMEMBERED: usize = 64;

impl Store {
    /// An empty database for a data model.
    pub(crate) fn new(schema: Schema) -> Self {
        let tables = schema.objects().iter().map(Table::new).collect();
        Self { schema: Arc::new(schema), tables, writes: 0, raw_instants: false, recent: VecDeque::new() }
    }

    /// The table of an object, by its index in the schema.
    pub(crate) fn table(&self, object: usize) -> &Table {
        static EMPTY: std::sync::OnceLock<Table> = std::sync::OnceLock::new();
        self.tables.get(object).unwrap_or_else(|| EMPTY.get_or_init(Table::default))
    }

    /// True when the target of a relation is there (the bin counts: foreign keys do not look at it).
    pub(crate) fn exists(&self, plural: &str, id: Uuid) -> bool {
        self.schema.by_plural(plural).is_some_and(|(index, _)| self.table(index).get(id).is_some())
    }

    /// A number that moves with every change of a row.
    pub(crate) fn version(&self) -> u64 {
        self.writes
    }

    /// Stores a row and stamps its version.
    pub(crate) fn put(&mut self, object: usize, mut row: Row) {
        self.writes += 1;
        row.written = self.writes;
        let schema = Arc::clone(&self.schema);
        if let (Some(table), Some(shape)) = (self.tables.get_mut(object), schema.objects().get(object)) {
            let id = row.id;
            let old = table.put(shape, row);
            self.remember(object, id, old);
        }
    }

    fn remember(&mut self, object: usize, id: Uuid, old: Option<Row>) {
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((object, id, old));
    }

    /// The database as it was before the last so many writes.
    pub(crate) fn behind(&self, writes: usize) -> Self {
        let mut old = self.clone();
        let schema = Arc::clone(&self.schema);
        for (object, id, before) in self.recent.iter().rev().take(writes) {
            let (Some(table), Some(shape)) = (old.tables.get_mut(*object), schema.objects().get(*object))
            else {
                continue;
            };
            match before {
                Some(row) => {
                    table.put(shape, row.clone());
                }
                None => {
                    table.take(shape, *id);
                }
            }
        }
        old
    }

    /// Removes a row with all that hangs on it: rows that belong to it vanish, other references are
    /// emptied. Neither moves `updatedAt`, as the database does this on its own.
    pub(crate) fn destroy(&mut self, object: usize, id: Uuid) {
        let schema = Arc::clone(&self.schema);
        let Some(shape) = schema.objects().get(object) else { return };
        let Some(old) = self.tables.get_mut(object).and_then(|table| table.take(shape, id)) else { return };
        self.remember(object, id, Some(old));
        self.writes += 1;
        let wanted = Json::text(id.to_string());
        for (other, pointing) in schema.objects().iter().enumerate() {
            for (column, field) in pointing.fields.iter().enumerate() {
                let Kind::ToOne { target, on_delete, .. } = field.kind else { continue };
                if target == shape.plural {
                    self.release(other, column, on_delete, &wanted);
                }
            }
        }
    }

    fn release(&mut self, object: usize, column: usize, on_delete: OnDelete, id: &Json) {
        let hit = |row: &&Row| row.cell(column) == id;
        let ids: Vec<Uuid> = self.table(object).rows().values().filter(hit).map(|row| row.id).collect();
        for child in ids {
            match on_delete {
                OnDelete::Cascade => self.destroy(object, child),
                OnDelete::SetNull => {
                    let table = self.tables.get_mut(object);
                    if let Some(row) = table.and_then(|table| table.rows.get_mut(&child)) {
                        row.set(column, Json::Null);
                    }
                }
            }
        }
    }

    /// Takes a field out of the data model.
    pub(crate) fn remove_field(&mut self, plural: &str, name: &str) {
        self.change_schema(|schema| schema.remove_field(plural, name));
    }

    /// Changes the data model; the rows follow.
    pub(crate) fn change_schema<T>(&mut self, change: impl FnOnce(&mut Schema) -> T) -> T {
        let outcome = change(Arc::make_mut(&mut self.schema));
        let schema = Arc::clone(&self.schema);
        for (index, object) in schema.objects().iter().enumerate() {
            match self.tables.get_mut(index) {
                Some(table) => table.fit(object),
                None => self.tables.push(Table::new(object)),
            }
        }
        outcome
    }

    /// Forgets every row of an object.
    pub(crate) fn empty_table(&mut self, index: usize) {
        if let (Some(table), Some(object)) = (self.tables.get_mut(index), self.schema.objects().get(index)) {
            *table = Table::new(object);
        }
    }
}
