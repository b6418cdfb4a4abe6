//! What a record of the books consists of: its lines, what it is linked with, and which of its fields may be changed from
//! here. Only the rail knows its text; it is handed to the desk.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::changes::{held, name_of};
use crate::ground::books::change::{Slot, Takes};
use crate::ground::books::parts::{Line, Link, Ref};
use crate::ground::books::{Body, Connected, Entity, EntityId, Record};
use crate::store::{Ledger, StoreError};

/// Another record of the same company.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BookRef {
    /// The kind; none where it is not here.
    kind: Option<&'static str>,
    id: String,
    /// What it is called here now.
    name: Option<String>,
}

/// A line of a document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookLine {
    id: Option<String>,
    description: Option<String>,
    /// In decimals, as it was told, in the document's currency.
    amount: Option<String>,
    /// `Debit` or `Credit`, of a journal entry.
    posting: Option<String>,
    account: Option<BookRef>,
    item: Option<BookRef>,
    class: Option<BookRef>,
    /// Of whom, where a line says so.
    party: Option<BookRef>,
    /// The documents it pays, uses or brings to the bank.
    links: Vec<BookRef>,
}

/// A field that may be changed from here.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookField {
    field: String,
    /// `text`, `date`, `flag` or `link`.
    takes: &'static str,
    /// The longest text, in characters.
    most: Option<usize>,
    /// Of which kinds a link may be.
    kinds: Vec<&'static str>,
    #[schema(value_type = Option<Value>)]
    value: Value,
}

/// What a record consists of.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct BookDetails {
    lines: Vec<BookLine>,
    /// The documents it is linked with as a whole.
    links: Vec<BookRef>,
    fields: Vec<BookField>,
}

const PLAIN: [Slot; 13] = [
    Slot::Name,
    Slot::Active,
    Slot::Email,
    Slot::Phone,
    Slot::Party,
    Slot::Number,
    Slot::Reference,
    Slot::Due,
    Slot::Terms,
    Slot::Method,
    Slot::Note,
    Slot::Department,
    Slot::Class,
];

/// What is needed to name other records.
struct Names<'l> {
    ledger: &'l Ledger<'l>,
    company: &'l Connected,
}

impl Names<'_> {
    fn of(&self, reference: Option<&Ref>, kind: Entity) -> Result<Option<BookRef>, StoreError> {
        let told = reference.and_then(|it| it.kind.as_deref()).and_then(Entity::named);
        let kind = told.unwrap_or(kind);
        let Some(id) = reference.and_then(|it| it.id.as_ref()) else { return Ok(None) };
        let here = name_of(self.ledger, self.company, kind, id)?;
        let name = here.or_else(|| reference.and_then(|it| it.name.clone()));
        Ok(Some(BookRef { kind: Some(kind.path()), id: id.to_string(), name }))
    }

    /// The document of a link: found by its id, since the kind it names mixes old words (contract 7.1).
    fn linked(&self, link: &Link) -> Result<Option<BookRef>, StoreError> {
        let Some(id) = &link.id else { return Ok(None) };
        for kind in Entity::ALL.iter().copied().filter(|kind| kind.is_document()) {
            if self.ledger.book(self.company.connection, kind, id)?.is_some() {
                let name = name_of(self.ledger, self.company, kind, id)?;
                return Ok(Some(BookRef { kind: Some(kind.path()), id: id.to_string(), name }));
            }
        }
        Ok(Some(BookRef { kind: None, id: id.to_string(), name: link.kind.clone() }))
    }

    fn all_linked(&self, links: &[Link]) -> Result<Vec<BookRef>, StoreError> {
        let mut found = Vec::new();
        for link in links {
            found.extend(self.linked(link)?);
        }
        Ok(found)
    }

    fn line(&self, line: &Line) -> Result<BookLine, StoreError> {
        let (sales, spent, bought) = (&line.sales_item, &line.account_expense, &line.item_expense);
        let (banked, entry) = (&line.deposit, &line.journal);
        let account = spent.as_ref().and_then(|it| it.account.as_ref());
        let account = account.or_else(|| sales.as_ref()?.account.as_ref());
        let account = account.or_else(|| banked.as_ref()?.account.as_ref());
        let account = account.or_else(|| entry.as_ref()?.account.as_ref());
        let item = sales.as_ref().and_then(|it| it.item.as_ref());
        let item = item.or_else(|| bought.as_ref()?.item.as_ref());
        let class = sales.as_ref().and_then(|it| it.class.as_ref());
        let class = class.or_else(|| spent.as_ref()?.class.as_ref());
        let class = class.or_else(|| bought.as_ref()?.class.as_ref());
        let class = class.or_else(|| banked.as_ref()?.class.as_ref());
        let class = class.or_else(|| entry.as_ref()?.class.as_ref());
        let party = spent.as_ref().and_then(|it| it.customer.as_ref());
        let party = party.or_else(|| bought.as_ref()?.customer.as_ref());
        let party = party.or_else(|| banked.as_ref()?.entity.as_ref());
        let mut party = self.of(party, Entity::Customer)?;
        if let Some(of) = entry.as_ref().and_then(|it| it.entity.as_ref()) {
            let kind = of.kind.as_deref().and_then(Entity::named).unwrap_or(Entity::Customer);
            party = self.of(of.entity.as_ref(), kind)?;
        }
        Ok(BookLine {
            id: line.id.as_ref().map(EntityId::to_string),
            description: line.description.clone(),
            amount: line.amount.map(|amount| amount.exact.to_string()),
            posting: entry.as_ref().and_then(|it| it.posting.as_ref()).map(|it| it.as_str().to_owned()),
            account: self.of(account, Entity::Account)?,
            item: self.of(item, Entity::Item)?,
            class: self.of(class, Entity::Class)?,
            party,
            links: self.all_linked(&line.links)?,
        })
    }

    fn field(&self, slot: &Slot, record: &Record) -> Result<Option<BookField>, StoreError> {
        let (Some(takes), Ok(value)) = (slot.takes(record), slot.held(record)) else { return Ok(None) };
        let (word, most, kinds) = match takes {
            Takes::Text(most) => ("text", Some(most), Vec::new()),
            Takes::Date => ("date", None, Vec::new()),
            Takes::Flag => ("flag", None, Vec::new()),
            Takes::Link(kinds) => ("link", None, kinds.iter().map(|kind| kind.path()).collect()),
        };
        let value = held(self.ledger, self.company, value.as_ref())?;
        Ok(Some(BookField { field: slot.to_string(), takes: word, most, kinds, value }))
    }
}

const fn links_of(body: &Body) -> &[Link] {
    match body {
        Body::Bill(it) => it.links.as_slice(),
        Body::VendorCredit(it) => it.links.as_slice(),
        Body::Invoice(it) => it.links.as_slice(),
        Body::CreditMemo(it) => it.links.as_slice(),
        Body::SalesReceipt(it) => it.links.as_slice(),
        Body::RefundReceipt(it) => it.links.as_slice(),
        Body::Payment(it) => it.links.as_slice(),
        _ => &[],
    }
}

/// What a record consists of.
pub(super) fn details(
    ledger: &Ledger<'_>,
    company: &Connected,
    record: &Record,
) -> Result<BookDetails, StoreError> {
    let names = Names { ledger, company };
    let mut told = BookDetails { links: names.all_linked(links_of(&record.body))?, ..BookDetails::default() };
    let mut slots: Vec<Slot> = PLAIN.to_vec();
    for line in record.body.lines() {
        told.lines.push(names.line(line)?);
        if let Some(id) = &line.id {
            let of = [Slot::LineAccount, Slot::LineClass, Slot::LineDescription];
            slots.extend(of.into_iter().map(|slot| slot(id.clone())));
        }
    }
    for slot in &slots {
        told.fields.extend(names.field(slot, record)?);
    }
    Ok(told)
}
