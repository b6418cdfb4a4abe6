//! The bottom floor is pure: no waiting, no outside, no JSON trees, and money is never a float.

use crate::lex::Kind;
use crate::source::{Finding, Source, clean, fires};
use crate::tree::Tree;

/// Floats are the trade of scores only.
const SCORES: &[&str] = &["src/search", "src/ground/matching"];

/// Words that no file of `src/ground` holds, and what to do instead.
const NOT_IN_GROUND: &[(&[&str], &str)] = &[
    (&["async", "await", "Future", "tokio", "futures_util"], "ground never waits: decide here, call above"),
    (&["serde_json"], "ground knows no JSON trees: take typed values, parse at the edge"),
    (&["reqwest", "axum", "http", "tower"], "ground knows no network: take values"),
];

/// Modules of the standard library that reach outside.
const OUTSIDE: &[&str] = &["fs", "net", "io", "thread", "process", "env", "os"];

fn impure(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("src/ground") {
        for i in 0..source.code.len() {
            let banned = NOT_IN_GROUND.iter().find(|(words, _)| words.contains(&source.at(i)));
            if let Some((_, instead)) = banned.filter(|_| names_a_crate_or_keyword(source, i)) {
                findings.push(source.finding(i, format!("`{}`: {instead}", source.at(i))));
            }
            let outside = outside_std(source, i).into_iter();
            findings.extend(outside.map(|at| {
                let says = format!("`std::{}` reaches outside: ground takes and gives values", source.at(at));
                source.finding(at, says)
            }));
        }
    }
    findings
}

/// `http` is a crate in `http::X` and `use http;`, and any word elsewhere.
fn names_a_crate_or_keyword(source: &Source, i: usize) -> bool {
    let keyword = matches!(source.at(i), "async" | "await" | "Future");
    let in_use =
        matches!(source.before(i), "use" | "{" | ",") && matches!(source.at(i + 1), ";" | "as" | "," | "}");
    let root =
        source.before(i) != "::" || matches!(source.at(i.saturating_sub(2)), "use" | "(" | "=" | "&" | "<");
    keyword || (root && (source.at(i + 1) == "::" || (in_use && source.before(i) == "use")))
}

/// The tokens that name an outside module behind the `std` at `i`, also in a group: `std::{fs, io}`.
fn outside_std(source: &Source, i: usize) -> Vec<usize> {
    if !source.is_ident(i) || !matches!(source.at(i), "std" | "core") || source.at(i + 1) != "::" {
        return Vec::new();
    }
    if source.at(i + 2) != "{" {
        return Vec::from_iter(OUTSIDE.contains(&source.at(i + 2)).then_some(i + 2));
    }
    let group = i + 3..source.close(i + 2);
    group.filter(|j| OUTSIDE.contains(&source.at(*j)) && matches!(source.before(*j), "{" | ",")).collect()
}

fn is_float(source: &Source, i: usize) -> bool {
    let word = source.at(i);
    match source.code[i].kind {
        Kind::Ident => matches!(word, "f64" | "f32" | "as_f64" | "as_f32"),
        Kind::Number => {
            !word.starts_with("0x") && (word.contains('.') || word.ends_with("f64") || word.ends_with("f32"))
        }
        _ => false,
    }
}

/// Is this the name of an amount of money?
fn is_money(source: &Source, i: usize) -> bool {
    let word = source.at(i).to_lowercase();
    source.is_ident(i) && ["amount", "micros", "minor"].iter().any(|part| word.contains(part))
}

fn floats(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for source in tree.under("src/").filter(|s| !s.within(SCORES)) {
        let everywhere = source.within(&["src/ground"]);
        for i in (0..source.code.len()).filter(|i| is_float(source, *i)) {
            let line = source.line(i);
            let of_money = || (0..source.code.len()).any(|j| source.line(j) == line && is_money(source, j));
            if everywhere || of_money() {
                let says =
                    format!("`{}` is a float: money and rules are integers, rounding is named", source.at(i));
                findings.push(source.finding(i, says));
            }
        }
    }
    findings.dedup_by_key(|f| (f.file.clone(), f.line));
    findings
}

#[test]
fn ground_is_pure() {
    clean("ground decides, and cannot fail for outside reasons", &impure(Tree::ours()));
}

#[test]
fn money_is_never_a_float() {
    clean("an amount is an integer", &floats(Tree::ours()));
}

#[test]
fn ground_can_fail() {
    let text = "use std::collections::BTreeMap;\nuse std::fs;\nuse std::{fmt, io::Read};\nasync fn a() {}\n\
                fn b(v: serde_json::Value) {}\nuse tokio;\nfn c() { std::thread::spawn(d); }\n\
                mod http {}\nfn e(http: u8, r: super::http::X) {}\nfn f(r: http::Request) {}\n// async std::fs\n\
                const S: &str = \"tokio::x\";\nuse ::serde_json::Value;";
    let tree = Tree::sample(&[("src/ground/a.rs", text), ("src/rails/a.rs", text)]);
    let lines = [2, 3, 4, 5, 6, 7, 10, 13].map(|line| ("src/ground/a.rs", line));
    fires(&impure(&tree), &lines);
}

#[test]
fn floats_can_fail() {
    let tree = Tree::sample(&[
        ("src/ground/a.rs", "fn a(x: f64) {}\nfn b() { c(0.5); d(pair.0.1, 1..2); }"),
        ("src/ground/matching/a.rs", "fn a(x: f64) {}"),
        ("src/search/a.rs", "fn a(amount: f64) {}"),
        (
            "src/rails/a.rs",
            "fn a(share: f64) {}\nfn b(amount_minor: f64) {}\nlet micros = v.as_f64();\nlet m = 1.5 * minor;",
        ),
    ]);
    fires(
        &floats(&tree),
        &[
            ("src/ground/a.rs", 1),
            ("src/ground/a.rs", 2),
            ("src/rails/a.rs", 2),
            ("src/rails/a.rs", 3),
            ("src/rails/a.rs", 4),
        ],
    );
}
