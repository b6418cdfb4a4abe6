//! Four years of giving: monthly givers first, then one-off gifts drawn by season and appeal.

use uuid::Uuid;

use super::names::{MONTHLY_POUNDS, POUNDS};
use super::people::Person;
use super::work::Appeal;
use super::{Draft, World, money};
use crate::sim::json::Json;
use crate::sim::twenty::time::{DAY, day_of};

/// Pounds in the unit the API counts money in.
const POUND: i64 = 1_000_000;
/// Days of giving.
const SPAN_DAYS: i64 = 4 * 365;
/// Days between two instalments of a monthly gift.
const MONTH_DAYS: i64 = 30;

/// One gift under construction.
struct Gift {
    donor: Option<usize>,
    company: Option<usize>,
    at: i64,
    micros: i64,
    payment: &'static str,
    kind: &'static str,
}

/// Generates and stores gifts, adding them up on their donors.
pub(super) fn gifts(
    world: &mut World<'_>,
    count: usize,
    people: &mut [Person],
    companies: &[(Uuid, String)],
    appeals: &[Appeal],
) {
    let mut gifts = Vec::with_capacity(count);
    monthly(world, count * 55 / 100, people.len(), &mut gifts);
    while gifts.len() < count {
        let gift = one_off(world, people.len(), companies.len());
        gifts.push(gift);
    }
    gifts.sort_by_key(|gift| gift.at);
    for (place, gift) in gifts.iter().enumerate() {
        store(world, place, gift, people, companies, appeals);
    }
}

/// About one supporter in twelve gives by direct debit, some for years.
fn monthly(world: &mut World<'_>, most: usize, people: usize, gifts: &mut Vec<Gift>) {
    let givers = people / 12;
    for _ in 0..givers {
        let donor = world.dice.index(people);
        let micros = world.dice.pick(MONTHLY_POUNDS).copied().unwrap_or(10) * POUND;
        let mut at = world.ago(SPAN_DAYS);
        let instalments = world.dice.between(3, 40);
        for _ in 0..instalments {
            if at > world.now || gifts.len() >= most {
                break;
            }
            gifts.push(Gift {
                donor: Some(donor),
                company: None,
                at,
                micros,
                payment: "DIRECT_DEBIT",
                kind: "DONATION",
            });
            at += MONTH_DAYS * DAY;
        }
    }
}

fn one_off(world: &mut World<'_>, people: usize, companies: usize) -> Gift {
    let at = season(world);
    if companies > 0 && world.dice.per_mille(20) {
        let kind = if world.dice.per_mille(600) { "GRANT" } else { "SPONSORSHIP" };
        let micros = world.dice.between(2, 100) * 100 * POUND;
        let company = Some(world.dice.index(companies));
        return Gift { donor: None, company, at, micros, payment: "BANK_TRANSFER", kind };
    }
    let payment =
        world.dice.pick(&["CARD", "CARD", "CARD", "CARD", "CHEQUE", "CASH", "BANK_TRANSFER"]).copied();
    // The front of the file are the old friends: they give most often.
    let donor = world.dice.index(people).min(world.dice.index(people));
    let donor = (people > 0 && !world.dice.per_mille(12)).then_some(donor);
    Gift {
        donor,
        company: None,
        at,
        micros: amount(world),
        payment: payment.unwrap_or("CARD"),
        kind: "DONATION",
    }
}

/// Mostly five to fifty pounds, a few hundreds, rarely thousands, now and then odd pence.
fn amount(world: &mut World<'_>) -> i64 {
    if world.dice.per_mille(6) {
        return world.dice.between(10, 60) * 100 * POUND;
    }
    let pounds = world.dice.pick(POUNDS).copied().unwrap_or(20);
    let pence = if world.dice.per_mille(70) { world.dice.between(1, 99) } else { 0 };
    pounds * POUND + pence * POUND / 100
}

/// An instant of the last four years; the weeks before Christmas are busiest.
fn season(world: &mut World<'_>) -> i64 {
    let at = world.ago(SPAN_DAYS);
    let month: String = day_of(at).chars().skip(5).take(2).collect();
    if matches!(month.as_str(), "11" | "12") || world.dice.per_mille(650) { at } else { world.ago(SPAN_DAYS) }
}

fn store(
    world: &mut World<'_>,
    place: usize,
    gift: &Gift,
    people: &mut [Person],
    companies: &[(Uuid, String)],
    appeals: &[Appeal],
) {
    let Some((index, object)) = world.object("gifts") else { return };
    let day = day_of(gift.at);
    let made = (gift.at + world.dice.between(0, 4 * DAY)).min(world.now);
    let changed =
        if world.dice.per_mille(100) { made + world.dice.between(0, world.now - made) } else { made };
    let by = intake();
    let id = world.dice.uuid();
    let donor = gift.donor.and_then(|at| people.get_mut(at));
    let company = gift.company.and_then(|at| companies.get(at));
    let mut draft = Draft::new(object, id, made, changed, place, &by)
        .text("name", &title(gift, donor.as_deref(), company, &day))
        .with("amount", money(gift.micros))
        .text("giftDate", &day)
        .text("paymentType", gift.payment)
        .text("giftType", gift.kind)
        .text("externalId", &format!("don_{:016x}", world.dice.bits()))
        .text("sourceFingerprint", &format!("{:016x}{:016x}", world.dice.bits(), world.dice.bits()))
        .with("isAnonymousDonor", Json::Bool(donor.is_none() && company.is_none()));
    draft = appeal(world, draft, gift, appeals);
    draft = payment(world, draft, gift);
    draft = gift_aid(draft, gift, donor.as_deref(), made);
    if let Some(donor) = donor {
        draft = draft
            .with("donorId", Json::text(donor.id.to_string()))
            .text("donorFirstName", &donor.first)
            .text("donorLastName", &donor.last)
            .text("donorEmail", &donor.email);
        add_up(donor, &day, gift);
    }
    if let Some((id, name)) = company {
        draft = draft.with("companyId", Json::text(id.to_string())).text("companyName", name);
    }
    world.core.store.put(index, draft.row);
}

/// Who made the record: the intake of earlier years.
fn intake() -> Json {
    Json::object([
        ("source", Json::text("IMPORT")),
        ("workspaceMemberId", Json::Null),
        ("name", Json::text("Intake")),
        ("context", Json::Null),
    ])
}

fn title(gift: &Gift, donor: Option<&Person>, company: Option<&(Uuid, String)>, day: &str) -> String {
    let word = match gift.kind {
        "GRANT" => "Grant",
        "SPONSORSHIP" => "Sponsorship",
        _ => "Donation",
    };
    let from = match (company, donor) {
        (Some((_, name)), _) => name.clone(),
        (None, Some(donor)) => format!("{} {}", donor.first, donor.last),
        (None, None) => "Unknown donor".to_owned(),
    };
    format!("{word} from {from} - {} - {day}", pounds(gift.micros))
}

/// Sterling with thousands separators, pence only when there are some.
fn pounds(micros: i64) -> String {
    let (whole, pence) = (micros / POUND, micros % POUND / 10_000);
    let whole =
        if whole >= 1_000 { format!("{},{:03}", whole / 1_000, whole % 1_000) } else { whole.to_string() };
    if pence == 0 { format!("£{whole}") } else { format!("£{whole}.{pence:02}") }
}

/// A gift in the time of an appeal often belongs to it, and then to its fund.
fn appeal<'a>(world: &mut World<'_>, draft: Draft<'a>, gift: &Gift, appeals: &[Appeal]) -> Draft<'a> {
    let open = appeals.iter().find(|appeal| appeal.from <= gift.at && gift.at <= appeal.until);
    match open.filter(|_| gift.payment != "DIRECT_DEBIT" && world.dice.per_mille(700)) {
        Some(appeal) => draft
            .with("appealId", Json::text(appeal.id.to_string()))
            .with("fundId", appeal.fund.map_or(Json::Null, |id| Json::text(id.to_string()))),
        None => draft,
    }
}

/// Card and direct-debit gifts come through a provider, which takes a fee.
fn payment<'a>(world: &mut World<'_>, draft: Draft<'a>, gift: &Gift) -> Draft<'a> {
    let (provider, reference, fee) = match gift.payment {
        "CARD" => ("STRIPE", "pi", gift.micros * 14 / 1_000 + POUND / 5),
        "DIRECT_DEBIT" => ("GOCARDLESS", "PM", (gift.micros / 100 + POUND / 5).min(4 * POUND)),
        _ => return draft,
    };
    // Fees are whole pence.
    let fee = fee / 10_000 * 10_000;
    draft
        .text("provider", provider)
        .text("providerPaymentId", &format!("{reference}_{:014x}", world.dice.bits() >> 8))
        .with("grossPaymentAmount", money(gift.micros))
        .with("processingFeeAmount", money(fee))
        .with("netReceivedAmount", money(gift.micros - fee))
}

fn gift_aid<'a>(draft: Draft<'a>, gift: &Gift, donor: Option<&Person>, made: i64) -> Draft<'a> {
    let (status, reason) = match donor {
        _ if gift.kind != "DONATION" => ("NOT_CLAIMABLE", "gift_type_not_eligible"),
        Some(donor) if donor.gift_aid => ("CLAIMABLE", "valid_declaration_present"),
        _ => ("NOT_CLAIMABLE", "not_requested"),
    };
    draft
        .text("giftAidStatus", status)
        .text("giftAidReasonCode", reason)
        .with("giftAidLastEvaluatedAt", Json::int(made))
}

fn add_up(donor: &mut Person, day: &str, gift: &Gift) {
    // Nobody gives before being in the file.
    donor.made = donor.made.min(gift.at);
    let micros = gift.micros;
    donor.lifetime += micros;
    donor.largest = donor.largest.max(micros);
    donor.count += 1;
    donor.first_gift.get_or_insert_with(|| day.to_owned());
    donor.last_gift = Some((day.to_owned(), micros));
}
