//! The query language (contract 3).

use std::cmp::Ordering;

use super::company::{Company, Row};
use super::emit;
use super::money::Exact;
use super::refusal::Refusal;
use super::schema::{Kind, Sort};
use super::time::instant;
use super::tree::Json;

/// In which order rows come that nobody ordered; real servers differ (contract 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unordered {
    /// Transactions by last change, newest first; names by name: the sandbox of 2026.
    #[default]
    NewestFirst,
    /// By creation, as reported from production.
    OldestFirst,
}

/// How a page is told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// The order when none is asked for.
    pub(crate) order: Unordered,
    /// A full page may hold one row too many.
    pub(crate) extra_row: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

#[derive(Debug)]
struct Condition {
    field: String,
    sign: String,
    values: Vec<String>,
}

#[derive(Debug)]
struct Query {
    count: bool,
    kind: Kind,
    conditions: Vec<Condition>,
    order: Option<(String, bool)>,
    start: usize,
    most: usize,
}

/// The most rows of a page.
const CAP: usize = 1000;

/// Answers a statement with what stands in `QueryResponse`.
pub(crate) fn answer(company: &Company, statement: &str, habits: Habits) -> Result<Json, Refusal> {
    let query = parse(statement)?;
    let kind = query.kind;
    let mut rows: Vec<&Row> = Vec::new();
    let hides = kind.spec().sort == Sort::Name
        && !query.conditions.iter().any(|condition| condition.field.eq_ignore_ascii_case("Active"));
    for row in company.all(kind) {
        let hidden = hides && row.object.get("Active").and_then(Json::as_bool) == Some(false);
        if !hidden && query.conditions.iter().all(|condition| holds(row, condition)) {
            rows.push(row);
        }
    }
    if query.count {
        return Ok(Json::object([("totalCount", Json::int(rows.len()))]));
    }
    sort(&mut rows, kind, query.order.as_ref(), habits.order);
    let total = rows.len();
    let full = total.saturating_sub(query.start - 1) > query.most;
    let most = query.most + usize::from(full && habits.extra_row);
    let page: Vec<Json> = rows
        .into_iter()
        .skip(query.start - 1)
        .take(most)
        .map(|row| emit::listed(company, kind, row))
        .collect();
    if page.is_empty() {
        return Ok(Json::Obj(Vec::new()));
    }
    let told = page.len();
    let mut answer = Json::Obj(vec![(kind.spec().name.to_owned(), Json::Arr(page))]);
    answer.set("startPosition", Json::int(query.start));
    answer.set("maxResults", Json::int(told));
    if kind.spec().counted {
        answer.set("totalCount", Json::int(total));
    }
    Ok(answer)
}

fn sort(rows: &mut [&Row], kind: Kind, order: Option<&(String, bool)>, unordered: Unordered) {
    match (order, unordered) {
        (Some((field, descending)), _) => rows.sort_by(|one, two| {
            let cells = (cell(one, field), cell(two, field));
            let order = compare(&cells.0.unwrap_or_default(), &cells.1.unwrap_or_default());
            if *descending { order.reverse() } else { order }
        }),
        (None, Unordered::OldestFirst) => rows.sort_by_key(|row| (row.created, row.turn)),
        (None, Unordered::NewestFirst) if kind.is_document() => {
            rows.sort_by_key(|row| std::cmp::Reverse((row.updated, row.turn)));
        }
        _ => {
            // Capitals before small letters: `PG&E` before `Pam Seitz` (recorded).
            let name = |row: &&Row| {
                let fields = ["FullyQualifiedName", "DisplayName", "Name"];
                fields.iter().find_map(|field| row.object.str_at(field)).map(str::to_owned)
            };
            rows.sort_by_cached_key(name);
        }
    }
}

/// The value of a field; names of fields are taken as they come (`Metadata`, `MetaData`).
fn cell(row: &Row, field: &str) -> Option<String> {
    let mut value = &row.object;
    for name in field.split('.') {
        if let Json::Arr(items) = value {
            value = items.first()?;
        }
        value =
            value.members().iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, inner)| inner)?;
    }
    Some(value.get("value").unwrap_or(value).shown())
}

fn compare(one: &str, two: &str) -> Ordering {
    if let Some((one, two)) = Exact::parse(one).zip(Exact::parse(two)) {
        return one.cmp(&two);
    }
    if let Some((one, two)) = moment(one).zip(moment(two)) {
        return one.cmp(&two);
    }
    one.to_lowercase().cmp(&two.to_lowercase())
}

fn moment(text: &str) -> Option<i64> {
    if text.contains('T') { instant(text) } else { None }
}

fn holds(row: &Row, condition: &Condition) -> bool {
    let Some(mut cell) = cell(row, &condition.field) else { return false };
    let Some(mut first) = condition.values.first().cloned() else { return false };
    // A day compared with an instant is the midnight that begins it.
    if cell.contains('T') && moment(&cell).is_some() && !first.contains('T') && first.len() == 10 {
        first.push_str("T00:00:00");
    } else if first.contains('T') && moment(&first).is_some() && cell.len() == 10 {
        cell.push_str("T00:00:00");
    }
    let order = compare(&cell, &first);
    match condition.sign.as_str() {
        "=" => order == Ordering::Equal,
        "<" => order == Ordering::Less,
        ">" => order == Ordering::Greater,
        "<=" => order != Ordering::Greater,
        ">=" => order != Ordering::Less,
        "IN" => condition.values.iter().any(|value| compare(&cell, value) == Ordering::Equal),
        _ => like(&cell.to_lowercase(), &first.to_lowercase()),
    }
}

/// `%` stands for anything.
fn like(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('%').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return text == pattern };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn tokens(statement: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut letters = statement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' => {}
            '\'' => {
                let mut text = String::new();
                loop {
                    match letters.next() {
                        Some('\\') => text.extend(letters.next()),
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        None => return Err(lexical(statement)),
                    }
                }
                tokens.push(Token::Text(text));
            }
            '<' | '>' | '!' if letters.peek() == Some(&'=') => {
                letters.next();
                tokens.push(Token::Sign(format!("{letter}=")));
            }
            '=' | '<' | '>' | '(' | ')' | ',' | '*' => tokens.push(Token::Sign(letter.to_string())),
            other if other.is_alphanumeric() || "_.-+:".contains(other) => {
                let mut word = String::from(other);
                while let Some(next) =
                    letters.next_if(|next| next.is_alphanumeric() || "_.-+:".contains(*next))
                {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(lexical(statement)),
        }
    }
    Ok(tokens)
}

fn lexical(statement: &str) -> Refusal {
    let column = statement.chars().count() + 1;
    Refusal::parse_error(format!(
        "QueryParserError: Lexical error at line 1, column {column}.  Encountered: <EOF> after : \"\""
    ))
}

/// Reads tokens one after the other.
struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    read: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        self.read += 1;
        self.tokens.next()
    }

    fn unexpected(&self, token: Option<&Token>) -> Refusal {
        let shown = match token {
            Some(Token::Word(text) | Token::Text(text) | Token::Sign(text)) => text.as_str(),
            None => "<EOF>",
        };
        let column = self.read;
        Refusal::parse_error(format!(
            "QueryParserError: Encountered \" <IDENTIFIER> \"{shown} \"\" at line 1, column {column}."
        ))
    }

    /// Whether the next word is this keyword; then it is read.
    fn keyword(&mut self, name: &str) -> bool {
        let hit = matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(name));
        if hit {
            self.next();
        }
        hit
    }

    fn sign(&mut self, sign: &str) -> bool {
        let hit = matches!(self.tokens.peek(), Some(Token::Sign(found)) if found == sign);
        if hit {
            self.next();
        }
        hit
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    fn demand(&mut self, found: bool) -> Result<(), Refusal> {
        if found {
            return Ok(());
        }
        let next = self.next();
        Err(self.unexpected(next.as_ref()))
    }

    fn value(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(value) | Token::Text(value)) => Ok(value),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    fn number(&mut self, least: usize) -> Result<usize, Refusal> {
        let text = self.value()?;
        let number: usize =
            text.parse().map_err(|_| Refusal::invalid_query(format!("value {text} is no number")))?;
        if number < least {
            return Err(Refusal::invalid_query(format!(
                "value {number} is too small. Min allowed value is {least}"
            )));
        }
        Ok(number)
    }
}

fn parse(statement: &str) -> Result<Query, Refusal> {
    let mut reader = Reader { tokens: tokens(statement)?.into_iter().peekable(), read: 0 };
    let found = reader.keyword("select");
    reader.demand(found)?;
    let count = columns(&mut reader)?;
    let name = reader.word()?;
    let kind = Kind::named(&name).or_else(|| Kind::of_path(&name).filter(|_| name == name.to_lowercase()));
    let kind = kind.ok_or_else(|| Refusal::invalid_query(format!("invalid context declaration: {name}")))?;
    let conditions = if reader.keyword("where") { conditions(&mut reader, kind)? } else { Vec::new() };
    let mut query = Query { count, kind, conditions, order: None, start: 1, most: 100 };
    loop {
        if reader.keyword("orderby") || reader.keyword("order") {
            reader.keyword("by");
            let field = reader.word()?;
            known(kind, &field)?;
            let descending = reader.keyword("desc");
            if !descending {
                reader.keyword("asc");
            }
            query.order = Some((field, descending));
        } else if reader.keyword("startposition") {
            query.start = reader.number(1)?;
        } else if reader.keyword("maxresults") {
            query.most = reader.number(1)?;
            if query.most > CAP {
                let most = query.most;
                return Err(Refusal::invalid_query(format!(
                    "value {most} is too large. Max allowed value is {CAP}"
                )));
            }
        } else {
            break;
        }
    }
    match reader.next() {
        None => Ok(query),
        other => Err(reader.unexpected(other.as_ref())),
    }
}

/// What is selected up to and with `FROM`; true for a count. Columns are read and then all told.
fn columns(reader: &mut Reader) -> Result<bool, Refusal> {
    if reader.keyword("count") {
        let whole = reader.sign("(") && reader.sign("*") && reader.sign(")");
        let from = whole && reader.keyword("from");
        return reader.demand(from).map(|()| true);
    }
    loop {
        if !reader.sign("*") {
            reader.word()?;
        }
        if !reader.sign(",") {
            let from = reader.keyword("from");
            return reader.demand(from).map(|()| false);
        }
    }
}

fn conditions(reader: &mut Reader, kind: Kind) -> Result<Vec<Condition>, Refusal> {
    let mut all = Vec::new();
    loop {
        let field = reader.word()?;
        known(kind, &field)?;
        let (sign, values) = if reader.keyword("in") {
            let open = reader.sign("(");
            reader.demand(open)?;
            let mut values = vec![reader.value()?];
            while reader.sign(",") {
                values.push(reader.value()?);
            }
            let close = reader.sign(")");
            reader.demand(close)?;
            ("IN".to_owned(), values)
        } else if reader.keyword("like") {
            ("LIKE".to_owned(), vec![reader.value()?])
        } else {
            match reader.next() {
                Some(Token::Sign(sign)) if ["=", "<", ">", "<=", ">="].contains(&sign.as_str()) => {
                    (sign, vec![reader.value()?])
                }
                other => return Err(reader.unexpected(other.as_ref())),
            }
        };
        all.push(Condition { field, sign, values });
        if !reader.keyword("and") {
            return Ok(all);
        }
    }
}

/// Fields that may be filtered and sorted by; what lines hold may not.
fn known(kind: Kind, field: &str) -> Result<(), Refusal> {
    let first = field.split('.').next().unwrap_or_default();
    let there = kind.spec().properties().iter().any(|name| name.eq_ignore_ascii_case(first));
    if !there {
        return Err(Refusal::invalid_query(format!(
            "property {field} not found for entity {}",
            kind.spec().name
        )));
    }
    let never = ["Line", "PrivateNote", "CustomField", "TxnTaxDetail"];
    if never.iter().any(|name| name.eq_ignore_ascii_case(first)) {
        return Err(Refusal::invalid_query(format!("property '{field}' is not queryable")));
    }
    Ok(())
}
