//! What must hold of any two people, whatever they are called and wherever they live.

use proptest::prelude::*;

use super::compare::{Field, Found, compare};
use super::link::{Linkage, alone, link};
use super::model::{Model, Other};
use super::normalize::NamePart;
use super::priors::shipped;
use super::record::{Base, Donor};

fn donor(first: &str, last: &str) -> Donor {
    Donor { first: first.to_owned(), last: last.to_owned(), ..Donor::default() }
}

fn ada() -> Donor {
    Donor {
        title: "Mrs".to_owned(),
        emails: vec!["ada.pugh42@mail.example".to_owned()],
        phones: vec!["01633 700221".to_owned()],
        street: "12 Mill Lane".to_owned(),
        town: "Newport".to_owned(),
        postcode: "NP20 1AA".to_owned(),
        ..donor("Ada", "Pugh")
    }
}

/// The weight of two records in a base of ten thousand, of which these are the only ones looked at.
fn bits(left: &Donor, right: &Donor) -> f64 {
    weigh(&shipped(10_000), left, right)
}

fn weigh(model: &Model, left: &Donor, right: &Donor) -> f64 {
    model.weigh(&found(left, right)).bits()
}

fn found(left: &Donor, right: &Donor) -> Found {
    let base = Base::read(&[left.clone(), right.clone()], "44");
    compare(&base, &base.rows[0], &base.rows[1])
}

/// Names of many kinds, some of them hard.
const NAMES: [&str; 40] = [
    "Ada",
    "ada",
    "Bob",
    "Robert",
    "Bobby",
    "Mary-Jane",
    "Mary Jane",
    "Jane Mary",
    "O'Brien",
    "O’Brien",
    "de la Cruz",
    "Delacruz",
    "Nguyễn",
    "Nguyen",
    "Smith-Jones",
    "Smith",
    "Jones",
    "Müller",
    "Muller",
    "Łukasz",
    "李",
    "王",
    "Иванов",
    "Иванова",
    "محمد",
    "Madonna",
    "J.",
    "J",
    "",
    " ",
    "-",
    "Ng",
    "van der Berg",
    "Berg",
    "X Æ A-12",
    "Sørensen",
    "Ó Súilleabháin",
    "Þór",
    "김",
    "D'Souza",
];

fn any_donor() -> impl Strategy<Value = Donor> {
    let name = || prop_oneof![prop::sample::select(&NAMES[..]).prop_map(str::to_owned), "[a-zé' -]{0,12}"];
    let email = prop::collection::vec(
        prop_oneof!["[a-c]{1,3}\\.?[a-c]{0,2}[0-9]{0,2}@(x|y)\\.example", "[a-c@]{0,4}"],
        0..3,
    );
    let phone =
        prop::collection::vec(prop_oneof!["0[12]{9,10}", "\\+44 [12]{4} [12]{5}", "[x0-9]{0,6}"], 0..2);
    let place = (
        prop_oneof![Just(String::new()), "[1-3]{1,2}[ab]? (Mill|Mall|High) (Lane|Road)"],
        prop_oneof![Just(String::new()), "(Newport|Newprt|Bath)"],
        prop_oneof![Just(String::new()), "(NP20|BA1) ?[12](AA|AB)"],
    );
    let rest = (
        prop::sample::select(&["", "Mr", "Mrs", "Miss", "Dr"][..]),
        prop_oneof![Just(String::new()), "19[0-2][0-9]0[1-3]0[1-3]"],
        prop_oneof![Just(String::new()), "(Acme|Acne|Brown) (Ltd|and Sons|Trust)"],
    );
    ((name(), name()), email, phone, place, rest).prop_map(|((first, last), emails, phones, place, rest)| {
        Donor {
            first,
            last,
            emails,
            phones,
            street: place.0,
            town: place.1,
            postcode: place.2,
            title: rest.0.to_owned(),
            birth: rest.1,
            organisation: rest.2,
            ..Donor::default()
        }
    })
}

/// The same, written by somebody who shouts and by somebody who has no accents.
fn written_otherwise(donor: &Donor) -> Donor {
    let shout = |text: &String| text.to_uppercase();
    let turned = |text: &String| {
        let mut words: Vec<&str> = text.split([' ', '-']).collect();
        // A particle keeps its place.
        if words.len() == 2 && NamePart::read(text).words.len() == 2 {
            words.reverse();
        }
        words.join(" ")
    };
    Donor {
        first: shout(&turned(&donor.first)).replace('É', "E"),
        last: shout(&donor.last).replace('É', "e"),
        title: shout(&donor.title),
        emails: donor.emails.iter().rev().map(shout).collect(),
        street: shout(&donor.street),
        town: shout(&donor.town),
        postcode: donor.postcode.to_lowercase().replace(' ', ""),
        organisation: shout(&donor.organisation),
        ..donor.clone()
    }
}

/// Makes a field of the right record the same as the left one's; none when the left one has nothing there.
fn agreed(left: &Donor, right: &Donor, field: Field) -> Option<Donor> {
    let mut out = right.clone();
    let (from, to) = match field {
        Field::First => (&left.first, &mut out.first),
        Field::Last => (&left.last, &mut out.last),
        Field::Title => (&left.title, &mut out.title),
        Field::Birth => (&left.birth, &mut out.birth),
        Field::Organisation => (&left.organisation, &mut out.organisation),
        Field::Street => (&left.street, &mut out.street),
        Field::Town => (&left.town, &mut out.town),
        Field::Postcode => (&left.postcode, &mut out.postcode),
        Field::Email => {
            out.emails.clone_from(&left.emails);
            return (!left.emails.is_empty()).then_some(out);
        }
        Field::Phone => {
            out.phones.clone_from(&left.phones);
            return (!left.phones.is_empty()).then_some(out);
        }
        _ => return None,
    };
    to.clone_from(from);
    (!from.is_empty()).then_some(out)
}

proptest! {
    #[test]
    fn which_of_two_is_named_first_makes_no_difference(left in any_donor(), right in any_donor()) {
        prop_assert_eq!(found(&left, &right), found(&right, &left));
    }

    #[test]
    fn case_accents_and_the_order_of_words_make_no_difference(left in any_donor(), right in any_donor()) {
        prop_assert_eq!(found(&left, &right), found(&written_otherwise(&left), &right));
        let same = found(&left, &left);
        prop_assert_eq!(same, found(&left, &written_otherwise(&left)));
    }

    #[test]
    fn more_that_agrees_never_lowers_a_weight(left in any_donor(), right in any_donor(), at in 0usize..16) {
        let field = Field::ALL[at];
        if let Some(closer) = agreed(&left, &right, field) {
            let (before, after) = (bits(&left, &right), bits(&left, &closer));
            prop_assert!(after >= before - 1e-9, "{:?}: {} became {}", field, before, after);
        }
    }

    #[test]
    fn a_higher_level_is_never_worth_less(level in 0u8..8, at in 0usize..16, shared in 2u32..50) {
        let (field, model) = (Field::ALL[at], shipped(10_000));
        let level = level.min(field.same().saturating_sub(1)).max(1);
        if !field.is_presence() {
            prop_assert!(model.ratio(field, level + 1, shared) >= model.ratio(field, level, shared));
        }
    }

    #[test]
    fn the_steps_of_an_explanation_are_its_total(left in any_donor(), right in any_donor()) {
        let explanation = super::explain::explain(&shipped(500), &found(&left, &right));
        let sum: f64 = explanation.steps.iter().map(|step| step.bits).sum();
        prop_assert!((sum - explanation.bits).abs() < 1e-6);
        prop_assert!(explanation.bits.is_finite());
        prop_assert!(explanation.line(super::decide::Thresholds::default()).starts_with(explanation.likelihood().words()));
    }
}

#[test]
fn names_of_the_world_do_not_collapse_onto_each_other() {
    let apart = [
        "李",
        "王",
        "김",
        "Иванов",
        "محمد",
        "Nguyen",
        "Ng",
        "O'Brien",
        "de la Cruz",
        "Madonna",
        "Smith",
        "Þór",
        "X",
    ];
    for (at, left) in apart.iter().enumerate() {
        for right in &apart[at + 1..] {
            let pair = found(&donor("Ada", left), &donor("Ada", right));
            assert!(pair.level(Field::Last) <= 1, "{left} and {right}");
        }
        assert_eq!(
            found(&donor("Ada", left), &donor("Ada", left)).level(Field::Last),
            Field::Last.same(),
            "{left}"
        );
    }
    let nobody = found(&donor("", ""), &donor("-", " "));
    assert_eq!((nobody.level(Field::First), nobody.level(Field::Last)), (0, 0));
}

#[test]
fn names_are_compared_as_people_use_them() {
    for (left, right, field, words) in [
        (("Bob", "Pugh"), ("Robert", "Pugh"), Field::First, "said for each other"),
        (("J.", "Pugh"), ("John", "Pugh"), Field::First, "initial fits"),
        (("J", "Pugh"), ("J.", "Pugh"), Field::First, "initial fits"),
        (("Mary-Jane", "Pugh"), ("Mary", "Pugh"), Field::First, "sounds alike or shares a part"),
        (("Ada", "Smith-Jones"), ("Ada", "Jones"), Field::Last, "shares a part"),
        (("Ada", "Patel"), ("Ada", "Patle"), Field::Last, "one mistake apart"),
        (("Pugh", "Ada"), ("Ada", "Pugh"), Field::Order, "exchanged"),
        (("Ada", "de la Cruz"), ("Ada", "Delacruz"), Field::Last, "same"),
        (("Ada", "O'Brien"), ("Ada", "OBRIEN"), Field::Last, "same"),
    ] {
        let pair = found(&donor(left.0, left.1), &donor(right.0, right.1));
        assert_eq!(field.levels()[usize::from(pair.level(field))], words, "{left:?} {right:?}");
    }
}

#[test]
fn a_household_is_not_one_person_for_what_it_shares() {
    let spouse = Donor { title: "Mr".to_owned(), first: "Brendan".to_owned(), ..ada() };
    assert!(bits(&ada(), &spouse) < 0.0, "{}", bits(&ada(), &spouse));
    let moved =
        Donor { street: "7 High Street".into(), town: "Bath".into(), postcode: "BA1 2CD".into(), ..ada() };
    assert!(bits(&ada(), &moved) > 5.0, "{}", bits(&ada(), &moved));
    let namesake = Donor {
        emails: vec!["pugh.a@other.example".into()],
        phones: vec!["01225 111333".into()],
        ..moved.clone()
    };
    assert!(bits(&ada(), &namesake) < bits(&ada(), &moved) - 10.0);
}

/// A base in which people, households and duplicates are made by rule.
fn town() -> Vec<Donor> {
    let firsts =
        ["Ada", "Bob", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hal", "Ivy", "Jo", "Kim", "Lou", "Max", "Nia"];
    let lasts = [
        "Pugh",
        "Rees",
        "Price",
        "Bowen",
        "Vaughan",
        "Morgan",
        "Llewellyn",
        "Parry",
        "Tudor",
        "Prosser",
        "Beynon",
    ];
    let mut people = Vec::new();
    for (at, first) in firsts.iter().enumerate() {
        for (also, last) in lasts.iter().enumerate() {
            let number = at * 31 + also * 7;
            let one = Donor {
                emails: vec![format!("{first}{number}@mail.example")],
                phones: vec![format!("01633 {:06}", 100_000 + number * 137)],
                street: format!("{} Mill Lane", number + 1),
                postcode: format!("NP{} {}AA", number % 50, number % 9),
                ..donor(first, last)
            };
            people.push(one.clone());
            if number % 5 == 0 {
                people.push(Donor { phones: vec![], last: last.to_uppercase(), ..one.clone() });
            }
            if number % 7 == 0 {
                people.push(Donor { emails: vec![], ..donor(firsts[(at + 3) % firsts.len()], last) });
            }
        }
    }
    people
}

fn joined_rows(linkage: &Linkage) -> Vec<Vec<u32>> {
    linkage.joined.clusters.iter().map(|cluster| cluster.rows.clone()).collect()
}

#[test]
fn a_base_is_linked_the_same_way_every_time() {
    let people = town();
    let (one, other) = (link(&people, "44", alone), link(&people, "44", alone));
    assert_eq!(one.joined, other.joined);
    assert_eq!(one.model, other.model);
    assert!(one.model.version.starts_with("shipped-1+learnt-"));
    assert!(joined_rows(&one).len() > 20, "{}", joined_rows(&one).len());
    assert!(one.joined.clusters.iter().all(|cluster| cluster.weakest.1 >= super::cluster::JOINED_BITS));
}

#[test]
fn somebody_unrelated_changes_no_cluster() {
    let mut people = town();
    let before = joined_rows(&link(&people, "44", alone));
    people.push(Donor { phones: vec!["+81 3 1234 5678".into()], ..donor("Haruki", "Watanabe") });
    assert_eq!(joined_rows(&link(&people, "44", alone)), before);
}

#[test]
fn what_sisters_know_joins_what_stands_between_them() {
    // The third record shares its address with the first and its telephone with the second.
    let mut people = town();
    let at = u32::try_from(people.len()).expect("few");
    let first = Donor { phones: vec![], ..ada() };
    let second = Donor { street: String::new(), town: String::new(), postcode: String::new(), ..ada() };
    let third = Donor { emails: vec![], first: "A.".into(), title: String::new(), ..ada() };
    people.extend([first, second, third]);
    let linkage = link(&people, "44", alone);
    assert!(joined_rows(&linkage).contains(&vec![at, at + 1, at + 2]), "{:?}", joined_rows(&linkage));
}

#[test]
fn kinds_of_others_are_in_the_order_of_their_list() {
    let model = shipped(1_000);
    let kind = |other: Other| model.others[Other::ALL.iter().position(|one| *one == other).expect("listed")];
    assert!(kind(Other::Household).place > 0.99 && kind(Other::Household).share[Field::First.at()] < 0.01);
    assert!(
        kind(Other::NamesakeAtHome).place > 0.99
            && kind(Other::NamesakeAtHome).share[Field::First.at()] > 0.99
    );
    assert!(kind(Other::Namesake).place < 0.01 && kind(Other::Namesake).share[Field::Last.at()] > 0.99);
}
