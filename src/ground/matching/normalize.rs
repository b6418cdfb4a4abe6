//! Evens out how text is written: case, accents, marks, and the parts that names are made of.

/// Longest text compared, in characters; what is longer is compared by its beginning.
const TEXT_MAX: usize = 120;

/// Words that stand before a family name and are left out, joined or capitalised at will.
const PARTICLES: [&str; 29] = [
    "da", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "e", "el", "la", "las", "le",
    "los", "ten", "ter", "van", "ver", "vom", "von", "y", "zu", "zum", "zur", "af", "av",
];

/// Words that stand behind a family name and belong to no one's name.
const SUFFIXES: [&str; 9] = ["jr", "jnr", "sr", "snr", "obe", "mbe", "cbe", "phd", "esq"];

/// Lower case without accents, apostrophes dropped, all other marks as one space.
///
/// Letters that have no Latin form stay as they are, so that names of other scripts stay apart.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().take(TEXT_MAX).flat_map(char::to_lowercase) {
        if is_dropped(c) {
            continue;
        }
        if !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        match latin(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        }
    }
    out
}

/// Marks that stand inside a word, or on the letter before them.
const fn is_dropped(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʼ' | '.' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}')
}

/// The Latin letters without marks; none where the letter has none.
const fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' | 'ả' | 'ấ' | 'ầ' | 'ẩ' | 'ẫ'
        | 'ậ' | 'ắ' | 'ằ' | 'ẳ' | 'ẵ' | 'ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ẻ' | 'ẽ' | 'ế' | 'ề' | 'ể' | 'ễ'
        | 'ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ' | 'ỏ' | 'ố' | 'ồ' | 'ổ' | 'ỗ'
        | 'ộ' | 'ớ' | 'ờ' | 'ở' | 'ỡ' | 'ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ' | 'ủ' | 'ứ' | 'ừ' | 'ử'
        | 'ữ' | 'ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỵ' | 'ỷ' | 'ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// A part of a name as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamePart {
    /// All words in order, joined: `de la Cruz` is `delacruz`, `O'Brien` is `obrien`.
    pub whole: String,
    /// The words that carry the name, sorted, without particles: `Smith-Jones` is `jones`, `smith`.
    pub words: Vec<String>,
}

impl NamePart {
    /// Reads a first or last name as a person wrote it.
    pub fn read(text: &str) -> Self {
        let folded = fold(text);
        let all: Vec<&str> =
            folded.split(' ').filter(|word| !word.is_empty() && !SUFFIXES.contains(word)).collect();
        let mut words: Vec<String> =
            all.iter().filter(|word| !PARTICLES.contains(word)).map(|word| (*word).to_owned()).collect();
        if words.is_empty() {
            words = all.iter().map(|word| (*word).to_owned()).collect();
        }
        let mut whole = all;
        // Sorted, so that `Anna Maria` and `Maria Anna` are one name; particles stay before what they belong to.
        if words.len() == whole.len() {
            whole.sort_unstable();
        }
        words.sort_unstable();
        words.dedup();
        Self { whole: whole.concat(), words }
    }

    /// Whether only the first letter is known.
    pub fn is_initial(&self) -> bool {
        let mut letters = self.whole.chars();
        letters.next().is_some() && letters.next().is_none()
    }
}

/// The kind of title: what it says of the person's sex, when it says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Title {
    /// Mr, Sir, Lord.
    Man,
    /// Mrs.
    Mrs,
    /// Miss.
    Miss,
    /// Ms, and all else that is said to women.
    Woman,
}

impl Title {
    /// Reads a title; one that says nothing of the sex (Dr, Rev) is none.
    pub fn read(text: &str) -> Option<Self> {
        Some(match fold(text).as_str() {
            "mr" | "sir" | "lord" | "master" | "herr" | "monsieur" | "senor" => Self::Man,
            "mrs" | "mme" | "madame" | "senora" => Self::Mrs,
            "miss" | "mlle" => Self::Miss,
            "ms" | "lady" | "dame" | "frau" => Self::Woman,
            _ => return None,
        })
    }
}

/// A date of birth as eight digits, year first; none unless it can be one.
///
/// Reads `19081209`, `1908-12-09` and `09/12/1908` (day first).
pub fn birth(text: &str) -> Option<String> {
    let parts: Vec<&str> =
        text.trim().split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let digits = match parts.as_slice() {
        [whole] if whole.len() == 8 => (*whole).to_owned(),
        [year, month, day, ..] if year.len() == 4 => format!("{year}{month:0>2}{day:0>2}"),
        [day, month, year] if year.len() == 4 => format!("{year}{month:0>2}{day:0>2}"),
        _ => return None,
    };
    (digits.len() == 8).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_world_stay_what_they_are() {
        for (text, whole, words) in [
            ("O'Brien", "obrien", vec!["obrien"]),
            ("O’BRIEN", "obrien", vec!["obrien"]),
            ("de la Cruz", "delacruz", vec!["cruz"]),
            ("Smith-Jones", "jonessmith", vec!["jones", "smith"]),
            ("Jones Smith", "jonessmith", vec!["jones", "smith"]),
            ("Müller", "muller", vec!["muller"]),
            ("Mu\u{308}ller", "muller", vec!["muller"]),
            ("Nguyễn", "nguyen", vec!["nguyen"]),
            ("Łukasz", "lukasz", vec!["lukasz"]),
            ("李", "李", vec!["李"]),
            ("Иванов", "иванов", vec!["иванов"]),
            ("Le", "le", vec!["le"]),
            ("King Jr.", "king", vec!["king"]),
            ("", "", vec![]),
            ("-", "", vec![]),
        ] {
            let part = NamePart::read(text);
            assert_eq!(
                (part.whole.as_str(), part.words),
                (whole, words.iter().map(|w| (*w).to_owned()).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_birth_is_read_as_it_is_written() {
        for (text, read) in [
            ("19081209", Some("19081209")),
            ("1908-12-09", Some("19081209")),
            ("9/12/1908", Some("19081209")),
            ("1908-12-09T00:00:00Z", Some("19081209")),
            ("1908", None),
            ("", None),
        ] {
            assert_eq!(birth(text).as_deref(), read, "{text}");
        }
    }
}
