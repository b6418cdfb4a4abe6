//! Keeps our webhook registered in Twenty. Where it does not arrive (a private network, a worker that is down) the passes
//! find everything all the same, only later.

use super::{Means, Next, pause_ms, plain};
use crate::ground::id::ConnectionId;
use crate::ground::journal::{Actor, Cause};
use crate::ground::webhook::twenty::{Hook, SECRET};
use crate::rails::Trouble;
use crate::rails::twenty::Registered;
use crate::store::{Changes, Fail, Working, WriteError};

/// How often it is looked whether it is still there, in milliseconds.
const LOOK_EVERY_MS: i64 = 60 * 60_000;

/// The keeper of the webhook.
pub struct HookKeeper {
    means: Means,
    failures: u32,
    looked: bool,
}

impl HookKeeper {
    /// The keeper of this connection.
    pub const fn new(means: Means) -> Self {
        Self { means, failures: 0, looked: false }
    }

    /// A few calls at most, none of them of the budget.
    pub async fn step(&mut self) -> Next {
        match self.try_step().await {
            Ok(next) => next,
            Err(_) => self.later(),
        }
    }

    fn later(&mut self) -> Next {
        let pause = pause_ms(self.failures) * 10;
        self.failures += 1;
        Next::Wait(self.means.world.now().plus_millis(pause))
    }

    async fn try_step(&mut self) -> Result<Next, WriteError<()>> {
        let Some(url) = self.means.settings.hook_url.clone() else { return Ok(Next::Idle) };
        let now = self.means.world.now();
        let (hook, secret) = {
            let snapshot = self.means.store.snapshot().map_err(WriteError::Store)?;
            let ledger = snapshot.ledger();
            let sealed = ledger.sealed(SECRET).map_err(WriteError::Store)?;
            let secret = sealed.and_then(|sealed| self.means.key.open(SECRET, &sealed).ok());
            (
                ledger.hook(ConnectionId::TWENTY).map_err(WriteError::Store)?,
                secret.and_then(|s| String::from_utf8(s).ok()),
            )
        };
        let due = hook.checked_at.map(|at| at.plus_millis(LOOK_EVERY_MS));
        // After a start it is looked at once: somebody may have taken it out meanwhile.
        if self.looked && hook.trouble.is_none() && due.is_some_and(|due| due > now) {
            return Ok(due.map_or(Next::Idle, Next::Wait));
        }
        match self.keep(&url, secret.as_deref()).await? {
            Ok(hook) => {
                (self.failures, self.looked) = (0, true);
                self.store(Hook {
                    id: Some(hook),
                    url,
                    checked_at: Some(now),
                    trouble: None,
                    ..Hook::default()
                })
                .await?;
                Ok(Next::Wait(now.plus_millis(LOOK_EVERY_MS)))
            }
            Err(trouble) => {
                let told = format!("The webhook could not be registered: {}", plain(&trouble));
                self.store(Hook {
                    id: hook.id,
                    url,
                    checked_at: hook.checked_at,
                    trouble: Some(told),
                    ..Hook::default()
                })
                .await?;
                Ok(self.later())
            }
        }
    }

    /// Finds ours, or registers it. One with another secret than ours, or that tells less than everything, is replaced.
    async fn keep(
        &self,
        url: &str,
        secret: Option<&str>,
    ) -> Result<Result<uuid::Uuid, Trouble>, WriteError<()>> {
        let (rail, gate) = (&self.means.rail, &self.means.gate);
        let ours = match rail.hooks(&gate.unmetered()).await {
            Ok(hooks) => hooks.into_iter().filter(|hook| hook.target_url == url).collect::<Vec<_>>(),
            Err(trouble) => return Ok(Err(trouble)),
        };
        let fits =
            |hook: &&Registered| hook.tells_all() && secret.is_some() && hook.secret.as_deref() == secret;
        let good = ours.iter().find(fits).map(|hook| hook.id);
        // Two of them would tell everything twice.
        for spare in ours.iter().filter(|hook| Some(hook.id) != good) {
            if let Err(trouble) = rail.remove_hook(&gate.unmetered(), spare.id).await {
                return Ok(Err(trouble));
            }
        }
        if let Some(good) = good {
            return Ok(Ok(good));
        }
        // The secret is stored before it is told: a webhook may come before the answer does.
        let secret = match secret {
            Some(secret) => secret.to_owned(),
            None => self.new_secret().await?,
        };
        if let Err(trouble) = rail.add_hook(&gate.unmetered(), url, &secret).await {
            return Ok(Err(trouble));
        }
        Ok(rail.hooks(&gate.unmetered()).await.and_then(|hooks| {
            let ours = hooks.into_iter().find(|hook| hook.target_url == url);
            ours.map(|hook| hook.id)
                .ok_or_else(|| Trouble::Broken("Twenty took the webhook and does not list it".into()))
        }))
    }

    async fn new_secret(&self) -> Result<String, WriteError<()>> {
        let secret = format!("{}{}", self.means.world.uuid().simple(), self.means.world.uuid().simple());
        let sealed = self
            .means
            .key
            .seal(SECRET, secret.as_bytes(), &self.means.world)
            .map_err(|_| WriteError::Refused(()))?;
        self.means
            .store
            .write(move |_| {
                let mut changes = Changes::new(cause());
                changes.secret(SECRET, Some(sealed));
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(secret)
    }

    /// What was heard meanwhile stays counted.
    async fn store(&self, found: Hook) -> Result<(), WriteError<()>> {
        self.means
            .store
            .write(move |view| {
                let known = view.ledger().hook(ConnectionId::TWENTY)?;
                let Hook { id, url, checked_at, trouble, .. } = found;
                let hook = Hook { id, url, checked_at, trouble, ..known.clone() };
                let mut changes = Changes::new(cause());
                if hook != known {
                    changes.working_text(
                        Working::Hook,
                        &ConnectionId::TWENTY.0.to_be_bytes(),
                        Some(&hook),
                    )?;
                }
                Ok::<_, Fail<()>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

fn cause() -> Cause {
    Cause { actor: Actor::System, why: "Webhook kept".into(), request_id: None }
}
