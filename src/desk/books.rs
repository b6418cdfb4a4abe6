//! What people and QuickBooks itself ask of the books: connect a company, look now, stop, go on; and webhooks. Nothing is
//! called here: a run does what is stored.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::{Asked, Desk, Refusal};
use crate::ground::books::change::Texts;
use crate::ground::books::consent::{self, Callback, Consent, Door, Stage};
use crate::ground::books::custody::Secret;
use crate::ground::books::mirror::{Books, Halted};
use crate::ground::books::{Connected, RealmId};
use crate::ground::id::{ConnectionId, Object};
use crate::ground::journal::{Actor, Cause};
use crate::ground::webhook::qbo::{Event, NotBelieved, Operation, Payload, Waiting, verify};
use crate::store::{Changes, Fail, Ledger, StoreError, View};

/// Consents older than this are forgotten, in milliseconds.
const FORGOTTEN_MS: i64 = 86_400_000;

/// What the operator set for QuickBooks; empty where they set nothing.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where people are sent to connect a company.
    pub door: Option<Door>,
    /// The verifier token of the app's webhooks.
    pub verifier: Option<Secret>,
    /// What the rail knows of the texts of records and requests.
    pub texts: Option<Arc<dyn Texts>>,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was kept, or there was nothing in it to keep.
    Kept,
    /// It is not believed; nothing of it was kept.
    NotBelieved,
    /// It is signed and in neither form.
    NotRead,
    /// Nobody has set a verifier token.
    NoneExpected,
}

impl Desk {
    /// Begins to connect a company: where to send the person.
    pub async fn ask_consent(&self, asked: &Asked) -> Result<String, Refusal> {
        let door = self.books.door.clone().ok_or(Refusal::Nothing(
            "QuickBooks is not set up: the operator sets [quickbooks] client_id, client_secret and the public address in the configuration.",
        ))?;
        let random: [u8; 32] = self.world.bytes();
        let state = BASE64_URL_SAFE_NO_PAD.encode(random);
        let key = consent::key_of(&state);
        let cause = asked.cause("Consent of a company of QuickBooks asked for");
        let by = asked.caller.actor();
        self.store
            .write(move |view| {
                let mut changes = Changes::new(cause);
                let now = view.world.now();
                for (old, consent) in view.ledger().consents()? {
                    if now.micros_since(consent.at).abs() > FORGOTTEN_MS * 1_000 {
                        changes.consent(&old, None)?;
                        changes.secret(&Consent::secret_name(&old), None);
                    }
                }
                changes.consent(&key, Some(&Consent { by, at: now, stage: Stage::Away }))?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(door.address(&state))
    }

    /// Takes a person back who was sent away: the key under which the outcome will stand. What they bring is good once.
    pub async fn consent_back(&self, query: &str) -> Result<[u8; 32], Refusal> {
        let not_ours = || {
            Refusal::Nothing(
                "This return from QuickBooks does not belong to a request of ours, or came too late. Connect the company again.",
            )
        };
        let told = consent::state_of(query).ok_or_else(not_ours)?;
        let key = consent::key_of(&told);
        let callback = consent::callback(query, &told);
        let sealing = (self.key.clone(), self.world.clone());
        self.store
            .write(move |view| {
                let known = view.ledger().consent(&key)?;
                let known =
                    known.filter(|known| known.stage == Stage::Away && known.is_valid(view.world.now()));
                let known = known.ok_or_else(not_ours)?;
                let mut changes = Changes::new(Cause {
                    actor: known.by.clone(),
                    why: "Back from QuickBooks".into(),
                    request_id: None,
                });
                let stage = match callback {
                    Callback::Granted { code, realm } => {
                        let name = Consent::secret_name(&key);
                        let sealed = sealing.0.seal(&name, code.reveal().as_bytes(), &sealing.1);
                        let sealed = sealed.map_err(|error| StoreError::Unavailable(error.to_string()))?;
                        changes.secret(&name, Some(sealed));
                        Stage::Back(realm)
                    }
                    Callback::Declined => Stage::Failed("Consent was declined in QuickBooks.".into()),
                    Callback::NotOurs => return Err(not_ours().into()),
                };
                changes.consent(&key, Some(&Consent { stage, ..known }))?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(key)
    }

    /// Where a consent stands.
    pub fn consent_stage(&self, key: &[u8]) -> Result<Option<Stage>, StoreError> {
        Ok(self.store.snapshot()?.ledger().consent(key)?.map(|consent| consent.stage))
    }

    /// Asks for a look at a company now; one that was halted is tried again.
    pub async fn look_at_company(&self, asked: &Asked, realm: RealmId) -> Result<(), Refusal> {
        let now = self.world.now();
        self.change_books(asked, "Look at a company asked for", realm, move |books| {
            // Whether it is paid for again only QuickBooks can tell.
            if books.halted == Some(Halted::Lapsed) {
                books.resume(now);
            }
            (books.asked_at, books.not_before) = (Some(now), None);
        })
        .await
    }

    /// Asks for everything of a company to be read again, and its totals to be controlled.
    pub async fn load_company(&self, asked: &Asked, realm: RealmId) -> Result<(), Refusal> {
        let now = self.world.now();
        self.change_books(asked, "Complete reading of a company asked for", realm, move |books| {
            (books.load_asked_at, books.not_before) = (Some(now), None);
        })
        .await
    }

    /// Asks for a record that was set aside once more. One without an id is found by reading everything.
    pub async fn repeat_aside(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Record that was set aside asked for again");
        self.store
            .write(move |view| {
                let aside = view.ledger().book_aside(id)?.ok_or(Refusal::NotFound("record"))?;
                let company = known(view.ledger(), &aside.realm)?;
                let (mut books, now) = (view.ledger().books(company.connection)?, view.world.now());
                let mut changes = Changes::new(cause);
                books.not_before = None;
                if let Some(id) = &aside.id {
                    let operation = Operation::Asked;
                    let waiting = Waiting { since: now, last: now, operation, merged_from: None };
                    changes.books_told(company.connection, aside.entity, id, Some(&waiting))?;
                    books.asked_at = Some(now);
                } else {
                    books.load_asked_at = Some(now);
                }
                changes.books(company.connection, &books)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Gives a record up that was set aside: it stands among the issues again only when it is told again.
    pub async fn discard_aside(&self, asked: &Asked, id: Uuid) -> Result<(), Refusal> {
        let cause = asked.cause("Record that was set aside given up");
        self.store
            .write(move |view| {
                let aside = view.ledger().book_aside(id)?.ok_or(Refusal::NotFound("record"))?;
                let mut changes = Changes::new(cause);
                changes.remove(Object::BooksAside, id, &aside)?;
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Stops the sync of a company, or lets it go on.
    pub async fn pause_company(&self, asked: &Asked, realm: RealmId, paused: bool) -> Result<(), Refusal> {
        let why = if paused { "Sync of a company paused" } else { "Sync of a company goes on" };
        self.change_books(asked, why, realm, move |books| books.paused = paused).await
    }

    async fn change_books(
        &self,
        asked: &Asked,
        why: &str,
        realm: RealmId,
        change: impl FnOnce(&mut Books) + Send + 'static,
    ) -> Result<(), Refusal> {
        let cause = asked.cause(why);
        self.store
            .write(move |view| {
                let company = known(view.ledger(), &realm)?;
                let mut books = view.ledger().books(company.connection)?;
                change(&mut books);
                let mut changes = Changes::new(cause);
                changes.books(company.connection, &books)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Disconnects a company: its tokens are given back and forgotten, its books stay as they are, to be read only.
    pub async fn disconnect_company(&self, asked: &Asked, realm: RealmId) -> Result<(), Refusal> {
        let cause = asked.cause("Company of QuickBooks disconnected");
        self.store
            .write(move |view| {
                let company = known(view.ledger(), &realm)?;
                let mut changes = Changes::new(cause);
                if company.disconnected_at.is_none() {
                    let gone = Connected { disconnected_at: Some(view.world.now()), ..company };
                    changes.update(Object::Company, Connected::id_of(&realm), &gone)?;
                    changes.ask();
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }

    /// Takes in a webhook of QuickBooks: the bytes as they came. Answered once what it tells is on disk; events of companies
    /// that are not ours are dropped.
    pub async fn hear_qbo(&self, signature: Option<&str>, raw: &[u8]) -> Result<Heard, Refusal> {
        let Some(verifier) = &self.books.verifier else { return Ok(Heard::NoneExpected) };
        if let Err(why) = verify(verifier.reveal(), signature, raw) {
            let unsigned = why == NotBelieved::Unsigned;
            tracing::warn!(event = "qbo_webhook_invalid_signature", unsigned);
            return Ok(Heard::NotBelieved);
        }
        let Ok(payload) = serde_json::from_slice::<Payload>(raw) else { return Ok(Heard::NotRead) };
        let told = payload.told();
        tracing::debug!(event = "qbo_webhook", events = told.events.len(), others = told.others);
        if told.events.is_empty() {
            return Ok(Heard::Kept);
        }
        self.store
            .write(move |view| {
                let mut changes = Changes::new(Cause {
                    actor: Actor::System,
                    why: "Told by QuickBooks".into(),
                    request_id: None,
                });
                for event in &told.events {
                    keep(view, &mut changes, event)?;
                }
                if !changes.is_empty() {
                    changes.ask();
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(Heard::Kept)
    }
}

/// A company that was connected.
fn known(ledger: &Ledger<'_>, realm: &RealmId) -> Result<Connected, Fail<Refusal>> {
    let company = ledger.company(realm).map_err(Fail::Store)?;
    company.map(|company| company.value).ok_or_else(|| Refusal::NotFound("company").into())
}

fn keep(view: &View<'_>, changes: &mut Changes, event: &Event) -> Result<(), StoreError> {
    // Which companies are ours our own table says, not the body.
    let Some(company) = view.ledger().company(&event.realm)?.map(|company| company.value) else {
        tracing::warn!(event = "qbo_webhook_of_unknown_company");
        return Ok(());
    };
    let connection: ConnectionId = company.connection;
    let told = view.ledger().books_told(connection)?;
    let before = told.into_iter().find(|(entity, id, _)| *entity == event.entity && *id == event.id);
    let now = view.world.now();
    let waiting = Waiting {
        since: before.as_ref().map_or(now, |(_, _, before)| before.since),
        last: now,
        operation: event.operation,
        merged_from: event
            .merged_from
            .clone()
            .or_else(|| before.and_then(|(_, _, before)| before.merged_from)),
    };
    changes.books_told(connection, event.entity, &event.id, Some(&waiting))
}
