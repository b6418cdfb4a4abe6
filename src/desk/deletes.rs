//! What a person deletes of Twenty's records: asked for here, put into Twenty's bin by a run. It can be restored there.

use serde_json::Value;
use uuid::Uuid;

use super::edits::{Kept, fresh};
use super::{Asked, Desk, Refusal};
use crate::ground::crm::RecordHead;
use crate::ground::id::{ConnectionId, Object, SubjectKey};
use crate::ground::journal::SubjectState;
use crate::ground::texts;
use crate::store::{Changes, Fail, View, parts};

impl Desk {
    /// Deletes a gift or a recurring agreement in Twenty, softly, if nobody changed it there since. None: it is deleted
    /// already. A gift that something rests on is not deleted.
    pub async fn delete_record(
        &self,
        asked: &Asked,
        object: Object,
        record: Uuid,
    ) -> Result<Option<Kept>, Refusal> {
        let cause = asked.cause("Deleted here");
        let (_, kept) = self
            .store
            .write(move |view| {
                let mut changes = Changes::new(cause.clone());
                let Some(target) = target(view, object, record)? else { return Ok((changes, None)) };
                let (id, seen) = match target {
                    Target::Asked(kept) => return Ok((changes, Some(kept))),
                    Target::Live(id, seen) => (id, seen),
                };
                let mut edit = fresh(view, &cause, object.word(), id, Vec::new());
                edit.delete = Some(seen);
                changes.create(Object::Edit, edit.id, &edit)?;
                changes.ask();
                Ok::<_, Fail<Refusal>>((changes, Some(Kept { edit: edit.id, record: id })))
            })
            .await?;
        Ok(kept)
    }
}

/// What is to be deleted.
enum Target {
    /// It is there, changed last at this moment.
    Live(Uuid, crate::ground::time::Instant),
    /// Somebody asked for that before, and it is on its way.
    Asked(Kept),
}

fn target(view: &View<'_>, object: Object, record: Uuid) -> Result<Option<Target>, Fail<Refusal>> {
    let ledger = view.ledger();
    let can_be_deleted = matches!(object, Object::Gifts | Object::RecurringAgreements);
    let mirrored = ledger.workspace(ConnectionId::TWENTY)?.names(object).is_some();
    if !can_be_deleted || !mirrored {
        return Err(Refusal::NotFound("mirrored object").into());
    }
    let known = ledger.record_of(&SubjectKey::twenty(object, record))?;
    let known = known.ok_or(Refusal::NotFound("record"))?;
    match known.state {
        SubjectState::Live => {}
        SubjectState::Deleted => return Ok(None),
        SubjectState::Pending => {
            return Err(Refusal::Nothing(
                "This record is on its way to Twenty. Wait until Twenty has it, then delete it.",
            )
            .into());
        }
        _ => return Err(Refusal::NotFound("record").into()),
    }
    let id = known.key.uuid().ok_or(Refusal::NotFound("record"))?;
    for edit in ledger.edits_of(object, id)? {
        if edit.value.state.is_open() {
            if edit.value.delete.is_some() {
                return Ok(Some(Target::Asked(Kept { edit: edit.value.id, record: id })));
            }
            return Err(Refusal::Nothing(texts::EDIT_DELETE_BUSY).into());
        }
    }
    if object == Object::Gifts
        && let Some(why) = rests_on(&known.value)
    {
        return Err(Refusal::Nothing(why).into());
    }
    let head = serde_json::from_str::<RecordHead>(&known.value).ok();
    let seen = head.and_then(|head| head.updated()).ok_or(Refusal::Nothing(texts::EDIT_NO_TIME))?;
    Ok(Some(Target::Live(id, seen)))
}

/// What rests on a gift (domain 2.6), in plain words.
fn rests_on(json: &str) -> Option<&'static str> {
    let gift: Value = serde_json::from_str(json).unwrap_or(Value::Null);
    let has = |path: &str| match parts::part(&gift, path) {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        _ => true,
    };
    if parts::part(&gift, "receiptStatus") == "SENT" || has("receiptSentAt") {
        Some(texts::GIFT_HAS_RECEIPT)
    } else if has("giftPayoutId") {
        Some(texts::GIFT_IN_PAYOUT)
    } else if has("giftAidClaimBatchId") {
        Some(texts::GIFT_IN_CLAIM)
    } else if has("refundedAmount.amountMicros") {
        Some(texts::GIFT_REFUNDED)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gift_that_something_rests_on_is_kept() {
        for (json, why) in [
            ("{}", None),
            (r#"{"receiptStatus":"PENDING","giftPayoutId":null,"refundedAmount":null}"#, None),
            (r#"{"refundedAmount":{"amountMicros":0,"currencyCode":"GBP"}}"#, None),
            (r#"{"receiptStatus":"SENT"}"#, Some(texts::GIFT_HAS_RECEIPT)),
            (r#"{"receiptSentAt":"2026-11-20T09:00:00.000Z"}"#, Some(texts::GIFT_HAS_RECEIPT)),
            (r#"{"giftPayoutId":"x"}"#, Some(texts::GIFT_IN_PAYOUT)),
            (r#"{"giftAidClaimBatchId":"x"}"#, Some(texts::GIFT_IN_CLAIM)),
            (r#"{"refundedAmount":{"amountMicros":1,"currencyCode":"GBP"}}"#, Some(texts::GIFT_REFUNDED)),
        ] {
            assert_eq!(rests_on(json), why, "{json}");
        }
    }
}
