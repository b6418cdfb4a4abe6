//! What is asked about: somebody told, a person of the mirror, or a row waiting.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::problem::Problem;
use crate::ground::id::{PersonId, StagedId};
use crate::ground::matching::record::Donor;
use crate::ground::matching::told::PersonTold;
use crate::search::{Who, donor_of};
use crate::store::Ledger;

/// Inputs that one request may ask about.
const MANY: usize = 60;

/// A donor as a caller tells one. What is missing is not known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct DonorBody {
    title: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    date_of_birth: Option<String>,
    street: Option<String>,
    city: Option<String>,
    postcode: Option<String>,
    region: Option<String>,
    organization_name: Option<String>,
}

impl DonorBody {
    fn donor(&self) -> Donor {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let list = |one: &Option<String>| {
            let one = text(one);
            if one.is_empty() { Vec::new() } else { vec![one] }
        };
        Donor {
            title: text(&self.title),
            first: text(&self.first_name),
            last: text(&self.last_name),
            emails: list(&self.email),
            phones: list(&self.phone),
            birth: text(&self.date_of_birth),
            street: text(&self.street),
            town: text(&self.city),
            postcode: text(&self.postcode),
            region: text(&self.region),
            organisation: text(&self.organization_name),
            ..Donor::default()
        }
    }
}

/// Somebody: exactly one of the three.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct About {
    person_id: Option<String>,
    staging_id: Option<String>,
    donor: Option<DonorBody>,
}

/// Two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyBody {
    pub(super) left: About,
    pub(super) right: About,
}

/// Reads a body, or says what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::field("", format!("{error}.")))
}

impl About {
    fn of_person(id: &str) -> Self {
        Self { person_id: Some(id.to_owned()), ..Self::default() }
    }

    /// Who is asked about, if there is a record of them, and what is known.
    pub(super) fn find(&self, ledger: &Ledger<'_>) -> Result<(Option<Who>, Donor), Problem> {
        match (&self.person_id, &self.staging_id, &self.donor) {
            (Some(id), None, None) => {
                let who = Who::Person(id.parse::<PersonId>().map_err(|_| Problem::not_found("person"))?);
                let record = ledger.record_of(&who.key())?;
                let (who, donor) =
                    record.as_ref().and_then(donor_of).ok_or_else(|| Problem::not_found("person"))?;
                Ok((Some(who), donor))
            }
            (None, Some(_), None) => {
                let row = self.row(ledger)?.ok_or_else(|| Problem::not_found("gift"))?;
                Ok((Some(Who::Row(row.id)), row.told()))
            }
            (None, None, Some(donor)) => Ok((None, donor.donor())),
            _ => Err(Problem::field("", "Name exactly one of personId, stagingId and donor.")),
        }
    }

    /// Whether an organisation gave.
    pub(super) fn is_of_company(&self, ledger: &Ledger<'_>) -> Result<bool, Problem> {
        Ok(self.row(ledger)?.is_some_and(|row| row.is_of_company()))
    }

    fn row(&self, ledger: &Ledger<'_>) -> Result<Option<crate::ground::staging::StagedRow>, Problem> {
        let Some(id) = &self.staging_id else { return Ok(None) };
        let id: StagedId = id.parse().map_err(|_| Problem::not_found("gift"))?;
        Ok(ledger.staged(id)?.map(|record| record.value))
    }
}

/// An input of the duplicates question.
#[derive(Debug)]
pub(super) enum Input {
    /// A person of the mirror, or somebody told in our words.
    About(Box<About>),
    /// Somebody told in Twenty's words.
    Told(Box<PersonTold>),
}

impl Input {
    pub(super) fn find(&self, ledger: &Ledger<'_>) -> Result<(Option<Who>, Donor), Problem> {
        match self {
            Self::About(about) => about.find(ledger),
            Self::Told(told) => Ok((None, (**told).clone().into_donor())),
        }
    }
}

/// The inputs of a duplicates question, as Twenty takes them (contract: `data` or `ids`, not both) or as the old service
/// did (domain 3.2: both names of two letters and more).
pub(super) fn duplicates_asked(bytes: &[u8]) -> Result<Vec<Input>, Problem> {
    let body: Value = read(bytes)?;
    let Some(members) = body.as_object() else {
        return Err(Problem::field("", "The body is a JSON object with data or ids."));
    };
    let inputs = match (members.get("data"), members.get("ids")) {
        (Some(_), Some(_)) => return Err(Problem::field("ids", "Send either data or ids, not both.")),
        (Some(data), None) => many(data, "data")?.into_iter().map(told).collect::<Result<Vec<_>, _>>()?,
        (None, Some(ids)) => {
            let id = |id: Value| id.as_str().map(|id| Input::About(Box::new(About::of_person(id))));
            let ids: Option<Vec<Input>> = many(ids, "ids")?.into_iter().map(id).collect();
            ids.ok_or_else(|| Problem::field("ids", "Each of ids is the id of a person."))?
        }
        (None, None) => vec![Input::About(Box::new(old(&body)?))],
    };
    if inputs.is_empty() || inputs.len() > MANY {
        return Err(Problem::field("data", format!("Ask about at least one and at most {MANY} people.")));
    }
    Ok(inputs)
}

/// One or many.
fn many(value: &Value, name: &str) -> Result<Vec<Value>, Problem> {
    match value {
        Value::Array(all) => Ok(all.clone()),
        Value::Object(_) | Value::String(_) => Ok(vec![value.clone()]),
        _ => Err(Problem::field(name, format!("{name} is one or a list."))),
    }
}

fn told(mut value: Value) -> Result<Input, Problem> {
    if let Some(members) = value.as_object_mut() {
        // Twenty takes records without an id here.
        members.entry("id").or_insert_with(|| Value::from(uuid::Uuid::nil().to_string()));
    }
    let told = serde_json::from_value(value);
    told.map(|told| Input::Told(Box::new(told))).map_err(|error| Problem::field("data", format!("{error}.")))
}

fn old(body: &Value) -> Result<About, Problem> {
    let text = |name: &str| body[name].as_str().map(|text| text.trim().to_owned());
    let known = ["firstName", "lastName", "email", "depth"];
    let unknown = body.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(Problem::field(name, format!("There is no member {name:?} here.")));
    }
    for name in ["firstName", "lastName"] {
        if text(name).is_none_or(|text| text.chars().count() < 2) {
            let said = format!("Send data or ids, or firstName and lastName; {name} needs two letters.");
            return Err(Problem::field(name, said));
        }
    }
    let donor = DonorBody {
        first_name: text("firstName"),
        last_name: text("lastName"),
        email: text("email"),
        ..DonorBody::default()
    };
    Ok(About { donor: Some(donor), ..About::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicates_question_comes_in_three_forms() {
        let count = |body: &str| duplicates_asked(body.as_bytes()).map(|inputs| inputs.len()).ok();
        assert_eq!(count(r#"{"data":[{"name":{"firstName":"Ada"}},{}]}"#), Some(2));
        assert_eq!(count(r#"{"data":{"name":{"firstName":"Ada"}}}"#), Some(1));
        assert_eq!(count(r#"{"ids":["a","b"]}"#), Some(2));
        assert_eq!(count(r#"{"firstName":"Ada","lastName":"Pugh","email":"a@b.c","depth":1}"#), Some(1));
        for wrong in [
            r#"{"data":[],"ids":[]}"#,
            r#"{"data":[]}"#,
            r#"{"ids":[7]}"#,
            r#"{"firstName":"A","lastName":"Pugh"}"#,
            r#"{"firstName":"Ada"}"#,
            r#"{"firstName":"Ada","lastName":"Pugh","shoe":1}"#,
            "[]",
            "{",
        ] {
            assert_eq!(count(wrong), None, "{wrong}");
        }
    }
}
