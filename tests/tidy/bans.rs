//! What may be named in some rooms only (the store's engine, the clock, chance, sleep), and what may
//! be written nowhere (skipped tests, unfinished code, panics without a reason).

use crate::lex::Kind;
use crate::source::{Finding, Source, clean, fires};
use crate::tree::{Tree, collect, root};

/// Crates that one room each is made around: (crate, rooms, what others do).
const CRATES: &[(&str, &[&str], &str)] = &[
    ("redb", &["src/store"], "ask the store"),
    ("tantivy", &["src/search"], "ask search"),
    ("reqwest", &["src/rails", "src/app"], "what goes out goes through a rail"),
    ("axum", &["src/faces", "src/sim", "src/app"], "HTTP ends at the faces: hand in values"),
];

/// The clock and the dice live in one file; everybody else gets a `World` or a value.
const WORLD: &[&str] = &["src/sys.rs"];

/// Tests that may look at the real clock and wait: (room, reason). Everything else runs on our own clock.
const REAL_TIME: &[(&str, &str)] = &[
    (
        "tests/it/process",
        "starts the real binary over loopback and waits for a child process, which knows no fake clock",
    ),
    ("benches", "measures elapsed time; that is its purpose"),
];

/// `a::b` as the end of a path, and single words.
const CLOCK_AND_DICE: &[&[&str]] = &[
    &["SystemTime", "::", "now"],
    &["Instant", "::", "now"],
    &["Timestamp", "::", "now"],
    &["Zoned", "::", "now"],
    &["Uuid", "::", "new_v4"],
    &["Uuid", "::", "now_v7"],
    &["rand", "::", "rng"],
    &["rand", "::", "random"],
    &["getrandom"],
    &["thread_rng"],
    &["ThreadRng"],
    &["OsRng"],
    &["SysRng"],
    &["from_os_rng"],
    &["fastrand"],
];

fn foreign_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("src/") {
        for (name, rooms, instead) in CRATES.iter().filter(|(_, rooms, _)| !source.within(rooms)) {
            let spots = (0..source.code.len()).filter(|i| source.at(*i) == *name && source.is_ident(*i));
            let says = format!("`{name}` is named under {} only: {instead}", rooms.join(", "));
            findings.extend(spots.map(|i| source.finding(i, says.clone())));
        }
    }
    findings
}

/// Writes go through the store's writer; the faces never hold it.
fn writes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("src/").filter(|s| !s.within(&["src/store"])) {
        let face = source.within(&["src/faces"]);
        for i in (0..source.code.len()).filter(|i| source.is_ident(*i)) {
            let says = match source.at(i) {
                "WriteTransaction" | "begin_write" => "only the store opens a transaction: return `Changes`",
                "Writer" if face => "a face holds no writer: ask the desk",
                "write" if face && on_the_store(source, i) => "a face writes nothing: ask the desk",
                _ => continue,
            };
            findings.push(source.finding(i, says));
        }
    }
    findings
}

/// A route becomes one in the place that puts a guard before it, and nowhere else.
fn unguarded_routes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.under("src/faces").filter(|s| !s.within(&["src/faces/http/routes.rs"])) {
        for i in 1..source.code.len() {
            let serves =
                matches!(source.at(i), "route" | "route_service" | "nest_service" | "fallback_service");
            if serves && source.is_ident(i) && source.before(i) == "." {
                let says = "a route is served without a right: put it into the list of src/faces/http.rs";
                findings.push(source.finding(i, says));
            }
        }
    }
    findings
}

/// `store.write`, `store().write`, `self.store.write`, `Store::write`.
fn on_the_store(source: &Source, i: usize) -> bool {
    let Some(mut owner) = i.checked_sub(2) else { return false };
    if source.at(owner) == ")" {
        owner = owner.saturating_sub(2);
    }
    matches!(source.before(i), "." | "::") && matches!(source.at(owner), "store" | "Store")
}

/// Finds `words` at `i`, or spread over a `use` group: `rand::{rng, Rng}`.
fn names(source: &Source, i: usize, words: &[&str]) -> bool {
    if source.reads(i, words) {
        return source.is_ident(i);
    }
    let [first, separator, last] = words else { return false };
    if !source.reads(i, &[first, separator, "{"]) {
        return false;
    }
    (i + 3..source.close(i + 2)).any(|j| source.at(j) == *last && matches!(source.before(j), "{" | ","))
}

fn clock_and_dice(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let real_time: Vec<&str> = REAL_TIME.iter().map(|(room, _)| *room).collect();
    for source in tree.files.values().filter(|s| !s.within(WORLD) && !s.within(&real_time)) {
        for i in 0..source.code.len() {
            if let Some(words) = CLOCK_AND_DICE.iter().find(|words| names(source, i, words)) {
                let says = format!(
                    "`{}` outside src/sys.rs: take the time or the bytes from the `World`",
                    words.concat()
                );
                findings.push(source.finding(i, says));
            }
        }
    }
    findings
}

fn sleeps(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let real_time: Vec<&str> = REAL_TIME.iter().map(|(room, _)| *room).collect();
    for source in tree.files.values() {
        if source.within(&["src/sys.rs", "src/runs/supervisor"]) || source.within(&real_time) {
            continue;
        }
        let sleeping = |i: &usize| {
            let named =
                matches!(source.at(*i), "sleep" | "sleep_until" | "park_timeout") && source.is_ident(*i);
            named && source.before(*i) != "fn" && (source.at(i + 1) == "(" || source.before(*i) == "::")
        };
        let says =
            "nothing sleeps here: in src return when to wake to the supervisor, in tests move the clock";
        findings.extend((0..source.code.len()).filter(sleeping).map(|i| source.finding(i, says)));
    }
    findings
}

fn ignored_tests(tree: &Tree, pages: &[(String, String)]) -> Vec<Finding> {
    const SKIPS: &[&str] =
        &["test.skip", "it.skip", "describe.skip", "test.fixme", "test.todo", ".only(", "xit(", "xdescribe("];
    let mut findings = Vec::new();
    for source in tree.files.values() {
        for i in (0..source.code.len()).filter(|i| source.reads(*i, &["#", "["])) {
            let conditional = source.at(i + 2) == "cfg_attr";
            let range = i + 2..if conditional { source.close(i + 1) } else { i + 3 };
            if range.into_iter().any(|j| source.at(j) == "ignore" && source.is_ident(j)) {
                findings.push(source.finding(i, "an ignored test proves nothing: mend it or delete it"));
            }
        }
    }
    for (file, text) in pages {
        for (number, line) in text.lines().enumerate() {
            if let Some(skip) = SKIPS.iter().find(|skip| stands_alone(line, skip)) {
                let says = format!("`{skip}` leaves tests out: mend the test or delete it");
                findings.push(Finding { file: file.clone(), line: number + 1, says });
            }
        }
    }
    findings
}

/// `word` in `line`, and not as the tail of a longer word (`exit(` isn't `xit(`).
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        word.starts_with('.') || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn unfinished(tree: &Tree, pages: &[(String, String)]) -> Vec<Finding> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let says = "unfinished: do it now, or file an issue and delete the mark";
    let mut findings = Vec::new();
    for source in tree.files.values() {
        let calls = (0..source.code.len()).filter(|i| {
            let named = matches!(source.at(*i), "todo" | "unimplemented" | "dbg") && source.is_ident(*i);
            named && source.at(i + 1) == "!" && source.at(i + 2) != "="
        });
        findings.extend(calls.map(|i| source.finding(i, says)));
        for comment in &source.comments {
            if marks.iter().any(|mark| source.text[comment.start..comment.end].contains(mark)) {
                findings.push(Finding {
                    file: source.path.clone(),
                    line: comment.line,
                    says: says.to_owned(),
                });
            }
        }
    }
    for (file, text) in pages {
        let lines =
            text.lines().enumerate().filter(|(_, line)| marks.iter().any(|mark| stands_alone(line, mark)));
        findings.extend(lines.map(|(n, _)| Finding {
            file: file.clone(),
            line: n + 1,
            says: says.to_owned(),
        }));
    }
    findings
}

/// One `expect` for each this many lines of `src`, besides the first.
const LINES_AN_EXPECT: usize = 1000;

fn panics(tree: &Tree) -> Vec<Finding> {
    let (mut findings, mut expects, mut lines) = (Vec::new(), Vec::new(), 0);
    for source in tree.under("src/") {
        lines += lines_of_code(source);
        for i in (1..source.code.len()).filter(|i| !source.in_test(*i) && source.is_ident(*i)) {
            let method = matches!(source.before(i), "." | "::");
            match source.at(i) {
                "unwrap" | "unwrap_err" if method => {
                    findings.push(source.finding(i, "`unwrap` gives no reason: return an error"));
                }
                "expect" | "expect_err" if method => {
                    expects.push(source.finding(i, "over the budget of `expect`: return an error"));
                    if !has_reason(source, i + 2) {
                        findings.push(
                            source.finding(i, "say in three words or more why this `expect` cannot fail"),
                        );
                    }
                }
                _ => {}
            }
        }
    }
    let budget = 1 + lines / LINES_AN_EXPECT;
    findings.extend(expects.into_iter().skip(budget));
    findings
}

fn lines_of_code(source: &Source) -> usize {
    let mut lines: Vec<usize> =
        (0..source.code.len()).filter(|i| !source.in_test(*i)).map(|i| source.line(i)).collect();
    lines.dedup();
    lines.len()
}

fn has_reason(source: &Source, i: usize) -> bool {
    let words = source.at(i).trim_matches('"').split_whitespace().count();
    source.code.get(i).is_some_and(|t| t.kind == Kind::Text) && words >= 3
}

/// What the browser runs and what tests it.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for room in ["ui/src", "ui/tests", "tests/e2e"] {
        collect(&root(), room, &["js", "mjs", "ts", "svelte"], &mut pages);
    }
    pages
}

#[test]
fn each_engine_has_one_room() {
    clean("an engine is named in its room only", &foreign_crates(Tree::ours()));
}

#[test]
fn faces_never_write() {
    clean("one writer, behind the desk", &writes(Tree::ours()));
    clean("every route has a right", &unguarded_routes(Tree::ours()));
}

#[test]
fn time_and_chance_come_from_the_world() {
    clean("the clock and the dice are handed in", &clock_and_dice(Tree::ours()));
}

#[test]
fn nothing_sleeps() {
    clean("waiting is the supervisor's", &sleeps(Tree::ours()));
}

#[test]
fn no_test_is_left_out() {
    clean("every test runs", &ignored_tests(Tree::ours(), &pages()));
}

#[test]
fn nothing_is_left_unfinished() {
    clean("what is here is done", &unfinished(Tree::ours(), &pages()));
}

#[test]
fn panics_have_reasons() {
    clean("outside tests nothing unwraps", &panics(Tree::ours()));
}

#[test]
fn engines_and_writes_can_fail() {
    let text = "use redb::Database;\nuse tantivy::Index;\nuse reqwest::Client;\nuse axum::Router;\n// redb\nlet s = \"redb\";";
    let tree = Tree::sample(&[("src/store/a.rs", text), ("src/rails/a.rs", text), ("src/app.rs", text)]);
    let found = foreign_crates(&tree);
    let lines = |file: &str| found.iter().filter(|f| f.file == file).map(|f| f.line).collect::<Vec<_>>();
    assert_eq!(lines("src/store/a.rs"), [2, 3, 4]);
    assert_eq!(lines("src/rails/a.rs"), [1, 2, 4]);
    assert_eq!(lines("src/app.rs"), [1, 2]);
    let text = "let t: WriteTransaction = db.begin_write();\nself.store.write(x);\nstore().write(x);\nlet w: Writer;\nlock.write();";
    let tree = Tree::sample(&[("src/store/a.rs", text), ("src/desk/a.rs", text), ("src/faces/a.rs", text)]);
    let faces = [1, 1, 2, 3, 4].map(|line| ("src/faces/a.rs", line));
    fires(&writes(&tree), &[&[("src/desk/a.rs", 1), ("src/desk/a.rs", 1)][..], &faces].concat());
}

#[test]
fn unguarded_routes_can_fail() {
    let text = "Router::new()\n.route(\"/a\", get(a))\n.route_service(\"/b\", b);\nlet route = 1;\nx.route_layer(g);";
    let tree = Tree::sample(&[
        ("src/faces/http/a.rs", text),
        ("src/faces/http/routes.rs", text),
        ("src/sim/a.rs", text),
    ]);
    fires(&unguarded_routes(&tree), &[2, 3].map(|line| ("src/faces/http/a.rs", line)));
}

#[test]
fn clock_dice_and_sleep_can_fail() {
    let text = "let a = Instant::now();\nstd::time::SystemTime::now();\njiff::Timestamp::now();\nZoned::now();\n\
                Uuid::new_v4();\nrand::{Rng, rng};\ngetrandom::fill(b);\nuse rand::rng;\nlet s = \"Instant::now\";\n\
                ChaCha8Rng::seed_from_u64(1);\nUuid::now_v7;";
    let tree = Tree::sample(&[("src/sys.rs", text), ("src/a.rs", text), ("tests/it/process/a.rs", text)]);
    fires(&clock_and_dice(&tree), &[1, 2, 3, 4, 5, 6, 7, 8, 11].map(|line| ("src/a.rs", line)));
    let tree = Tree::sample(&[("tests/it/a.rs", "let a = Instant::now();")]);
    fires(&clock_and_dice(&tree), &[("tests/it/a.rs", 1)]);

    let text = "use tokio::time::sleep;\nsleep(a).await;\nclock.sleep(b);\nfn sleep() {}\nlet sleep = 1;\nthread::sleep(c);";
    let files =
        ["src/sys.rs", "src/runs/supervisor.rs", "src/rails/a.rs", "tests/it/a.rs", "tests/it/process/a.rs"];
    let tree = Tree::sample(&files.map(|file| (file, text)));
    let lines = |file| [1, 2, 3, 6].map(|line| (file, line));
    fires(&sleeps(&tree), &[lines("src/rails/a.rs"), lines("tests/it/a.rs")].concat());
}

#[test]
fn skipped_and_unfinished_can_fail() {
    let page = |text: &str| vec![("tests/e2e/a.mjs".to_owned(), text.to_owned())];
    let text = "#[ignore]\nfn a() {}\n#[test]\n#[ignore = \"slow\"]\nfn b() {}\n#[cfg_attr(x, ignore)]\nfn c() {}\n\
                #[cfg(ignore_me)]\n// #[ignore]\nfn d() {}";
    let tree = Tree::sample(&[("tests/it/a.rs", text)]);
    let js = page("test('a');\nit.skip('b');\nprocess.exit(1);\ndescribe.only('c');\nxit('d');\nfoo.only(1)");
    let rust = [1, 4, 6].map(|line| ("tests/it/a.rs", line));
    let skipped = [2, 4, 5, 6].map(|line| ("tests/e2e/a.mjs", line));
    fires(&ignored_tests(&tree, &js), &[&rust[..], &skipped].concat());

    let text = format!(
        "todo!();\n// {} later\nlet x = \"todo!()\";\nunimplemented!();\ndbg!(x);\nlet todo = 1;",
        "TO".to_owned() + "DO"
    );
    let tree = Tree::sample(&[("src/a.rs", text.as_str())]);
    let js = page(&format!("// {}: x\nconst y = 'AUTODOOR'", "FIX".to_owned() + "ME"));
    let rust = [1, 4, 5, 2].map(|line| ("src/a.rs", line));
    fires(&unfinished(&tree, &js), &[&rust[..], &[("tests/e2e/a.mjs", 1)]].concat());
}

#[test]
fn panics_can_fail() {
    let text = "fn a() { b.unwrap(); }\nfn c() { d.expect(\"short one\"); }\nfn e() { f.expect(message); }\n\
                fn g() { h.expect(\"the writer outlives the store\").unwrap_or(1); }\n#[expect(dead_code)]\n\
                // x.unwrap()\n#[cfg(test)]\nmod tests { fn i() { j.unwrap(); k.expect(\"\"); } }";
    let tree = Tree::sample(&[("src/a.rs", text)]);
    fires(&panics(&tree), &[1, 2, 3, 3, 4].map(|line| ("src/a.rs", line)));
}
