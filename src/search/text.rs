//! Folds text for comparing: case, accents and spelling are evened out, words are cut, nothing is refused.

use tantivy::tokenizer::{AsciiFoldingFilter, RawTokenizer, TextAnalyzer, TokenStream};

/// Longest word, in characters; what is longer is compared by its beginning.
const WORD_MAX: usize = 64;
/// Longest e-mail address, in characters.
const EMAIL_MAX: usize = 100;

/// Text in the one spelling by which it is compared, and in the other one where a letter has two.
pub(super) struct Folded {
    /// Accents dropped: `müller` is `muller`.
    pub(super) plain: String,
    /// Letters spelt out: `müller` is `mueller`. None when it is the same.
    pub(super) spelt: Option<String>,
}

impl Folded {
    /// Both spellings.
    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.plain.as_str()).chain(self.spelt.as_deref())
    }

    /// The spelt-out one, or the only one.
    pub(super) fn spelt(&self) -> &str {
        self.spelt.as_deref().unwrap_or(&self.plain)
    }
}

/// Folds case and accents.
pub(super) fn fold(text: &str) -> Folded {
    let composed = compose(text);
    let plain = ascii(composed.clone());
    if composed.is_ascii() {
        return Folded { plain, spelt: None };
    }
    let mut spelt = String::with_capacity(composed.len() + 4);
    for c in composed.chars() {
        match spelling(c) {
            Some(letters) => spelt.push_str(letters),
            None => spelt.push(c),
        }
    }
    let spelt = ascii(spelt);
    Folded { spelt: (spelt != plain).then_some(spelt), plain }
}

/// How letters are written where they have no key: in German and the Nordic languages both ways are in use.
const fn spelling(c: char) -> Option<&'static str> {
    match c {
        'ä' => Some("ae"),
        'ö' | 'ø' => Some("oe"),
        'ü' => Some("ue"),
        'å' => Some("aa"),
        _ => None,
    }
}

/// Lower case, with marks that stand behind their letter joined to it (where it matters) or dropped.
fn compose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if !('\u{300}'..='\u{36f}').contains(&c) {
            out.push(c);
            continue;
        }
        let joined = match (out.chars().next_back(), c) {
            (Some('a'), '\u{308}') => 'ä',
            (Some('o'), '\u{308}') => 'ö',
            (Some('u'), '\u{308}') => 'ü',
            (Some('a'), '\u{30a}') => 'å',
            _ => continue,
        };
        out.pop();
        out.push(joined);
    }
    out
}

fn ascii(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let mut analyzer = TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build();
    let mut stream = analyzer.token_stream(&text);
    if stream.advance() { std::mem::take(&mut stream.token_mut().text) } else { String::new() }
}

/// The words of folded text.
pub(super) fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| cut(word, WORD_MAX))
}

/// Words written as one, no longer than a word.
pub(super) fn joined(words: &[&str]) -> String {
    let all = words.concat();
    cut(&all, WORD_MAX).to_owned()
}

/// An e-mail address as one folded term: no spaces in it, no brackets or commas around it.
pub(super) fn email(folded: &str) -> String {
    let around = |c: char| matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '\'') || c.is_whitespace();
    let bare: String = folded.trim_matches(around).chars().filter(|c| !c.is_whitespace()).collect();
    cut(&bare, EMAIL_MAX).to_owned()
}

/// The first characters of a text.
pub(super) fn cut(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_are_folded_and_letters_spelt_out() {
        for (text, plain, spelt) in [
            ("José", "jose", None),
            ("Nguyễn", "nguyen", None),
            ("Nguye\u{302}\u{303}n", "nguyen", None),
            ("ĐỖ", "do", None),
            ("Müller", "muller", Some("mueller")),
            ("Mu\u{308}ller", "muller", Some("mueller")),
            ("Strauß", "strauss", None),
            ("Søren Ångström", "soren angstrom", Some("soeren aangstroem")),
            ("İstanbul", "istanbul", None),
            ("O’Brien", "o'brien", None),
            ("Иванова", "иванова", None),
            ("山田", "山田", None),
            ("", "", None),
        ] {
            let folded = fold(text);
            assert_eq!((folded.plain.as_str(), folded.spelt.as_deref()), (plain, spelt), "{text}");
        }
    }

    #[test]
    fn words_are_cut_at_everything_that_is_not_a_letter_or_a_digit() {
        let cut = |text: &str| words(text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cut("o'brien-smith, j.r."), ["o", "brien", "smith", "j", "r"]);
        assert_eq!(cut("  +*?:\"( "), [""; 0]);
        assert_eq!(cut(&"x".repeat(1000)), ["x".repeat(WORD_MAX)]);
        assert_eq!(email("<anna.b@example.org>,"), "anna.b@example.org");
        assert_eq!(email("a b@x"), "ab@x");
    }
}
