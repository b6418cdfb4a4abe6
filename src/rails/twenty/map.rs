//! What we write to Twenty: the one builder of a gift, for every path (domain 9, defect 17).

use serde_json::{Map, Value, json};

use crate::ground::gift::{PaymentMethod, gift_name};
use crate::ground::id::{GiftId, PersonId};
use crate::ground::money::Money;
use crate::ground::provision::usable;
use crate::ground::staging::{DonorDecision, DonorEvidence, StagedRow};
use crate::ground::workspace::Schema;

/// Fields without which a gift cannot be recognised as ours.
pub const GIFT_NEEDS: [&str; 3] = ["amount", "giftDate", "donorId"];

/// Who gives a gift, as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Giver<'g> {
    /// The person; none for an organisation's or an anonymous gift.
    pub id: Option<PersonId>,
    /// The name of the person or organisation, as Twenty has it.
    pub name: Option<&'g str>,
}

/// The JSON object that creates the gift of a row, with only those fields that the workspace has, in the type that is
/// wanted: one value that does not fit would have the whole call refused.
///
/// `donor` is who gives it and under which name: for a new donor the id the person will have.
pub fn gift_body(row: &StagedRow, key: GiftId, donor: Giver<'_>, schema: &Schema) -> String {
    let told = row.evidence.name();
    let name = gift_name(row.intent, donor.name.or(told.as_deref()), row.amount, row.gift_date);
    let optional = [
        ("giftDate", row.gift_date.map(|date| date.to_string())),
        ("donorId", donor.id.map(|person| person.to_string())),
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
        ("companyName", row.evidence.organisation.clone()),
    ];
    let coding = &row.coding;
    let booked = [
        ("appealId", coding.appeal.map(|id| id.0)),
        ("appealSourceId", coding.appeal_source.map(|id| id.0)),
        ("fundId", coding.fund.map(|id| id.0)),
        ("opportunityId", coding.opportunity.map(|id| id.0)),
        ("giftPayoutId", coding.payout.map(|id| id.0)),
        ("recurringAgreementId", coding.agreement.map(|id| id.0)),
    ];
    let anonymous = (row.donor == DonorDecision::Anonymous).then_some(true);
    let texts = optional.into_iter().map(|(field, value)| (field, value.map(Value::from)));
    let booked = booked.into_iter().map(|(field, id)| (field, id.map(|id| Value::from(id.to_string()))));
    let fees = row.fees.known().map(|(field, amount)| (field, Some(money(amount))));
    let flags = std::iter::once(("isAnonymousDonor", anonymous.map(Value::from)));
    let mut body = Map::new();
    body.insert("id".into(), Value::from(key.to_string()));
    body.insert("name".into(), Value::from(name));
    body.insert("amount".into(), money(row.amount));
    for (field, value) in texts.chain(booked).chain(fees).chain(flags) {
        if let Some(value) = value.filter(|_| usable(schema, "gifts", field)) {
            body.insert(field.into(), value);
        }
    }
    Value::Object(body).to_string()
}

fn money(amount: Money) -> Value {
    json!({ "amountMicros": amount.micros, "currencyCode": amount.currency.as_str() })
}

/// The JSON object that creates the person whom a row tells of (domain 4.8.4: at that moment, never matched again). An
/// opt-out is only ever set, never taken back (domain 1.5).
pub fn person_body(evidence: &DonorEvidence, key: PersonId, schema: &Schema) -> String {
    let mut body = Map::new();
    body.insert("id".into(), Value::from(key.to_string()));
    let name = json!({ "firstName": evidence.first_name, "lastName": evidence.last_name });
    body.insert("name".into(), name);
    if let Some(email) =
        evidence.email.as_deref().map(str::trim).filter(|_| usable(schema, "people", "emails"))
    {
        body.insert("emails".into(), json!({ "primaryEmail": email }));
    }
    if evidence.email_opt_out == Some(true) && usable(schema, "people", "supporterEmailOptOut") {
        body.insert("supporterEmailOptOut".into(), Value::from(true));
    }
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::coding::{Coding, Fees};
    use crate::ground::crm::GiftRecord;
    use crate::ground::gift::GiftIntent;
    use crate::ground::id::{
        AgreementId, AppealId, AppealSourceId, CompanyId, FundId, OpportunityId, PayoutId,
    };
    use crate::ground::model::{Kind, wanted, wanted_field};
    use crate::ground::staging::tests::row;

    #[test]
    fn what_is_sent_reads_back_as_the_same_gift_and_holds_only_known_fields() {
        let schema = Schema::of(&[("gifts", &GIFT_NEEDS)]);
        let key = GiftId(uuid::Uuid::from_u128(77));
        let giver = Giver { id: row().donor.person(), name: Some("Ada Lovelace") };
        let body = gift_body(&row(), key, giver, &schema);
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
        row.evidence.organisation = text();
        let id = uuid::Uuid::from_u128;
        row.coding = Coding {
            appeal: Some(AppealId(id(1))),
            appeal_source: Some(AppealSourceId(id(2))),
            fund: Some(FundId(id(3))),
            opportunity: Some(OpportunityId(id(4))),
            payout: Some(PayoutId(id(5))),
            agreement: Some(AgreementId(id(6))),
        };
        let amount = Some(row.amount);
        row.fees = Fees { covered: amount, gross: amount, processing: amount, net: amount };
        row
    }

    #[test]
    fn every_field_that_is_sent_is_one_of_the_model_in_a_fitting_type() {
        let giver = Giver { id: full().donor.person(), name: None };
        let body = gift_body(&full(), GiftId(uuid::Uuid::from_u128(1)), giver, &wanted_gift());
        let body: Map<String, Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(body.len(), 27, "all that can be sent is sent: {body:?}");
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
    fn an_anonymous_gift_says_so_and_names_nobody() {
        let row = StagedRow { donor: DonorDecision::Anonymous, ..row() };
        let body = gift_body(&row, GiftId(uuid::Uuid::from_u128(1)), Giver::default(), &wanted_gift());
        assert!(body.contains(r#""isAnonymousDonor":true"#) && !body.contains("donorId"));
    }

    #[test]
    fn a_new_person_has_what_was_told_and_an_opt_out_only_when_there_is_one() {
        let schema = Schema::of(&[("people", &["name", "emails", "supporterEmailOptOut"])]);
        let key = PersonId(uuid::Uuid::from_u128(3));
        let mut evidence = row().evidence;
        evidence.email_opt_out = Some(false);
        let plain: Value = serde_json::from_str(&person_body(&evidence, key, &schema)).unwrap();
        let name = json!({ "firstName": "Ada", "lastName": "Lovelace" });
        assert_eq!(plain, json!({ "id": key.to_string(), "name": name }));
        evidence.email_opt_out = Some(true);
        evidence.email = Some(" ada@example.org".into());
        let full: Value = serde_json::from_str(&person_body(&evidence, key, &schema)).unwrap();
        assert_eq!(full["emails"], json!({ "primaryEmail": "ada@example.org" }));
        assert_eq!(full["supporterEmailOptOut"], true);
    }

    #[test]
    fn a_field_of_another_type_is_not_sent() {
        let mut schema = wanted_gift();
        schema.objects.get_mut("gifts").unwrap().fields.get_mut("provider").unwrap().kind = "NUMBER".into();
        let body = gift_body(&full(), GiftId(uuid::Uuid::from_u128(1)), Giver::default(), &schema);
        assert!(!body.contains("\"provider\"") && body.contains("\"providerPaymentId\""));
    }
}
