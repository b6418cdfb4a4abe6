//! The standard objects of Twenty 2.19.0, field by field in the order of the recorded replies.

use super::schema::{Field, Kind, Object, OnDelete, Preset};

/// Many-to-one relation that is emptied when its target goes.
pub(crate) fn to_one(name: &'static str, target: &'static str) -> Field {
    Field::new(name, Kind::ToOne { target, on_delete: OnDelete::SetNull, morph: false })
}

/// Many-to-one relation whose row goes with its target.
fn owned_by(name: &'static str, target: &'static str) -> Field {
    Field::new(name, Kind::ToOne { target, on_delete: OnDelete::Cascade, morph: false })
}

/// One arm of a link object's morph relation.
pub(crate) fn morph(name: &'static str, target: &'static str) -> Field {
    Field::new(name, Kind::ToOne { target, on_delete: OnDelete::Cascade, morph: true })
}

/// One-to-many relation.
pub(crate) fn to_many(name: &'static str, source: &'static str, via: &'static str) -> Field {
    Field::new(name, Kind::ToMany { source, via })
}

/// Text field.
pub(crate) fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

/// The four leading system fields of a standard object.
fn head() -> Vec<Field> {
    vec![
        Field::new("id", Kind::Uuid).label("Id").system(),
        Field::new("createdAt", Kind::DateTime).label("Creation date").system(),
        Field::new("updatedAt", Kind::DateTime).label("Last update").system(),
        Field::new("deletedAt", Kind::DateTime).label("Deleted at").system(),
    ]
}

/// `position`.
fn position() -> Field {
    Field::new("position", Kind::Position).label("Position").default(Preset::Int(0)).system()
}

/// `createdBy` and `updatedBy`.
fn actors() -> [Field; 2] {
    [
        Field::new("createdBy", Kind::Actor).label("Created by").system(),
        Field::new("updatedBy", Kind::Actor).label("Updated by").system(),
    ]
}

/// `searchVector`.
fn search_vector() -> Field {
    Field::new("searchVector", Kind::TsVector).label("Search vector").system()
}

/// The system fields of a custom object, in the order in which the recordings show them.
pub(crate) fn custom_head() -> Vec<Field> {
    let [created_by, updated_by] = actors();
    vec![
        text("name").label("Name"),
        Field::new("id", Kind::Uuid).label("Id").system(),
        Field::new("createdAt", Kind::DateTime).label("Creation date").system(),
        created_by,
        Field::new("deletedAt", Kind::DateTime).label("Deleted at").system(),
        position(),
        search_vector(),
        Field::new("updatedAt", Kind::DateTime).label("Last update").system(),
        updated_by,
    ]
}

/// The relations every custom object gets when it is made.
pub(crate) fn custom_links(target: &'static str) -> Vec<Field> {
    vec![
        to_many("noteTargets", "noteTargets", target),
        to_many("attachments", "attachments", target),
        to_many("taskTargets", "taskTargets", target),
        to_many("timelineActivities", "timelineActivities", target),
    ]
}

/// Adds a field to an object of the table.
pub(crate) fn attach(objects: &mut [Object], plural: &str, field: Field) {
    if let Some(object) = objects.iter_mut().find(|object| object.plural == plural) {
        object.fields.push(field);
    }
}

/// The gift object that recording 13 makes.
pub(crate) fn recorded_gift() -> Object {
    let mut fields = custom_head();
    fields.extend([
        Field::new("amount", Kind::Currency).label("Amount"),
        Field::new("giftDate", Kind::Date).label("Gift date"),
        to_one("donor", "people").label("Donor"),
        text("externalId").label("External id").unique(),
        Field::new("status", Kind::Select(&["PLEDGED", "RECEIVED"])).label("Status"),
    ]);
    fields.extend(custom_links("targetGift"));
    let mut gift = Object::new(("gift", "gifts"), ("Gift", "Gifts"), fields);
    gift.custom = true;
    gift
}

/// All standard objects the simulator holds.
pub(crate) fn objects() -> Vec<Object> {
    vec![person(), company(), workspace_member(), note(), note_target(), task(), task_target(), opportunity()]
}

fn person() -> Object {
    let mut fields = head();
    fields.extend([
        Field::new("name", Kind::FullName).label("Name"),
        Field::new("emails", Kind::Emails).label("Emails").unique(),
        Field::new("linkedinLink", Kind::Links).label("Linkedin"),
        text("jobTitle").label("Job Title"),
        Field::new("phones", Kind::Phones).label("Phones"),
        text("avatarUrl").label("Avatar"),
        Field::new("avatarFile", Kind::Files).label("Avatar File"),
        position(),
    ]);
    fields.extend(actors());
    fields.extend([
        search_vector(),
        to_many("attachments", "attachments", "targetPerson"),
        to_many("calendarEventParticipants", "calendarEventParticipants", "person"),
        to_one("company", "companies").label("Company"),
        to_many("listMemberships", "messageListMembers", "person"),
        to_many("messageParticipants", "messageParticipants", "person"),
        to_many("noteTargets", "noteTargets", "targetPerson").label("Notes"),
        to_many("pointOfContactForOpportunities", "opportunities", "pointOfContact").label("Opportunities"),
        to_many("taskTargets", "taskTargets", "targetPerson").label("Tasks"),
        to_many("timelineActivities", "timelineActivities", "targetPerson"),
    ]);
    let mut person = Object::new(("person", "people"), ("Person", "People"), fields);
    person.duplicate_criteria =
        &[&["name.firstName", "name.lastName"], &["linkedinLink.primaryLinkUrl"], &["emails.primaryEmail"]];
    person
}

fn company() -> Object {
    let mut fields = head();
    fields.extend([
        text("name").label("Name"),
        Field::new("domainName", Kind::Links).label("Domain Name").unique(),
        Field::new("address", Kind::Address).label("Address"),
        Field::new("linkedinLink", Kind::Links).label("Linkedin"),
        Field::new("annualRevenue", Kind::Currency).label("ARR"),
        position(),
    ]);
    fields.extend(actors());
    fields.extend([
        search_vector(),
        to_many("attachments", "attachments", "targetCompany"),
        to_many("people", "people", "company").label("People"),
        to_one("accountOwner", "workspaceMembers").label("Account Owner"),
        to_many("taskTargets", "taskTargets", "targetCompany").label("Tasks"),
        to_many("noteTargets", "noteTargets", "targetCompany").label("Notes"),
        to_many("opportunities", "opportunities", "company").label("Opportunities"),
        to_many("timelineActivities", "timelineActivities", "targetCompany"),
    ]);
    let mut company = Object::new(("company", "companies"), ("Company", "Companies"), fields);
    company.duplicate_criteria = &[&["name"], &["domainName.primaryLinkUrl"]];
    company
}

fn workspace_member() -> Object {
    let mut fields = vec![text("avatarUrl"), text("userEmail").label("User Email").unique()];
    fields.extend(head());
    fields.extend([
        position(),
        Field::new("name", Kind::FullName).label("Name"),
        text("colorScheme").default(Preset::Text("System")),
        text("locale").default(Preset::Text("en")),
        text("jobTitle").label("Job Title"),
        Field::new("calendarStartDay", Kind::Number).default(Preset::Int(7)),
        Field::new("userId", Kind::Uuid),
        text("timeZone").default(Preset::Text("system")),
        Field::new("dateFormat", Kind::Select(&["SYSTEM", "MONTH_FIRST", "DAY_FIRST", "YEAR_FIRST"]))
            .default(Preset::Text("SYSTEM")),
        Field::new("timeFormat", Kind::Select(&["SYSTEM", "HOUR_24", "HOUR_12"]))
            .default(Preset::Text("SYSTEM")),
        Field::new(
            "numberFormat",
            Kind::Select(&[
                "SYSTEM",
                "COMMAS_AND_DOT",
                "SPACES_AND_COMMA",
                "DOTS_AND_COMMA",
                "APOSTROPHE_AND_DOT",
            ]),
        )
        .default(Preset::Text("SYSTEM")),
        search_vector(),
    ]);
    fields.extend(actors());
    fields.extend([
        to_many("accountOwnerForCompanies", "companies", "accountOwner"),
        to_many("ownedOpportunities", "opportunities", "owner"),
        to_many("assignedTasks", "tasks", "assignee"),
        to_many("timelineActivities", "timelineActivities", "workspaceMember"),
    ]);
    let mut member = Object::new(
        ("workspaceMember", "workspaceMembers"),
        ("Workspace Member", "Workspace Members"),
        fields,
    );
    member.system = true;
    member
}

fn note() -> Object {
    let mut fields = head();
    fields.extend([
        position(),
        text("title").label("Title"),
        Field::new("bodyV2", Kind::RichText).label("Body"),
    ]);
    fields.extend(actors());
    fields.extend([
        search_vector(),
        to_many("attachments", "attachments", "targetNote"),
        to_many("noteTargets", "noteTargets", "note").label("Relations"),
        to_many("timelineActivities", "timelineActivities", "targetNote"),
    ]);
    Object::new(("note", "notes"), ("Note", "Notes"), fields)
}

fn note_target() -> Object {
    let mut fields = head();
    fields.extend(actors());
    fields.extend([
        position(),
        search_vector(),
        morph("targetCompany", "companies"),
        owned_by("note", "notes"),
        morph("targetPerson", "people"),
        morph("targetOpportunity", "opportunities"),
    ]);
    let mut target = Object::new(("noteTarget", "noteTargets"), ("Note Target", "Note Targets"), fields);
    target.system = true;
    target
}

fn task() -> Object {
    let mut fields = head();
    fields.extend([
        position(),
        text("title").label("Title"),
        Field::new("bodyV2", Kind::RichText).label("Body"),
        Field::new("dueAt", Kind::DateTime).label("Due Date"),
        Field::new("status", Kind::Select(&["TODO", "IN_PROGRESS", "DONE"]))
            .label("Status")
            .default(Preset::Text("TODO")),
    ]);
    fields.extend(actors());
    fields.extend([
        search_vector(),
        to_many("attachments", "attachments", "targetTask"),
        to_many("taskTargets", "taskTargets", "task").label("Relations"),
        to_one("assignee", "workspaceMembers").label("Assignee"),
        to_many("timelineActivities", "timelineActivities", "targetTask"),
    ]);
    Object::new(("task", "tasks"), ("Task", "Tasks"), fields)
}

fn task_target() -> Object {
    let mut fields = head();
    fields.extend(actors());
    fields.extend([
        position(),
        search_vector(),
        morph("targetCompany", "companies"),
        morph("targetOpportunity", "opportunities"),
        morph("targetPerson", "people"),
        owned_by("task", "tasks"),
    ]);
    let mut target = Object::new(("taskTarget", "taskTargets"), ("Task Target", "Task Targets"), fields);
    target.system = true;
    target
}

fn opportunity() -> Object {
    let mut fields = head();
    fields.extend([
        text("name").label("Name"),
        Field::new("amount", Kind::Currency).label("Amount"),
        Field::new("closeDate", Kind::DateTime).label("Close date"),
        Field::new("stage", Kind::Select(&["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"]))
            .label("Stage")
            .default(Preset::Text("NEW")),
        position(),
    ]);
    fields.extend(actors());
    fields.extend([
        search_vector(),
        to_many("attachments", "attachments", "targetOpportunity"),
        to_one("company", "companies").label("Company"),
        to_many("noteTargets", "noteTargets", "targetOpportunity").label("Notes"),
        to_one("pointOfContact", "people").label("Point of Contact"),
        to_many("taskTargets", "taskTargets", "targetOpportunity").label("Tasks"),
        to_many("timelineActivities", "timelineActivities", "targetOpportunity"),
        to_one("owner", "workspaceMembers").label("Owner"),
    ]);
    Object::new(("opportunity", "opportunities"), ("Opportunity", "Opportunities"), fields)
}
