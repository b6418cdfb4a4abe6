//! What is found, in which order, and that memory and index agree on it.

use super::*;

#[test]
fn names_are_found_as_they_are_typed() {
    let (store, people) = (
        store(),
        [
            (1, "Conan|O'Brien"),
            (2, "Flann|OBrien"),
            (3, "Jürgen|Müller"),
            (4, "Hans|Mueller"),
            (5, "José|de la Cruz"),
            (6, "Nguyễn|Văn Thiệu"),
            (7, "Mary|Smith-Jones"),
            (8, "X|Y"),
            (9, "Владимир|Иванов"),
            (10, "|Plato"),
        ],
    );
    let search = search(&store);
    for (n, name) in people {
        see(&store, n, name);
    }
    answers(
        &store,
        &search,
        &[
            ("o'brien", &[1, 2]),
            ("O’Brien", &[1, 2]),
            ("obrien", &[1, 2]),
            ("o brien", &[1, 2]),
            ("brien conan", &[1]),
            ("Müller", &[4, 3]),
            ("mueller", &[4, 3]),
            ("muller", &[3, 4]),
            ("jose", &[5, 7]),
            ("jose ", &[5]),
            ("josé CRUZ", &[5]),
            ("delacruz", &[5]),
            ("de la c", &[5]),
            ("nguyen", &[6]),
            ("nguye\u{302}\u{303}n thieu", &[6]),
            ("smith jones", &[7]),
            ("smith-jones", &[7]),
            ("jones-smith", &[7]),
            ("smithj", &[7]),
            ("x", &[8]),
            ("y x", &[8]),
            ("иван", &[9]),
            ("plato", &[10]),
            ("plato socrates", &[]),
            ("", &[]),
            ("  ", &[]),
            ("*", &[]),
            ("(x", &[8]),
            ("\"x y\"~ ", &[8]),
            ("names:*", &[]),
            ("x AND y", &[]),
            ("[a TO z]", &[]),
        ],
    );
    assert_eq!(find(&search, &"conan ".repeat(2_000)), [1]);
    assert_eq!(find(&search, &"c".repeat(10_000)), [0; 0]);
    assert_eq!(search.find("x", 0).unwrap(), Found::default());
}

#[test]
fn addresses_are_found_whole_and_in_parts_and_towns_too() {
    let store = store();
    let search = search(&store);
    for (n, name, email, city) in [
        (1, "Ada|Lovelace", "Ada.L@Example.org", "London"),
        (2, "Bob|Example", "bob@mail.test", "New York"),
        (3, "London|Carter", "lc@mail.test", ""),
    ] {
        let json = json(n, name, email, city);
        write(&store, move |changes| changes.seen(key(n), json, false, None));
    }
    answers(
        &store,
        &search,
        &[
            ("ada.l@example.org", &[1]),
            ("<ADA.L@example.org>", &[1]),
            ("ada.l@ex", &[1]),
            ("example", &[2, 1]),
            ("mail.test", &[2, 3]),
            ("london", &[3, 1]),
            ("ada london", &[1]),
            ("newyork", &[2]),
            ("lovelace sw1a1aa", &[1]),
            ("sw1a 1aa bob", &[2]),
        ],
    );
}

#[test]
fn the_order_is_exact_then_beginning_then_mistaken_then_by_name_and_id() {
    let store = store();
    let search = search(&store);
    for (n, name) in [
        (1, "Ann|Smithson"),
        (2, "Ann|Smith"),
        (3, "Ann|Smyth"),
        (5, "Bea|Smith"),
        (4, "Bea|Smith"),
        (6, "Ann Bea|Smith"),
        (7, "Anna|Smith"),
        (8, "|Smith"),
    ] {
        see(&store, n, name);
    }
    answers(
        &store,
        &search,
        &[
            ("smith", &[8, 6, 2, 7, 4, 5, 1]),
            ("ann smith", &[2, 6, 1, 7, 3]),
            ("smith ann", &[2, 6, 1, 7, 3]),
            ("smyth", &[3, 6, 2, 7, 4, 5, 8, 1]),
            ("bea smith", &[4, 5, 6]),
        ],
    );
    let found = search.find("smith", 3).unwrap();
    assert_eq!(found.people.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id(8), id(6), id(2)]);
    assert!(found.people[0].score > found.people[1].score);
}

#[test]
fn mistakes_are_forgiven_in_long_words_when_little_else_is_found() {
    let store = store();
    let search = search(&store);
    for (n, name) in [(1, "Katharina|Schmidt"), (2, "Tom|Ford"), (3, "Ivo|Wolkenstein")] {
        see(&store, n, name);
    }
    answers(
        &store,
        &search,
        &[
            ("schmitd", &[1]),
            ("shmidt katharina ", &[1]),
            ("shmid", &[1]),
            ("shmid ", &[]),
            ("wolkanstien ", &[3]),
            ("catarina", &[1]),
            ("frod", &[2]),
            ("tam", &[]),
        ],
    );
}

/// A person made of syllables, different for each number but alike in many words.
fn made(n: u128) -> (String, String, String) {
    const SYLLABLES: [&str; 12] = ["ma", "ri", "an", "ber", "sch", "ü", "lo", "mi", "dt", "o'", "ka", "er"];
    let pick = |shift: u32| SYLLABLES[usize::try_from(((n * 2_654_435_761) >> shift) % 12).unwrap()];
    let first = [pick(3), pick(9), pick(5)].concat();
    let last = [pick(13), pick(17), pick(21), pick(8)].concat();
    (format!("{first}|{last}"), format!("{}.{}@mail.test", pick(4), last), pick(11).repeat(2))
}

#[test]
fn the_index_and_the_overlay_give_the_same_scores_in_the_same_order() {
    let store = store();
    let search = search(&store);
    for from in (0..1_000).step_by(500) {
        write(&store, move |changes| {
            for n in from..from + 500 {
                let (name, email, city) = made(n);
                changes.seen(key(n), json(n, &name, &email, &city), false, None);
            }
        });
    }
    let mut questions: Vec<String> =
        ["m", "ma", "marian", "schmidt", "an ber", "lo'mi", "müllo", "test", "mail", "kaka", "@", "o"]
            .map(str::to_owned)
            .into();
    for n in (0..1_000).step_by(100) {
        let (name, email, _) = made(n);
        let (first, last) = name.split_once('|').unwrap();
        let swapped: String = last.chars().rev().take(2).chain(last.chars().skip(2)).collect();
        questions.extend([
            format!("{first} {last}"),
            format!("{last} {first} "),
            format!("{first} {swapped}"),
            format!("{first}x {last}"),
            last.chars().skip(1).collect(),
            email.clone(),
            email.replacen('m', "n", 1),
            format!("{last}-{first}"),
        ]);
    }
    let ask = || questions.iter().map(|q| search.find(q, 30).unwrap()).collect::<Vec<_>>();
    let at_once = ask();
    let found = at_once.iter().filter(|found| !found.people.is_empty()).count();
    assert!(found * 3 > questions.len() * 2, "{found} of {}", questions.len());
    assert!(!search.catch_up(&store).unwrap());
    assert_eq!(lock(&search.now).overlay.len(), 0);
    for ((question, at_once), caught_up) in questions.iter().zip(&at_once).zip(ask()) {
        assert_eq!(*at_once, caught_up, "{question}");
    }
}
