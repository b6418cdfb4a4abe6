//! What somebody typed, and how well a person answers it. The one place where scores are made: the index only
//! finds the terms, the overlay only holds them.

use super::doc::{Doc, whole};
use super::text::{cut, email, fold, joined, words};

/// Characters of a question that count.
const TEXT_MAX: usize = 256;
/// Words of a question that count.
const WORDS_MAX: usize = 8;
/// Words at least this long may differ by one letter, and by two.
const ONE_MISTAKE: usize = 4;
const TWO_MISTAKES: usize = 8;
/// For a name that is the question, nothing less and nothing more.
pub(super) const WHOLE_NAME: u32 = 5_000;
/// The most that a faint answer is worth ([`Faint`]); every other answer to a word is worth more.
pub(super) const FAINT_MAX: u32 = 6_000;

/// Which words of a person a term is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name.
    Name,
    /// An e-mail address or a part of one.
    Email,
    /// Town or postcode.
    Place,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Name, Self::Email, Self::Place];

    /// The terms of this kind, with spaces between.
    pub(super) fn terms(self, doc: &Doc) -> &str {
        match self {
            Self::Name => &doc.names,
            Self::Email => &doc.emails,
            Self::Place => &doc.places,
        }
    }

    /// Whether small mistakes are forgiven.
    pub(super) const fn forgives(self) -> bool {
        !matches!(self, Self::Place)
    }
}

/// A question, read. Every group must be answered.
#[derive(Debug)]
pub(super) struct Query {
    /// What stood between spaces.
    pub(super) groups: Vec<Group>,
    /// All words as one, in each spelling.
    pub(super) whole: Vec<String>,
}

/// What stood between two spaces: `Smith-Jones` is answered by both its words or by `smithjones`.
#[derive(Debug)]
pub(super) struct Group {
    /// Its words; all must be answered.
    pub(super) parts: Vec<Word>,
    /// Its words as one, or the whole of an e-mail address.
    pub(super) joined: Option<Word>,
}

/// A word in each of its spellings; any may be answered.
#[derive(Debug)]
pub(super) struct Word(pub(super) Vec<Spelling>);

/// One spelling of a word.
#[derive(Debug)]
pub(super) struct Spelling {
    /// The word.
    pub(super) text: String,
    chars: Vec<char>,
    /// Whether it is an address, or the beginning of one beyond its `@`.
    pub(super) has_at: bool,
    /// How many letters may differ.
    pub(super) reach: u8,
    /// It may go on: the last word while typing.
    pub(super) typing: bool,
}

/// Which answers to a word are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Faint {
    /// Names, and parts of addresses that are the word: few terms, whatever the size of the base.
    Without,
    /// Also what only begins alike in an address, and places: thousands of terms in a large base.
    With,
}

impl Query {
    /// Reads a question. Nothing in it has a meaning beyond its letters; none when there are no letters.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = cut(text.trim_start(), TEXT_MAX);
        let goes_on = !text.ends_with(char::is_whitespace);
        let chunks: Vec<&str> = text.split_whitespace().collect();
        let (mut groups, mut room) = (Vec::new(), WORDS_MAX);
        let mut wholes = [String::new(), String::new()];
        for (n, chunk) in chunks.iter().enumerate() {
            let typing = goes_on && n + 1 == chunks.len();
            let folded = fold(chunk);
            let Some(group) = Group::read(&folded.each().collect::<Vec<_>>(), room, typing) else { continue };
            room -= group.parts.len();
            wholes[0].push_str(&whole(words(&folded.plain)));
            wholes[1].push_str(&whole(words(folded.spelt())));
            groups.push(group);
        }
        let mut whole: Vec<String> =
            wholes.iter().map(|text| whole(std::iter::once(text.as_str()))).collect();
        whole.dedup();
        (!groups.is_empty()).then_some(Self { groups, whole })
    }

    /// Whether every word stands alone, so that an answer that is not faint is worth more than any that is.
    pub(super) fn is_plain(&self) -> bool {
        self.groups.iter().all(|group| group.parts.len() == 1 && group.joined.is_none())
    }

    /// Whether a search for small mistakes can find more.
    pub(super) fn forgives(&self) -> bool {
        let words = self.groups.iter().flat_map(|group| group.parts.iter().chain(&group.joined));
        words.flat_map(|word| &word.0).any(|spelling| spelling.reach > 0)
    }

    /// How well a person answers; 0 when not.
    pub(super) fn score(&self, doc: &Doc, fuzzy: bool) -> u32 {
        let mut total = None;
        for group in &self.groups {
            let score = group.score(doc, fuzzy);
            if score == 0 {
                return 0;
            }
            total = Some(total.unwrap_or(0) + score);
        }
        let named = doc.whole.split(' ').any(|term| self.whole.iter().any(|whole| whole == term));
        total.unwrap_or(0) + if named { WHOLE_NAME } else { 0 }
    }
}

impl Group {
    /// A group from its folded spellings; none when it has no letters or there is no room for it.
    fn read(spellings: &[&str], room: usize, typing: bool) -> Option<Self> {
        let split: Vec<Vec<&str>> = spellings.iter().map(|text| words(text).take(room).collect()).collect();
        let count = split.iter().map(Vec::len).min().filter(|count| *count > 0)?;
        let last = |n: usize| typing && n + 1 == count;
        let word =
            |n: usize| Word(split.iter().map(|parts| Spelling::new(parts[n].to_owned(), last(n))).collect());
        let one = |n: usize| {
            let text =
                if spellings[n].contains('@') { email(spellings[n]) } else { joined(split[n].as_slice()) };
            Spelling::new(text, typing)
        };
        let as_one = count > 1 || spellings[0].contains('@');
        let joined = as_one.then(|| Word((0..spellings.len()).map(one).collect()));
        Some(Self { parts: (0..count).map(word).collect(), joined })
    }

    /// What being answered as one is worth, compared with each word being answered.
    pub(super) fn joined_weight(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(1)
    }

    fn score(&self, doc: &Doc, fuzzy: bool) -> u32 {
        let mut parts = self.parts.iter().map(|word| word.score(doc, fuzzy));
        let sum = parts.next().map_or(0, |first| parts.fold(first, both));
        let joined = self.joined.as_ref().map_or(0, |word| word.score(doc, fuzzy) * self.joined_weight());
        sum.max(joined)
    }
}

/// Both must be answered.
pub(super) const fn both(one: u32, other: u32) -> u32 {
    if one == 0 || other == 0 { 0 } else { one + other }
}

impl Word {
    fn score(&self, doc: &Doc, fuzzy: bool) -> u32 {
        let mut best = 0;
        for kind in Kind::ALL {
            for term in kind.terms(doc).split(' ').filter(|term| !term.is_empty()) {
                best = best.max(self.weigh(kind, term, fuzzy));
            }
        }
        best
    }

    /// How well a term answers the word, in its best spelling; 0 when not.
    pub(super) fn weigh(&self, kind: Kind, term: &str, fuzzy: bool) -> u32 {
        self.0.iter().map(|spelling| spelling.weigh(kind, term, fuzzy)).max().unwrap_or(0)
    }
}

impl Spelling {
    fn new(text: String, typing: bool) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let reach = match chars.len() {
            TWO_MISTAKES.. => 2,
            ONE_MISTAKE.. => 1,
            _ => 0,
        };
        let has_at = text.contains('@');
        Self { text, chars, has_at, reach, typing }
    }

    /// How well a term answers this spelling. A whole address answers only what has an `@` too: other words are answered
    /// by its parts.
    fn weigh(&self, kind: Kind, term: &str, fuzzy: bool) -> u32 {
        let address = kind == Kind::Email && term.contains('@');
        if address && !self.has_at {
            return 0;
        }
        if term == self.text {
            return match kind {
                Kind::Email if address => 11_000,
                Kind::Name => 10_000,
                Kind::Email => 7_000,
                Kind::Place => 4_000,
            };
        }
        if term.starts_with(&self.text) {
            return match kind {
                Kind::Name => 9_000,
                Kind::Email if address => 6_500,
                Kind::Email => FAINT_MAX,
                Kind::Place => 3_000,
            };
        }
        if fuzzy && self.reach > 0 && kind.forgives() { self.weigh_mistakes(kind, term) } else { 0 }
    }

    /// The first letter: a word that goes on is not mistaken in it.
    pub(super) fn initial(&self) -> &str {
        cut(&self.text, 1)
    }

    /// So little that whoever is named without a mistake comes first, in questions of any length that counts.
    fn weigh_mistakes(&self, kind: Kind, term: &str) -> u32 {
        let goes_on = self.typing && term.starts_with(self.initial());
        if !goes_on && term.chars().count().abs_diff(self.chars.len()) > usize::from(self.reach) {
            return 0;
        }
        let found = distance(&self.chars, term, usize::from(self.reach));
        let weight = match (found.whole, found.beginning) {
            (1, _) => 100,
            (_, 1) if goes_on => 80,
            (2, _) if self.reach > 1 => 60,
            (_, 2) if goes_on && self.reach > 1 => 40,
            _ => 0,
        };
        if kind == Kind::Name { weight } else { weight / 2 }
    }
}

/// How many letters differ.
struct Distance {
    /// From the whole term.
    whole: usize,
    /// From the beginning of the term that fits best.
    beginning: usize,
}

/// Letters added, left out, changed, or swapped with their neighbour, as tantivy's automata count them; counted no
/// further than `reach`.
fn distance(word: &[char], term: &str, reach: usize) -> Distance {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    let (mut before, mut next) = (row.clone(), row.clone());
    let mut beginning = word.len();
    let mut last = None;
    for (length, c) in (1..).zip(term.chars()) {
        next[0] = length;
        for (at, letter) in word.iter().enumerate() {
            let changed = row[at] + usize::from(*letter != c);
            let mut cost = changed.min(row[at + 1] + 1).min(next[at] + 1);
            if at > 0 && last == Some(*letter) && word[at - 1] == c {
                cost = cost.min(before[at - 1] + 1);
            }
            next[at + 1] = cost;
        }
        std::mem::swap(&mut before, &mut row);
        std::mem::swap(&mut row, &mut next);
        beginning = beginning.min(row[word.len()]);
        // What comes of this row and the one before it is no less than they are.
        if row.iter().chain(&before).all(|cost| *cost > reach) {
            return Distance { whole: usize::MAX, beginning };
        }
        last = Some(c);
    }
    Distance { whole: row[word.len()], beginning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_cut_into_words_and_nothing_in_it_is_syntax() {
        let read = |text: &str| {
            let query = Query::read(text)?;
            let words = query.groups.iter().flat_map(|group| &group.parts);
            Some(words.map(|word| word.0[0].text.clone()).collect::<Vec<_>>().join(" "))
        };
        for (text, words) in [
            ("  Ada  LOVELACE ", Some("ada lovelace")),
            ("name:smith AND (x^2 OR \"y*\")~ -z", Some("name smith and x 2 or y z")),
            ("", None),
            (" \t\n", None),
            ("*?:\\\"()[]{}+-&|!~^/ @", None),
            ("a b c d e f g h i j", Some("a b c d e f g h")),
        ] {
            assert_eq!(read(text).as_deref(), words, "{text}");
        }
        assert!(Query::read(&"word ".repeat(2_000)).unwrap().groups.len() <= WORDS_MAX);
        assert!(Query::read(&"x".repeat(10_000)).is_some());
    }

    #[test]
    fn only_the_word_being_typed_goes_on() {
        let typing = |text: &str| Query::read(text).unwrap().groups.last().unwrap().parts[0].0[0].typing;
        assert!(typing("ada love"));
        assert!(!typing("ada love "));
    }

    #[test]
    fn letters_that_differ_are_counted() {
        for (word, term, whole, beginning) in [
            ("smith", "smith", 0, 0),
            ("smith", "smyth", 1, 1),
            ("smith", "smiht", 1, 1),
            ("smith", "smithson", 3, 0),
            ("shmid", "schmidt", 2, 1),
            ("müll", "mull", 1, 1),
            ("ca", "abc", 3, 1),
        ] {
            let found = distance(&word.chars().collect::<Vec<_>>(), term, 4);
            assert_eq!((found.whole, found.beginning), (whole, beginning), "{word} {term}");
        }
        assert_eq!(distance(&['a'], &"b".repeat(10_000), 1).whole, usize::MAX);
    }
}
