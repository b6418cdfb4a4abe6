//! Evens out how people are reached: e-mail, telephone, postcode, street, and what they work for.

use super::normalize::fold;

/// Providers whose addresses ignore dots.
const DOTLESS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// An e-mail address as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Before the @, lower case, what follows a plus dropped, and dots where the provider ignores them.
    pub local: String,
    /// Behind the @.
    pub domain: String,
}

impl Email {
    /// Reads an address; none when there is no @ between two texts.
    pub fn read(text: &str) -> Option<Self> {
        let lower = text.trim().to_lowercase();
        let (local, domain) = lower.rsplit_once('@')?;
        let domain = domain.trim_end_matches('.');
        let plain = local.split('+').next().unwrap_or(local);
        if plain.is_empty() || domain.is_empty() {
            return None;
        }
        let dotless = DOTLESS.contains(&domain);
        let local = if dotless { plain.replace('.', "") } else { plain.to_owned() };
        let domain = if dotless { "gmail.com" } else { domain };
        Some(Self { local, domain: domain.to_owned() })
    }

    /// The address under which this mailbox is known.
    pub fn canonical(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }
}

/// Digits of a telephone number with a country in front, as E.164 without its plus.
///
/// `country` is the code (`44`) of numbers that are written without one. None below six digits.
pub fn phone(text: &str, country: &str) -> Option<String> {
    let text = text.trim();
    let head = text.split(['x', 'X', ';', ',']).next().unwrap_or(text);
    let plus = head.trim_start_matches(['(', ' ']).starts_with('+');
    let digits: String = head.chars().filter(char::is_ascii_digit).collect();
    let full = if plus {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else if let Some(rest) = digits.strip_prefix('0') {
        format!("{country}{rest}")
    } else if digits.starts_with(country) && digits.len() > 10 {
        digits
    } else {
        format!("{country}{digits}")
    };
    // +44 (0)1633 .. keeps the zero of the trunk.
    let full = match full.strip_prefix(country) {
        Some(rest) => format!("{country}{}", rest.trim_start_matches('0')),
        None => full,
    };
    (full.len() >= country.len() + 6).then_some(full)
}

/// A postcode without spaces, in lower case.
pub fn postcode(text: &str) -> String {
    fold(text).replace(' ', "")
}

/// The part of a postcode that names a neighbourhood: a British one without its last two letters, else all but the last.
pub fn sector(postcode: &str) -> &str {
    let last = postcode.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    let british = last == 2 && postcode.len() >= 5 && postcode.is_ascii();
    let keep = if british { postcode.len() - 2 } else { postcode.len().saturating_sub(1) };
    postcode.get(..keep).unwrap_or(postcode)
}

/// A street and its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Street {
    /// The number of the house, with its letter: `12a`.
    pub number: String,
    /// The name of the street, kinds of street in their short form: `castle rd`.
    pub name: String,
}

impl Street {
    /// Reads the lines of an address; the first word that begins with a digit is the number.
    pub fn read(text: &str) -> Self {
        let folded = fold(text);
        let mut street = Self::default();
        for word in folded.split(' ').filter(|word| !word.is_empty()) {
            if street.number.is_empty() && word.starts_with(|c: char| c.is_ascii_digit()) {
                word.clone_into(&mut street.number);
                continue;
            }
            if !street.name.is_empty() {
                street.name.push(' ');
            }
            street.name.push_str(short(word));
        }
        street
    }
}

/// Kinds of street as the post abbreviates them; a plural keeps its s.
fn short(word: &str) -> &str {
    match word {
        "street" | "str" | "saint" => "st",
        "streets" => "sts",
        "road" => "rd",
        "roads" => "rds",
        "avenue" | "av" => "ave",
        "lane" => "ln",
        "drive" => "dr",
        "drives" => "drs",
        "close" => "cl",
        "court" | "crt" => "ct",
        "place" => "pl",
        "crescent" | "cresc" => "cres",
        "gardens" => "gdns",
        "square" => "sq",
        "squares" => "sqs",
        "terrace" => "ter",
        "grove" => "gr",
        "circuit" => "cct",
        "parade" => "pde",
        "highway" => "hwy",
        "parkway" => "pkwy",
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "apartment" | "apt" | "flat" | "unit" => "flat",
        other => other,
    }
}

/// What is left of an organisation's name without its legal form, the words sorted.
pub fn organisation(text: &str) -> String {
    let folded = fold(&text.replace('&', " and "));
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty() && !is_form(word)).collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() { folded } else { words.join(" ") }
}

fn is_form(word: &str) -> bool {
    matches!(
        word,
        "ltd"
            | "limited"
            | "plc"
            | "llp"
            | "llc"
            | "inc"
            | "incorporated"
            | "co"
            | "company"
            | "corp"
            | "gmbh"
            | "cic"
            | "cio"
            | "and"
            | "the"
            | "of"
            | "group"
            | "holdings"
            | "sons"
            | "uk"
            | "trust"
            | "foundation"
            | "charity"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_address() {
        for (text, canonical) in [
            ("Renee.Frances+donate@GMAIL.com", Some("reneefrances@gmail.com")),
            ("reneefrances@googlemail.com", Some("reneefrances@gmail.com")),
            ("j.smith@sky.com", Some("j.smith@sky.com")),
            ("+a@b.c", None),
            ("nobody", None),
            ("", None),
        ] {
            assert_eq!(Email::read(text).map(|email| email.canonical()).as_deref(), canonical, "{text}");
        }
    }

    #[test]
    fn one_telephone_has_one_number() {
        for text in [
            "01633 700221",
            "+44 1633 700221",
            "0044 1633700221",
            "(01633) 700 221",
            "+44 (0)1633 700221",
            "441633700221",
        ] {
            assert_eq!(phone(text, "44").as_deref(), Some("441633700221"), "{text}");
        }
        assert_eq!(phone("none", "44"), None);
        assert_eq!(phone("+1 202 555 0117", "44").as_deref(), Some("12025550117"));
    }

    #[test]
    fn streets_and_postcodes_are_cut_where_people_cut_them() {
        let street = Street::read("Flat 2, 12a Castle Road");
        assert_eq!((street.number.as_str(), street.name.as_str()), ("2", "flat 12a castle rd"));
        assert_eq!(Street::read("46 Wallis Manor").number, "46");
        assert_eq!(sector(&postcode("SW20 5ZA")), "sw205");
        assert_eq!(sector(&postcode("4814")), "481");
        assert_eq!(sector(""), "");
        assert_eq!(organisation("The Brown & Sons Ltd"), organisation("brown limited"));
    }
}
