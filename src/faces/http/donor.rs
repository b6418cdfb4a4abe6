//! One donor with everything that belongs to them: what Twenty knows, their gifts, what waits, tasks, notes, history.

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Known;
use super::edits::{PendingEdit, pending_edit};
use super::journal::{EntryView, entry_view};
use super::matching::links::PersonLinkView;
use super::params::NoParams;
use super::problem::Problem;
use super::row::{StagedRowView, row_view};
use super::wire::{FreshnessView, MoneyView, Tagged, TotalView, totals};
use super::{Face, known_id};
use crate::ground::crm::{GiftRecord, PersonRecord, record_url};
use crate::ground::id::{Object, PersonId, Seq, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::links::Who;
use crate::ground::money::Totals;
use crate::ground::time::CalendarDate;
use crate::store::{Ledger, StoreError};

/// Gifts that are told with a donor, those changed last first.
const GIFTS_MAX: usize = 100;
/// Gifts that are summed up at most: beyond it nothing is summed, since part of a sum is no sum.
const SUMMED_MAX: usize = 2_000;
/// Tasks, and notes, that are told with a donor.
const LINKED_MAX: usize = 100;
/// Entries of the history that are told with a donor.
const HISTORY_MAX: usize = 30;

/// A donor in their envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct DonorAnswer {
    data: DonorPage,
    meta: DonorPageMeta,
}

/// `meta` of a donor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DonorPageMeta {
    as_of: String,
    /// How fresh people are here.
    freshness: FreshnessView,
    /// How fresh gifts are here.
    gifts_freshness: FreshnessView,
}

/// A donor with what belongs to them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DonorPage {
    id: String,
    version: u64,
    name: Option<String>,
    emails: Vec<String>,
    city: Option<String>,
    postcode: Option<String>,
    email_opt_out: Option<bool>,
    /// `live`, `pending`, `deleted` or `gone`.
    state: &'static str,
    url: Option<String>,
    /// The record as Twenty tells it.
    #[schema(value_type = Object)]
    record: Box<RawValue>,
    /// A change that is on its way or waits for a person.
    pending_edit: Option<PendingEdit>,
    /// Other records that were linked to this one: what they gave is told here too.
    links: Vec<PersonLinkView>,
    giving: GivingView,
    gifts: Vec<DonorGift>,
    /// Gifts that are not in Twenty yet.
    waiting: Vec<StagedRowView>,
    tasks: Vec<LinkedView>,
    notes: Vec<LinkedView>,
    history: Vec<EntryView>,
}

/// What a donor has given, in figures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivingView {
    /// Posted gifts.
    count: u64,
    /// Sums by currency; none where there are too many to sum up here.
    totals: Option<Vec<TotalView>>,
    first_date: Option<String>,
    last_date: Option<String>,
    /// Gifts without an amount that can be read: not in the sums.
    without_amount: u64,
}

/// A gift of the donor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DonorGift {
    id: String,
    name: Option<String>,
    amount: Option<MoneyView>,
    gift_date: Option<String>,
    /// `pending` until Twenty confirms it.
    state: &'static str,
    url: Option<String>,
}

/// A task or a note about the donor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkedView {
    id: String,
    title: Option<String>,
    /// Its text, as Markdown.
    body: Option<String>,
    /// A task's state in Twenty's word.
    status: Option<String>,
    due_at: Option<String>,
    created_at: Option<String>,
    /// `pending` until Twenty confirms it.
    state: &'static str,
    url: Option<String>,
    pending_edit: Option<PendingEdit>,
}

/// What is read of a task or a note.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Linked {
    title: Option<String>,
    body_v2: Option<Text>,
    status: Option<String>,
    due_at: Option<String>,
    created_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    markdown: Option<String>,
}

/// The task or note that a link belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LinkOf {
    task_id: Option<Uuid>,
    note_id: Option<Uuid>,
}

const fn state_word(state: SubjectState) -> &'static str {
    match state {
        SubjectState::Live => "live",
        SubjectState::Pending => "pending",
        SubjectState::Deleted => "deleted",
        SubjectState::Gone | SubjectState::Erased | SubjectState::Merged => "gone",
    }
}

/// Tasks or notes about the donor, the newest first.
fn linked(
    ledger: &Ledger<'_>,
    face: &Face,
    (object, links): (Object, Object),
    donor: Uuid,
) -> Result<Vec<LinkedView>, StoreError> {
    let mut views = Vec::new();
    for link in ledger.links_to(links, donor)? {
        if !matches!(link.state, SubjectState::Live | SubjectState::Pending) {
            continue;
        }
        let of: LinkOf = serde_json::from_str(&link.value).unwrap_or_default();
        let Some(id) = of.task_id.or(of.note_id) else { continue };
        let Some(record) = ledger.record_of(&SubjectKey::twenty(object, id))? else { continue };
        if !matches!(record.state, SubjectState::Live | SubjectState::Pending) {
            continue;
        }
        let told: Linked = serde_json::from_str(&record.value).unwrap_or_default();
        let created = told.created_at.clone().unwrap_or_else(|| record.recorded.to_string());
        views.push(LinkedView {
            id: id.to_string(),
            title: told.title,
            body: told.body_v2.and_then(|text| text.markdown).filter(|text| !text.is_empty()),
            status: told.status,
            due_at: told.due_at,
            created_at: Some(created),
            state: state_word(record.state),
            url: record_url(&face.info.twenty_url, object, id),
            pending_edit: pending_edit(ledger, object, id)?,
        });
    }
    views.sort_by(|a, b| b.created_at.cmp(&a.created_at));
    views.truncate(LINKED_MAX);
    Ok(views)
}

impl GivingView {
    /// Posted gifts.
    pub(super) const fn posted(&self) -> u64 {
        self.count
    }
}

/// All gifts of records that are one person, and the newest of them one by one.
pub(super) fn giving(
    ledger: &Ledger<'_>,
    face: &Face,
    donors: &[PersonId],
) -> Result<(GivingView, Vec<DonorGift>), StoreError> {
    let (mut records, mut complete, mut all) = (Vec::new(), true, 0);
    for donor in donors {
        let page = ledger.gifts_of(*donor, None, SUMMED_MAX)?;
        complete &= page.next.is_none();
        records.extend(page.items);
    }
    if !complete {
        for donor in donors {
            all += ledger.gift_count_of(*donor)?;
        }
    }
    let (mut sums, mut without, mut count) = (Totals::default(), 0, 0);
    let mut dates: Vec<CalendarDate> = Vec::new();
    let mut gifts = Vec::new();
    for record in records {
        let known = matches!(record.state, SubjectState::Live | SubjectState::Pending);
        let gift = serde_json::from_str::<GiftRecord>(&record.value).ok().map(GiftRecord::into_gift);
        let Some(gift) = gift.filter(|_| known) else { continue };
        if record.state == SubjectState::Live {
            count += 1;
            without += u64::from(gift.amount.is_none());
            gift.amount.into_iter().for_each(|amount| sums.add(amount));
            dates.extend(gift.gift_date);
        }
        gifts.push((
            gift.gift_date,
            DonorGift {
                id: gift.id.to_string(),
                name: gift.name,
                amount: gift.amount.map(MoneyView::from),
                gift_date: gift.gift_date.map(|date| date.to_string()),
                state: if record.state == SubjectState::Pending { "pending" } else { "confirmed" },
                url: record_url(&face.info.twenty_url, Object::Gifts, gift.id.0),
            },
        ));
    }
    gifts.sort_by(|(a, _), (b, _)| b.cmp(a));
    gifts.truncate(GIFTS_MAX);
    let figures = GivingView {
        count: if complete { count } else { all },
        totals: complete.then(|| totals(&sums)),
        first_date: dates.iter().min().filter(|_| complete).map(ToString::to_string),
        last_date: dates.iter().max().filter(|_| complete).map(ToString::to_string),
        without_amount: without,
    };
    Ok((figures, gifts.into_iter().map(|(_, gift)| gift).collect()))
}

/// Staged rows of the donor that are not posted and not set aside.
fn waiting(ledger: &Ledger<'_>, face: &Face, donor: PersonId) -> Result<Vec<StagedRowView>, StoreError> {
    use crate::ground::staging::Status;
    let rows = ledger.staged_rows_of(donor)?.into_iter();
    let open = rows.filter(|row| !matches!(row.value.status(), Status::Processed | Status::Discarded));
    let now = face.desk.world.now();
    open.take(LINKED_MAX).map(|row| row_view(ledger, face, row, now)).collect()
}

/// One donor with their gifts, what waits, tasks, notes and history.
#[utoipa::path(get, path = "/api/donors/{id}", tag = "Mirror", params(("id" = String, Path)),
    responses((status = 200, body = DonorAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn donor(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Tagged<DonorAnswer>, Problem> {
    let id: Uuid = known_id(&id, "donor")?;
    let snapshot = known.snapshot(&face)?;
    let ledger = snapshot.ledger();
    // An id that was merged into another, or linked to it, leads to whoever stayed.
    let asked = PersonId(id);
    let stands_for = ledger.stands_for(asked)?;
    let record = ledger.record_of(&SubjectKey::twenty(Object::People, stands_for.0))?;
    let record = record.ok_or_else(|| Problem::not_found("donor"))?;
    let id = record.key.uuid().unwrap_or(id);
    let person = serde_json::from_str::<PersonRecord>(&record.value).ok().map(PersonRecord::into_person);
    let raw = RawValue::from_string(record.value.clone()).map_err(|_| Problem::not_found("donor"))?;
    let links = ledger.leading_to(PersonId(id))?;
    let joined = links.iter().filter_map(|link| match link.joined {
        Who::Person(person) => Some(person),
        Who::Row(_) => None,
    });
    let all: Vec<PersonId> = std::iter::once(PersonId(id)).chain(joined).collect();
    let (giving, gifts) = giving(&ledger, &face, &all)?;
    let mut history = Vec::new();
    for seq in ledger.history(record.subject, Seq(u64::MAX), HISTORY_MAX)? {
        history.extend(entry_view(&ledger, seq)?);
    }
    let person = person.as_ref();
    let data = DonorPage {
        id: id.to_string(),
        version: record.seq.0,
        name: person.and_then(crate::ground::person::Person::display_name),
        emails: person.map(|person| person.emails.clone()).unwrap_or_default(),
        city: person.and_then(|person| person.city.clone()),
        postcode: person.and_then(|person| person.postcode.clone()),
        email_opt_out: person.and_then(|person| person.email_opt_out),
        state: state_word(record.state),
        url: record_url(&face.info.twenty_url, Object::People, id),
        record: raw,
        pending_edit: pending_edit(&ledger, Object::People, id)?,
        links: links.iter().map(|link| PersonLinkView::of(&ledger, link)).collect::<Result<_, _>>()?,
        giving,
        gifts,
        waiting: waiting(&ledger, &face, PersonId(id))?,
        tasks: linked(&ledger, &face, (Object::Tasks, Object::TaskTargets), id)?,
        notes: linked(&ledger, &face, (Object::Notes, Object::NoteTargets), id)?,
        history,
    };
    let meta = DonorPageMeta {
        as_of: snapshot.as_of().to_string(),
        freshness: FreshnessView::of(&ledger, &face, Object::People)?,
        gifts_freshness: FreshnessView::of(&ledger, &face, Object::Gifts)?,
    };
    Ok(Tagged(data.version, DonorAnswer { data, meta }))
}
