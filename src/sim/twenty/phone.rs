//! Phone input: the national number is stored, with the country it belongs to.

use super::error::Refusal;
use crate::sim::json::Json;

/// Calling codes with the country each is shown as.
const COUNTRIES: &[(&str, &str)] = &[
    ("+353", "IE"),
    ("+351", "PT"),
    ("+44", "GB"),
    ("+31", "NL"),
    ("+32", "BE"),
    ("+33", "FR"),
    ("+34", "ES"),
    ("+39", "IT"),
    ("+41", "CH"),
    ("+45", "DK"),
    ("+46", "SE"),
    ("+47", "NO"),
    ("+48", "PL"),
    ("+49", "DE"),
    ("+61", "AU"),
    ("+64", "NZ"),
    ("+81", "JP"),
    ("+91", "IN"),
    ("+1", "US"),
];

/// The phones to store: primary parts left out are kept, additional phones left out are gone.
pub(crate) fn bind(value: &Json, mut kept: Json) -> Result<Json, Refusal> {
    let given = |part: &str| value.get(part).and_then(Json::as_str).unwrap_or_default();
    let raw = given("primaryPhoneNumber");
    if raw.is_empty() {
        for part in ["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode"] {
            if value.get(part).is_some() {
                kept.set(part, Json::text(given(part)));
            }
        }
    } else {
        // The stored country does not help: only what comes with the number counts.
        let phone = parse(raw, given("primaryPhoneCountryCode"), given("primaryPhoneCallingCode"))?;
        kept.set("primaryPhoneNumber", Json::text(phone.number));
        kept.set("primaryPhoneCountryCode", Json::text(phone.country));
        kept.set("primaryPhoneCallingCode", Json::text(phone.calling));
    }
    let additional = value.get("additionalPhones").and_then(Json::as_array).unwrap_or_default();
    kept.set(
        "additionalPhones",
        Json::Arr(additional.iter().map(bind_additional).collect::<Result<_, _>>()?),
    );
    Ok(kept)
}

fn bind_additional(item: &Json) -> Result<Json, Refusal> {
    let given = |part: &str| item.get(part).and_then(Json::as_str).unwrap_or_default();
    let phone = parse(given("number"), given("countryCode"), given("callingCode"))?;
    Ok(Json::object([
        ("number", Json::text(phone.number)),
        ("callingCode", Json::text(phone.calling)),
        ("countryCode", Json::text(phone.country)),
    ]))
}

struct Phone {
    number: String,
    country: String,
    calling: String,
}

fn parse(raw: &str, country: &str, calling: &str) -> Result<Phone, Refusal> {
    let invalid =
        || Refusal::coded("INVALID_PHONE_NUMBER", format!("Provided phone number is invalid {raw}"));
    let dense: String = raw.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')' | '.')).collect();
    let prefix = COUNTRIES.iter().find(|(code, _)| dense.starts_with(code));
    let (digits, calling, found) = match (dense.starts_with('+'), prefix) {
        (true, Some((code, name))) => (dense.get(code.len()..).unwrap_or_default(), *code, *name),
        (true, None) => return Err(invalid()),
        (false, _) => {
            let known = COUNTRIES
                .iter()
                .find(|(code, name)| *code == calling || (calling.is_empty() && *name == country));
            let code = known.map_or(calling, |(code, _)| *code);
            (dense.as_str(), code, known.map_or("", |(_, name)| *name))
        }
    };
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric || !(5..=13).contains(&digits.len()) || calling.is_empty() {
        return Err(invalid());
    }
    // Italian numbers keep their leading zero, all others lose the trunk prefix.
    let number = if calling == "+39" { digits } else { digits.trim_start_matches('0') };
    let country = if country.is_empty() { found } else { country };
    Ok(Phone { number: number.to_owned(), country: country.to_owned(), calling: calling.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Json, bind};
    use crate::sim::twenty::emit::empty;
    use crate::sim::twenty::schema::Kind;

    #[test]
    fn a_number_needs_its_country_in_the_same_request() {
        let stored = empty(Kind::Phones);
        let alone = Json::object([("primaryPhoneNumber", Json::text("612345700"))]);
        assert!(bind(&alone, stored.clone()).is_err());
        let whole = Json::object([("primaryPhoneNumber", Json::text("+44 7700 900123"))]);
        let phones = bind(&whole, stored).expect("a British number");
        assert_eq!(phones.get("primaryPhoneNumber"), Some(&Json::text("7700900123")));
        assert_eq!(phones.get("primaryPhoneCountryCode"), Some(&Json::text("GB")));
    }
}
