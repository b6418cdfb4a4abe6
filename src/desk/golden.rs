//! Links between somebody of Twenty and a customer or a vendor of the books: made by a person, taken back by a person.

use uuid::Uuid;

use super::{Asked, Desk, Refusal};
use crate::ground::books::EntityId;
use crate::ground::books::golden::{BookName, CrmKind, GoldenLink};
use crate::ground::id::{ForeignId, Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::texts;
use crate::store::{Changes, Fail};

/// A link that somebody wants.
#[derive(Clone, Debug)]
pub struct GoldenAsk {
    /// What somebody is in Twenty.
    pub kind: CrmKind,
    /// Their id there.
    pub who: Uuid,
    /// The record of the books.
    pub book: BookName,
    /// Why.
    pub note: Option<String>,
}

impl Desk {
    /// Links two records. What stands for somebody else is not taken from them: that link is undone first.
    pub async fn link_books(&self, asked: &Asked, ask: GoldenAsk) -> Result<Uuid, Refusal> {
        let cause = asked.cause("Linked with the books");
        let (_, id) = self
            .store
            .write(move |view| {
                let ledger = view.ledger();
                let company = ledger.company(&ask.book.realm)?.ok_or(Refusal::NotFound("company"))?.value;
                // Ids that were merged away stand for the ones that stay.
                let book = ledger.book(company.connection, ask.book.entity, &ask.book.record)?;
                let book = book.filter(|record| record.state == SubjectState::Live);
                let key = book.ok_or(Refusal::NotFound("record"))?.key;
                let record = match &key.foreign {
                    ForeignId::Text(text) => EntityId::new(text),
                    ForeignId::Uuid(_) => None,
                };
                let record = record.ok_or(Refusal::NotFound("record"))?;
                let book = BookName { record, ..ask.book.clone() };
                let who = ledger.record_of(&SubjectKey::twenty(ask.kind.object(), ask.who))?;
                let who = who.filter(|record| record.state == SubjectState::Live);
                let who = who.and_then(|record| record.key.uuid()).ok_or(Refusal::NotFound("person"))?;
                let id = GoldenLink::id_of(ask.kind, who, &book);
                let standing = ledger.golden_of_book(&company, &book)?;
                let mut changes = Changes::new(cause.clone());
                if standing.iter().any(|link| link.value.id == id) {
                    return Ok((changes, id));
                }
                if !standing.is_empty() {
                    return Err(Refusal::Nothing(texts::GOLDEN_TAKEN).into());
                }
                let link = GoldenLink {
                    id,
                    kind: ask.kind,
                    who,
                    book,
                    by: cause.actor.clone(),
                    at: view.world.now(),
                    note: ask.note.clone(),
                };
                changes.open(Object::GoldenLink, id, &link)?;
                Ok::<_, Fail<Refusal>>((changes, id))
            })
            .await?;
        Ok(id)
    }

    /// Takes a link back. It can be made again at any time; its history stays.
    pub async fn unlink_books(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Link with the books undone");
        self.store
            .write(move |view| {
                let link = view.ledger().golden(id)?.ok_or(Refusal::NotFound("link"))?.value;
                let mut changes = Changes::new(cause);
                changes.remove(Object::GoldenLink, id, &link)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}
