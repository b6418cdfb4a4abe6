//! The repository as a whole: what no file may name, where packages come from, and whether the
//! documents that are pointed at exist.

use crate::source::{Finding, clean, fires, note};
use crate::tree::{collect, has_ending, read, root};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Names from the machines this was written on. They mean nothing to a reader and rot at once.
/// Put together from pieces, so that this list does not find itself.
const PRIVATE: &[&str] = &[
    concat!("/work/", "shared"),
    concat!("/work/", "main"),
    concat!("/work/", "."),
    concat!("farm", "-studio"),
    concat!("farm", "-bench"),
    concat!(".lib", "rary/"),
    concat!("shared/", "design"),
    concat!("shared/", "domain"),
    concat!("shared/", "contracts"),
    concat!("shared/", "recordings"),
    concat!("bash", "_jobs"),
    concat!("/root/", "."),
];

/// Where packages come from; a lock file that names another host was written behind a mirror.
const CARGO_HOME: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM_HOME: &str = "https://registry.npmjs.org/";

/// Every file git knows or would add, with its text. `None` without git or outside a checkout.
fn tracked() -> Option<Vec<(String, String)>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
    if !listed.status.success() {
        return None;
    }
    let names = String::from_utf8(listed.stdout).ok()?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    Some(names.map(|name| (name.to_owned(), lossy(&root().join(name)))).collect())
}

fn lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn private_names(files: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in files {
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = PRIVATE.iter().find(|word| line.contains(**word)) {
                let says = format!("`{word}` is a name from the machine this was written on: leave it out");
                findings.push(Finding { file: file.clone(), line: number + 1, says });
            }
        }
    }
    findings
}

fn foreign_hosts(files: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        for (number, line) in text.lines().map(str::trim).enumerate() {
            let value =
                |key: &str| line.strip_prefix(key).map(|rest| rest.trim_end_matches(['"', ',']).to_owned());
            let foreign = match name {
                "Cargo.lock" => value("source = \"").is_some_and(|source| source != CARGO_HOME),
                "package-lock.json" => {
                    value("\"resolved\": \"").is_some_and(|url| !url.starts_with(NPM_HOME))
                }
                ".npmrc" => sets_registry(line),
                "config.toml" if file.contains(".cargo/") => {
                    line.contains("registry") || line.contains("replace-with")
                }
                _ => false,
            };
            if foreign {
                let says = "packages come from the default registries: take this line out".to_owned();
                findings.push(Finding { file: file.clone(), line: number + 1, says });
            }
        }
    }
    findings
}

/// `registry=..` or `@scope:registry=..`.
fn sets_registry(line: &str) -> bool {
    let key = line.split('=').next().unwrap_or_default().trim();
    key == "registry" || key.ends_with(":registry")
}

/// `docs/..md` named in the README must be there.
fn missing_documents(readme: &str, there: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in readme.lines().enumerate() {
        for (at, _) in line.match_indices("docs/") {
            let rest = &line[at..];
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/._-".contains(c)).unwrap_or(rest.len());
            let name = rest[..end].trim_end_matches('.');
            if has_ending(name, "md") && !there(name) {
                let says = format!("`{name}` isn't there: write it or take the pointer out");
                findings.push(Finding { file: "README.md".to_owned(), line: number + 1, says });
            }
        }
    }
    findings
}

/// `0007-title-in-small-letters.md`, each number once.
fn misnamed_decisions(names: &[String]) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for name in names {
        let file = name.rsplit('/').next().unwrap_or(name);
        let numbered = file.split_once('-').filter(|(number, rest)| {
            let title = rest.strip_suffix(".md").unwrap_or_default();
            let plain = title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) && plain && !title.is_empty()
        });
        let says = match numbered {
            None => "a decision is named NNNN-title-in-small-letters.md".to_owned(),
            Some((number, _)) => match seen.insert(number, file) {
                Some(other) => format!("the number is taken by {other}: give it the next free one"),
                None => continue,
            },
        };
        findings.push(Finding { file: name.clone(), line: 1, says });
    }
    findings
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let Some(files) = tracked() else {
        return note("not a git checkout: the names in its files were not looked at");
    };
    assert!(files.iter().any(|(name, _)| name == "Cargo.toml"), "git lists other files than ours");
    clean("a repository stands on its own", &private_names(&files));
    clean("packages come from the default registries", &foreign_hosts(&files));
}

#[test]
fn documents_pointed_at_exist() {
    let readme = read(&root().join("README.md"));
    clean(
        "the README points at what is there",
        &missing_documents(&readme, |name| root().join(name).is_file()),
    );
}

#[test]
fn decisions_are_numbered() {
    let mut decisions = Vec::new();
    collect(&root(), "docs/decisions", &["md"], &mut decisions);
    let names: Vec<String> = decisions.into_iter().map(|(name, _)| name).collect();
    clean("decisions are numbered", &misnamed_decisions(&names));
}

#[test]
fn private_names_and_hosts_can_fail() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files: Vec<_> =
        PRIVATE.iter().map(|word| file("docs/a.md", &format!("fine\nsee {word}/x"))).collect();
    assert_eq!(private_names(&files).len(), PRIVATE.len());
    assert!(private_names(&[file("docs/a.md", "/working, frontend/workshop")]).is_empty());

    let files = [
        file(
            "Cargo.lock",
            "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://x\"",
        ),
        file(
            "ui/package-lock.json",
            "  \"resolved\": \"https://registry.npmjs.org/a\",\n\"resolved\": \"http://10.0.0.1/a\",",
        ),
        file("ui/.npmrc", "omit-lockfile-registry-resolved=true\n@a:registry = x\nregistry=http://mirror/"),
        file(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\""),
        file("README.md", "a registry"),
    ];
    fires(
        &foreign_hosts(&files),
        &[
            ("Cargo.lock", 2),
            ("ui/package-lock.json", 2),
            ("ui/.npmrc", 2),
            ("ui/.npmrc", 3),
            (".cargo/config.toml", 2),
        ],
    );
}

#[test]
fn documents_can_fail() {
    let readme = "See [a](docs/A.md) and docs/b/C.md.\nNot docs/, docs/x.png.";
    fires(&missing_documents(readme, |name| name == "docs/A.md"), &[("README.md", 1)]);
    let names = [
        "docs/decisions/0001-a.md",
        "docs/decisions/1-b.md",
        "docs/decisions/0001-c.md",
        "docs/decisions/0002-D.md",
    ];
    let names = names.map(str::to_owned);
    fires(
        &misnamed_decisions(&names),
        &[("docs/decisions/1-b.md", 1), ("docs/decisions/0001-c.md", 1), ("docs/decisions/0002-D.md", 1)],
    );
}
