//! What Twenty tells of a person, and a sender of a donor, as something to compare.

use serde::Deserialize;
use uuid::Uuid;

use super::record::Donor;
use crate::ground::staging::{Progress, StagedRow};

/// The country code of telephone numbers that are written without one: the first charities are British.
pub const COUNTRY: &str = "44";

/// A person as Twenty tells it, as far as people are told apart by it. What a workspace lacks is not known.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonTold {
    /// The id in Twenty.
    pub id: Uuid,
    #[serde(default)]
    name: Option<Names>,
    #[serde(default)]
    emails: Option<Emails>,
    #[serde(default)]
    phones: Option<Phones>,
    #[serde(default)]
    mailing_address: Option<Place>,
    #[serde(default)]
    city: Option<String>,
    #[serde(default)]
    date_of_birth: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Emails {
    primary_email: Option<String>,
    additional_emails: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phones {
    primary_phone_number: Option<String>,
    primary_phone_calling_code: Option<String>,
    #[serde(rename = "additionalPhones")]
    more: Option<Vec<Phone>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phone {
    number: Option<String>,
    calling_code: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Place {
    #[serde(rename = "addressStreet1")]
    street1: Option<String>,
    #[serde(rename = "addressStreet2")]
    street2: Option<String>,
    #[serde(rename = "addressCity")]
    city: Option<String>,
    #[serde(rename = "addressState")]
    state: Option<String>,
    #[serde(rename = "addressPostcode")]
    postcode: Option<String>,
}

fn text(text: Option<String>) -> String {
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn all(first: Option<String>, others: impl IntoIterator<Item = String>) -> Vec<String> {
    let all = first.into_iter().chain(others).map(|text| text.trim().to_owned());
    all.filter(|text| !text.is_empty()).collect()
}

/// A number with its country in front, where that is told and the number does not say it itself.
fn dialled(number: Option<String>, code: Option<String>) -> Option<String> {
    let number = number.filter(|number| !number.trim().is_empty())?;
    let code = text(code);
    let own = number.trim_start().starts_with(['+', '0']);
    Some(if own || code.is_empty() { number } else { format!("{code} {number}") })
}

impl PersonTold {
    /// As something to compare.
    pub fn into_donor(self) -> Donor {
        let (name, emails) = (self.name.unwrap_or_default(), self.emails.unwrap_or_default());
        let (phones, address) = (self.phones.unwrap_or_default(), self.mailing_address.unwrap_or_default());
        let more = phones.more.unwrap_or_default().into_iter();
        let town = text(address.city);
        Donor {
            first: text(name.first_name),
            last: text(name.last_name),
            emails: all(emails.primary_email, emails.additional_emails.unwrap_or_default()),
            phones: all(
                dialled(phones.primary_phone_number, phones.primary_phone_calling_code),
                more.filter_map(|phone| dialled(phone.number, phone.calling_code)),
            ),
            birth: text(self.date_of_birth),
            street: text(address.street1),
            extra: text(address.street2),
            town: if town.is_empty() { text(self.city) } else { town },
            postcode: text(address.postcode),
            region: text(address.state),
            ..Donor::default()
        }
    }
}

impl StagedRow {
    /// What the sender told of the donor.
    pub fn told(&self) -> Donor {
        let evidence = &self.evidence;
        Donor {
            first: text(evidence.first_name.clone()),
            last: text(evidence.last_name.clone()),
            emails: all(evidence.email.clone(), []),
            organisation: text(evidence.organisation.clone()),
            ..Donor::default()
        }
    }

    /// Whether an organisation gave: it is never matched with people (domain 4.8.2).
    pub const fn is_of_company(&self) -> bool {
        self.company.is_some() || self.intent.is_organisation()
    }

    /// Whether its donor may still turn out to be the donor of another row: it is open, nobody is chosen, and a person gave.
    pub const fn is_somebody_unknown(&self) -> bool {
        let open = matches!(self.progress, Progress::Review | Progress::Ready | Progress::Failed { .. });
        open && self.donor.person().is_none() && !self.is_of_company()
    }
}

impl Donor {
    /// Whether anything is known that people are found by.
    pub const fn says_something(&self) -> bool {
        !self.last.is_empty() || !self.first.is_empty() || !self.emails.is_empty() || !self.phones.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::gift::GiftIntent;
    use crate::ground::id::PersonId;
    use crate::ground::staging::DonorDecision;
    use crate::ground::staging::tests::row;

    #[test]
    fn a_number_has_its_country_where_that_is_told() {
        let dial = |number: &str, code: &str| dialled(Some(number.into()), Some(code.into()));
        assert_eq!(dial("1633 700221", "+44").as_deref(), Some("+44 1633 700221"));
        assert_eq!(dial("01633 700221", "+44").as_deref(), Some("01633 700221"));
        assert_eq!(dial("+1 202", "+44").as_deref(), Some("+1 202"));
        assert_eq!(dial("1633", "").as_deref(), Some("1633"));
        assert_eq!(dialled(Some(" ".into()), None), None);
    }

    #[test]
    fn only_open_rows_of_people_wait_for_somebody() {
        let open = row();
        assert!(StagedRow { donor: DonorDecision::Unreviewed, ..open.clone() }.is_somebody_unknown());
        let chosen = DonorDecision::Confirmed(PersonId(Uuid::nil()));
        assert!(!StagedRow { donor: chosen, ..open.clone() }.is_somebody_unknown());
        let of_company = StagedRow { intent: GiftIntent::Grant, ..open };
        assert!(of_company.is_of_company() && !of_company.is_somebody_unknown());
    }
}
