//! Reads a GraphQL document down to the fields of the operation that is asked for: variables put in,
//! fragments unfolded, what `@skip` and `@include` leave out left out.

use std::collections::BTreeMap;

use crate::sim::json::{Json, Key};

/// One field of a selection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Key of the answer: the alias or the name.
    pub(crate) key: String,
    /// Name.
    pub(crate) name: String,
    /// Arguments, variables put in.
    pub(crate) arguments: Json,
    /// Fields asked for below.
    pub(crate) fields: Vec<Field>,
}

impl Field {
    /// An argument; null counts as absent.
    pub(crate) fn argument(&self, name: &str) -> Option<&Json> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }

    /// The field of that name asked for below.
    pub(crate) fn below(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The operation a request means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    /// True for a mutation.
    pub(crate) mutation: bool,
    /// Root fields.
    pub(crate) fields: Vec<Field>,
}

/// A document nobody can read, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

type Read<T> = Result<T, Unreadable>;

/// One element of a selection before fragments are unfolded.
enum Selection {
    Field { field: Field, below: Vec<Selection> },
    Spread(String),
    Inline(Vec<Selection>),
}

/// Operations and fragments of a document.
#[derive(Default)]
struct Document {
    operations: Vec<(String, bool, Vec<Selection>)>,
    fragments: BTreeMap<String, Vec<Selection>>,
}

/// Reads a document and picks the operation of that name, or the only one.
pub(crate) fn parse(text: &str, variables: &Json, wanted: Option<&str>) -> Read<Operation> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, variables: variables.clone() };
    let mut document = Document::default();
    while reader.peek().is_some() {
        reader.definition(&mut document)?;
    }
    let Document { operations, fragments } = document;
    let many = operations.len() > 1;
    let mut operations = operations.into_iter();
    let operation = match wanted {
        Some(name) => operations.find(|(own, ..)| own == name),
        None if many => {
            return Err(Unreadable(
                "Must provide operation name if query contains multiple operations.".to_owned(),
            ));
        }
        None => operations.next(),
    };
    let Some((_, mutation, selections)) = operation else {
        return Err(Unreadable(wanted.map_or_else(
            || "Must provide query string.".to_owned(),
            |name| format!("Unknown operation named \"{name}\"."),
        )));
    };
    Ok(Operation { mutation, fields: unfold(&selections, &fragments, 0)? })
}

fn unfold(
    selections: &[Selection],
    fragments: &BTreeMap<String, Vec<Selection>>,
    depth: u8,
) -> Read<Vec<Field>> {
    const DEEPEST: u8 = 30;
    if depth > DEEPEST {
        return Err(Unreadable("Syntax Error: the document nests too deep".to_owned()));
    }
    let mut fields: Vec<Field> = Vec::new();
    for selection in selections {
        let more = match selection {
            Selection::Field { field, below } => {
                let mut field = field.clone();
                field.fields = unfold(below, fragments, depth + 1)?;
                vec![field]
            }
            Selection::Spread(name) => {
                let fragment =
                    fragments.get(name).ok_or_else(|| Unreadable(format!("Unknown fragment \"{name}\".")))?;
                unfold(fragment, fragments, depth + 1)?
            }
            Selection::Inline(below) => unfold(below, fragments, depth + 1)?,
        };
        for field in more {
            // Root fields stay apart: asking for one twice is refused later, not unfolded.
            let same = |known: &&mut Field| depth > 0 && known.key == field.key && known.name == field.name;
            match fields.iter_mut().find(same) {
                Some(known) => known.fields.extend(field.fields),
                None => fields.push(field),
            }
        }
    }
    Ok(fields)
}

/// A word of the language.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(String),
    Mark(char),
    Spread,
}

fn tokens(text: &str) -> Read<Vec<Token>> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let run = |from: usize, keep: &dyn Fn(char) -> bool| {
        letters.get(from..).unwrap_or_default().iter().take_while(|letter| keep(**letter)).count()
    };
    while let Some(letter) = letters.get(at).copied() {
        let mut taken = 1;
        match letter {
            '#' => taken = run(at, &|letter| letter != '\n'),
            '.' if letters.get(at..at + 3) == Some(&['.', '.', '.']) => {
                taken = 3;
                tokens.push(Token::Spread);
            }
            '"' => {
                let (value, length) = string(letters.get(at..).unwrap_or_default())?;
                taken = length;
                tokens.push(Token::Text(value));
            }
            '-' | '0'..='9' => {
                taken = run(at, &|letter| letter.is_ascii_digit() || "+-.eE".contains(letter));
                tokens.push(Token::Number(letters.get(at..at + taken).unwrap_or_default().iter().collect()));
            }
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                taken = run(at, &|letter| letter.is_ascii_alphanumeric() || letter == '_');
                tokens.push(Token::Name(letters.get(at..at + taken).unwrap_or_default().iter().collect()));
            }
            letter if letter.is_whitespace() || letter == ',' || letter == '\u{feff}' => {}
            letter if "{}()[]:!$=@|&".contains(letter) => tokens.push(Token::Mark(letter)),
            other => {
                return Err(Unreadable(format!("Syntax Error: Unexpected character: \"{other}\".")));
            }
        }
        at += taken;
    }
    Ok(tokens)
}

/// A string in quotes or in triple quotes, and how many letters it takes.
fn string(letters: &[char]) -> Read<(String, usize)> {
    let unterminated = || Unreadable("Syntax Error: Unterminated string.".to_owned());
    if letters.get(..3) == Some(&['"', '"', '"']) {
        let rest = letters.get(3..).unwrap_or_default();
        let end = rest.windows(3).position(|three| three == ['"', '"', '"']).ok_or_else(unterminated)?;
        return Ok((rest.get(..end).unwrap_or_default().iter().collect(), end + 6));
    }
    let mut escaped = false;
    let end = letters.iter().skip(1).position(|letter| {
        let ends = *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends || *letter == '\n'
    });
    let end =
        end.map(|end| end + 1).filter(|end| letters.get(*end) == Some(&'"')).ok_or_else(unterminated)?;
    let quoted: String = letters.get(..=end).unwrap_or_default().iter().collect();
    // The escapes are those of JSON.
    match Json::parse(quoted.as_bytes()) {
        Ok(Json::Str(text)) => Ok((text, end + 1)),
        _ => Err(Unreadable("Syntax Error: Invalid character escape sequence.".to_owned())),
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    variables: Json,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Read<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| Unreadable("Syntax Error: Unexpected <EOF>.".to_owned()))
    }

    fn is(&self, mark: char) -> bool {
        self.peek() == Some(&Token::Mark(mark))
    }

    fn take(&mut self, mark: char) -> bool {
        let there = self.is(mark);
        self.at += usize::from(there);
        there
    }

    fn want(&mut self, mark: char) -> Read<()> {
        if self.take(mark) {
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "<EOF>".to_owned(), shown);
        Err(Unreadable(format!("Syntax Error: Expected \"{mark}\", found {found}.")))
    }

    fn name(&mut self) -> Read<String> {
        match self.next()? {
            Token::Name(name) => Ok(name),
            other => Err(Unreadable(format!("Syntax Error: Expected Name, found {}.", shown(&other)))),
        }
    }

    fn definition(&mut self, document: &mut Document) -> Read<()> {
        if self.is('{') {
            let selections = self.selections()?;
            document.operations.push((String::new(), false, selections));
            return Ok(());
        }
        let word = self.name()?;
        match word.as_str() {
            "query" | "mutation" => {
                let name =
                    if matches!(self.peek(), Some(Token::Name(_))) { self.name()? } else { String::new() };
                if self.is('(') {
                    self.definitions()?;
                }
                self.directives()?;
                let selections = self.selections()?;
                document.operations.push((name, word == "mutation", selections));
                Ok(())
            }
            "fragment" => {
                let name = self.name()?;
                self.name()?;
                self.name()?;
                self.directives()?;
                let selections = self.selections()?;
                document.fragments.insert(name, selections);
                Ok(())
            }
            other => Err(Unreadable(format!("Syntax Error: Unexpected Name \"{other}\"."))),
        }
    }

    /// Variables with their types, which nobody checks here, and defaults, which count.
    fn definitions(&mut self) -> Read<()> {
        self.want('(')?;
        while !self.take(')') {
            self.want('$')?;
            let name = self.name()?;
            self.want(':')?;
            while matches!(self.peek(), Some(Token::Name(_) | Token::Mark('[' | ']' | '!'))) {
                self.at += 1;
            }
            if self.take('=') {
                let default = self.value()?;
                if self.variables.get(&name).is_none() {
                    if self.variables.as_object().is_none() {
                        self.variables = Json::Obj(Vec::new());
                    }
                    self.variables.set(name, default);
                }
            }
        }
        Ok(())
    }

    /// Directives; false when they leave out what they stand behind.
    fn directives(&mut self) -> Read<bool> {
        let mut kept = true;
        while self.take('@') {
            let name = self.name()?;
            let arguments = self.arguments()?;
            let condition = arguments.get("if") == Some(&Json::Bool(true));
            kept &= match name.as_str() {
                "skip" => !condition,
                "include" => condition,
                _ => true,
            };
        }
        Ok(kept)
    }

    fn selections(&mut self) -> Read<Vec<Selection>> {
        self.want('{')?;
        let mut selections = Vec::new();
        while !self.take('}') {
            if let Some(selection) = self.selection()? {
                selections.push(selection);
            }
        }
        Ok(selections)
    }

    fn selection(&mut self) -> Read<Option<Selection>> {
        if self.peek() == Some(&Token::Spread) {
            self.at += 1;
            let named = match self.peek() {
                Some(Token::Name(name)) if name != "on" => Some(self.name()?),
                Some(Token::Name(_)) => {
                    self.name()?;
                    self.name()?;
                    None
                }
                _ => None,
            };
            let kept = self.directives()?;
            let selection = match named {
                Some(name) => Selection::Spread(name),
                None => Selection::Inline(self.selections()?),
            };
            return Ok(kept.then_some(selection));
        }
        let first = self.name()?;
        let (key, name) = if self.take(':') { (first, self.name()?) } else { (first.clone(), first) };
        let arguments = self.arguments()?;
        let kept = self.directives()?;
        let below = if self.is('{') { self.selections()? } else { Vec::new() };
        let field = Field { key, name, arguments, fields: Vec::new() };
        Ok(kept.then_some(Selection::Field { field, below }))
    }

    fn arguments(&mut self) -> Read<Json> {
        let mut arguments = Json::Obj(Vec::new());
        if self.take('(') {
            while !self.take(')') {
                let name = self.name()?;
                self.want(':')?;
                let value = self.value()?;
                arguments.set(name, value);
            }
        }
        Ok(arguments)
    }

    fn value(&mut self) -> Read<Json> {
        match self.next()? {
            Token::Text(text) => Ok(Json::Str(text)),
            Token::Number(text) => Json::parse(text.as_bytes())
                .map_err(|_| Unreadable(format!("Syntax Error: Invalid number, \"{text}\"."))),
            Token::Name(name) => Ok(match name.as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                "null" => Json::Null,
                _ => Json::Str(name),
            }),
            Token::Mark('$') => {
                let name = self.name()?;
                Ok(self.variables.get(&name).cloned().unwrap_or_default())
            }
            Token::Mark('[') => {
                let mut items = Vec::new();
                while !self.take(']') {
                    items.push(self.value()?);
                }
                Ok(Json::Arr(items))
            }
            Token::Mark('{') => {
                let mut members: Vec<(Key, Json)> = Vec::new();
                while !self.take('}') {
                    let name = self.name()?;
                    self.want(':')?;
                    members.push((Key::Owned(name), self.value()?));
                }
                Ok(Json::Obj(members))
            }
            other => Err(Unreadable(format!("Syntax Error: Unexpected {}.", shown(&other)))),
        }
    }
}

/// A token as error messages name it.
fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("Name \"{name}\""),
        Token::Text(text) => format!("String \"{text}\""),
        Token::Number(text) => format!("Int \"{text}\""),
        Token::Mark(mark) => format!("\"{mark}\""),
        Token::Spread => "\"...\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, Unreadable, parse};

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).expect("JSON")
    }

    #[test]
    fn variables_fragments_and_aliases_are_put_in_place() {
        let text = "query Q($n: Int = 2, $f: PersonFilterInput) {
            all: people(first: $n, filter: $f, orderBy: [{id: AscNullsFirst}]) { edges { node { ...P } } }
        }
        fragment P on Person { id name { firstName } extra @include(if: false) }";
        let operation = parse(text, &json(r#"{"f":{"id":{"eq":"x"}}}"#), None).expect("a document");
        let people = operation.fields.first().expect("a field");
        assert_eq!((people.key.as_str(), people.name.as_str()), ("all", "people"));
        assert_eq!(
            people.arguments.to_text(),
            r#"{"first":2,"filter":{"id":{"eq":"x"}},"orderBy":[{"id":"AscNullsFirst"}]}"#
        );
        let node = people.below("edges").and_then(|edges| edges.below("node")).expect("a node");
        assert_eq!(node.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["id", "name"]);
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let refused = |text: &str| parse(text, &Json::Null, None).expect_err("no document");
        assert_eq!(refused("{ people { id }"), Unreadable("Syntax Error: Unexpected <EOF>.".to_owned()));
        assert_eq!(
            refused("{ people( { id } }"),
            Unreadable("Syntax Error: Expected Name, found \"{\".".to_owned())
        );
        assert!(parse("query A { a } query B { b }", &Json::Null, Some("B")).is_ok());
        assert!(parse("query A { a } query B { b }", &Json::Null, None).is_err());
    }
}
