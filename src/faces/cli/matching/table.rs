//! A file of people: which column is what, and what the rows say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use anyhow::{Context, bail, ensure};
use csv::StringRecord;

use crate::ground::matching::link::Pair;
use crate::ground::matching::record::Donor;

/// A column of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
    Title,
    First,
    Last,
    Name,
    Email,
    Phone,
    Birth,
    Number,
    Street,
    Extra,
    Town,
    Postcode,
    Region,
    Organisation,
}

/// Our columns, each by its own name first and then by what others call it.
const NAMES: [(Ours, &[&str]); 14] = [
    (Ours::Title, &["title", "salutation", "prefix"]),
    (
        Ours::First,
        &["first", "first_name", "given_name", "forename", "firstname", "given", "name_first_name"],
    ),
    (Ours::Last, &["last", "last_name", "surname", "family_name", "lastname", "family", "name_last_name"]),
    (Ours::Name, &["name", "full_name", "fullname", "donor_name"]),
    (Ours::Email, &["email", "e_mail", "email_address", "emails_primary_email", "primary_email", "email_2"]),
    (
        Ours::Phone,
        &[
            "phone",
            "telephone",
            "tel",
            "mobile",
            "phone_number",
            "phones_primary_phone_number",
            "phone_2",
            "home_phone",
        ],
    ),
    (Ours::Birth, &["birth", "date_of_birth", "dob", "birth_date", "birthday"]),
    (Ours::Number, &["number", "street_number", "house_number"]),
    (Ours::Street, &["street", "address", "address_1", "address1", "address_line_1", "street_address"]),
    (Ours::Extra, &["extra", "address_2", "address2", "address_line_2", "locality"]),
    (Ours::Town, &["town", "city", "suburb", "post_town"]),
    (Ours::Postcode, &["postcode", "post_code", "zip", "zip_code", "postal_code"]),
    (Ours::Region, &["region", "state", "county", "province"]),
    (Ours::Organisation, &["organisation", "organization", "company", "employer", "org"]),
];

/// Columns that may be the id, if none was named.
const IDS: [&str; 3] = ["rec_id", "donor_id", "id"];

/// Which column is what.
pub(super) struct Columns {
    id: Option<String>,
    entity: Option<String>,
    mapped: Vec<(Ours, String)>,
}

impl Columns {
    /// Reads the options of the command line.
    pub(super) fn new(id: Option<&str>, entity: Option<&str>, map: &[String]) -> anyhow::Result<Self> {
        let mut mapped = Vec::with_capacity(map.len());
        for option in map {
            let (ours, theirs) =
                option.split_once('=').with_context(|| format!("--map {option}: write it as ours=theirs"))?;
            let Some((ours, _)) = NAMES.iter().find(|(_, names)| names.contains(&even(ours).as_str())) else {
                let known: Vec<&str> = NAMES.iter().map(|(_, names)| names[0]).collect();
                bail!("--map {option}: {ours} is none of ours, which are {}", known.join(", "));
            };
            mapped.push((*ours, even(theirs)));
        }
        Ok(Self { id: id.map(even), entity: entity.map(even), mapped })
    }

    /// Finds the columns in a line of headers.
    fn find(&self, headers: &StringRecord) -> anyhow::Result<Places> {
        let headers: Vec<String> = headers.iter().map(even).collect();
        let place = |name: &str| headers.iter().position(|header| header == name);
        let named = |name: &str| place(name).with_context(|| format!("there is no column {name}"));
        let id = match &self.id {
            Some(id) => named(id)?,
            None => IDS
                .iter()
                .find_map(|id| place(id))
                .with_context(|| format!("no column is the id ({}): name it with --id", IDS.join(", ")))?,
        };
        let entity = self.entity.as_deref().map(named).transpose()?;
        let mut fields = Vec::new();
        for (ours, theirs) in &self.mapped {
            fields.push((*ours, named(theirs)?));
        }
        for (ours, names) in NAMES {
            if !self.mapped.iter().any(|(mapped, _)| *mapped == ours) {
                fields.extend(names.iter().filter_map(|name| place(name)).map(|at| (ours, at)));
            }
        }
        fields.retain(|(_, at)| *at != id && Some(*at) != entity);
        ensure!(!fields.is_empty(), "no column says anything about people: name them with --map");
        Ok(Places { id, entity, fields })
    }
}

/// Headers are compared without regard to case and to how words are joined.
fn even(header: &str) -> String {
    header.trim().trim_start_matches('\u{feff}').to_lowercase().replace([' ', '-', '.'], "_")
}

struct Places {
    id: usize,
    entity: Option<usize>,
    fields: Vec<(Ours, usize)>,
}

/// The people of one file or several.
#[derive(Default)]
pub(super) struct Table {
    /// The id of each row.
    pub(super) ids: Vec<String>,
    /// What each row says.
    pub(super) donors: Vec<Donor>,
    entities: Vec<String>,
    by_id: HashMap<String, u32>,
}

impl Table {
    /// Reads a file into the table.
    pub(super) fn read(&mut self, from: impl Read, columns: &Columns) -> anyhow::Result<()> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(from);
        let places = columns.find(reader.headers()?)?;
        for (at, record) in reader.records().enumerate() {
            let record = record?;
            let line = at + 2;
            let id = record.get(places.id).unwrap_or_default().trim().to_owned();
            ensure!(!id.is_empty(), "line {line} has no id");
            let row = u32::try_from(self.ids.len()).context("more rows than can be counted")?;
            ensure!(
                self.by_id.insert(id.clone(), row).is_none(),
                "line {line}: the id {id} was there before"
            );
            self.entities
                .push(places.entity.and_then(|at| record.get(at)).unwrap_or_default().trim().to_owned());
            self.donors.push(donor(&record, &places));
            self.ids.push(id);
        }
        Ok(())
    }

    /// All pairs of rows of one entity. A row without one is nobody's double.
    pub(super) fn pairs_of_entities(&self) -> BTreeSet<Pair> {
        let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, entity) in (0u32..).zip(&self.entities).filter(|(_, entity)| !entity.is_empty()) {
            rows.entry(entity).or_default().push(row);
        }
        let mut pairs = BTreeSet::new();
        for same in rows.values() {
            for (at, left) in same.iter().enumerate() {
                pairs.extend(same[at + 1..].iter().map(|right| (*left, *right)));
            }
        }
        pairs
    }

    /// Reads a file of pairs: two ids a line.
    pub(super) fn pairs(&self, from: impl Read) -> anyhow::Result<BTreeSet<Pair>> {
        let mut reader = csv::Reader::from_reader(from);
        let mut pairs = BTreeSet::new();
        for (at, record) in reader.records().enumerate() {
            let record = record?;
            let row = |column: usize| {
                let id = record.get(column).unwrap_or_default().trim();
                self.by_id
                    .get(id)
                    .copied()
                    .with_context(|| format!("line {}: there is no row {id:?}", at + 2))
            };
            let (left, right) = (row(0)?, row(1)?);
            ensure!(left != right, "line {}: a row is no double of itself", at + 2);
            pairs.insert((left.min(right), left.max(right)));
        }
        Ok(pairs)
    }
}

fn donor(record: &StringRecord, places: &Places) -> Donor {
    let mut donor = Donor::default();
    for (ours, at) in &places.fields {
        let text = record.get(*at).unwrap_or_default().trim();
        if !text.is_empty() {
            put(&mut donor, *ours, text);
        }
    }
    donor
}

fn put(donor: &mut Donor, ours: Ours, text: &str) {
    let place = match ours {
        Ours::Email => return donor.emails.push(text.to_owned()),
        Ours::Phone => return donor.phones.push(text.to_owned()),
        Ours::Name => return put_name(donor, text),
        Ours::Title => &mut donor.title,
        Ours::First => &mut donor.first,
        Ours::Last => &mut donor.last,
        Ours::Birth => &mut donor.birth,
        Ours::Number => &mut donor.number,
        Ours::Street => &mut donor.street,
        Ours::Extra => &mut donor.extra,
        Ours::Town => &mut donor.town,
        Ours::Postcode => &mut donor.postcode,
        Ours::Region => &mut donor.region,
        Ours::Organisation => &mut donor.organisation,
    };
    if place.is_empty() {
        text.clone_into(place);
    }
}

/// A whole name, where first and last have no columns of their own: `Last, First` or `First Last`.
fn put_name(donor: &mut Donor, text: &str) {
    let (first, last) = match text.split_once(',') {
        Some((last, first)) => (first, last),
        None => text.rsplit_once(' ').unwrap_or(("", text)),
    };
    if donor.first.is_empty() && donor.last.is_empty() {
        first.trim().clone_into(&mut donor.first);
        last.trim().clone_into(&mut donor.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, id: Option<&str>, map: &[&str]) -> anyhow::Result<Table> {
        let map: Vec<String> = map.iter().map(|option| (*option).to_owned()).collect();
        let mut table = Table::default();
        table.read(text.as_bytes(), &Columns::new(id, Some("entity_id"), &map)?)?;
        Ok(table)
    }

    #[test]
    fn columns_are_known_by_the_names_of_many() {
        let febrl = "rec_id,entity_id,given_name,surname,street_number,address_1,address_2,suburb,postcode,state,\
                     date_of_birth,soc_sec_id\na,1,Ada,Pugh,7,mill lane,the mill,newport,4814,qld,19990219,99\n";
        let table = read(febrl, None, &[]).expect("reads");
        let wanted = Donor {
            first: "Ada".into(),
            last: "Pugh".into(),
            number: "7".into(),
            street: "mill lane".into(),
            extra: "the mill".into(),
            town: "newport".into(),
            postcode: "4814".into(),
            region: "qld".into(),
            birth: "19990219".into(),
            ..Donor::default()
        };
        assert_eq!(table.donors, [wanted]);
        let donors = "\u{feff}Donor ID,entity_id,E-Mail,Phone,Family\n7,1,a@b.example,0123,Pugh\n";
        let table = read(donors, Some("donor-id"), &["surname=family"]).expect("reads");
        assert_eq!((table.ids[0].as_str(), table.donors[0].last.as_str()), ("7", "Pugh"));
        assert_eq!(
            (&table.donors[0].emails[..], &table.donors[0].phones[..]),
            (&["a@b.example".into()][..], &["0123".into()][..])
        );
    }

    #[test]
    fn a_whole_name_is_taken_apart() {
        let table = read("id,entity_id,name\n1,1,Ada de la Cruz\n2,1,\"Pugh, Ada\"\n3,2,Cher\n", None, &[])
            .expect("reads");
        let names: Vec<_> =
            table.donors.iter().map(|donor| (donor.first.as_str(), donor.last.as_str())).collect();
        assert_eq!(names, [("Ada de la", "Cruz"), ("Ada", "Pugh"), ("", "Cher")]);
        assert_eq!(table.pairs_of_entities(), BTreeSet::from([(0, 1)]));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        let said = |text: &str, id: Option<&str>, map: &[&str]| match read(text, id, map) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(said("id,entity_id,last\n1,1,a\n1,1,b\n", None, &[]), "line 3: the id 1 was there before");
        assert_eq!(said("id,entity_id,last\n,1,a\n", None, &[]), "line 2 has no id");
        assert!(said("n,entity_id,last\n", None, &[]).contains("name it with --id"));
        assert!(said("id,entity_id,last\n", None, &["shoe=last"]).contains("none of ours"));
        assert!(said("id,entity_id,shoe\n", None, &[]).contains("no column says anything"));
        assert_eq!(said("id,entity_id,last\n", Some("shoe"), &[]), "there is no column shoe");
    }

    #[test]
    fn true_pairs_are_rows_that_are_there() {
        let table = read("id,entity_id,last\nx,1,a\ny,1,b\n", None, &[]).expect("reads");
        assert_eq!(table.pairs("l,r\ny,x\n".as_bytes()).expect("reads"), BTreeSet::from([(0, 1)]));
        for (pairs, said) in [
            ("l,r\nx,z\n", "line 2: there is no row \"z\""),
            ("l,r\nx,x\n", "line 2: a row is no double of itself"),
        ] {
            assert_eq!(table.pairs(pairs.as_bytes()).expect_err("refused").to_string(), said);
        }
    }
}
