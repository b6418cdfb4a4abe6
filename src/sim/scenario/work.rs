//! What surrounds the giving: users, companies, funds, appeals and the task list.

use uuid::Uuid;

use super::names::{APPEALS, COMPANIES, FUNDS, TASKS};
use super::{Draft, World, actor, money};
use crate::sim::json::Json;
use crate::sim::twenty::time::{DAY, day_of};

/// Pounds in the unit the API counts money in.
const POUND: i64 = 1_000_000;
/// Years of appeals.
const YEARS: i64 = 4;

/// One appeal: id, first and last instant, fund.
pub(super) struct Appeal {
    /// Id.
    pub(super) id: Uuid,
    /// First instant.
    pub(super) from: i64,
    /// Last instant.
    pub(super) until: i64,
    /// Fund its gifts go to.
    pub(super) fund: Option<Uuid>,
}

/// The users of the workspace, with their names.
pub(super) fn members(world: &mut World<'_>) -> Vec<(Uuid, String)> {
    let Some((index, object)) = world.object("workspaceMembers") else { return Vec::new() };
    let users = [("Maya", "Okonkwo"), ("Tom", "Ackroyd"), ("Siobhán", "Kelly")];
    let mut members = Vec::new();
    for (place, (first, last)) in users.into_iter().enumerate() {
        let id = world.dice.uuid();
        let made = world.now - 2_200 * DAY;
        let member = (id, format!("{first} {last}"));
        let email = format!("user{place}@example.org");
        let draft = Draft::new(object, id, made, made, place, &actor(&member, "MANUAL"))
            .with("name", Json::object([("firstName", Json::text(first)), ("lastName", Json::text(last))]))
            .text("userEmail", &email)
            .with("userId", Json::text(world.dice.uuid().to_string()));
        world.core.store.put(index, draft.row);
        members.push(member);
    }
    members
}

/// Companies with their names.
pub(super) fn companies(world: &mut World<'_>, members: &[(Uuid, String)]) -> Vec<(Uuid, String)> {
    let Some((index, object)) = world.object("companies") else { return Vec::new() };
    let by = members.first().map_or(Json::Null, |member| actor(member, "MANUAL"));
    let mut companies = Vec::new();
    for (place, name) in COMPANIES.iter().enumerate() {
        let id = world.dice.uuid();
        let made = world.ago(2_000);
        let domain: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        let link = Json::object([
            ("primaryLinkLabel", Json::text("")),
            ("primaryLinkUrl", Json::text(format!("https://{}.example.com", domain.to_lowercase()))),
            ("secondaryLinks", Json::Arr(Vec::new())),
        ]);
        let draft =
            Draft::new(object, id, made, made, place, &by).text("name", name).with("domainName", link);
        world.core.store.put(index, draft.row);
        companies.push((id, (*name).to_owned()));
    }
    companies
}

fn funds(world: &mut World<'_>, by: &Json) -> Vec<Uuid> {
    let Some((index, object)) = world.object("funds") else { return Vec::new() };
    let mut funds = Vec::new();
    for (place, (name, code, restriction, account)) in FUNDS.iter().enumerate() {
        let id = world.dice.uuid();
        let made = world.now - 2_100 * DAY;
        let draft = Draft::new(object, id, made, made, place, by)
            .text("name", name)
            .text("code", code)
            .text("restrictionType", restriction)
            .text("externalAccountingCode", account);
        world.core.store.put(index, draft.row);
        funds.push(id);
    }
    funds
}

/// Funds and four years of appeals; the fund of an appeal is its default fund.
pub(super) fn appeals(world: &mut World<'_>, members: &[(Uuid, String)]) -> Vec<Appeal> {
    let by = members.first().map_or(Json::Null, |member| actor(member, "MANUAL"));
    let funds = funds(world, &by);
    let Some((index, object)) = world.object("appeals") else { return Vec::new() };
    let mut appeals = Vec::new();
    for back in (0..YEARS).rev() {
        for (name, kind, month, months) in APPEALS {
            let year = world.now - back * 365 * DAY;
            let label: String = day_of(year).chars().take(4).collect();
            // The year began so many days ago; leap days do not matter to a scenario.
            let day_of_year = day_number(&day_of(year));
            let from = year - (day_of_year - (month - 1) * 30) * DAY;
            let until = from + months * 30 * DAY;
            if from > world.now {
                continue;
            }
            let id = world.dice.uuid();
            let fund = funds.get(usize::from(*kind == "EMERGENCY")).copied();
            let status = if until < world.now { "CLOSED" } else { "ACTIVE" };
            let code = format!("{}-{label}", name.split(' ').next().unwrap_or_default().to_uppercase());
            let draft = Draft::new(object, id, from - 30 * DAY, from, appeals.len(), &by)
                .text("name", &format!("{name} {label}"))
                .text("appealType", kind)
                .text("status", status)
                .text("startDate", &day_of(from))
                .text("endDate", &day_of(until))
                .text("externalReference", &code)
                .with("goalAmount", money(world.dice.between(5, 40) * 1_000 * POUND))
                .with("defaultFundId", fund.map_or(Json::Null, |id| Json::text(id.to_string())));
            world.core.store.put(index, draft.row);
            appeals.push(Appeal { id, from, until, fund });
        }
    }
    appeals
}

/// Roughly which day of the year a day is.
fn day_number(day: &str) -> i64 {
    let number =
        |range: std::ops::Range<usize>| day.get(range).and_then(|text| text.parse::<i64>().ok()).unwrap_or(1);
    (number(5..7) - 1) * 30 + number(8..10)
}

/// Tasks, each about one person.
pub(super) fn tasks(world: &mut World<'_>, count: usize, members: &[(Uuid, String)]) {
    let (Some((tasks, task)), Some((links, link))) = (world.object("tasks"), world.object("taskTargets"))
    else {
        return;
    };
    for place in 0..count {
        let made = world.ago(400);
        let member = world.dice.index(members.len());
        let Some(member) = members.get(member) else { return };
        let by = actor(member, "MANUAL");
        let id = world.dice.uuid();
        let title = world.dice.pick(TASKS).copied().unwrap_or("Ring back");
        let status = world.dice.pick(&["TODO", "TODO", "IN_PROGRESS", "DONE", "DONE", "DONE"]).copied();
        let draft = Draft::new(task, id, made, made + DAY / 2, place, &by)
            .text("title", title)
            .text("status", status.unwrap_or("TODO"))
            .with("dueAt", Json::int(made + world.dice.between(1, 21) * DAY))
            .with("assigneeId", Json::text(member.0.to_string()));
        world.core.store.put(tasks, draft.row);
        let person = world.dice.index(world.people.len());
        let Some(person) = world.people.get(person).copied() else { continue };
        let draft = Draft::new(link, world.dice.uuid(), made, made, place, &by)
            .with("taskId", Json::text(id.to_string()))
            .with("targetPersonId", Json::text(person.to_string()));
        world.core.store.put(links, draft.row);
    }
}
