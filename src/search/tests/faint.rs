//! What only begins alike is left unread where it cannot matter: the answer is the one of memory, which reads everything.

use super::*;

/// Few names and addresses, so that every kind of answer meets every other.
fn people(store: &Store) {
    let (first, last) = (["Ann", "Anna", "Bob", "Annabel"], ["Smith", "Smithson", "An", "Bobbin", "O'Brien"]);
    let cities = ["Annan", "Smithfield", "Bobton", "York"];
    for n in 0..400_usize {
        let (a, b) = (first[n * 7 % 4], last[n * 11 % 5]);
        // A third has an address of somebody else's name, and some are named as nobody else is.
        let (of, at) = if n % 3 == 0 { (last[n % 5], first[n / 3 % 4]) } else { (a, b) };
        let email = format!("{of}.{at}{}@{}.example", n % 9, cities[n % 4]).to_lowercase().replace('\'', "");
        let name = if n % 40 == 0 { format!("Rare{n}|{b}") } else { format!("{a}|{b}") };
        let json = json(n as u128, &name, &email, cities[n / 4 % 4]);
        write(store, move |changes| changes.seen(key(n as u128), json, false, None));
    }
}

#[test]
fn what_is_left_unread_changes_no_answer() {
    let store = store();
    people(&store);
    let memory = Search::open(Place::Memory, &store).unwrap();
    let index = search(&store);
    while index.catch_up(&store).unwrap() {}
    assert_eq!((lock(&index.now).overlay.len(), lock(&memory.now).overlay.len()), (0, 400));
    let words = [
        "a",
        "an",
        "ann",
        "anna",
        "annab",
        "annabel",
        "annan",
        "b",
        "bo",
        "bob",
        "bobbin",
        "s",
        "smith",
        "smithf",
        "smithson",
        "o'b",
        "obrien",
        "rare",
        "rare40",
        "y",
        "york",
        "example",
        "an.ann",
        "ann.smith1",
        "ann.smith1@",
        "ann.smith1@annan.example",
        "annn",
        "smiht",
        "x",
    ];
    let (mut unread, mut asked) = (0, 0);
    for one in words {
        for two in std::iter::once("").chain(words) {
            let text = format!("{one} {two}");
            for limit in [2, 8] {
                let (left, right) = (index.find(&text, limit).unwrap(), memory.find(&text, limit).unwrap());
                assert_eq!(left.people, right.people, "{text:?}, {limit}");
                asked += 1;
                unread += u32::from(is_plain_and_full(&text, &left, limit));
            }
        }
    }
    assert!(unread > 50, "{unread} of {asked} were answered at first sight");
}

/// Whether the best are all better than a faint answer can be: then the rest was left unread.
fn is_plain_and_full(text: &str, found: &Found, limit: usize) -> bool {
    let query = Query::read(text).expect("a question");
    let clear = query::FAINT_MAX * u32::try_from(query.groups.len()).unwrap_or(1) + 4_000 + query::WHOLE_NAME;
    query.is_plain() && found.people.len() == limit && found.people.iter().all(|hit| hit.score > clear)
}
