//! How far two words are from each other, and how they sound.

/// Longest word compared, in characters.
const WORD_MAX: usize = 40;

/// The number of single mistakes (a letter wrong, missing, too many, or two exchanged) between two words, or `limit + 1`
/// when there are more.
pub fn mistakes(left: &str, right: &str, limit: usize) -> usize {
    if left == right {
        return 0;
    }
    if left.len().abs_diff(right.len()) > limit * 4 {
        return limit + 1;
    }
    let (left, right) = (Letters::of(left), Letters::of(right));
    let (left, right) = (left.trimmed(), right.trimmed());
    if left.len().abs_diff(right.len()) > limit {
        return limit + 1;
    }
    distance(left, right, limit)
}

/// Characters of a word, on the stack.
struct Letters {
    chars: [char; WORD_MAX],
    count: usize,
}

impl Letters {
    fn of(word: &str) -> Self {
        let mut letters = Self { chars: ['\0'; WORD_MAX], count: 0 };
        for (place, c) in letters.chars.iter_mut().zip(word.chars()) {
            *place = c;
            letters.count += 1;
        }
        letters
    }

    fn trimmed(&self) -> &[char] {
        &self.chars[..self.count]
    }
}

/// Optimal string alignment, three rows.
fn distance(left: &[char], right: &[char], limit: usize) -> usize {
    let mut before = [0usize; WORD_MAX + 1];
    let mut last = [0usize; WORD_MAX + 1];
    let mut row = [0usize; WORD_MAX + 1];
    for (at, place) in last.iter_mut().enumerate() {
        *place = at;
    }
    for (i, a) in left.iter().enumerate() {
        row[0] = i + 1;
        let mut fewest = row[0];
        for (j, b) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
            fewest = fewest.min(best);
        }
        if fewest > limit {
            return limit + 1;
        }
        before = last;
        last = row;
    }
    last[right.len()].min(limit + 1)
}

/// How an English word sounds, roughly: letters that sound alike are one, vowels count only at the beginning.
///
/// A word of another script is its own sound.
pub fn sound(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    let word = word
        .replace("ph", "f")
        .replace("ght", "t")
        .replace("kn", "n")
        .replace("wr", "r")
        .replace("mc", "mac");
    let mut out = String::with_capacity(6);
    let mut last = '\0';
    for (at, c) in word.chars().enumerate() {
        let code = sound_of(c);
        if at == 0 {
            out.push(if code == '\0' { 'a' } else { code });
        } else if code != '\0' && code != last {
            out.push(code);
        }
        if c != 'h' && c != 'w' {
            last = code;
        }
        if out.len() == 5 {
            break;
        }
    }
    out
}

const fn sound_of(c: char) -> char {
    match c {
        'b' | 'p' => 'b',
        'f' | 'v' => 'f',
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => 's',
        'd' | 't' => 'd',
        'l' => 'l',
        'm' | 'n' => 'm',
        'r' => 'r',
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w' => '\0',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted_once_each() {
        for (left, right, count) in [
            ("patel", "patrl", 1),
            ("amy", "aym", 1),
            ("todd", "toddd", 1),
            ("kaiser", "keyser", 2),
            ("smith", "jones", 3),
            ("", "ab", 2),
            ("иванов", "иванова", 1),
        ] {
            assert_eq!(mistakes(left, right, 2), count, "{left} {right}");
            assert_eq!(mistakes(right, left, 2), count, "{right} {left}");
        }
    }

    #[test]
    fn what_sounds_alike_has_one_sound() {
        for (left, right) in
            [("catherine", "katherine"), ("stephen", "stefen"), ("clark", "clarke"), ("sara", "sarah")]
        {
            assert_eq!(sound(left)[1..], sound(right)[1..], "{left} {right}");
        }
        assert_ne!(sound("smith"), sound("jones"));
        assert_ne!(sound("李"), sound("王"));
    }
}
