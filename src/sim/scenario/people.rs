//! Supporters: households, e-mails, phones, addresses, and the duplicates every donor file has.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::names::{FIRST, JOBS, LAST, NICKNAMES, STREET_KINDS, STREETS, TOWNS, Town};
use super::{Draft, World, actor, money};
use crate::sim::json::Json;

/// Per mille of people who are in the file twice.
const DUPLICATES: u64 = 60;
/// Days over which the file grew.
const AGE_DAYS: i64 = 6 * 365;

/// One person under construction.
pub(super) struct Person {
    /// Id.
    pub(super) id: Uuid,
    /// Given name.
    pub(super) first: String,
    /// Family name.
    pub(super) last: String,
    /// Primary e-mail, possibly empty.
    pub(super) email: String,
    /// Whether a Gift Aid declaration is on file.
    pub(super) gift_aid: bool,
    /// When the record was made.
    pub(super) made: i64,
    /// Sum of the gifts, in micros.
    pub(super) lifetime: i64,
    /// Largest gift, in micros.
    pub(super) largest: i64,
    /// Number of gifts.
    pub(super) count: i64,
    /// Days of the first and last gift and the amount of the last.
    pub(super) first_gift: Option<String>,
    /// Day and amount of the last gift.
    pub(super) last_gift: Option<(String, i64)>,
    additional: Vec<String>,
    phone: String,
    address: Json,
    job: &'static str,
    company: Option<Uuid>,
    opted_out: bool,
    by: Json,
}

/// What the members of a household share.
struct Household {
    last: String,
    phone: String,
    address: Json,
    left: u64,
}

/// Generates people; they are stored later, when their gifts are known.
pub(super) fn people(
    world: &mut World<'_>,
    count: usize,
    companies: &[(Uuid, String)],
    members: &[(Uuid, String)],
) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(count);
    let mut emails = BTreeSet::new();
    let mut household = Household { last: String::new(), phone: String::new(), address: Json::Null, left: 0 };
    while people.len() < count {
        let by =
            members.get(world.dice.index(members.len())).map_or(Json::Null, |member| actor(member, "IMPORT"));
        if people.len() > 10 && world.dice.per_mille(DUPLICATES) {
            let at = world.dice.index(people.len());
            if let Some(original) = people.get(at) {
                let again = duplicate(world, original, &mut emails, by);
                people.push(again);
            }
            continue;
        }
        if household.left == 0 {
            household = settle(world);
        }
        household.left -= 1;
        let company =
            if world.dice.per_mille(60) { world.dice.pick(companies).map(|(id, _)| *id) } else { None };
        people.push(person(world, &household, &mut emails, company, by));
    }
    people
}

/// An index that favours the front of a list, as common names do.
fn common(world: &mut World<'_>, len: usize) -> usize {
    world.dice.index(len).min(world.dice.index(len))
}

fn family_name(world: &mut World<'_>) -> String {
    let at = common(world, LAST.len());
    let name = LAST.get(at).copied().unwrap_or("Smith");
    if world.dice.per_mille(30) {
        let other = common(world, LAST.len());
        return format!("{name}-{}", LAST.get(other).copied().unwrap_or("Jones"));
    }
    name.to_owned()
}

fn settle(world: &mut World<'_>) -> Household {
    let at = common(world, TOWNS.len());
    let last = family_name(world);
    let (phone, address) = TOWNS
        .get(at)
        .map_or((String::new(), Json::Null), |town| (landline(world, town), address(world, town)));
    let left = if world.dice.per_mille(380) { 2 + world.dice.below(2) } else { 1 };
    Household { last, phone, address, left }
}

fn landline(world: &mut World<'_>, town: &Town) -> String {
    format!("{}{:03}", town.phone, world.dice.below(1000))
}

fn address(world: &mut World<'_>, town: &Town) -> Json {
    let street = world.dice.pick(STREETS).copied().unwrap_or("High");
    let kind = world.dice.pick(STREET_KINDS).copied().unwrap_or("Street");
    let letters = b"ABDEFGHJLNPQRSTUWXYZ";
    let mut letter = || char::from(*world.dice.pick(letters).unwrap_or(&b'A'));
    let tail: String = [letter(), letter()].iter().collect();
    let postcode = format!("{}{} {}{tail}", town.area, 1 + world.dice.below(28), world.dice.below(10));
    let flat =
        if world.dice.per_mille(120) { format!("Flat {}", 1 + world.dice.below(12)) } else { String::new() };
    Json::object([
        ("addressStreet1", Json::text(format!("{} {street} {kind}", 1 + world.dice.below(180)))),
        ("addressStreet2", Json::text(flat)),
        ("addressCity", Json::text(town.name)),
        ("addressPostcode", Json::text(postcode)),
        ("addressState", Json::text(town.county)),
        ("addressCountry", Json::text("United Kingdom")),
        ("addressLat", Json::Null),
        ("addressLng", Json::Null),
    ])
}

fn person(
    world: &mut World<'_>,
    household: &Household,
    emails: &mut BTreeSet<String>,
    company: Option<Uuid>,
    by: Json,
) -> Person {
    let at = common(world, FIRST.len());
    let first = FIRST.get(at).copied().unwrap_or("Margaret").to_owned();
    let last = if world.dice.per_mille(80) { family_name(world) } else { household.last.clone() };
    let email = if world.dice.per_mille(820) { email(world, &first, &last, emails) } else { String::new() };
    let phone = match world.dice.below(10) {
        0..4 => household.phone.clone(),
        4..8 => format!("7700900{:03}", world.dice.below(1000)),
        _ => String::new(),
    };
    let job = if world.dice.per_mille(120) { world.dice.pick(JOBS).copied().unwrap_or("") } else { "" };
    let address = if world.dice.per_mille(880) { household.address.clone() } else { Json::Null };
    Person {
        id: world.dice.uuid(),
        first,
        last,
        email,
        gift_aid: world.dice.per_mille(620),
        made: world.ago(AGE_DAYS),
        lifetime: 0,
        largest: 0,
        count: 0,
        first_gift: None,
        last_gift: None,
        additional: Vec::new(),
        phone,
        address,
        job,
        company,
        opted_out: world.dice.per_mille(90),
        by,
    }
}

/// An address made from the name; taken ones get a number, as providers do.
fn email(world: &mut World<'_>, first: &str, last: &str, emails: &mut BTreeSet<String>) -> String {
    let domain = world.dice.pick(&["example.org", "example.com", "example.net", "post.example.org"]);
    let domain = domain.copied().unwrap_or("example.org");
    let (first, last) = (plain(first), plain(last));
    let stem = match world.dice.below(4) {
        0 => format!("{}{last}", first.get(..1).unwrap_or_default()),
        1 => format!("{first}{last}"),
        _ => format!("{first}.{last}"),
    };
    let mut address = format!("{stem}@{domain}");
    while !emails.insert(address.clone()) {
        address = format!("{stem}{}@{domain}", world.dice.below(10_000));
    }
    address
}

/// Lower-case ASCII letters of a name; marks are dropped the way people spell addresses.
fn plain(name: &str) -> String {
    let letters = name.chars().flat_map(char::to_lowercase).filter_map(|letter| match letter {
        'a'..='z' => Some(letter),
        'á' | 'à' | 'â' | 'å' | 'ä' => Some('a'),
        'ç' | 'ć' => Some('c'),
        'é' | 'è' | 'ê' | 'ë' | 'ệ' | 'ễ' | 'ę' => Some('e'),
        'í' | 'ï' | 'ı' => Some('i'),
        'ł' => Some('l'),
        'ñ' => Some('n'),
        'ó' | 'ø' | 'ö' | 'ô' => Some('o'),
        'ś' => Some('s'),
        'ú' | 'ü' => Some('u'),
        _ => None,
    });
    letters.collect()
}

/// The same human once more: a typo, a short name, a move, or a second address.
fn duplicate(world: &mut World<'_>, original: &Person, emails: &mut BTreeSet<String>, by: Json) -> Person {
    let (mut first, mut last) = (original.first.clone(), original.last.clone());
    let mut address = original.address.clone();
    let mut additional = Vec::new();
    let mut new_email = String::new();
    match world.dice.below(4) {
        0 => last = typo(world, &last),
        1 => match NICKNAMES.iter().find(|(full, _)| *full == first) {
            Some((_, short)) => (*short).clone_into(&mut first),
            None => first = first.chars().take(1).collect(),
        },
        2 => address = settle(world).address,
        _ => {
            new_email = email(world, &first, &last, emails);
            if !original.email.is_empty() && world.dice.per_mille(300) {
                additional.push(original.email.clone());
            }
        }
    }
    let made = original.made + world.dice.between(0, (world.now - original.made).max(0));
    Person {
        id: world.dice.uuid(),
        first,
        last,
        email: new_email,
        gift_aid: false,
        made,
        lifetime: 0,
        largest: 0,
        count: 0,
        first_gift: None,
        last_gift: None,
        additional,
        phone: original.phone.clone(),
        address,
        job: "",
        company: None,
        opted_out: false,
        by,
    }
}

/// Two neighbouring letters swapped, or one doubled.
fn typo(world: &mut World<'_>, name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = 1 + world.dice.index(letters.len().saturating_sub(2));
    match letters.get(at).copied() {
        Some(letter) if world.dice.per_mille(500) => letters.insert(at, letter),
        Some(_) if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => {}
    }
    letters.into_iter().collect()
}

/// Stores the people with what their gifts add up to.
pub(super) fn store(world: &mut World<'_>, people: Vec<Person>) {
    let Some((index, object)) = world.object("people") else { return };
    world.people = people.iter().map(|person| person.id).collect();
    for (place, person) in people.into_iter().enumerate() {
        let changed = person.made + world.dice.between(0, (world.now - person.made).max(0));
        let draft = Draft::new(object, person.id, person.made, changed, place, &person.by)
            .with("name", name(&person))
            .with("emails", emails(&person))
            .with("phones", phones(&person.phone))
            .text("jobTitle", person.job)
            .with("companyId", person.company.map_or(Json::Null, |id| Json::text(id.to_string())))
            .with("mailingAddress", person.address.clone())
            .with("supporterEmailOptOut", Json::Bool(person.opted_out));
        world.core.store.put(index, with_rollups(draft, &person).row);
    }
}

fn with_rollups<'a>(draft: Draft<'a>, person: &Person) -> Draft<'a> {
    let Some((day, amount)) = &person.last_gift else { return draft };
    draft
        .with("lifetimeGiftAmount", money(person.lifetime))
        .with("largestGiftAmount", money(person.largest))
        .with("giftCount", Json::int(person.count))
        .text("firstGiftDate", person.first_gift.as_deref().unwrap_or_default())
        .text("lastGiftDate", day)
        .with("lastGiftAmount", money(*amount))
}

fn name(person: &Person) -> Json {
    Json::object([
        ("firstName", Json::text(person.first.clone())),
        ("lastName", Json::text(person.last.clone())),
    ])
}

fn emails(person: &Person) -> Json {
    let additional = person.additional.iter().map(|email| Json::text(email.clone())).collect();
    Json::object([
        ("primaryEmail", Json::text(person.email.clone())),
        ("additionalEmails", Json::Arr(additional)),
    ])
}

fn phones(number: &str) -> Json {
    if number.is_empty() {
        return Json::Null;
    }
    Json::object([
        ("primaryPhoneNumber", Json::text(number)),
        ("primaryPhoneCountryCode", Json::text("GB")),
        ("primaryPhoneCallingCode", Json::text("+44")),
        ("additionalPhones", Json::Arr(Vec::new())),
    ])
}
