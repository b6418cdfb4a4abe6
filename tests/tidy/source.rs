//! One file as the rules see it: its tokens, which of them are tests, the functions in it and the
//! files its `mod` lines call for. Also how a finding is told.

use crate::lex::{Kind, Token, lex};
use std::fmt;
use std::io::Write as _;

/// One place that breaks a rule, and what to do about it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.says)
    }
}

/// Fails the test with every finding, one a line.
pub(crate) fn clean(rule: &str, findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{} against the rule: {rule}\n  {}\n", list.len(), list.join("\n  "));
}

/// Something to know that fails nothing.
pub(crate) fn note(says: &str) {
    // Straight to standard error: the harness swallows what `println!` writes in a passing test.
    drop(writeln!(std::io::stderr(), "tidy: {says}"));
}

/// Proves that a rule can fail: it must find exactly these lines.
pub(crate) fn fires(findings: &[Finding], expected: &[(&str, usize)]) {
    let found: Vec<(&str, usize)> = findings.iter().map(|f| (f.file.as_str(), f.line)).collect();
    assert_eq!(found, expected, "\n{findings:#?}");
}

/// A file of Rust. Tokens are addressed by their index in `code`.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: Vec<Token>,
    pub(crate) comments: Vec<Token>,
    /// For every token: is it in a test (`#[cfg(test)]`, `#[test]`, or a file of tests)?
    test: Vec<bool>,
}

/// A function with a name: its size and how many arguments it takes (`self` included).
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
    pub(crate) arguments: usize,
}

/// `mod name;` in a file: where its file is to be looked for.
pub(crate) struct Child {
    pub(crate) candidates: Vec<String>,
    pub(crate) test: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = lex(text);
        let marks = vec![!path.starts_with("src/"); code.len()];
        let mut source = Self { path: path.to_owned(), text: text.to_owned(), code, comments, test: marks };
        source.mark_tests();
        source
    }

    /// The text of token `i`; empty past the end. A string keeps its quotes, so it never equals a word.
    pub(crate) fn at(&self, i: usize) -> &str {
        self.code.get(i).map_or("", |t| &self.text[t.start..t.end])
    }

    /// The token before `i`, or nothing at the start.
    pub(crate) fn before(&self, i: usize) -> &str {
        i.checked_sub(1).map_or("", |j| self.at(j))
    }

    pub(crate) fn line(&self, i: usize) -> usize {
        self.code.get(i).map_or(0, |t| t.line)
    }

    pub(crate) fn is_ident(&self, i: usize) -> bool {
        self.code.get(i).is_some_and(|t| t.kind == Kind::Ident)
    }

    pub(crate) fn in_test(&self, i: usize) -> bool {
        self.test.get(i).copied().unwrap_or(false)
    }

    pub(crate) fn mark_all_test(&mut self) {
        self.test.fill(true);
    }

    /// Does the sequence `words` start at token `i`?
    pub(crate) fn reads(&self, i: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.at(i + n) == *word)
    }

    pub(crate) fn finding(&self, i: usize, says: impl Into<String>) -> Finding {
        Finding { file: self.path.clone(), line: self.line(i), says: says.into() }
    }

    /// Is this file in one of `rooms`? `src/store` is a room (file or folder), `src/sys.rs` one file.
    pub(crate) fn within(&self, rooms: &[&str]) -> bool {
        rooms.iter().any(|room| {
            let rest = self.path.strip_prefix(room);
            rest.is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
        })
    }

    /// The index of the bracket that closes the one at `open`.
    pub(crate) fn close(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for i in open..self.code.len() {
            match self.at(i) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return i;
            }
        }
        self.code.len().saturating_sub(1)
    }

    /// Where the item that starts at `i` ends: its `;`, the brace that closes its body, or, when it
    /// is a field or a variant, its comma.
    fn end_of_item(&self, mut i: usize) -> usize {
        const ITEMS: &[&str] = &[
            "async", "const", "enum", "extern", "fn", "impl", "let", "mod", "static", "struct", "trait",
            "type", "union", "unsafe", "use",
        ];
        if self.at(i) == "pub" {
            i = if self.at(i + 1) == "(" { self.close(i + 1) + 1 } else { i + 1 };
        }
        let has_commas = ITEMS.contains(&self.at(i)) || self.before(i) == ")";
        while i < self.code.len() {
            match self.at(i) {
                ";" => return i,
                "," if !has_commas => return i,
                ")" | "]" | "}" => return i.saturating_sub(1),
                "{" => return self.close(i),
                "(" | "[" => i = self.close(i),
                _ => {}
            }
            i += 1;
        }
        self.code.len().saturating_sub(1)
    }

    /// `#[cfg(test)]` (also within `all(..)` or `any(..)`, not within `not(..)`), `#[test]`, `#[x::test]`.
    fn is_test_attribute(&self, open: usize, close: usize) -> bool {
        let whole = (open..close).any(|i| self.at(i) == "test" && matches!(self.before(i), "[" | "::"));
        let negated = (open..close).any(|i| self.reads(i, &["not", "(", "test", ")"]));
        let named = (open..close).any(|i| self.at(i) == "test" && self.is_ident(i));
        whole || (self.at(open + 1) == "cfg" && named && !negated)
    }

    fn mark_tests(&mut self) {
        let mut i = 0;
        while i < self.code.len() {
            let inner = self.reads(i, &["#", "!", "["]);
            if !inner && !self.reads(i, &["#", "["]) {
                i += 1;
                continue;
            }
            let open = i + 1 + usize::from(inner);
            let close = self.close(open);
            if !self.is_test_attribute(open, close) {
                i = close + 1;
            } else if inner {
                self.mark_all_test();
                return;
            } else {
                let mut item = close + 1;
                while self.reads(item, &["#", "["]) {
                    item = self.close(item + 1) + 1;
                }
                let end = self.end_of_item(item);
                self.test[i..=end].fill(true);
                i = close + 1;
            }
        }
    }

    /// All functions that have a name and a body, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let starts = (0..self.code.len()).filter(|i| self.at(*i) == "fn" && self.is_ident(i + 1));
        starts.filter_map(|i| self.function(i)).collect()
    }

    fn function(&self, start: usize) -> Option<Function> {
        let mut i = start + 2;
        let mut angles = 0_usize;
        while self.at(i) != "(" || angles > 0 {
            match self.at(i) {
                "" => return None,
                "<" => angles += 1,
                ">" => angles = angles.saturating_sub(1),
                _ => {}
            }
            i += 1;
        }
        let close = self.close(i);
        let end = self.end_of_item(close + 1); // the `)` before it says: commas belong to it
        let arguments = self.arguments(i + 1, close);
        let lines = self.line(end) - self.line(start) + 1;
        let body = self.at(end) == "}";
        body.then(|| Function {
            name: self.at(start + 1).to_owned(),
            line: self.line(start),
            lines,
            arguments,
        })
    }

    /// Counts what lies between the commas of an argument list.
    fn arguments(&self, mut i: usize, close: usize) -> usize {
        let (mut count, mut angles, mut empty) = (0, 0_usize, true);
        while i < close {
            match self.at(i) {
                "," if angles == 0 => (count, empty) = (count + usize::from(!empty), true),
                "<" => angles += 1,
                ">" => angles = angles.saturating_sub(1),
                "(" | "[" | "{" => (i, empty) = (self.close(i), false),
                _ => empty = false,
            }
            i += 1;
        }
        count + usize::from(!empty)
    }

    /// The files that this one's `mod name;` lines call for. `own_folder` holds its children.
    pub(crate) fn children(&self, own_folder: &str) -> Vec<Child> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut inline: Vec<(usize, String)> = Vec::new();
        let mut found = Vec::new();
        for i in 0..self.code.len() {
            inline.retain(|(close, _)| *close > i);
            if self.at(i) != "mod" || !self.is_ident(i + 1) {
                continue;
            }
            let name = self.at(i + 1).to_owned();
            if self.at(i + 2) == "{" {
                inline.push((self.close(i + 2), name));
            } else if self.at(i + 2) == ";" {
                let around = inline.iter().map(|(_, name)| name.as_str());
                let within: Vec<&str> =
                    std::iter::once(own_folder).chain(around).chain([name.as_str()]).collect();
                let base = within.join("/");
                let candidates = self.path_attribute(i).map_or_else(
                    || vec![format!("{base}.rs"), format!("{base}/mod.rs")],
                    |given| vec![flat(&format!("{folder}/{given}"))],
                );
                found.push(Child { candidates, test: self.in_test(i) });
            }
        }
        found
    }

    /// The value of a `#[path = ".."]` just before the item at `i` (behind its `pub`).
    fn path_attribute(&self, i: usize) -> Option<String> {
        let from = (0..i).rev().find(|j| matches!(self.at(*j), ";" | "}")).map_or(0, |j| j + 1);
        let at = (from..i).find(|j| self.reads(*j, &["#", "[", "path", "="]))?;
        Some(self.at(at + 4).trim_matches('"').to_owned())
    }
}

/// `a/b/../c` is `a/c`.
fn flat(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn tests_inside_a_file_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(not(test))]\nfn d() {}\n\
                    #[tokio::test]\n#[expect(x)]\nasync fn e() { f(); }\nfn g() {}";
        let source = Source::new("src/x.rs", text);
        let functions = (0..source.code.len()).filter(|i| source.before(*i) == "fn");
        let tests: Vec<&str> = functions.filter(|i| source.in_test(*i)).map(|i| source.at(i)).collect();
        assert_eq!(tests, ["b", "e"]);
    }

    #[test]
    fn functions_are_measured() {
        let text = "fn a<F: Fn(u8, u8) -> u8>(self, f: F, m: Map<A, B>, [x, y]: [u8; 2]) -> [u8; 2]\nwhere F: B,\n{\n}\n\
                    trait T { fn no_body(&self); }\ntype P = fn(u8);";
        let functions = Source::new("src/x.rs", text).functions();
        assert_eq!(functions.len(), 1);
        assert_eq!((functions[0].arguments, functions[0].lines), (4, 4));
    }
}
