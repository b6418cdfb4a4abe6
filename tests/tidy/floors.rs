//! An import never goes up: which floor may name which, over every path in `src/`.
//! Seen are `use` trees with nested groups, `pub use`, fully qualified paths in code, `super::`
//! chains that climb out of a floor, `almoner::` for `crate::`, and what `lib.rs` passes on.

use crate::source::{Finding, Source, clean, fires};
use crate::tree::Tree;
use std::collections::BTreeMap;

/// What each floor may name besides itself, from bottom to top. `*` is everything.
/// The reasons are in `docs/ARCHITECTURE.md`; change them there first.
const FLOORS: &[(&str, &[&str])] = &[
    ("ground", &[]),
    ("store", &["ground"]),
    ("search", &["ground", "store"]),
    ("rails", &["ground"]),
    ("desk", &["ground", "store", "search"]),
    ("runs", &["ground", "store", "search", "rails"]),
    ("faces", &["ground", "store", "search", "desk"]),
    ("faces/http", &["faces", "ground", "store", "search", "desk"]),
    (
        "faces/cli",
        &["faces", "ground", "store", "search", "desk", "sim", "config", "app", "sys", "telemetry"],
    ),
    ("sim", &["ground::money"]),
    ("sys", &["ground"]),
    ("config", &["ground"]),
    ("telemetry", &["ground"]),
    ("app", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// The floor of a file, or `None` when it lies in no room of the house.
fn floor_of(path: &str) -> Option<&'static str> {
    let inside = path.strip_prefix("src/")?.trim_end_matches(".rs");
    let rooms = FLOORS.iter().map(|(floor, _)| *floor);
    rooms
        .filter(|room| inside == *room || inside.starts_with(&format!("{room}/")))
        .max_by_key(|room| room.len())
}

/// A path in the sources, `a::b::c`, where it stands, and what kind of statement it is in.
struct Named {
    segments: Vec<String>,
    token: usize,
    /// The inline modules around it.
    inline: Vec<String>,
    import: bool,
    public: bool,
    glob: bool,
    alias: Option<String>,
}

/// All paths of two or more segments in code, and all leaves of `use` trees.
fn paths(source: &Source) -> Vec<Named> {
    let (mut found, mut i) = (Vec::new(), 0);
    let mut inline: Vec<(usize, String)> = Vec::new();
    while i < source.code.len() {
        inline.retain(|(close, _)| *close > i);
        if source.at(i) == "mod" && source.at(i + 2) == "{" {
            inline.push((source.close(i + 2), source.at(i + 1).to_owned()));
        }
        let modules = || inline.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        if source.at(i) == "use" && source.is_ident(i) && source.at(i + 1) != "<" {
            let public = source.before(i) == "pub" || (source.before(i) == ")" && is_visibility(source, i));
            let first = found.len();
            i += 1;
            use_tree(source, &mut i, &[], &mut found);
            for named in &mut found[first..] {
                (named.inline, named.public) = (modules(), public);
            }
        } else if starts_path(source, i) {
            let token = i;
            let mut segments = vec![source.at(i).to_owned()];
            while source.at(i + 1) == "::" && source.is_ident(i + 2) {
                segments.push(source.at(i + 2).to_owned());
                i += 2;
            }
            found.push(Named { segments, token, inline: modules(), ..NOTHING });
        }
        i += 1;
    }
    found
}

const NOTHING: Named = Named {
    segments: Vec::new(),
    token: 0,
    inline: Vec::new(),
    import: false,
    public: false,
    glob: false,
    alias: None,
};

/// `pub(..)` just before token `i`?
fn is_visibility(source: &Source, i: usize) -> bool {
    (0..i).rev().find(|j| source.at(*j) == "(").is_some_and(|open| source.before(open) == "pub")
}

/// A word followed by `::` that isn't itself the tail of a path.
fn starts_path(source: &Source, i: usize) -> bool {
    let tail = source.before(i) == "::" && i >= 2 && (source.is_ident(i - 2) || source.at(i - 2) == ">");
    source.is_ident(i) && source.at(i + 1) == "::" && !tail
}

/// Reads one branch of a `use` tree from token `i` on, and adds its leaves.
fn use_tree(source: &Source, i: &mut usize, prefix: &[String], found: &mut Vec<Named>) {
    let mut segments = prefix.to_vec();
    loop {
        let token = *i;
        let leaf = |segments, glob, alias| Named { segments, token, import: true, glob, alias, ..NOTHING };
        match source.at(*i) {
            "::" => *i += 1,
            "*" => {
                *i += 1;
                return found.push(leaf(segments, true, None));
            }
            "{" => {
                *i += 1;
                while !matches!(source.at(*i), "}" | "") {
                    use_tree(source, i, &segments, found);
                    *i += usize::from(source.at(*i) == ",");
                }
                *i += 1;
                return;
            }
            word if source.is_ident(*i) => {
                if word != "self" || segments.is_empty() {
                    segments.push(word.to_owned());
                }
                *i += 1;
                let alias = (source.at(*i) == "as").then(|| source.at(*i + 1).to_owned());
                *i += 2 * usize::from(alias.is_some());
                if source.at(*i) != "::" {
                    return found.push(leaf(segments, false, alias));
                }
            }
            _ => return,
        }
    }
}

/// The module a file is, as segments from the crate's root.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let parts = inside.split('/').filter(|part| !matches!(*part, "lib" | "main"));
    parts.map(str::to_owned).collect()
}

/// The path from the root of the crate, if it leads into our own crate.
fn absolute(source: &Source, named: &Named) -> Option<Vec<String>> {
    let mut here = module_of(&source.path);
    here.extend(named.inline.iter().cloned());
    let mut rest = named.segments.as_slice();
    match rest.first()?.as_str() {
        "crate" | "almoner" => (here, rest) = (Vec::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {}
        first if here.is_empty() && FLOORS.iter().any(|(floor, _)| *floor == first) => {}
        _ => return None,
    }
    while rest.first().is_some_and(|s| s == "super") {
        here.pop();
        rest = &rest[1..];
    }
    here.extend(rest.iter().cloned());
    Some(here)
}

/// What `lib.rs` passes on under a name of its own: name -> floor behind it.
fn passed_on(tree: &Tree) -> BTreeMap<String, String> {
    let lib = tree.files.get("src/lib.rs");
    let all = lib.map(|lib| paths(lib).into_iter().filter(|n| n.public).map(move |n| (lib, n)));
    let resolved = all.into_iter().flatten().filter_map(|(lib, named)| {
        let target = absolute(lib, &named)?;
        let name = named.alias.or_else(|| target.last().cloned())?;
        Some((name, target.first()?.clone()))
    });
    resolved.collect()
}

fn imports(tree: &Tree) -> Vec<Finding> {
    let exports = passed_on(tree);
    let mut findings = Vec::new();
    for source in tree.under("src/") {
        let Some(floor) = floor_of(&source.path) else {
            findings.push(source.finding(0, "this file is in no room of the house: move it into one"));
            continue;
        };
        let may = FLOORS.iter().find(|(name, _)| *name == floor).map_or(&[][..], |(_, may)| *may);
        for named in paths(source) {
            if let Some(target) = absolute(source, &named)
                && let Some(says) = refusal(source, floor, may, &named, &target, &exports)
            {
                findings.push(source.finding(named.token, says));
            }
        }
    }
    findings
}

/// Why this path may not stand here, if so.
fn refusal(
    source: &Source,
    floor: &str,
    may: &[&str],
    named: &Named,
    target: &[String],
    exports: &BTreeMap<String, String>,
) -> Option<String> {
    let own = floor.split('/').next().unwrap_or(floor);
    let Some(first) = target.first() else {
        let all = named.glob || named.alias.is_some() || named.import;
        return (all && own != "main")
            .then(|| "the whole crate under one name hides what is used: name it".to_owned());
    };
    let to = exports.get(first).unwrap_or(first);
    if own == "lib" && named.public && named.glob {
        return Some(format!("`lib.rs` passes on all of `{to}`: name what is meant, or nothing"));
    }
    if own == "app" && named.public && to != "app" {
        return Some(format!("`app` passes on `{to}` to floors that may not name it: don't re-export it"));
    }
    if own == "main" && named.segments[0] == "crate" {
        return None; // the binary's own root
    }
    if !FLOORS.iter().any(|(name, _)| name == to) {
        return (own != "lib")
            .then(|| format!("`crate::{first}` is on no floor: give it a room, and name it by that"));
    }
    let whole = target.join("::");
    let test_of_world = source.in_test(named.token) && to == "sys";
    let allowed =
        may.iter().any(|m| *m == "*" || m == to || whole == *m || whole.starts_with(&format!("{m}::")));
    (to != own && !allowed && !test_of_world).then(|| {
        let list = if may.is_empty() { "nothing but itself".to_owned() } else { may.join(", ") };
        format!(
            "`{floor}` may not name `{to}` (`{whole}`); it may use {list}. Move the code, or hand in a value"
        )
    })
}

/// The permit that lets a call go out is made by one room only.
fn permits(tree: &Tree) -> Vec<Finding> {
    let elsewhere =
        tree.under("src/").filter(|s| !s.within(&["src/runs/gate", "src/rails/mod.rs", "src/rails.rs"]));
    let mut findings = Vec::new();
    for source in elsewhere {
        let made = |i: &usize| {
            let declared = matches!(source.before(*i), "struct" | "impl" | "for" | ">" | "->" | "&" | "mut");
            source.at(*i) == "Permit"
                && !declared
                && matches!(source.at(i + 1), "{" | "::")
                && !source.in_test(*i)
        };
        let spots = (0..source.code.len()).filter(made);
        findings.extend(
            spots.map(|i| source.finding(i, "a permit is made by `runs/gate` only: ask the gate for one")),
        );
    }
    findings
}

#[test]
fn imports_never_go_up() {
    clean("a floor names only what it may", &imports(Tree::ours()));
}

#[test]
fn only_the_gate_makes_permits() {
    clean("one room holds budgets, breakers and tokens", &permits(Tree::ours()));
}

#[test]
fn plain_imports_can_fail() {
    let tree = Tree::sample(&[
        ("src/ground/gift.rs", "use crate::store::Tx;\nuse crate::ground::money;\nuse super::donor;"),
        ("src/store/mod.rs", "use crate::ground::id;\nuse crate::rails;"),
        ("src/rails/qbo/mod.rs", "use crate::desk::x;"),
        ("src/desk/a.rs", "use crate::{ground::a, store};\nuse crate::{runs, search::{b, c}};"),
        ("src/runs/a.rs", "use crate::rails::Rail;\nuse crate::faces::x;"),
        ("src/sim/a.rs", "use crate::ground::money::Money;\nuse crate::ground::gift;"),
        ("src/sys.rs", "use crate::config::C;"),
        ("src/app.rs", "use crate::{rails, runs, faces, sim};"),
        ("src/main.rs", "use almoner::{app, runs};"),
        ("src/oddment.rs", "fn a() {}"),
    ]);
    fires(
        &imports(&tree),
        &[
            ("src/desk/a.rs", 2),
            ("src/ground/gift.rs", 1),
            ("src/oddment.rs", 1),
            ("src/rails/qbo/mod.rs", 1),
            ("src/runs/a.rs", 2),
            ("src/sim/a.rs", 2),
            ("src/store/mod.rs", 2),
            ("src/sys.rs", 1),
        ],
    );
}

#[test]
fn disguised_imports_can_fail() {
    let tree = Tree::sample(&[
        ("src/lib.rs", "pub mod store;\npub use store::Tx as Transaction;\npub use crate::runs::*;"),
        ("src/app.rs", "pub use crate::rails::Rail;"),
        (
            "src/ground/a.rs",
            "use\n  almoner::store::Tx;\nfn f() { crate::store::open(); }\n/* crate::store::x */",
        ),
        (
            "src/ground/b/c.rs",
            "use super::super::super::store;\nuse super::super::d;\nmod m { use super::super::d; }",
        ),
        (
            "src/ground/d.rs",
            "mod a { mod b { use super::super::super::super::desk; } }\npub(crate) use crate::desk::e;",
        ),
        ("src/ground/e.rs", "use crate::Transaction;\nuse crate as all;\nuse crate::*;\nuse crate::{self};"),
        (
            "src/ground/f.rs",
            "const S: &str = \"crate::store::x\"; // crate::store::y\nfn f(a: &crate::\nstore::Tx) {}",
        ),
        (
            "src/faces/http/runs.rs",
            "use super::runs;\nuse crate::faces::http::runs as r;\nuse crate::{ground::{a::{b}}, app};",
        ),
        ("src/faces/cli/demo.rs", "use crate::{app, sim, config, sys};\nuse crate::runs;"),
    ]);
    fires(
        &imports(&tree),
        &[
            ("src/app.rs", 1),
            ("src/faces/cli/demo.rs", 2),
            ("src/faces/http/runs.rs", 3),
            ("src/ground/a.rs", 2),
            ("src/ground/a.rs", 3),
            ("src/ground/b/c.rs", 1),
            ("src/ground/d.rs", 1),
            ("src/ground/d.rs", 2),
            ("src/ground/e.rs", 1),
            ("src/ground/e.rs", 2),
            ("src/ground/e.rs", 3),
            ("src/ground/e.rs", 4),
            ("src/ground/f.rs", 2),
            ("src/lib.rs", 3),
        ],
    );
}

#[test]
fn tests_may_use_the_fakes_of_sys_and_nothing_more() {
    let text =
        "#[cfg(test)]\nmod tests {\n use crate::sys::Fake;\n use crate::runs::x;\n}\nuse crate::sys::Fake;";
    let tree = Tree::sample(&[("src/store/mod.rs", text)]);
    fires(&imports(&tree), &[("src/store/mod.rs", 4), ("src/store/mod.rs", 6)]);
}

#[test]
fn permits_can_fail() {
    let tree = Tree::sample(&[
        ("src/rails/mod.rs", "pub struct Permit { a: u8 }\nimpl Permit {}"),
        ("src/runs/gate/mod.rs", "fn a() -> Permit { Permit { a: 1 } }"),
        ("src/runs/push.rs", "fn a(p: &Permit) -> Permit {\n  let b = Permit { a: 1 };\n  Permit::new()\n}"),
    ]);
    fires(&permits(&tree), &[("src/runs/push.rs", 2), ("src/runs/push.rs", 3)]);
}
