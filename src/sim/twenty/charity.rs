//! The fundraising additions: gifts, appeals, funds and the donor fields on people.

use super::schema::{Field, Kind, Object, Preset};
use super::standard::{attach, custom_head, link, objects as standard, text, to_many, to_one};

/// The objects of a charity's workspace.
pub(crate) fn objects() -> Vec<Object> {
    let mut objects = standard();
    for field in person_extras() {
        attach(&mut objects, "people", field);
    }
    for field in company_extras() {
        attach(&mut objects, "companies", field);
    }
    attach(&mut objects, "opportunities", to_many("gifts", "gifts", "opportunity").label("Gifts"));
    for object in [gift(), appeal(), fund()] {
        add(&mut objects, object);
    }
    objects
}

/// Adds a custom object with its links.
fn add(objects: &mut Vec<Object>, mut object: Object) {
    object.custom = true;
    link(objects, &mut object);
    objects.push(object);
}

/// The gift object that recording 13 makes, with the list of gifts it gives a person.
pub(crate) fn recorded_gift(objects: &mut Vec<Object>) {
    let mut fields = custom_head();
    fields.extend([
        Field::new("amount", Kind::Currency).label("Amount"),
        Field::new("giftDate", Kind::Date).label("Gift date"),
        to_one("donor", "people").label("Donor"),
        text("externalId").label("External id").unique(),
        Field::new("status", Kind::Select(&["PLEDGED", "RECEIVED"])).label("Status"),
    ]);
    add(objects, Object::new(("gift", "gifts"), ("Gift", "Gifts"), fields));
    attach(objects, "people", to_many("gifts", "gifts", "donor").label("Gifts"));
}

fn person_extras() -> Vec<Field> {
    vec![
        Field::new("mailingAddress", Kind::Address).label("Mailing address"),
        Field::new("supporterEmailOptOut", Kind::Boolean)
            .label("Supporter e-mail opt-out")
            .default(Preset::Flag(false)),
        Field::new("lifetimeGiftAmount", Kind::Currency).label("Lifetime gift amount"),
        Field::new("giftCount", Kind::Number).label("Gift count"),
        Field::new("firstGiftDate", Kind::Date).label("First gift date"),
        Field::new("lastGiftDate", Kind::Date).label("Last gift date"),
        Field::new("lastGiftAmount", Kind::Currency).label("Last gift amount"),
        Field::new("largestGiftAmount", Kind::Currency).label("Largest gift amount"),
        to_many("gifts", "gifts", "donor").label("Gifts"),
        to_many("softCreditedGifts", "gifts", "softCreditPerson").label("Soft-credited gifts"),
    ]
}

fn company_extras() -> Vec<Field> {
    vec![
        Field::new("lifetimeGiftAmount", Kind::Currency).label("Lifetime gift amount"),
        Field::new("lastGiftDate", Kind::Date).label("Last gift date"),
        to_many("gifts", "gifts", "company").label("Gifts"),
    ]
}

fn gift_money() -> [Field; 6] {
    [
        Field::new("amount", Kind::Currency).label("Amount"),
        Field::new("coveredFeeAmount", Kind::Currency).label("Covered fee"),
        Field::new("grossPaymentAmount", Kind::Currency).label("Gross payment"),
        Field::new("processingFeeAmount", Kind::Currency).label("Processing fee"),
        Field::new("netReceivedAmount", Kind::Currency).label("Net received"),
        Field::new("refundedAmount", Kind::Currency).label("Refunded amount"),
    ]
}

fn gift_kinds() -> [Field; 4] {
    let payment = Kind::Select(&["CARD", "DIRECT_DEBIT", "BANK_TRANSFER", "CASH", "CHEQUE", "OTHER"]);
    let gift = Kind::Select(&["DONATION", "GRANT", "SPONSORSHIP", "GIFT_IN_KIND"]);
    let soft = Kind::Select(&["FUNDRAISER", "INTRODUCER", "HOST", "MATCHER", "ADVOCATE", "PARTNER", "OTHER"]);
    [
        Field::new("paymentType", payment).label("Payment type").default(Preset::Text("BANK_TRANSFER")),
        Field::new("giftType", gift).label("Gift type").default(Preset::Text("DONATION")),
        Field::new("softCreditType", soft).label("Soft credit type"),
        Field::new("isAnonymousDonor", Kind::Boolean).label("Anonymous donor").default(Preset::Flag(false)),
    ]
}

fn gift_aid() -> [Field; 4] {
    [
        Field::new("giftAidStatus", Kind::Select(&["CLAIMABLE", "NOT_CLAIMABLE", "NEEDS_REVIEW"]))
            .label("Gift Aid status")
            .default(Preset::Text("NOT_CLAIMABLE")),
        text("giftAidReasonCode").label("Gift Aid reason"),
        Field::new("giftAidDecisionSource", Kind::Select(&["SYSTEM", "MANUAL_OVERRIDE"]))
            .label("Gift Aid decision source")
            .default(Preset::Text("SYSTEM")),
        Field::new("giftAidLastEvaluatedAt", Kind::DateTime).label("Gift Aid last evaluated"),
    ]
}

fn gift() -> Object {
    let mut fields = custom_head();
    fields.extend(gift_money());
    fields.extend([
        Field::new("giftDate", Kind::Date).label("Gift date"),
        to_one("donor", "people").label("Donor"),
        text("externalId").label("External id").unique(),
        text("sourceFingerprint").label("Source fingerprint"),
        text("provider").label("Provider"),
        text("providerPaymentId").label("Provider payment id"),
        text("providerPayoutReference").label("Payout reference"),
        text("description").label("Description"),
        text("donorFirstName").label("Donor first name"),
        text("donorLastName").label("Donor last name"),
        text("donorEmail").label("Donor e-mail"),
        text("companyName").label("Company name"),
    ]);
    fields.extend(gift_kinds());
    fields.extend(gift_aid());
    fields.extend([
        Field::new("refundDate", Kind::DateTime).label("Refund date"),
        text("refundNote").label("Refund note"),
        to_one("company", "companies").label("Company"),
        to_one("opportunity", "opportunities").label("Opportunity"),
        to_one("appeal", "appeals").label("Appeal"),
        to_one("fund", "funds").label("Fund"),
        to_one("softCreditPerson", "people").label("Soft credit person"),
    ]);
    Object::new(("gift", "gifts"), ("Gift", "Gifts"), fields)
}

fn appeal() -> Object {
    let kinds = Kind::Select(&[
        "GENERAL",
        "ANNUAL",
        "EMERGENCY",
        "REGULAR_GIVING",
        "EVENT_FUNDRAISING",
        "CAPITAL",
        "CROWDFUNDING",
        "OTHER",
    ]);
    let mut fields = custom_head();
    fields.extend([
        Field::new("appealType", kinds).label("Appeal type").default(Preset::Text("GENERAL")),
        Field::new("status", Kind::Select(&["DRAFT", "ACTIVE", "CLOSED", "ARCHIVED"]))
            .label("Status")
            .default(Preset::Text("DRAFT")),
        text("description").label("Description"),
        Field::new("startDate", Kind::Date).label("Start date"),
        Field::new("endDate", Kind::Date).label("End date"),
        Field::new("goalAmount", Kind::Currency).label("Goal"),
        Field::new("budgetAmount", Kind::Currency).label("Budget"),
        text("externalReference").label("External reference").unique(),
        text("notes").label("Notes"),
        to_one("defaultFund", "funds").label("Default fund"),
        to_many("gifts", "gifts", "appeal").label("Gifts"),
    ]);
    Object::new(("appeal", "appeals"), ("Appeal", "Appeals"), fields)
}

fn fund() -> Object {
    let restriction = Kind::Select(&["UNRESTRICTED", "RESTRICTED", "DESIGNATED", "ENDOWMENT", "OTHER"]);
    let mut fields = custom_head();
    fields.extend([
        text("code").label("Code").unique(),
        text("description").label("Description"),
        Field::new("restrictionType", restriction).label("Restriction").default(Preset::Text("UNRESTRICTED")),
        Field::new("isActive", Kind::Boolean).label("Active").default(Preset::Flag(true)),
        text("externalAccountingCode").label("External accounting code"),
        text("notes").label("Notes"),
        to_many("gifts", "gifts", "fund").label("Gifts"),
        to_many("appeals", "appeals", "defaultFund").label("Appeals"),
    ]);
    Object::new(("fund", "funds"), ("Fund", "Funds"), fields)
}
