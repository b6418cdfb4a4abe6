//! A person who may give.

use super::id::PersonId;

/// A person of the CRM, as far as the desk needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id in Twenty.
    pub id: PersonId,
    /// First name, when there.
    pub first_name: Option<String>,
    /// Last name, when there.
    pub last_name: Option<String>,
    /// All e-mail addresses, the primary one first.
    pub emails: Vec<String>,
    /// Town of the postal address.
    pub city: Option<String>,
    /// Postcode of the postal address.
    pub postcode: Option<String>,
    /// Whether they asked not to be written to; none when nobody has said.
    pub email_opt_out: Option<bool>,
}

impl Person {
    /// The name to show; nothing is invented when there is none.
    pub fn display_name(&self) -> Option<String> {
        full_name(self.first_name.as_deref(), self.last_name.as_deref())
    }

    /// The primary e-mail address.
    pub fn primary_email(&self) -> Option<&str> {
        self.emails.first().map(String::as_str)
    }
}

/// First and last name joined, or whichever is there.
pub fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [first, last].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
