//! The regular givers of the demo: the charity's workspace is provisioned as `almoner twenty provision --apply` does it, then
//! has agreements, some of them due soon and a few overdue.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Builder;

use super::{Birth, pick};
use crate::app::crm::Crm;
use crate::config::CrmConfig;
use crate::ground::time::{Instant, Zone};
use crate::ground::world::World;
use crate::sim::twenty::Twenty;

/// People who give every month.
const GIVERS: u32 = 120;
/// One in so many is late.
const LATE: u32 = 20;
const POUNDS: [i64; 7] = [5, 8, 10, 10, 15, 20, 25];

/// Makes the simulated Twenty ready for regular gifts, and its people give them. The same birth makes the same agreements.
pub(super) async fn add(world: &World, twenty: &Twenty, url: &str, birth: Birth) -> anyhow::Result<()> {
    let settings = CrmConfig { url: url.to_owned(), key: twenty.api_key(), public_url: None };
    Crm::open(world.clone(), &settings)?.provision(true, |_| {}).await;
    let people: Vec<Value> =
        twenty.records("people").into_iter().filter(|person| person["deletedAt"].is_null()).collect();
    anyhow::ensure!(!people.is_empty(), "the simulated charity has no people");
    let mut dice = ChaCha8Rng::seed_from_u64(birth.seed ^ 0x7265_6775_6c61_7273);
    for n in 0..GIVERS {
        let agreement = agreement(pick(&people, &mut dice), n, birth.at, &mut dice)?;
        anyhow::ensure!(
            twenty.load("recurringAgreements", &agreement),
            "the simulated Twenty takes no agreements"
        );
    }
    Ok(())
}

fn agreement(person: &Value, n: u32, born: i64, dice: &mut ChaCha8Rng) -> anyhow::Result<Value> {
    let today = Zone::named("Europe/London")?.date_of(Instant(born));
    let mut days = |from: i32, many: u32| from + i32::try_from(dice.next_u32() % many).unwrap_or(0);
    let next = if n.is_multiple_of(LATE) { days(-12, 9) } else { days(1, 28) };
    let since = days(-1_500, 1_400);
    let started = today.plus_days(since);
    let mut id = [0; 16];
    dice.fill_bytes(&mut id);
    let name = &person["name"];
    let who = format!(
        "{} {}",
        name["firstName"].as_str().unwrap_or_default(),
        name["lastName"].as_str().unwrap_or_default()
    );
    let made = format!("{started}T09:00:00.000Z");
    Ok(json!({
        "id": Builder::from_random_bytes(id).into_uuid().to_string(),
        "createdAt": made,
        "updatedAt": made,
        "name": format!("{}, monthly", who.trim()),
        "personId": person["id"],
        "status": "ACTIVE",
        "cadence": "MONTHLY",
        "intervalCount": 1,
        "amount": { "amountMicros": *pick(&POUNDS, dice) * 1_000_000, "currencyCode": "GBP" },
        "startDate": started.to_string(),
        "nextExpectedAt": today.plus_days(next).to_string(),
    }))
}
