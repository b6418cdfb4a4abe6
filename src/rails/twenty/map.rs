//! What we write to Twenty: the one builder of a gift, for every path (domain 9, defect 17).

use serde_json::{Map, Value, json};

use crate::ground::gift::{PaymentMethod, gift_name};
use crate::ground::id::GiftId;
use crate::ground::staging::StagedRow;
use crate::ground::workspace::Schema;

/// Fields without which a gift cannot be recognised as ours.
pub const GIFT_NEEDS: [&str; 3] = ["amount", "giftDate", "donorId"];

/// The JSON object that creates the gift of a row, with only those fields that the workspace has.
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
        if let Some(value) = value.filter(|_| schema.has("gifts", field)) {
            body.insert(field.into(), Value::from(value));
        }
    }
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crm::GiftRecord;
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
}
