//! All sources together: read from the disk or given as a sample, and walked along their `mod` lines.

use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A set of sources, by path from the root of the repository.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, Source>,
    /// Files that no `mod` line leads to.
    pub(crate) unreached: Vec<String>,
}

impl Tree {
    /// The sources of this repository, read once.
    pub(crate) fn ours() -> &'static Self {
        static OURS: OnceLock<Tree> = OnceLock::new();
        OURS.get_or_init(|| {
            let mut files = Vec::new();
            for room in ["src", "tests", "benches"] {
                collect(&root(), room, &["rs"], &mut files);
            }
            let mut roots = manifest_roots(&read(&root().join("Cargo.toml")));
            // A package of its own, whose binary is where Cargo looks for it.
            roots.push("benches/peers/src/main.rs".to_owned());
            assert!(files.iter().any(|(path, _)| path == "src/lib.rs"), "the sources weren't found");
            Self::of(&files, &roots)
        })
    }

    /// A tree from texts; `roots` are the files that Cargo starts from.
    pub(crate) fn of<S: AsRef<str>>(files: &[(S, S)], roots: &[String]) -> Self {
        let sources = files.iter().map(|(path, text)| (path, text.as_ref()));
        let files = sources.map(|(path, text)| (path.as_ref().to_owned(), Source::new(path.as_ref(), text)));
        let mut tree = Self { files: files.collect(), unreached: Vec::new() };
        tree.walk(roots);
        tree
    }

    /// A sample for a self-test: `src/lib.rs` and `src/main.rs` are the roots.
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        Self::of(files, &["src/lib.rs".to_owned(), "src/main.rs".to_owned()])
    }

    pub(crate) fn under(&self, room: &'static str) -> impl Iterator<Item = &Source> {
        self.files.values().filter(move |s| s.path.starts_with(room))
    }

    /// Follows the `mod` lines from the roots, marks files of tests, and notes what was never reached.
    fn walk(&mut self, roots: &[String]) {
        let mut queue: Vec<(String, bool, bool)> = roots.iter().map(|r| (r.clone(), true, false)).collect();
        let mut reached = BTreeSet::new();
        while let Some((path, own_room, test)) = queue.pop() {
            let Some(source) = self.files.get_mut(&path) else { continue };
            if !reached.insert(path.clone()) {
                continue;
            }
            if test {
                source.mark_all_test();
            }
            let (folder, _) = path.rsplit_once('/').unwrap_or(("", &path));
            let owns_folder = own_room || path.ends_with("/mod.rs");
            let own = if owns_folder { folder } else { path.trim_end_matches(".rs") };
            for child in source.children(own) {
                let plain = child.candidates.len() > 1;
                queue.extend(child.candidates.into_iter().map(|c| (c, !plain, test || child.test)));
            }
        }
        self.unreached = self.files.keys().filter(|path| !reached.contains(*path)).cloned().collect();
    }
}

/// The files Cargo starts from: every `path = "x.rs"` of the manifest, and the library.
fn manifest_roots(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().filter_map(|line| line.trim().strip_prefix("path = \"")?.strip_suffix("\""));
    let mut roots: Vec<String> = lines.filter(|path| has_ending(path, "rs")).map(str::to_owned).collect();
    roots.push("src/lib.rs".to_owned());
    roots.push("src/main.rs".to_owned());
    roots
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Reads the files under `room` that end in one of `endings`, as (path from the root, text).
/// What is installed or built is left out.
pub(crate) fn collect(from: &Path, room: &str, endings: &[&str], into: &mut Vec<(String, String)>) {
    const NOT_OURS: &[&str] = &["node_modules", "build", "out", "target", ".svelte-kit"];
    let Ok(entries) = std::fs::read_dir(from.join(room)) else { return };
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let path = format!("{room}/{name}");
        let full = from.join(&path);
        if full.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(from, &path, endings, into);
        } else if endings.iter().any(|ending| has_ending(&name, ending)) {
            into.push((path, read(&full)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn a_file_of_tests_is_known_by_its_mod_line() {
        let tree = Tree::sample(&[
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "#[cfg(test)] mod cases; mod real; mod inline { mod deep; }"),
            ("src/a/cases.rs", "fn x() {}"),
            ("src/a/real.rs", "fn x() {}"),
            ("src/a/inline/deep.rs", "fn x() {}"),
        ]);
        assert!(tree.files["src/a/cases.rs"].in_test(0));
        assert!(!tree.files["src/a/real.rs"].in_test(0));
        assert!(tree.unreached.is_empty(), "{:?}", tree.unreached);
    }
}
