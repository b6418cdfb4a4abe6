//! Cuts Rust source into tokens, so that no rule ever matches inside a comment or a string.
//! Understands nested comments, raw and byte strings, character literals beside lifetimes, raw
//! identifiers and numbers. It doesn't parse: the rules look at sequences of tokens.

/// What a token is. Comments are kept apart from code by [`lex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ident,
    Punct,
    Text,
    Char,
    Number,
    Lifetime,
    Comment,
}

/// A piece of the source: its bytes `start..end`, and the line (from 1) where it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: usize,
}

/// Splits `text` into (code, comments).
pub(crate) fn lex(text: &str) -> (Vec<Token>, Vec<Token>) {
    let bytes = text.as_bytes();
    let (mut code, mut comments) = (Vec::new(), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            line += usize::from(bytes[at] == b'\n');
            at += 1;
            continue;
        }
        let after_dot = code.last().is_some_and(|t: &Token| &text[t.start..t.end] == ".");
        let (kind, length) = token(&text[at..], after_dot);
        let end = at + length;
        let token = Token { kind, start: at, end, line };
        if kind == Kind::Comment {
            comments.push(token);
        } else {
            code.push(token);
        }
        line += text[at..end].matches('\n').count();
        at = end;
    }
    (code, comments)
}

/// Kind and length of the token that `rest` starts with.
fn token(rest: &str, after_dot: bool) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(length) = raw_string(rest).or_else(|| string(rest)) {
        return (Kind::Text, length);
    }
    if let Some(rest_of_char) = rest.strip_prefix("b'") {
        return (Kind::Char, 2 + until_quote(rest_of_char, '\''));
    }
    if let Some(inner) = rest.strip_prefix('\'') {
        let mut chars = inner.chars();
        let first = chars.next().unwrap_or('\'');
        if first == '\\' || chars.next() == Some('\'') {
            return (Kind::Char, 1 + until_quote(inner, '\''));
        }
        return (Kind::Lifetime, 1 + word(inner));
    }
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_ascii_digit() {
        return (Kind::Number, number(rest, after_dot));
    }
    if let Some(raw) = rest.strip_prefix("r#") {
        return (Kind::Ident, 2 + word(raw));
    }
    if is_word(first) {
        return (Kind::Ident, word(rest));
    }
    if ["::", "->", "=>", ".."].iter().any(|p| rest.starts_with(p)) {
        return (Kind::Punct, 2);
    }
    (Kind::Punct, first.len_utf8())
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn word(rest: &str) -> usize {
    rest.find(|c| !is_word(c)).unwrap_or(rest.len())
}

/// Block comments nest in Rust.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (at, depth) = (at + 2, depth + 1),
            b"*/" => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// `r"..."`, `r#"..."#`, and the same after `b` or `c`. `None` for a raw identifier.
fn raw_string(rest: &str) -> Option<usize> {
    let body =
        rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.bytes().take_while(|b| *b == b'#').count();
    let inner = body[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - inner.len();
    Some(inner.find(&closing).map_or(rest.len(), |found| start + found + closing.len()))
}

/// `"..."`, `b"..."`, `c"..."`.
fn string(rest: &str) -> Option<usize> {
    let inner = ["\"", "b\"", "c\""].iter().find_map(|open| rest.strip_prefix(open))?;
    Some(rest.len() - inner.len() + until_quote(inner, '"'))
}

/// Bytes up to and including the closing `quote`, which a backslash can hide.
fn until_quote(inner: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in inner.char_indices() {
        if c == quote && !hidden {
            return at + c.len_utf8();
        }
        hidden = c == '\\' && !hidden;
    }
    inner.len()
}

/// `12_000`, `0xff`, `1.5`, `1e-9`, `2f64`; but `0` in `pair.0.1`, and `1` in `1..9`.
fn number(rest: &str, after_dot: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut end = word(rest);
    if after_dot {
        return end;
    }
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + word(&rest[end + 1..]);
    }
    let exponent = !rest.starts_with("0x") && matches!(bytes[end - 1], b'e' | b'E');
    if exponent && matches!(bytes.get(end), Some(b'-' | b'+')) {
        end += 1 + word(&rest[end + 1..]);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{Kind, lex};

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        lex(text).0.iter().map(|t| (t.kind, &text[t.start..t.end])).collect()
    }

    #[test]
    fn comments_and_strings_hide_what_they_hold() {
        let text = "a /* b /* c */ d */ \"e \\\" f\" r#\"g \" h\"# b'\\'' 'i' 'j: k // l\nm";
        let idents: Vec<_> = cut(text).into_iter().filter(|t| t.0 == Kind::Ident).map(|t| t.1).collect();
        assert_eq!(idents, ["a", "k", "m"]);
        assert_eq!(lex(text).1.len(), 2, "two comments");
        assert_eq!(lex(text).0.last().map(|t| t.line), Some(2));
    }

    #[test]
    fn numbers_ranges_and_tuple_fields_are_told_apart() {
        let numbers = |text| -> Vec<String> {
            cut(text).iter().filter(|t| t.0 == Kind::Number).map(|t| t.1.to_owned()).collect()
        };
        assert_eq!(
            numbers("1..9 1.5 2f64 1e-9 0xe-1 x.0.1"),
            ["1", "9", "1.5", "2f64", "1e-9", "0xe", "1", "0", "1"]
        );
    }

    #[test]
    fn lifetimes_raw_identifiers_and_unicode_do_not_derail() {
        let text = "&'static str r#type 'ü' '\\u{1F600}' \"ü\" br\"\\\" c\"x\" z";
        assert_eq!(cut(text).last(), Some(&(Kind::Ident, "z")));
        assert_eq!(cut(text).iter().filter(|t| t.0 == Kind::Text).count(), 3);
        assert_eq!(cut(text).iter().filter(|t| t.0 == Kind::Lifetime).count(), 1);
    }
}
