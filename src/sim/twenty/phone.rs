//! Phone input: the national number is stored, with the country it belongs to.

use super::error::Refusal;
use crate::sim::json::Json;

/// Calling codes with the countries that share them, the one a bare number is shown as first.
const CALLING: &[(&str, &str)] = &[
    ("+1", "US CA PR DO JM"),
    ("+7", "RU KZ"),
    ("+20", "EG"),
    ("+27", "ZA"),
    ("+30", "GR"),
    ("+31", "NL"),
    ("+32", "BE"),
    ("+33", "FR"),
    ("+34", "ES"),
    ("+36", "HU"),
    ("+39", "IT VA"),
    ("+40", "RO"),
    ("+41", "CH"),
    ("+43", "AT"),
    ("+44", "GB GG IM JE"),
    ("+45", "DK"),
    ("+46", "SE"),
    ("+47", "NO SJ"),
    ("+48", "PL"),
    ("+49", "DE"),
    ("+51", "PE"),
    ("+52", "MX"),
    ("+54", "AR"),
    ("+55", "BR"),
    ("+56", "CL"),
    ("+57", "CO"),
    ("+60", "MY"),
    ("+61", "AU CC CX"),
    ("+62", "ID"),
    ("+63", "PH"),
    ("+64", "NZ"),
    ("+65", "SG"),
    ("+66", "TH"),
    ("+81", "JP"),
    ("+82", "KR"),
    ("+84", "VN"),
    ("+86", "CN"),
    ("+90", "TR"),
    ("+91", "IN"),
    ("+92", "PK"),
    ("+94", "LK"),
    ("+212", "MA EH"),
    ("+213", "DZ"),
    ("+216", "TN"),
    ("+233", "GH"),
    ("+234", "NG"),
    ("+251", "ET"),
    ("+254", "KE"),
    ("+255", "TZ"),
    ("+256", "UG"),
    ("+263", "ZW"),
    ("+350", "GI"),
    ("+351", "PT"),
    ("+352", "LU"),
    ("+353", "IE"),
    ("+354", "IS"),
    ("+356", "MT"),
    ("+357", "CY"),
    ("+358", "FI AX"),
    ("+359", "BG"),
    ("+370", "LT"),
    ("+371", "LV"),
    ("+372", "EE"),
    ("+380", "UA"),
    ("+385", "HR"),
    ("+386", "SI"),
    ("+420", "CZ"),
    ("+421", "SK"),
    ("+852", "HK"),
    ("+880", "BD"),
    ("+886", "TW"),
    ("+961", "LB"),
    ("+966", "SA"),
    ("+971", "AE"),
    ("+972", "IL"),
    ("+977", "NP"),
];

/// The phones to store: primary parts left out are kept, additional phones left out are gone.
pub(crate) fn bind(value: &Json, mut kept: Json) -> Result<Json, Refusal> {
    let given = |part: &str| value.get(part).and_then(Json::as_str).unwrap_or_default();
    let raw = given("primaryPhoneNumber");
    let (country, calling) = (given("primaryPhoneCountryCode"), given("primaryPhoneCallingCode"));
    check_codes(country, calling)?;
    if raw.is_empty() {
        for part in ["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode"] {
            if value.get(part).is_some() {
                kept.set(part, Json::text(given(part)));
            }
        }
    } else {
        // The stored country does not help: only what comes with the number counts.
        let phone = parse(raw, country, calling)?;
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
    check_codes(given("countryCode"), given("callingCode"))?;
    let phone = parse(given("number"), given("countryCode"), given("callingCode"))?;
    Ok(Json::object([
        ("number", Json::text(phone.number)),
        ("callingCode", Json::text(phone.calling)),
        ("countryCode", Json::text(phone.country)),
    ]))
}

/// The countries of a calling code.
fn countries(calling: &str) -> Option<&'static str> {
    CALLING.iter().find(|(code, _)| *code == calling).map(|(_, countries)| *countries)
}

fn shares(countries: &str, country: &str) -> bool {
    countries.split(' ').any(|known| known == country)
}

/// Refuses codes that do not exist and pairs that do not fit.
fn check_codes(country: &str, calling: &str) -> Result<(), Refusal> {
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !country.is_empty() && !is_country {
        return Err(Refusal::coded("INVALID_PHONE_COUNTRY_CODE", format!("Invalid country code {country}")));
    }
    if calling.is_empty() {
        return Ok(());
    }
    let plus = if calling.starts_with('+') { calling.to_owned() } else { format!("+{calling}") };
    let Some(known) = countries(&plus) else {
        return Err(Refusal::coded("INVALID_PHONE_CALLING_CODE", format!("Invalid calling code {calling}")));
    };
    if !country.is_empty() && !shares(known, country) {
        return Err(Refusal::coded(
            "CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE",
            "Provided country code and calling code are conflicting",
        ));
    }
    Ok(())
}

struct Phone {
    number: String,
    country: String,
    calling: String,
}

fn parse(raw: &str, country: &str, calling: &str) -> Result<Phone, Refusal> {
    let invalid =
        || Refusal::coded("INVALID_PHONE_NUMBER", format!("Provided phone number is invalid {raw}"));
    let dense: String =
        raw.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    // The longest code that fits is the one meant.
    let prefix =
        CALLING.iter().filter(|(code, _)| dense.starts_with(code)).max_by_key(|(code, _)| code.len());
    let (digits, code) = match (dense.starts_with('+'), prefix) {
        (true, Some((code, _))) => (dense.get(code.len()..).unwrap_or_default(), (*code).to_owned()),
        (true, None) => return Err(invalid()),
        (false, _) if !calling.is_empty() => {
            (dense.as_str(), format!("+{}", calling.trim_start_matches('+')))
        }
        (false, _) => {
            let known = CALLING.iter().find(|(_, countries)| shares(countries, country));
            (dense.as_str(), known.map(|(code, _)| (*code).to_owned()).ok_or_else(invalid)?)
        }
    };
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric || !(5..=13).contains(&digits.len()) {
        return Err(invalid());
    }
    let known = countries(&code).unwrap_or_default();
    if !country.is_empty() && !shares(known, country) {
        return Err(Refusal::coded(
            "CONFLICTING_PHONE_COUNTRY_CODE",
            "Provided and inferred country code are conflicting",
        ));
    }
    if !calling.is_empty() && calling.trim_start_matches('+') != code.trim_start_matches('+') {
        return Err(Refusal::coded(
            "CONFLICTING_PHONE_CALLING_CODE",
            "Provided and inferred calling code are conflicting",
        ));
    }
    // Italian numbers keep their leading zero, all others lose the trunk prefix.
    let number = if code == "+39" { digits } else { digits.trim_start_matches('0') };
    let inferred = known.split(' ').next().unwrap_or_default();
    Ok(Phone {
        number: number.to_owned(),
        country: if country.is_empty() { inferred } else { country }.to_owned(),
        calling: if calling.is_empty() { code } else { calling.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::{Json, bind};
    use crate::sim::twenty::emit::empty;
    use crate::sim::twenty::schema::Kind;

    fn phones(text: &str) -> Result<String, String> {
        let given = Json::parse(text.as_bytes()).expect("JSON");
        let bound = bind(&given, empty(Kind::Phones));
        bound.map(|phones| phones.to_text()).map_err(|refusal| refusal.message().to_owned())
    }

    #[test]
    fn a_number_needs_its_country_in_the_same_request() {
        assert!(phones(r#"{"primaryPhoneNumber":"612345700"}"#).is_err());
        assert_eq!(
            phones(r#"{"primaryPhoneNumber":"+44 7700 900123"}"#).as_deref(),
            Ok(
                r#"{"primaryPhoneNumber":"7700900123","primaryPhoneCountryCode":"GB","primaryPhoneCallingCode":"+44","additionalPhones":[]}"#
            )
        );
    }

    #[test]
    fn codes_must_exist_and_fit_each_other_and_the_number() {
        let refused = |text: &str| phones(text).expect_err("refused");
        let number = r#""primaryPhoneNumber":"+44 7700 900123""#;
        assert_eq!(refused(r#"{"primaryPhoneCountryCode":"Britain"}"#), "Invalid country code Britain");
        assert_eq!(refused(r#"{"primaryPhoneCallingCode":"+999"}"#), "Invalid calling code +999");
        assert_eq!(
            refused(r#"{"primaryPhoneCountryCode":"FR","primaryPhoneCallingCode":"+44"}"#),
            "Provided country code and calling code are conflicting"
        );
        assert_eq!(
            refused(&format!("{{{number},\"primaryPhoneCountryCode\":\"FR\"}}")),
            "Provided and inferred country code are conflicting"
        );
        assert_eq!(
            refused(&format!("{{{number},\"primaryPhoneCallingCode\":\"+33\"}}")),
            "Provided and inferred calling code are conflicting"
        );
    }
}
