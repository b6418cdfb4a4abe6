//! Sizes and upkeep: long functions (a ratchet: old ones may not grow), long files, many arguments,
//! files without a purpose on top, files that nothing leads to.

use crate::source::{Finding, Function, Source, clean, fires, note};
use crate::tree::Tree;

/// Functions over [`FUNCTION_LINES`] that were there before: (file, function, lines now).
/// A line here may be lowered or removed, never raised, and none is added: cut the function instead.
const LONG: &[(&str, &str, usize)] = &[];

const FUNCTION_LINES: usize = 70;
const FUNCTION_LINES_EVER: usize = 120;
const ARGUMENTS: usize = 6;
const FILE_LINES: usize = 600;
const FILE_LINES_NOTED: usize = 400;

/// Generated text and listings of wire formats are as long as they are.
fn may_be_long(source: &Source) -> bool {
    source.path.ends_with("/wire.rs") || source.path.ends_with("/generated.rs")
}

fn long_functions(tree: &Tree, known: &[(&str, &str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.files.values() {
        for function in source.functions() {
            let Function { name, line, lines, .. } = &function;
            let listed = known.iter().find(|k| k.0 == source.path && k.1 == *name).map(|k| k.2);
            let says = match listed {
                _ if *lines > FUNCTION_LINES_EVER => {
                    format!("`{name}` has {lines} lines, over {FUNCTION_LINES_EVER}: cut it")
                }
                Some(was) if *lines > was => format!("`{name}` grew from {was} to {lines} lines: cut it"),
                Some(was) if *lines < was && *lines > FUNCTION_LINES => {
                    format!(
                        "`{name}` shrank from {was} to {lines} lines: lower the ratchet in tests/tidy/shape.rs"
                    )
                }
                None if *lines > FUNCTION_LINES => {
                    format!("`{name}` has {lines} lines, over {FUNCTION_LINES}: cut it")
                }
                _ => continue,
            };
            findings.push(Finding { file: source.path.clone(), line: *line, says });
        }
    }
    for (file, name, _) in known {
        let functions = tree.files.get(*file).map(Source::functions).unwrap_or_default();
        if !functions.iter().any(|f| f.name == *name && f.lines > FUNCTION_LINES) {
            let says =
                format!("`{name}` is short or gone: remove it from the ratchet in tests/tidy/shape.rs");
            findings.push(Finding { file: (*file).to_owned(), line: 0, says });
        }
    }
    findings
}

fn many_arguments(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.files.values() {
        for Function { name, line, arguments, .. } in source.functions() {
            if arguments > ARGUMENTS {
                let says =
                    format!("`{name}` takes {arguments} arguments, over {ARGUMENTS}: group them in a struct");
                findings.push(Finding { file: source.path.clone(), line, says });
            }
        }
    }
    findings
}

fn long_files(tree: &Tree, limit: usize) -> Vec<Finding> {
    let counted = tree.files.values().map(|s| (s, s.text.lines().count()));
    let long = counted.filter(|(source, lines)| *lines > limit && !may_be_long(source));
    let says = |lines| format!("{lines} lines, over {limit}: a room is one purpose, split it by purposes");
    long.map(|(source, lines)| Finding { file: source.path.clone(), line: lines, says: says(lines) })
        .collect()
}

fn no_purpose(tree: &Tree) -> Vec<Finding> {
    let without = tree.files.values().filter(|s| !s.text.trim_start().starts_with("//!"));
    let says = "begin the file with `//!`: what it is for, in a sentence".to_owned();
    without.map(|s| Finding { file: s.path.clone(), line: 1, says: says.clone() }).collect()
}

fn dead_files(tree: &Tree) -> Vec<Finding> {
    let says = "no `mod` line leads here, so it is never compiled: declare it or delete it".to_owned();
    tree.unreached.iter().map(|file| Finding { file: file.clone(), line: 1, says: says.clone() }).collect()
}

/// `#[path]` and `include!` would make the module tree differ from the folders that the floors go by.
fn odd_modules(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("src/") {
        let odd = |i: &usize| {
            source.reads(*i, &["#", "[", "path"])
                || (source.reads(*i, &["include", "!"]) && source.is_ident(*i))
        };
        let spots = (0..source.code.len()).filter(odd);
        findings.extend(
            spots.map(|i| source.finding(i, "put the module where its name says, as a plain `mod name;`")),
        );
    }
    findings
}

/// The value below which `share` per cent of the sorted `sizes` lie.
fn percentile(sizes: &[usize], share: usize) -> usize {
    sizes.get(sizes.len() * share / 100).copied().unwrap_or(0)
}

#[test]
fn functions_stay_short() {
    let tree = Tree::ours();
    let mut sizes: Vec<usize> = tree.under("src/").flat_map(Source::functions).map(|f| f.lines).collect();
    sizes.sort_unstable();
    let (median, p90) = (percentile(&sizes, 50), percentile(&sizes, 90));
    note(&format!("{} functions in src: median {median} lines (aim 9), p90 {p90} (aim 36)", sizes.len()));
    clean("a function fits on a screen", &long_functions(tree, LONG));
}

#[test]
fn argument_lists_stay_short() {
    clean("a function takes what can be kept in mind", &many_arguments(Tree::ours()));
}

#[test]
fn files_stay_short() {
    for finding in long_files(Tree::ours(), FILE_LINES_NOTED) {
        note(&format!("{} has grown to {} lines", finding.file, finding.line));
    }
    clean("a file is one purpose", &long_files(Tree::ours(), FILE_LINES));
}

#[test]
fn files_say_what_they_are_for() {
    clean("a file begins with its purpose", &no_purpose(Tree::ours()));
}

#[test]
fn no_file_is_dead() {
    clean("every file is compiled", &dead_files(Tree::ours()));
}

#[test]
fn modules_lie_where_their_names_say() {
    clean("folders are modules", &odd_modules(Tree::ours()));
}

#[test]
fn the_ratchet_can_fail() {
    let long = |name: &str, lines: usize| format!("fn {name}() {{{}}}\n", "\n".repeat(lines - 1));
    let text = format!("{}{}{}", long("a", 71), long("b", 80), long("c", 70));
    let tree = Tree::sample(&[("src/x.rs", text.as_str()), ("src/y.rs", &long("d", 121))]);
    fires(&long_functions(&tree, &[("src/x.rs", "b", 80)]), &[("src/x.rs", 1), ("src/y.rs", 1)]);
    let grown_shrunk =
        [("src/x.rs", "a", 72), ("src/x.rs", "b", 79), ("src/x.rs", "c", 75), ("src/y.rs", "d", 130)];
    fires(
        &long_functions(&tree, &grown_shrunk),
        &[("src/x.rs", 1), ("src/x.rs", 72), ("src/y.rs", 1), ("src/x.rs", 0)],
    );
    let gone = long_functions(&tree, &[("src/x.rs", "a", 71), ("src/x.rs", "b", 80), ("src/z.rs", "e", 99)]);
    fires(&gone, &[("src/y.rs", 1), ("src/z.rs", 0)]);
}

#[test]
fn the_other_shapes_can_fail() {
    let arguments = "fn six(&self, b: u8, c: u8, d: M<A, B>, e: (u8, u8), f: u8) {}\n\
                     fn seven(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {}";
    let tree = Tree::sample(&[("src/lib.rs", arguments)]);
    fires(&many_arguments(&tree), &[("src/lib.rs", 2)]);
    fires(&no_purpose(&tree), &[("src/lib.rs", 1)]);
    let tree = Tree::sample(&[("src/lib.rs", "//! Purpose.\n\n\n"), ("src/wire.rs", "\n\n\n")]);
    fires(&long_files(&tree, 2), &[("src/lib.rs", 3)]);
    let tree = Tree::sample(&[
        ("src/lib.rs", "mod a;\n// mod b;\nconst S: &str = \"mod b;\";"),
        ("src/a.rs", "mod c;"),
        ("src/a/c.rs", "#[path = \"x.rs\"]\nmod d;\ninclude!(\"e.rs\");"),
        ("src/b.rs", ""),
    ]);
    fires(&dead_files(&tree), &[("src/b.rs", 1)]);
    fires(&odd_modules(&tree), &[("src/a/c.rs", 1), ("src/a/c.rs", 3)]);
}
