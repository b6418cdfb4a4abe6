//! Plans against workspaces that lack, have, and have otherwise.

use super::*;
use crate::ground::model::Kind;

/// What a workspace has after these steps, as its metadata would tell.
fn carried_out(mut schema: Schema, steps: &[Step]) -> Schema {
    for step in steps {
        match step {
            Step::Object(object) => {
                let made = ObjectSchema {
                    singular: object.singular.into(),
                    label: object.label.into(),
                    ..ObjectSchema::default()
                };
                assert!(schema.objects.insert(object.plural.into(), made).is_none());
            }
            Step::Field(object, field) => {
                let kind = field.kind.twenty().to_owned();
                let options = field.options().iter().map(|(value, _)| (*value).to_owned()).collect();
                let made = FieldSchema {
                    name: field.name.into(),
                    kind,
                    options,
                    label: field.label.into(),
                    ..FieldSchema::default()
                };
                let there = schema.objects.get_mut(object.plural).expect("objects come first");
                assert!(there.fields.insert(field.column(), made).is_none());
                if let Some(relation) = field.relation() {
                    let name = relation.back_name();
                    let back = FieldSchema {
                        name: name.clone(),
                        kind: "RELATION".into(),
                        label: relation.back_label.into(),
                        ..FieldSchema::default()
                    };
                    let target = schema.objects.get_mut(relation.target).expect("targets come first");
                    assert!(target.fields.insert(name, back).is_none());
                }
            }
        }
    }
    schema
}

fn bare() -> Schema {
    Schema::of(&[("people", &["name"]), ("companies", &["name"]), ("opportunities", &["name"])])
}

fn provisioned() -> Schema {
    let plan = plan(&bare());
    assert_eq!(plan.findings, []);
    carried_out(bare(), &plan.steps)
}

fn gift(schema: &mut Schema) -> &mut ObjectSchema {
    schema.objects.get_mut("gifts").expect("it is there")
}

fn only_finding(schema: &Schema) -> (String, Why, bool) {
    let plan = plan(schema);
    assert_eq!(plan.findings.len(), 1, "{plan:?}");
    let finding = &plan.findings[0];
    let lacks = lacks(schema);
    let lack = lacks.iter().find(|lack| lack.why == Some(finding.reason()));
    assert_eq!(lack.map(|lack| lack.disables), Some(finding.disables()));
    (finding.name(), finding.why.clone(), plan.steps.is_empty())
}

#[test]
fn a_plan_carried_out_leaves_nothing_to_plan() {
    let schema = provisioned();
    assert_eq!(plan(&schema), Plan::default());
    assert_eq!(lacks(&schema), []);
    for object in MODEL {
        assert!(object.fields.iter().all(|field| usable(&schema, object.plural, &field.column())));
    }
}

#[test]
fn a_plan_stopped_anywhere_goes_on_with_the_rest() {
    let steps = plan(&bare()).steps;
    for done in (0..steps.len()).step_by(7) {
        assert_eq!(plan(&carried_out(bare(), &steps[..done])).steps, steps[done..]);
    }
}

#[test]
fn a_missing_object_stands_for_its_fields_and_a_missing_field_says_what_it_disables() {
    let mut schema = provisioned();
    schema.objects.remove("households");
    schema.objects.get_mut("people").expect("people").fields.remove("householdId");
    gift(&mut schema).fields.remove("donorId");
    schema.objects.get_mut("people").expect("people").fields.remove("gifts");
    let told: Vec<(String, &str)> = lacks(&schema).iter().map(|lack| (lack.name(), lack.disables)).collect();
    let expected = [
        ("people.householdId", "writing once to a household"),
        ("households", "writing once to people who live together"),
        ("gifts.donorId", "showing who gave, and posting gifts at all"),
    ];
    assert_eq!(told, expected.map(|(name, disables)| (name.to_owned(), disables)));
}

#[test]
fn a_field_of_another_type_is_told_and_never_touched() {
    let mut schema = provisioned();
    gift(&mut schema).fields.get_mut("amount").expect("amount").kind = "NUMBER".into();
    assert_eq!(only_finding(&schema), ("gifts.amount".into(), Why::OtherType("NUMBER".into()), true));
    assert!(!usable(&schema, "gifts", "amount") && usable(&schema, "gifts", "giftDate"));
    // A relation needs its own name as well as its column's.
    let mut schema = provisioned();
    let donor = gift(&mut schema).fields.remove("donorId").expect("donor");
    gift(&mut schema).fields.insert("donor".into(), FieldSchema { kind: "TEXT".into(), ..donor });
    assert_eq!(only_finding(&schema), ("gifts.donor".into(), Why::OtherType("TEXT".into()), true));
}

#[test]
fn what_looks_renamed_is_not_made_a_second_time() {
    let mut schema = provisioned();
    let date = gift(&mut schema).fields.remove("giftDate").expect("date");
    gift(&mut schema)
        .fields
        .insert("dateOfGift".into(), FieldSchema { name: "dateOfGift".into(), ..date.clone() });
    assert_eq!(
        only_finding(&schema),
        ("gifts.giftDate".into(), Why::LooksRenamed("dateOfGift".into()), true)
    );
    // The same label on another type is another field.
    let mut schema = provisioned();
    gift(&mut schema).fields.remove("giftDate");
    gift(&mut schema)
        .fields
        .insert("note".into(), FieldSchema { name: "note".into(), kind: "TEXT".into(), ..date });
    assert_eq!((plan(&schema).steps.len(), plan(&schema).findings.len()), (1, 0));
    // An object too.
    let mut schema = provisioned();
    let funds = schema.objects.remove("funds").expect("funds");
    schema.objects.insert("pots".into(), ObjectSchema { singular: "pot".into(), ..funds });
    assert_eq!(only_finding(&schema), ("funds".into(), Why::LooksRenamed("pots".into()), true));
}

#[test]
fn what_is_switched_off_taken_or_short_of_options_is_told() {
    let mut schema = provisioned();
    gift(&mut schema).fields.remove("provider");
    gift(&mut schema).off.insert("provider".into());
    assert_eq!(only_finding(&schema), ("gifts.provider".into(), Why::SwitchedOff, true));

    let mut schema = provisioned();
    gift(&mut schema).fields.get_mut("paymentType").expect("payment").options.retain(|o| o != "CHEQUE");
    assert_eq!(only_finding(&schema), ("gifts.paymentType".into(), Why::LacksOptions(vec!["CHEQUE"]), true));

    // The way back of a relation is a field of the other object.
    let mut schema = provisioned();
    gift(&mut schema).fields.remove("donorId");
    assert_eq!(only_finding(&schema), ("gifts.donor".into(), Why::NameTaken("people.gifts".into()), true));
}

#[test]
fn what_leads_to_an_object_that_cannot_be_made_is_told_too() {
    let mut schema = bare();
    schema.objects.remove("opportunities");
    schema.off.insert("funds".into());
    let plan = plan(&schema);
    let told: Vec<(String, Why)> =
        plan.findings.iter().map(|finding| (finding.name(), finding.why.clone())).collect();
    assert!(told.contains(&("opportunities".into(), Why::NoStandardObject)), "{told:?}");
    assert!(told.contains(&("funds".into(), Why::SwitchedOff)));
    assert!(told.contains(&("gifts.fund".into(), Why::LeadsNowhere("funds"))));
    assert!(told.contains(&("gifts.opportunity".into(), Why::LeadsNowhere("opportunities"))));
    assert!(plan.steps.iter().all(|step| !step.name().starts_with("funds")));
}

#[test]
fn steps_and_findings_read_as_sentences() {
    let (object, field) = (wanted("gifts").expect("gifts"), wanted_field("gifts", "donorId").expect("donor"));
    assert_eq!(Step::Object(object).to_string(), "object gifts (Gifts)");
    assert_eq!(Step::Field(object, field).to_string(), "field gifts.donor (Donor, relation to people)");
    assert!(matches!(field.kind, Kind::One(_)));
    let finding = Finding { object, field: Some(field), why: Why::OtherType("TEXT".into()) };
    let said = finding.to_string();
    assert!(said.starts_with("gifts.donor: It has the type TEXT where RELATION is needed"), "{said}");
    assert!(said.ends_with("Not working until then: showing who gave, and posting gifts at all."), "{said}");
}
