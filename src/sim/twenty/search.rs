//! The `searchVector` of a row: Postgres' `simple` text search over the fields an object is found by.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::schema::{Kind, Object};
use super::store::Row;
use crate::sim::json::Json;

/// The text form of the vector: lexemes in byte order, each with the places where it stands.
pub(crate) fn vector(object: &Object, row: &Row) -> String {
    let mut words = Words::default();
    for (index, field) in object.fields.iter().enumerate() {
        let value = row.cell(index);
        match (field.name, field.kind) {
            (name, Kind::Text) if name == object.label_field || name == "userEmail" => {
                words.text(value.as_str().unwrap_or_default());
            }
            ("name", Kind::FullName) => {
                words.text(part(value, "firstName"));
                words.text(part(value, "lastName"));
            }
            ("emails", Kind::Emails) => words.emails(value),
            ("phones", Kind::Phones) => words.phone(value),
            ("domainName", Kind::Links) => words.text(part(value, "primaryLinkUrl")),
            ("bodyV2", Kind::RichText) => words.text(part(value, "markdown")),
            _ => {}
        }
    }
    // The job title is indexed last, wherever it stands in the object.
    if let Some((index, _)) = object.column("jobTitle") {
        words.text(row.cell(index).as_str().unwrap_or_default());
    }
    if object.label_field == "id" {
        words.text(&row.id.to_string());
    }
    words.finish()
}

fn part<'a>(value: &'a Json, name: &str) -> &'a str {
    value.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Lexemes with their places.
#[derive(Default)]
struct Words {
    places: BTreeMap<String, Vec<usize>>,
    next: usize,
}

impl Words {
    fn push(&mut self, lexeme: &str) {
        self.next += 1;
        self.places.entry(lexeme.to_lowercase()).or_default().push(self.next);
    }

    /// Breaks running text the way the default parser does for plain words.
    fn text(&mut self, text: &str) {
        for chunk in text.split_whitespace() {
            let chunk = unaccent(chunk);
            let inner = chunk.trim_matches(|letter: char| !letter.is_alphanumeric());
            if inner.is_empty() {
                continue;
            }
            if is_compound(inner) {
                self.push(inner);
            } else if inner.contains('-')
                && inner.chars().all(|letter| letter.is_alphabetic() || letter == '-')
            {
                self.push(inner);
                inner.split('-').for_each(|piece| self.push(piece));
            } else {
                self.pieces(inner);
            }
        }
    }

    /// Runs of letters and digits; a hyphen before a digit is read as a sign.
    fn pieces(&mut self, text: &str) {
        let mut piece = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter.is_alphanumeric() {
                piece.push(letter);
                continue;
            }
            if !piece.is_empty() {
                self.push(&piece);
                piece.clear();
            }
            if letter == '-' && letters.peek().is_some_and(char::is_ascii_digit) {
                piece.push(letter);
            }
        }
        if !piece.is_empty() {
            self.push(&piece);
        }
    }

    fn emails(&mut self, value: &Json) {
        let primary = part(value, "primaryEmail");
        if let Some((_, domain)) = primary.split_once('@') {
            self.push(primary);
            self.push(domain);
        }
        let additional = value.get("additionalEmails").and_then(Json::as_array).unwrap_or_default();
        for address in additional.iter().filter_map(Json::as_str) {
            self.push(address);
        }
        for address in additional.iter().filter_map(Json::as_str) {
            address.split('@').for_each(|piece| self.push(piece));
        }
    }

    fn phone(&mut self, value: &Json) {
        let number = part(value, "primaryPhoneNumber");
        let calling = part(value, "primaryPhoneCallingCode");
        if number.is_empty() {
            return;
        }
        self.push(number);
        if !calling.is_empty() {
            self.push(calling);
            self.push(&format!("{calling}{number}"));
            self.push(&format!("{}{number}", calling.trim_start_matches('+')));
        }
        self.push(&format!("0{number}"));
    }

    fn finish(self) -> String {
        let mut text = String::new();
        for (lexeme, places) in self.places {
            if !text.is_empty() {
                text.push(' ');
            }
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            let _ = write!(text, "'{lexeme}':{}", places.join(","));
        }
        text
    }
}

/// Paths, hosts and addresses stay in one piece.
fn is_compound(word: &str) -> bool {
    let joined = |mark: char| {
        let mut pieces = word.split(mark);
        word.contains(mark)
            && pieces.all(|piece| !piece.is_empty() && piece.chars().all(char::is_alphanumeric))
    };
    joined('/') || (joined('.') && !word.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
}

/// Latin letters without their marks, as the `unaccent` dictionary gives them.
fn unaccent(word: &str) -> String {
    word.chars()
        .map(|letter| match letter {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
            'ç' => 'c',
            'è' | 'é' | 'ê' | 'ë' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ñ' => 'n',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
            'ù' | 'ú' | 'û' | 'ü' => 'u',
            'ý' | 'ÿ' => 'y',
            'ł' => 'l',
            'ś' => 's',
            'ż' => 'z',
            other => other,
        })
        .collect()
}
