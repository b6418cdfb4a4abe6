//! `order_by`: `field`, `field[Direction]`, `field.part[Direction]`, several with commas (contract 1.5).

use std::cmp::Ordering;

use super::{Cell, Column, place};
use crate::ground::workspace::ObjectSchema;

/// One value that a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Its place among the columns.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
    /// Records without a value come first.
    pub nothing_first: bool,
}

const DIRECTIONS: [(&str, bool, bool); 4] = [
    ("AscNullsFirst", false, true),
    ("AscNullsLast", false, false),
    ("DescNullsFirst", true, true),
    ("DescNullsLast", true, false),
];

pub(super) fn read(
    schema: &ObjectSchema,
    columns: &mut Vec<Column>,
    text: &str,
) -> Result<Vec<Sort>, String> {
    let mut order = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (path, direction) = match item.split_once('[') {
            None => (item, "AscNullsFirst"),
            Some((path, rest)) => (path, rest.strip_suffix(']').unwrap_or(rest)),
        };
        let known = DIRECTIONS.iter().find(|(word, _, _)| *word == direction);
        let (_, descending, nothing_first) = known.ok_or_else(|| {
            let words: Vec<String> = DIRECTIONS.iter().map(|(word, _, _)| format!("'{word}'")).collect();
            format!("'order_by' direction '{direction}' invalid. Allowed values are {}.", words.join(", "))
        })?;
        let column = place(schema, columns, path)?;
        order.push(Sort { column, descending: *descending, nothing_first: *nothing_first });
    }
    Ok(order)
}

impl Sort {
    /// The order of two values. Text is ordered whatever its case; where that leaves two alike, their letters decide, so
    /// that pages neither repeat nor skip a record.
    pub(super) fn compare(&self, one: &Cell, other: &Cell) -> Ordering {
        match (one.is_nothing(), other.is_nothing()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return if self.nothing_first { Ordering::Less } else { Ordering::Greater },
            (false, true) => return if self.nothing_first { Ordering::Greater } else { Ordering::Less },
            (false, false) => {}
        }
        let order = match (one, other) {
            (Cell::Text(one), Cell::Text(other)) => {
                let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
                folded(one).cmp(&folded(other)).then_with(|| one.cmp(other))
            }
            _ => one.order(other),
        };
        if self.descending { order.reverse() } else { order }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::schema;
    use super::*;

    #[test]
    fn directions_and_fields_are_checked() {
        let mut columns = Vec::new();
        let order = read(&schema(), &mut columns, "amount.amountMicros[DescNullsLast], id").unwrap();
        assert_eq!(
            order,
            [
                Sort { column: 0, descending: true, nothing_first: false },
                Sort { column: 1, descending: false, nothing_first: true }
            ]
        );
        for (text, said) in [
            ("amount", "needs a sub-field"),
            ("nope", "doesn't have any"),
            ("name[Desc]", "direction 'Desc' invalid"),
            ("donor", "use donorId"),
            ("amount.shoes", "Sub field"),
        ] {
            assert!(read(&schema(), &mut Vec::new(), text).unwrap_err().contains(said), "{text}");
        }
    }
}
