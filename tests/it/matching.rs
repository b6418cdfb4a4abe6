//! `almoner match` as a person starts it: files in, pairs and figures out.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// People by rule: each tenth is there twice, with another address the second time; each seventh has a spouse who shares
/// telephone and address.
fn people() -> String {
    let mut text = String::from("donor_id,entity_id,Vorname,last,email,phone,address,postcode\n");
    let firsts =
        ["Ada", "Bob", "Cleo", "Dan", "Eva", "Finn", "Gwen", "Hal", "Ivy", "Jonas", "Kim", "Lou", "Max"];
    let lasts =
        ["Pugh", "Rees", "Price", "Bowen", "Vaughan", "Morgan", "Llewellyn", "Parry", "Tudor", "Prosser"];
    for at in 0..130usize {
        let (first, last) = (firsts[at % 13], lasts[at % 10]);
        let phone = format!("01633 {:06}", 100_000 + at * 7_919 % 800_000);
        let place = format!("{} {} Lane,NP{} {}AA", at % 60 + 1, lasts[at * 3 % 10], at % 20, at % 9);
        let email = format!("{first}{last}{at}@mail.example");
        writeln!(text, "p{at},{at},{first},{last},{email},{phone},{place}").expect("a string takes it");
        if at % 10 == 0 {
            writeln!(text, "q{at},{at},{first},{last},{email},,{} High Street,BA{} 1ZZ", at + 3, at % 20)
                .expect("a string takes it");
        }
        if at % 7 == 0 {
            writeln!(text, "s{at},s{at},{},{last},,{phone},{place}", firsts[(at + 5) % 13])
                .expect("a string takes it");
        }
    }
    text
}

fn almoner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_almoner"));
    command.current_dir(folder).arg("match").args(arguments).output().expect("the binary starts")
}

#[test]
fn a_file_is_matched_and_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("people.csv"), people()).expect("written");
    let map = ["--map", "first=Vorname"];
    let judged = almoner(
        folder.path(),
        &[&["evaluate", "people.csv", "--entity", "entity_id", "--json", "--errors", "wrong.csv"][..], &map]
            .concat(),
    );
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let figures: Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    let keys = [
        "rows",
        "true_pairs",
        "pairs_compared",
        "best_f1",
        "best_threshold",
        "f1_at_threshold",
        "precision_at_threshold",
        "recall_at_threshold",
        "recall_at_p99",
        "recall_at_p999",
        "seconds",
    ];
    assert_eq!(figures.as_object().expect("an object").len(), keys.len());
    assert!(keys.iter().all(|key| figures[key].is_number()), "{figures}");
    assert_eq!((figures["rows"].as_u64(), figures["true_pairs"].as_u64()), (Some(162), Some(13)));
    let wrong = std::fs::read_to_string(folder.path().join("wrong.csv")).expect("written");
    assert!(figures["f1_at_threshold"].as_f64() > Some(0.9), "{figures}\n{wrong}");
    assert!(wrong.starts_with("error,left,right,probability,bits,why\n"));

    let written = almoner(folder.path(), &[&["people.csv", "--out", "pairs.csv"][..], &map].concat());
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let pairs = std::fs::read_to_string(folder.path().join("pairs.csv")).expect("written");
    let first = pairs.lines().nth(1).expect("a pair");
    assert!(first.contains("e-mail same") && first.contains("shipped-1+learnt-"), "{first}");
    let again = almoner(folder.path(), &[&["people.csv"][..], &map].concat());
    assert_eq!(String::from_utf8_lossy(&again.stdout), pairs);
}

#[test]
fn what_is_wrong_with_a_file_or_an_option_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("people.csv"), "id,last\n1,Pugh\n1,Rees\n").expect("written");
    let said = |arguments: &[&str]| {
        let output = almoner(folder.path(), arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = said(&["people.csv"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("people.csv: line 3: the id 1 was there before"), "{text}");
    assert_eq!(said(&["nobody.csv"]).0, Some(1));
    // Without a truth there is nothing to judge by.
    assert_eq!(said(&["evaluate", "people.csv"]).0, Some(2));
}
