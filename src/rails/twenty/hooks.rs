//! The webhooks of a workspace (contract 4.1). These calls cost nothing of the record budget (contract 3.1).

use ::http::Method;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{TwentyRail, model, reply};
use crate::rails::{Permit, Trouble};

/// What we want to hear of: every event of every record, and changes of the data model. An event less would be a
/// change that is seen a quarter of an hour later.
const OPERATIONS: [&str; 1] = ["*.*"];
/// How people recognise it in Twenty's settings.
const DESCRIPTION: &str = "Almoner: keeps its mirror fresh";

/// A webhook as Twenty tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// Its id.
    pub id: Uuid,
    /// Where it sends to.
    pub target_url: String,
    /// What it tells of.
    #[serde(default)]
    pub operations: Vec<String>,
    /// What it signs with; readable for whoever has the key (contract 4.1).
    #[serde(default)]
    pub secret: Option<String>,
}

impl Registered {
    /// Whether it tells us everything.
    pub fn tells_all(&self) -> bool {
        OPERATIONS.iter().all(|wanted| self.operations.iter().any(|operation| operation == wanted))
    }
}

/// Either envelope of the metadata API (contract 3.2).
#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Direct(Vec<Registered>),
    Legacy { data: LegacyData },
    Wrapped { data: Vec<Registered> },
}

#[derive(Deserialize)]
struct LegacyData {
    webhooks: Vec<Registered>,
}

impl TwentyRail {
    /// The webhooks of the workspace.
    pub async fn hooks(&self, permit: &Permit) -> Result<Vec<Registered>, Trouble> {
        let body = self.read(permit, "/rest/webhooks").await?;
        Ok(match reply::whole::<Listing>(&body)? {
            Listing::Direct(hooks) | Listing::Wrapped { data: hooks } => hooks,
            Listing::Legacy { data } => data.webhooks,
        })
    }

    /// Registers a webhook that tells everything and signs with this secret.
    pub async fn add_hook(&self, permit: &Permit, url: &str, secret: &str) -> Result<(), Trouble> {
        let body = json!({ "targetUrl": url, "operations": OPERATIONS, "description": DESCRIPTION, "secret": secret });
        self.write_model(permit, Method::POST, "/rest/webhooks", Some(body.to_string())).await.map(drop)
    }

    /// Takes a webhook out.
    pub async fn remove_hook(&self, permit: &Permit, id: Uuid) -> Result<(), Trouble> {
        self.write_model(permit, Method::DELETE, &format!("/rest/webhooks/{id}"), None).await.map(drop)
    }

    /// A write of the data model or of settings, which can be repeated after a look, so that whatever went wrong on the
    /// way is `Later`.
    pub(super) async fn write_model(
        &self,
        permit: &Permit,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Bytes, Trouble> {
        let reply = self.send(permit, method, path, body).await;
        let reply = reply.map_err(|error| Trouble::Later {
            after_ms: None,
            said: error.to_string(),
            limit: false,
        })?;
        if reply.status().is_success() { Ok(reply.into_body()) } else { Err(model::trouble(&reply)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_envelope_reads() {
        let hook = r#"{"id":"63f16175-3266-5ae1-b7c7-297a48d16281","targetUrl":"https://a.example/hooks/twenty","operations":["*.*"],"secret":"s"}"#;
        for body in [
            format!("[{hook}]"),
            format!(r#"{{"data":[{hook}]}}"#),
            format!(r#"{{"data":{{"webhooks":[{hook}]}}}}"#),
        ] {
            let hooks = match serde_json::from_str::<Listing>(&body).unwrap() {
                Listing::Direct(hooks) | Listing::Wrapped { data: hooks } => hooks,
                Listing::Legacy { data } => data.webhooks,
            };
            assert!(hooks.len() == 1 && hooks[0].tells_all());
        }
    }
}
