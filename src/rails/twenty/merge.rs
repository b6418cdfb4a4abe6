//! Twenty's own merge call (contract 1.11): one record stays and is filled from the others, which are destroyed. In a dry run
//! it says what would be left, and changes nothing.

use ::http::Method;
use serde_json::json;
use uuid::Uuid;

use super::call::unfit;
use super::{TwentyRail, capitalised, reply};
use crate::ground::id::Names;
use crate::rails::{Outcome, Permit, TransportError, Trouble};

/// The records of a merge.
#[derive(Clone, Copy, Debug)]
pub struct MergeAsk<'a> {
    /// The one that stays.
    pub keep: Uuid,
    /// The others.
    pub lose: &'a [Uuid],
    /// Whether it is only asked what would come of it.
    pub dry: bool,
}

impl TwentyRail {
    /// Merges, or says what would be left. What a dry run answers is no record of Twenty: its id is invented there.
    pub async fn merge(&self, permit: &Permit, names: &Names, ask: MergeAsk<'_>) -> Outcome {
        let ids: Vec<Uuid> = std::iter::once(ask.keep).chain(ask.lose.iter().copied()).collect();
        let body = json!({ "ids": ids, "conflictPriorityIndex": 0, "dryRun": ask.dry }).to_string();
        let path = format!("/rest/{}/merge?depth=0", names.plural);
        // The member is told otherwise by the published document (contract 0.2).
        let member = format!("merge{}", capitalised(&names.singular));
        let outcome = match self.send(permit, Method::PATCH, &path, Some(body)).await {
            Err(TransportError::Refused(said)) => {
                Outcome::Rejected(Trouble::Later { after_ms: None, said, limit: false })
            }
            Err(TransportError::Broken(said)) => Outcome::Unknown(said),
            Ok(answer) => reply::written_one(&answer, &member),
        };
        match outcome {
            Outcome::Confirmed(records) if !ask.dry && records.iter().any(|record| record.id != ask.keep) => {
                let trouble = Trouble::Broken(
                    "Twenty's answer does not fit: another record than the one that was to stay".into(),
                );
                unfit(permit, &path, &trouble);
                Outcome::Rejected(trouble)
            }
            other => {
                if let Outcome::Rejected(trouble) = &other {
                    unfit(permit, &path, trouble);
                }
                other
            }
        }
    }
}
