//! Many records changed in one call, each with values of its own (contract 1.7, domain 4.8.6): the only such call there
//! is, and one that makes a record where an id is unknown, brings a deleted one back, and changes another record where a
//! unique value is its. None of these can be expressed here.

use std::collections::BTreeSet;

use ::http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::call::unfit;
use super::{TwentyRail, capitalised, reply};
use crate::ground::id::Names;
use crate::ground::run::CHUNK;
use crate::ground::workspace::ObjectSchema;
use crate::rails::{Outcome, Permit, TransportError, Trouble};

/// What Twenty keeps of every record by itself, and what says which record it is.
const NOT_OURS: [&str; 7] =
    ["id", "createdAt", "updatedAt", "deletedAt", "createdBy", "updatedBy", "searchVector"];

/// One record and what it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpsertRow {
    /// Its id.
    pub id: Uuid,
    /// The fields that change.
    pub fields: Map<String, Value>,
}

/// Why records cannot be changed in one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpsertRefusal {
    /// There is nothing to change.
    #[error("there is no record to change")]
    Empty,
    /// There are more than a call takes.
    #[error("{0} records are more than one call takes")]
    TooMany(usize),
    /// A record stands there twice.
    #[error("the record {0} is named twice")]
    Twice(Uuid),
    /// Nothing would change of a record.
    #[error("nothing would change of the record {0}")]
    NoChange(Uuid),
    /// A record is not one of those that may be changed.
    #[error("the record {0} is not one of those that may be changed")]
    Foreign(Uuid),
    /// A field that tells records apart, or that Twenty keeps: with it the call could meet another record.
    #[error("the field {0} cannot be changed in this way")]
    Telling(String),
    /// A record is not there, or deleted: the call would make it, or bring it back.
    #[error("the record {0} is not there any more")]
    Missing(Uuid),
}

/// Records that satisfy the contract but for one thing: it is not known that all of them are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpsertRows(Vec<UpsertRow>);

/// Records that are all there. Made by looking, or from rows that the run itself has loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRows(Vec<UpsertRow>);

impl UpsertRows {
    /// The rows, if every one is among `allowed`, named once, changes something, and changes nothing by which Twenty
    /// could take it for another record.
    pub fn new(
        rows: Vec<UpsertRow>,
        allowed: &BTreeSet<Uuid>,
        object: &ObjectSchema,
    ) -> Result<Self, UpsertRefusal> {
        if rows.is_empty() {
            return Err(UpsertRefusal::Empty);
        }
        if rows.len() > CHUNK {
            return Err(UpsertRefusal::TooMany(rows.len()));
        }
        let mut named = BTreeSet::new();
        for row in &rows {
            if !named.insert(row.id) {
                return Err(UpsertRefusal::Twice(row.id));
            }
            if row.id.is_nil() || !allowed.contains(&row.id) {
                return Err(UpsertRefusal::Foreign(row.id));
            }
            if row.fields.is_empty() {
                return Err(UpsertRefusal::NoChange(row.id));
            }
            let telling = |name: &&String| {
                NOT_OURS.contains(&name.as_str())
                    || object.fields.get(*name).is_none_or(|field| field.is_unique)
            };
            if let Some(name) = row.fields.keys().find(telling) {
                return Err(UpsertRefusal::Telling(name.clone()));
            }
        }
        Ok(Self(rows))
    }

    /// The rows as known to be there, since the run loaded them itself (`trustIds` of the domain).
    pub fn trusted(self, loaded: &BTreeSet<Uuid>) -> Result<KnownRows, UpsertRefusal> {
        match self.0.iter().find(|row| !loaded.contains(&row.id)) {
            Some(row) => Err(UpsertRefusal::Missing(row.id)),
            None => Ok(KnownRows(self.0)),
        }
    }

    fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(|row| row.id).collect()
    }
}

impl KnownRows {
    fn body(&self) -> String {
        let one = |row: &UpsertRow| {
            let mut fields = row.fields.clone();
            fields.insert("id".into(), Value::from(row.id.to_string()));
            Value::Object(fields)
        };
        Value::Array(self.0.iter().map(one).collect()).to_string()
    }
}

impl TwentyRail {
    /// Looks whether all rows are there and not deleted. One call.
    pub async fn known_rows(
        &self,
        permit: &Permit,
        names: &Names,
        rows: UpsertRows,
    ) -> Result<Result<KnownRows, UpsertRefusal>, Trouble> {
        let found = self.probe(permit, names, &rows.ids()).await?;
        let live: BTreeSet<Uuid> =
            found.iter().filter(|record| !record.deleted).map(|record| record.id).collect();
        Ok(rows.trusted(&live))
    }

    /// Changes the rows. A refusal does not say that nothing was kept, since rows are changed one after the other: it is
    /// told as not known. An answer with other records than were sent stops the run.
    pub async fn upsert(&self, permit: &Permit, names: &Names, rows: &KnownRows) -> Outcome {
        let path = format!("/rest/batch/{}?upsert=true&depth=0", names.plural);
        match self.send(permit, Method::POST, &path, Some(rows.body())).await {
            Err(TransportError::Refused(said)) => {
                Outcome::Rejected(Trouble::Later { after_ms: None, said, limit: false })
            }
            Err(TransportError::Broken(said)) => Outcome::Unknown(said),
            Ok(answer) => {
                let member = format!("create{}", capitalised(&names.plural));
                let ids: Vec<Uuid> = rows.0.iter().map(|row| row.id).collect();
                match reply::created(&answer, &member, &ids) {
                    Outcome::Rejected(Trouble::Refused(said) | Trouble::Clash(said)) => {
                        Outcome::Unknown(said)
                    }
                    outcome => {
                        if let Outcome::Rejected(trouble) = &outcome {
                            unfit(permit, &path, trouble);
                        }
                        outcome
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::workspace::{FieldSchema, Schema};
    use serde_json::json;

    fn object() -> ObjectSchema {
        let schema = Schema::of(&[("people", &["jobTitle", "city"])]);
        let mut people = schema.objects["people"].clone();
        let unique = FieldSchema { name: "emails".into(), is_unique: true, ..FieldSchema::default() };
        people.fields.insert("emails".into(), unique);
        people
    }

    fn row(n: u128, fields: Value) -> UpsertRow {
        let Value::Object(fields) = fields else { panic!("an object") };
        UpsertRow { id: Uuid::from_u128(n), fields }
    }

    #[test]
    fn what_could_meet_another_record_cannot_be_built() {
        let allowed: BTreeSet<Uuid> = (1..=100).map(Uuid::from_u128).collect();
        let title = || json!({ "jobTitle": "Chair" });
        let refused = |rows: Vec<UpsertRow>| UpsertRows::new(rows, &allowed, &object()).unwrap_err();
        let id = Uuid::from_u128;
        assert_eq!(refused(vec![]), UpsertRefusal::Empty);
        assert_eq!(refused((1..=61).map(|n| row(n, title())).collect()), UpsertRefusal::TooMany(61));
        assert_eq!(refused(vec![row(1, title()), row(1, title())]), UpsertRefusal::Twice(id(1)));
        assert_eq!(refused(vec![row(1, title()), row(2, json!({}))]), UpsertRefusal::NoChange(id(2)));
        assert_eq!(refused(vec![row(101, title())]), UpsertRefusal::Foreign(id(101)));
        assert_eq!(refused(vec![row(0, title())]), UpsertRefusal::Foreign(id(0)));
        for (field, value) in
            [("emails", json!({})), ("id", json!("x")), ("deletedAt", json!(null)), ("no", json!(1))]
        {
            let wrong = refused(vec![row(1, json!({ field: value }))]);
            assert_eq!(wrong, UpsertRefusal::Telling(field.into()));
        }
        let fine = UpsertRows::new((1..=60).map(|n| row(n, title())).collect(), &allowed, &object()).unwrap();
        let loaded: BTreeSet<Uuid> = (1..=59).map(Uuid::from_u128).collect();
        assert_eq!(fine.clone().trusted(&loaded), Err(UpsertRefusal::Missing(id(60))));
        assert!(fine.trusted(&allowed).is_ok());
    }
}
