//! What we write to Twenty: the one builder of a gift, for every path (domain 9, defect 17).

use serde_json::{Map, Value, json};

use crate::ground::gift::{PaymentMethod, gift_name};
use crate::ground::id::GiftId;
use crate::ground::provision::usable;
use crate::ground::staging::StagedRow;
use crate::ground::workspace::Schema;

/// Fields without which a gift cannot be recognised as ours.
pub const GIFT_NEEDS: [&str; 3] = ["amount", "giftDate", "donorId"];

/// The JSON object that creates the gift of a row, with only those fields that the workspace has, in the type that is
/// wanted: one value that does not fit would have the whole call refused.
pub fn gift_body(row: &StagedRow, key: GiftId, donor_name: Option<&str>, schema: &Schema) -> String {
    let name =
        gift_name(row.intent, donor_name.or(row.evidence.name().as_deref()), row.amount, row.gift_date);
    let optional = [
        ("giftDate", row.gift_date.map(|date| date.to_string())),
        ("donorId", row.donor.person().map(|person| person.to_string())),
        ("companyId", row.company.map(|company| company.to_string())),
        ("paymentType", row.payment_method.map(PaymentMethod::twenty_option)),
        ("giftType", Some(row.intent.twenty_gift_type().to_owned())),
        ("description", row.notes.clone()),
        ("externalId", row.source.external_id.clone()),
        ("sourceFingerprint", row.source.fingerprint.clone()),
        ("provider", row.source.provider.clone()),
        ("providerPaymentId", row.source.provider_payment_id.clone()),
        ("donorFirstName", row.evidence.first_name.clone()),
        ("donorLastName", row.evidence.last_name.clone()),
        ("donorEmail", row.evidence.email.clone()),
    ];
    let mut body = Map::new();
    body.insert("id".into(), Value::from(key.to_string()));
    body.insert("name".into(), Value::from(name));
    body.insert(
        "amount".into(),
        json!({ "amountMicros": row.amount.micros, "currencyCode": row.amount.currency.as_str() }),
    );
    for (field, value) in optional {
        if let Some(value) = value.filter(|_| usable(schema, "gifts", field)) {
            body.insert(field.into(), Value::from(value));
        }
    }
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crm::GiftRecord;
    use crate::ground::gift::GiftIntent;
    use crate::ground::id::CompanyId;
    use crate::ground::model::{Kind, wanted, wanted_field};
    use crate::ground::staging::tests::row;

    #[test]
    fn what_is_sent_reads_back_as_the_same_gift_and_holds_only_known_fields() {
        let schema = Schema::of(&[("gifts", &GIFT_NEEDS)]);
        let key = GiftId(uuid::Uuid::from_u128(77));
        let body = gift_body(&row(), key, Some("Ada Lovelace"), &schema);
        let gift = serde_json::from_str::<GiftRecord>(&body).unwrap().into_gift();
        assert_eq!(
            (gift.id, gift.amount, gift.gift_date, gift.donor),
            (key, Some(row().amount), row().gift_date, row().donor.person())
        );
        assert_eq!(gift.name.as_deref(), Some("Donation from Ada Lovelace - £25 - 2026-11-20"));
        assert!(!body.contains("paymentType") && !body.contains("giftAidEligible"));
    }
    /// The gift object as it is wanted.
    fn wanted_gift() -> Schema {
        let columns: Vec<String> =
            wanted("gifts").unwrap().fields.iter().map(crate::ground::model::WantedField::column).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        Schema::of(&[("gifts", &columns)])
    }

    /// A row that has everything a gift can have.
    fn full() -> StagedRow {
        let mut row = row();
        row.company = Some(CompanyId(uuid::Uuid::from_u128(5)));
        row.payment_method = Some(PaymentMethod::Card);
        row.notes = Some("In memory".into());
        let text = || Some("x".to_owned());
        (row.source.external_id, row.source.fingerprint) = (text(), text());
        (row.source.provider, row.source.provider_payment_id) = (text(), text());
        (row.evidence.first_name, row.evidence.last_name, row.evidence.email) = (text(), text(), text());
        row
    }

    #[test]
    fn every_field_that_is_sent_is_one_of_the_model_in_a_fitting_type() {
        let body = gift_body(&full(), GiftId(uuid::Uuid::from_u128(1)), None, &wanted_gift());
        let body: Map<String, Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(body.len(), 16, "all that can be sent is sent: {body:?}");
        for (name, value) in body.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "name")) {
            let field = wanted_field("gifts", name).unwrap_or_else(|| panic!("{name} is not wanted"));
            let text = value.as_str().unwrap_or_default();
            let fits = match field.kind {
                Kind::Text => value.is_string(),
                Kind::Money => value["amountMicros"].is_i64() && value["currencyCode"].is_string(),
                Kind::Date => text.parse::<crate::ground::time::CalendarDate>().is_ok(),
                Kind::One(_) => name.ends_with("Id") && text.parse::<uuid::Uuid>().is_ok(),
                Kind::Choice(choice) => choice.options.iter().any(|(option, _)| *option == text),
                Kind::Moment | Kind::Number | Kind::Truth(_) | Kind::Address => false,
            };
            assert!(fits, "{name}: {value} is no {}", field.kind.twenty());
        }
    }

    #[test]
    fn every_value_of_a_choice_that_can_be_sent_is_one_of_its_options() {
        let has = |field: &str, value: &str| {
            let field = wanted_field("gifts", field).unwrap();
            assert!(field.options().iter().any(|(option, _)| *option == value), "{field}: {value}");
        };
        for method in PaymentMethod::ALL {
            has("paymentType", &method.twenty_option());
        }
        for intent in GiftIntent::ALL {
            has("giftType", intent.twenty_gift_type());
        }
    }

    #[test]
    fn a_field_of_another_type_is_not_sent() {
        let mut schema = wanted_gift();
        schema.objects.get_mut("gifts").unwrap().fields.get_mut("provider").unwrap().kind = "NUMBER".into();
        let body = gift_body(&full(), GiftId(uuid::Uuid::from_u128(1)), None, &schema);
        assert!(!body.contains("\"provider\"") && body.contains("\"providerPaymentId\""));
    }
}
