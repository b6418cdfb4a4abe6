//! The filter of a list (contract 1.4): `field[operator]:value`, lists of them, and `and(…)`, `or(…)`, `not(…)` around
//! them.
//!
//! Where Twenty's own reader trips over quotes and brackets inside a value, this one reads what was meant: a quoted value
//! ends at the quote that a comma, a bracket or the end follows.

use super::cell::{Cell, Form, Operator};
use super::{Column, place};
use crate::ground::workspace::ObjectSchema;

/// Conjunctions inside one another at most.
const DEPTH_MAX: usize = 20;

/// Which records of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these hold.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A value of the record is so.
    Test {
        /// Its place among the columns.
        column: usize,
        /// How it is compared.
        operator: Operator,
        /// With what.
        values: Vec<Cell>,
    },
}

impl Filter {
    /// Whether a record with these values meets it; what is not known counts as no.
    pub(super) fn holds(&self, cells: &[Cell]) -> bool {
        self.eval(cells) == Some(true)
    }

    fn eval(&self, cells: &[Cell]) -> Option<bool> {
        match self {
            Self::All(filters) => fold(filters, cells, false),
            Self::Any(filters) => fold(filters, cells, true),
            Self::Not(filter) => filter.eval(cells).map(|met| !met),
            Self::Test { column, operator, values } => cells.get(*column)?.meets(*operator, values),
        }
    }

    /// The values that a column must have, where this holds of no record with another one.
    pub(super) fn only(&self, wanted: usize) -> Option<&[Cell]> {
        match self {
            Self::Test { column, operator: Operator::Eq | Operator::In, values } if *column == wanted => {
                Some(values)
            }
            Self::All(filters) => filters.iter().find_map(|filter| filter.only(wanted)),
            Self::Test { .. } | Self::Any(_) | Self::Not(_) => None,
        }
    }
}

/// All of them where `decisive` is false, one of them where it is true.
fn fold(filters: &[Filter], cells: &[Cell], decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for filter in filters {
        match filter.eval(cells) {
            Some(met) if met == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

pub(super) fn read(schema: &ObjectSchema, columns: &mut Vec<Column>, text: &str) -> Result<Filter, String> {
    let mut reader = Reader { schema, columns, rest: text };
    let mut filters = reader.list(0)?;
    if !reader.rest.is_empty() {
        return Err(format!("'filter' invalid: a bracket is missing before '{}'", reader.rest));
    }
    let only = if filters.len() == 1 { filters.pop() } else { None };
    Ok(only.unwrap_or(Filter::All(filters)))
}

struct Reader<'t> {
    schema: &'t ObjectSchema,
    columns: &'t mut Vec<Column>,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Filters with commas between them, up to a closing bracket or the end.
    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, String> {
        if depth > DEPTH_MAX {
            return Err(format!("'filter' invalid: more than {DEPTH_MAX} brackets inside one another"));
        }
        let mut filters = vec![self.item(depth)?];
        while let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            filters.push(self.item(depth)?);
        }
        Ok(filters)
    }

    fn item(&mut self, depth: usize) -> Result<Filter, String> {
        self.rest = self.rest.trim_start();
        for word in ["and", "or", "not"] {
            let Some(inner) = self.rest.strip_prefix(word).and_then(|rest| rest.strip_prefix('(')) else {
                continue;
            };
            self.rest = inner;
            let mut filters = self.list(depth + 1)?;
            let rest = self.rest.strip_prefix(')');
            self.rest = rest.ok_or("'filter' invalid. 1 close bracket is missing in the query")?;
            return match (word, filters.len()) {
                ("and", _) => Ok(Filter::All(filters)),
                ("or", _) => Ok(Filter::Any(filters)),
                (_, 1) => Ok(Filter::Not(Box::new(filters.remove(0)))),
                _ => Err("'filter' invalid. 'not' holds one condition, such as not(field[eq]:1)".into()),
            };
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Filter, String> {
        let whole = self.rest;
        let invalid = || format!("'filter' invalid for '{whole}'. eg: price[gte]:10");
        let (path, rest) = whole.split_once('[').ok_or_else(invalid)?;
        let (word, rest) = rest.split_once("]:").ok_or_else(invalid)?;
        let operator = Operator::from_word(word);
        let operator = operator.map_err(|said| format!("'filter' invalid for '{whole}', {said}"))?;
        let column = place(self.schema, self.columns, path)?;
        let form = self.columns.get(column).map_or(Form::Text, |column| column.form);
        operator.check(path, form)?;
        self.rest = rest;
        let texts = match operator {
            Operator::In | Operator::ContainsAny => self.several(word)?,
            _ => vec![self.value(&[',', ')']).ok_or_else(invalid)?],
        };
        let values =
            texts.iter().map(|text| read_value((path, form), operator, text)).collect::<Result<_, _>>()?;
        Ok(Filter::Test { column, operator, values })
    }

    /// The values of `[a,b,c]`.
    fn several(&mut self, word: &str) -> Result<Vec<&'t str>, String> {
        let wants = || {
            format!("'filter' invalid for '{word}' operator: a list such as [value_1,value_2] is expected")
        };
        self.rest = self.rest.strip_prefix('[').ok_or_else(wants)?;
        let mut values = Vec::new();
        loop {
            values.push(self.value(&[',', ']']).ok_or_else(wants)?);
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Ok(values);
            }
            self.rest = self.rest.strip_prefix(',').ok_or_else(wants)?;
        }
    }

    /// One value, up to one of `ends` or the end of the text; none when nothing is there.
    fn value(&mut self, ends: &[char]) -> Option<&'t str> {
        let text = self.rest;
        if let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            let inner = text.get(1..)?;
            let mut closing = inner.match_indices(quote);
            let (at, _) = closing.find(|(at, _)| {
                let after = inner.get(at + 1..).unwrap_or_default();
                after.is_empty() || after.starts_with(ends)
            })?;
            self.rest = inner.get(at + 1..)?;
            return inner.get(..at);
        }
        let mut depth = 0_usize;
        let end = text.char_indices().find(|(_, letter)| {
            match letter {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0 && ends.contains(letter)
        });
        let end = end.map_or(text.len(), |(at, _)| at);
        self.rest = text.get(end..)?;
        text.get(..end).filter(|value| !value.is_empty())
    }
}

fn read_value((path, form): (&str, Form), operator: Operator, text: &str) -> Result<Cell, String> {
    match operator {
        Operator::Is => match text {
            "NULL" => Ok(Cell::Nothing),
            "NOT_NULL" => Ok(Cell::Truth(true)),
            _ => Err("Invalid filter value for \"is\" operator. Expected \"NULL\" or \"NOT_NULL\"".into()),
        },
        Operator::Like | Operator::Ilike | Operator::StartsWith | Operator::EndsWith => {
            Ok(Cell::Text(text.into()))
        }
        Operator::ContainsAny => Ok(Cell::Text(text.into())),
        _ => form
            .cell(text)
            .ok_or_else(|| format!("Field \"{path}\" is compared with {}; {text:?} is not.", form.wants())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Listing;
    use super::super::tests::schema;
    use super::*;

    /// Whether a record with these values is in the list; in the order of their paths.
    fn met(filter: &str, record: &[(&str, &str)]) -> bool {
        let listing =
            Listing::read(&schema(), Some(filter), None).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let cell = |column: &Column| {
            let text = record.iter().find(|(path, _)| *path == column.path).map_or("", |(_, text)| text);
            column.form.cell(text).unwrap()
        };
        let cells: Vec<Cell> = listing.columns.iter().map(cell).collect();
        listing.holds(&cells, false)
    }

    #[test]
    fn conditions_are_met_as_in_twenty() {
        let record = [
            ("name", "Ada's \"gift\" (spring)"),
            ("amount.amountMicros", "25000000"),
            ("giftDate", "2026-11-20"),
            ("createdAt", "2026-11-21T10:00:00.123Z"),
            ("giftType", "GRANT"),
            ("isAnonymousDonor", "false"),
            ("donorId", "63f16175-3266-5ae1-b7c7-297a48d16281"),
        ];
        for (filter, wanted) in [
            ("amount.amountMicros[gte]:25000000", true),
            ("amount.amountMicros[lt]:25000000", false),
            ("giftDate[gte]:\"2026-11-01\",giftDate[lt]:2026-12-01", true),
            ("createdAt[eq]:2026-11-21T10:00:00.123999Z", true),
            ("giftType[in]:[DONATION,\"GRANT\"]", true),
            ("giftType[containsAny]:[DONATION]", false),
            ("isAnonymousDonor[eq]:false", true),
            ("donorId[is]:NOT_NULL", true),
            ("donorId[eq]:63F16175-3266-5AE1-B7C7-297A48D16281", true),
            ("emails.primaryEmail[is]:NULL", true),
            ("emails.primaryEmail[eq]:\"\"", true),
            ("emails.primaryEmail[neq]:a@b.c", false),
            ("not(emails.primaryEmail[eq]:a@b.c)", false),
            ("or(giftType[eq]:DONATION,and(giftDate[eq]:2026-11-20,not(name[is]:NULL)))", true),
            ("name[ilike]:\"%ADA'S%\"", true),
            ("name[eq]:\"Ada's \"gift\" (spring)\",giftType[eq]:GRANT", true),
            ("name[startsWith]:Ada", true),
            ("name[endsWith]:ada", false),
            ("name[like]:ada%", false),
        ] {
            assert_eq!(met(filter, &record), wanted, "{filter}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (filter, said) in [
            ("shoeSize[eq]:1", "doesn't have any \"shoeSize\" field"),
            ("donor.name[eq]:x", "use donorId"),
            ("donor[eq]:x", "use donorId"),
            ("emails[eq]:x", "needs a sub-field"),
            ("emails.fax[eq]:x", "Sub field"),
            ("name.first[eq]:x", "Sub field"),
            ("amount.amountMicros[like]:1%", "Allowed operators"),
            ("amount.amountMicros[eq]:lots", "a number"),
            ("giftDate[eq]:soon", "a date"),
            ("donorId[eq]:ada", "the id of a record"),
            ("name[is]:\"null\"", "NOT_NULL"),
            ("name[matches]:x", "comparator matches not in"),
            ("name[eq]:", "invalid"),
            ("name", "invalid"),
            ("name[eq]:a,", "invalid"),
            ("or(name[eq]:a", "bracket is missing"),
            ("name[eq]:a)", "bracket"),
            ("not(name[eq]:a,name[eq]:b)", "one condition"),
            ("giftType[in]:GRANT", "a list"),
            ("giftType[in]:[]", "a list"),
            ("noteTargets[is]:NULL", "needs a sub-field"),
        ] {
            let told = Listing::read(&schema(), Some(filter), None).unwrap_err();
            assert!(told.parameter == "filter" && told.message.contains(said), "{filter}: {told:?}");
        }
        let deep = format!("{}name[eq]:a{}", "not(".repeat(30), ")".repeat(30));
        assert!(Listing::read(&schema(), Some(&deep), None).is_err());
    }
}
