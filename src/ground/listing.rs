//! What is asked of a list of mirrored records, in the grammar of Twenty's REST lists (contract 1.3 to 1.5): a filter, an
//! order, and where a page begins. Everything is checked against the workspace's fields; what is not understood is told
//! and never ignored.

mod cell;
mod filter;
mod order;

use std::cmp::Ordering;

use uuid::Uuid;

pub use cell::{Cell, Form, Operator, forms_of};
pub use filter::Filter;
pub use order::Sort;

use super::workspace::ObjectSchema;

/// A value of each record that a filter or an order looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `giftDate`, or `name.lastName`.
    pub path: String,
    /// What it holds.
    pub form: Form,
}

/// Why a list cannot be told: which parameter is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `filter`, `order_by`, `starting_after`, …
    pub parameter: &'static str,
    /// In plain words.
    pub message: String,
}

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What is looked at; filter and order name them by their place.
    pub columns: Vec<Column>,
    /// Which records.
    pub filter: Option<Filter>,
    /// In which order, before the id.
    pub order: Vec<Sort>,
    /// Whether soft-deleted records take part: a condition names `deletedAt` (contract 6.2).
    pub sees_deleted: bool,
}

/// The place of a record in a list: what it is ordered by, and its id.
pub type Mark = (Vec<Cell>, Uuid);

impl Listing {
    /// Reads the parameters of a list of this object.
    pub fn read(schema: &ObjectSchema, filter: Option<&str>, order_by: Option<&str>) -> Result<Self, Wrong> {
        let mut listing = Self::default();
        if let Some(text) = filter {
            let read = filter::read(schema, &mut listing.columns, text);
            let read = read.map_err(|message| Wrong { parameter: "filter", message })?;
            listing.filter = Some(read);
            listing.sees_deleted = listing.columns.iter().any(|column| column.path == "deletedAt");
        }
        if let Some(text) = order_by {
            let read = order::read(schema, &mut listing.columns, text);
            listing.order = read.map_err(|message| Wrong { parameter: "order_by", message })?;
        }
        Ok(listing)
    }

    /// Narrows the list to records whose value at this path is one of these, or matches one of them. A field that the
    /// workspace lacks has no value, and nothing matches.
    pub fn narrow(&mut self, schema: &ObjectSchema, path: &str, operator: Operator, values: Vec<Cell>) {
        let test = match place(schema, &mut self.columns, path) {
            Ok(column) => Filter::Test { column, operator, values },
            Err(_) => Filter::Any(Vec::new()),
        };
        self.filter = Some(match self.filter.take() {
            None => test,
            Some(filter) => Filter::All(vec![filter, test]),
        });
    }

    /// The values that one column must have, where the filter says so of every record it lets through.
    pub fn only(&self, path: &str) -> Option<&[Cell]> {
        let column = self.columns.iter().position(|column| column.path == path)?;
        self.filter.as_ref()?.only(column)
    }

    /// The place of a record with these values.
    pub fn mark(&self, cells: &[Cell], id: Uuid) -> Mark {
        let value = |sort: &Sort| cells.get(sort.column).cloned().unwrap_or_default();
        (self.order.iter().map(value).collect(), id)
    }

    /// Which of two places comes first.
    pub fn compare(&self, one: &Mark, other: &Mark) -> Ordering {
        let by_order = self.order.iter().zip(one.0.iter().zip(&other.0));
        let mut by_order = by_order.map(|(sort, (one, other))| sort.compare(one, other));
        by_order.find(|found| found.is_ne()).unwrap_or_else(|| one.1.cmp(&other.1))
    }

    /// Whether a record with these values is in the list.
    pub fn holds(&self, cells: &[Cell], deleted: bool) -> bool {
        let wanted = self.filter.as_ref().is_none_or(|filter| filter.holds(cells));
        wanted && (self.sees_deleted || !deleted)
    }
}

/// The place of a path among the columns; it gets one when it has none.
fn place(schema: &ObjectSchema, columns: &mut Vec<Column>, path: &str) -> Result<usize, String> {
    let form = forms_of(schema, path)?;
    if let Some(known) = columns.iter().position(|column| column.path == path) {
        return Ok(known);
    }
    columns.push(Column { path: path.to_owned(), form });
    Ok(columns.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::workspace::FieldSchema;

    pub(super) fn schema() -> ObjectSchema {
        let field = |name: &str, own: &str, kind: &str, options: &[&str]| {
            let options = options.iter().map(|option| (*option).to_owned()).collect();
            let field =
                FieldSchema { name: own.into(), kind: kind.into(), options, ..FieldSchema::default() };
            (name.to_owned(), field)
        };
        let fields = [
            field("id", "id", "UUID", &[]),
            field("name", "name", "TEXT", &[]),
            field("amount", "amount", "CURRENCY", &[]),
            field("giftDate", "giftDate", "DATE", &[]),
            field("donorId", "donor", "RELATION", &[]),
            field("createdAt", "createdAt", "DATE_TIME", &[]),
            field("deletedAt", "deletedAt", "DATE_TIME", &[]),
            field("giftType", "giftType", "SELECT", &["DONATION", "GRANT"]),
            field("isAnonymousDonor", "isAnonymousDonor", "BOOLEAN", &[]),
            field("emails", "emails", "EMAILS", &[]),
            field("noteTargets", "noteTargets", "RELATION", &[]),
        ];
        ObjectSchema { singular: "gift".into(), fields: fields.into(), ..ObjectSchema::default() }
    }

    #[test]
    fn soft_deleted_records_take_part_only_when_named() {
        let read = |filter| Listing::read(&schema(), filter, None).unwrap();
        assert!(!read(None).sees_deleted);
        assert!(!read(Some("name[eq]:x")).holds(&[Cell::Text("x".into())], true));
        assert!(read(Some("or(name[eq]:x,deletedAt[is]:NOT_NULL)")).sees_deleted);
    }

    #[test]
    fn what_one_value_decides_is_found_without_a_look_at_everything() {
        let id = Uuid::from_u128(7);
        let read = |filter: &str| Listing::read(&schema(), Some(filter), None).unwrap();
        assert_eq!(read(&format!("id[eq]:{id}")).only("id"), Some([Cell::Id(id)].as_slice()));
        assert_eq!(
            read(&format!("name[eq]:x,id[in]:[\"{id}\",{id}]")).only("id").map(<[Cell]>::len),
            Some(2)
        );
        assert_eq!(read(&format!("or(name[eq]:x,id[eq]:{id})")).only("id"), None);
        assert_eq!(read(&format!("not(id[eq]:{id})")).only("id"), None);
    }

    #[test]
    fn a_list_has_one_order_and_the_id_decides_the_rest() {
        let listing = Listing::read(&schema(), None, Some("giftDate[DescNullsLast],name")).unwrap();
        let day = |text: &str| Cell::Day(text.parse().unwrap());
        let text = |text: &str| Cell::Text(text.into());
        let mark = |cells: [Cell; 2], id| listing.mark(&cells, Uuid::from_u128(id));
        let ordered = [
            mark([day("2026-02-01"), text("b")], 1),
            mark([day("2026-01-01"), Cell::Nothing], 9),
            mark([day("2026-01-01"), text("A")], 3),
            mark([day("2026-01-01"), text("a")], 2),
            mark([day("2026-01-01"), text("a")], 4),
            mark([Cell::Nothing, text("a")], 0),
        ];
        for pair in ordered.windows(2) {
            assert_eq!(listing.compare(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn a_list_is_narrowed_to_what_a_caller_searches() {
        let mut listing = Listing::read(&schema(), None, None).unwrap();
        listing.narrow(&schema(), "name", Operator::Holds, vec![Cell::Text("50%".into())]);
        assert!(listing.holds(&[Cell::Text("The 50% Club".into())], false));
        assert!(!listing.holds(&[Cell::Text("The 500 Club".into())], false), "what is typed is no pattern");
        listing.narrow(&schema(), "shoeSize", Operator::Eq, vec![Cell::Nothing]);
        assert!(!listing.holds(&[Cell::Text("The 50% Club".into())], false), "nothing has such a field");
    }
}
