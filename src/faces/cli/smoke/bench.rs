//! The appliance and the simulated Twenty that a smoke run works with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::super::demo;
use super::Scenario;
use super::tally::{Call, Donors, Outcome, Step};
use crate::app::App;
use crate::app::crm::Crm;
use crate::config::CrmConfig;
use crate::desk::access::NewUser;
use crate::desk::batches::NewBatch;
use crate::desk::gifts::{Delivery, Mark};
use crate::desk::{Asked, Desk};
use crate::ground::access::{Caller, Role};
use crate::ground::coding::{Coding, Fees};
use crate::ground::gift::{GiftIntent, PaymentMethod};
use crate::ground::id::{AgreementId, ConnectionId, PersonId, RunId, StagedId};
use crate::ground::intake::Intake;
use crate::ground::money::{Currency, Money};
use crate::ground::run::ProcessRun;
use crate::ground::staging::{DonorDecision, DonorEvidence, Progress, Source};
use crate::sim::twenty::{Options, Schema, Twenty};
use crate::store::verify;
use crate::sys;

/// People in the simulated Twenty.
const PEOPLE: u32 = 40;
/// Between two looks at what is waited for, when no commit is told.
const LOOK: Duration = Duration::from_millis(100);
/// How long is waited for anything.
const PATIENCE: Duration = Duration::from_mins(5);
/// Calls of the server about itself, which no run makes: its version, its model, its webhooks.
const NOT_OF_RUNS: [&str; 4] = ["/healthz", "/metadata", "/rest/metadata", "/client-config"];

/// What a row of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its donor is chosen.
    Chosen,
    /// Its donor is found by the match run, by name and address.
    Known,
    /// Its donor is made by the create-donors run.
    New,
    /// What the scenario is about.
    Middle,
}

impl Part {
    /// Of three rows one is found, one is made, and one is chosen.
    pub(super) const fn of(n: u32, rows: u32) -> Self {
        match n % 3 {
            _ if n == rows / 2 => Self::Middle,
            0 => Self::Known,
            1 => Self::New,
            _ => Self::Chosen,
        }
    }

    /// How many rows of a batch are so.
    pub(super) fn count(self, rows: u32) -> u64 {
        (0..rows).filter(|n| Self::of(*n, rows) == self).count() as u64
    }
}

fn first(n: u32) -> String {
    ["Ada", "Bela", "Cleo", "Dora", "Edda", "Faye", "Gwen", "Hope"][(n % 8) as usize].into()
}

fn last(n: u32) -> String {
    ["Smoker", "Chimney", "Embers", "Furnace", "Hearthstone"][(n / 8 % 5) as usize].into()
}

fn email(n: u32) -> String {
    format!("donor-{n}@smoke.example")
}

/// A name of its own for each number: a syllable a digit.
fn letters(n: u32) -> String {
    let digits = format!("{n:03}");
    let syllable =
        |digit: char| ["ba", "ko", "li", "mu", "ne", "pi", "ro", "sa", "tu", "ve"].get(digit as usize - 48);
    digits.chars().filter_map(syllable).copied().collect()
}

/// The appliance at work.
pub(super) struct Bench {
    app: App,
    twenty: Twenty,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    folder: PathBuf,
    asked: Asked,
    people: Vec<PersonId>,
    agreement: AgreementId,
}

impl Bench {
    /// Starts a Twenty with a charity's workspace and some people, and the appliance beside it; returns when all of it is
    /// mirrored.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let world = sys::world();
        let clock = world.clock.clone();
        // The limits are switched on once the workspace is ready: that takes none of them (contract 3.1).
        let twenty = Twenty::with_schema(Options::new(1, move || clock.now().0).throttled(), Schema::bare());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = demo::serve(listener, twenty.router());
        let settings = CrmConfig { url: url.clone(), key: twenty.api_key(), public_url: None };
        Crm::open(world.clone(), &settings)?.provision(true, |_| {}).await;
        let create = |plural: &str, record: serde_json::Value| {
            twenty
                .create(plural, &record)
                .ok_or_else(|| anyhow::anyhow!("the simulated Twenty takes no {plural}"))
        };
        let mut people = Vec::new();
        for n in 0..PEOPLE {
            let name = json!({ "firstName": first(n), "lastName": last(n) });
            let emails = json!({ "primaryEmail": email(n) });
            people.push(PersonId(create("people", json!({ "name": name, "emails": emails }))?));
        }
        let agreement =
            json!({ "name": "Smoke agreement", "personId": people[0].to_string(), "status": "ACTIVE" });
        let agreement = AgreementId(create("recurringAgreements", agreement)?);
        let folder = std::env::temp_dir().join(format!("almoner-smoke-{}", world.uuid()));
        std::fs::create_dir_all(&folder)?;
        let mut config = demo::config(0, &folder, &url, twenty.api_key());
        // Nothing but the runs calls while they are counted.
        (config.sync_minutes, config.public_url) = (1_440, None);
        let app = App::open(world, &config, true).await?;
        let user = NewUser {
            name: "Smoke".into(),
            email: "smoke@example.org".into(),
            password: None,
            role: Role::Admin,
        };
        let id = app.desk.ensure_user(user).await?;
        let user = app.desk.store.snapshot()?.ledger().user(id)?;
        let user = user.ok_or_else(|| anyhow::anyhow!("the user is gone"))?.value;
        let asked = Asked { caller: Caller::User(user), request_id: "smoke".into() };
        let bench = Self { app, twenty, server, folder, asked, people, agreement };
        bench
            .until("the first copy of Twenty", |desk| {
                let snapshot = desk.store.snapshot()?;
                let ledger = snapshot.ledger();
                // Of all of it: a copy that still goes on would be counted with the runs' own calls.
                let mirrored = ledger.workspace(ConnectionId::TWENTY)?.mirrored();
                let mut complete = !mirrored.is_empty();
                for (object, _) in mirrored {
                    complete &= ledger.mirror_state(ConnectionId::TWENTY, object)?.complete_as_of.is_some();
                }
                Ok(complete.then_some(()))
            })
            .await?;
        Ok(bench)
    }

    /// Stops everything and deletes the folder.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.app.close().await?;
        self.server.abort();
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }

    /// Looks until there is something to see.
    async fn until<T>(
        &self,
        what: &str,
        look: impl Fn(&Desk) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let mut commits = self.app.desk.store.watch();
        let seen = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(seen) = look(&self.app.desk)? {
                    return Ok(seen);
                }
                // Not every commit is told: those of the mirror's own state are not.
                let _ = tokio::time::timeout(LOOK, commits.recv()).await;
            }
        });
        seen.await.unwrap_or_else(|_| anyhow::bail!("{what} did not come within five minutes"))
    }

    fn gift(&self, n: u32, donor: DonorDecision) -> Delivery {
        let pounds = Money { micros: (i64::from(n) + 1) * 1_000_000, currency: Currency::GBP };
        let zone = &self.app.desk.zone;
        let source = Source {
            intake: "smoke".into(),
            fingerprint: None,
            external_id: None,
            provider: None,
            provider_payment_id: None,
            provider_event_id: None,
        };
        let intake = Intake {
            amount: pounds,
            gift_date: Some(zone.date_of(self.app.desk.world.now())),
            evidence: DonorEvidence::default(),
            donor,
            company: None,
            payment_method: Some(PaymentMethod::Card),
            intent: GiftIntent::Standard,
            notes: None,
            source,
            batch: None,
            coding: Coding::default(),
            fees: Fees::default(),
            expected_at: None,
            auto_process: None,
        };
        Delivery { intake, body: "{}".into(), idempotency_key: None }
    }

    fn donor(&self, n: u32) -> PersonId {
        self.people[n as usize % self.people.len()]
    }

    /// Runs a scenario and counts its calls: rows are taken in, the donors of some are found, of some are made, then all are
    /// processed.
    pub(super) async fn batch(&self, scenario: Scenario, rows: u32) -> anyhow::Result<Outcome> {
        let desk = &self.app.desk;
        let doomed = (scenario == Scenario::RowFallbackError).then(|| self.doomed()).transpose()?;
        let (mut ids, mut new): (Vec<StagedId>, Vec<StagedId>) = Default::default();
        for n in 0..rows {
            let part = Part::of(n, rows);
            let id = desk.take_in(&self.asked, self.row_of(scenario, n, part, doomed)).await?.row;
            ids.push(id);
            new.extend((part == Part::New).then_some(id));
        }
        let batch = NewBatch {
            name: scenario.name().into(),
            source: "smoke".into(),
            rows: ids.clone(),
            ..NewBatch::default()
        };
        let batch = desk.create_batch(&self.asked, batch).await?;
        if let Some(doomed) = doomed {
            // Somebody deletes the donor for good in Twenty, and we have not heard of it.
            self.twenty.destroy("people", doomed.0);
        }
        self.twenty.clear_log();
        let matched = self.ended(desk.match_donors(&self.asked, batch, None).await?).await?;
        let match_calls = self.calls().len();
        let made = self.ended(desk.create_donors(&self.asked, batch, new).await?).await?;
        let making_calls = self.calls().len() - match_calls;
        for chunk in ids.chunks(500) {
            for (_, marked) in desk.mark_rows(&self.asked, chunk.to_vec(), Mark::Ready).await? {
                marked?;
            }
        }
        let run = self.ended(desk.process_batch(&self.asked, batch, None).await?).await?;
        let donors = Donors { matched, match_calls, made, making_calls };
        Ok(Outcome { scenario, asked: rows, run, donors, calls: self.calls() })
    }

    /// A row of a scenario; the one in the middle is what the scenario is about.
    fn row_of(&self, scenario: Scenario, n: u32, part: Part, doomed: Option<PersonId>) -> Delivery {
        let told = |first: &str, last: String, email: String| DonorEvidence {
            first_name: Some(first.to_owned()),
            last_name: Some(last),
            email: Some(email),
            ..DonorEvidence::default()
        };
        let donor = match part {
            Part::Chosen | Part::Middle => DonorDecision::Confirmed(self.donor(n)),
            Part::Known | Part::New => DonorDecision::Unreviewed,
        };
        let mut delivery = self.gift(n, donor);
        let who = n % (PEOPLE - 1);
        match part {
            Part::Chosen => {}
            Part::Known => delivery.intake.evidence = told(&first(who), last(who), email(who)),
            Part::New => {
                // In another hand and under another address than anybody in any scenario.
                let address = format!("new-{n}@{}.example", scenario.name());
                delivery.intake.evidence = told("Newcomer", letters(n), address);
            }
            Part::Middle => match scenario {
                Scenario::HappyPath => {}
                Scenario::MixedRouting => {
                    delivery.intake.intent = GiftIntent::Recurring;
                    delivery.intake.coding.agreement = Some(self.agreement);
                    delivery.intake.donor = DonorDecision::Confirmed(self.people[0]);
                }
                Scenario::RowFallbackError => {
                    delivery.intake.donor = DonorDecision::Confirmed(doomed.unwrap_or(self.people[0]));
                }
            },
        }
        delivery
    }

    /// A donor who is in the mirror and will be gone from Twenty.
    fn doomed(&self) -> anyhow::Result<PersonId> {
        self.people.last().copied().ok_or_else(|| anyhow::anyhow!("the simulated Twenty has no people"))
    }

    async fn ended(&self, run: RunId) -> anyhow::Result<ProcessRun> {
        self.until("the end of the run", |desk| {
            let run = desk.store.snapshot()?.ledger().run(run)?.map(|record| record.value);
            Ok(run.filter(|run| !run.status.is_active()))
        })
        .await
    }

    fn calls(&self) -> Vec<Call> {
        let log = self.twenty.request_log().into_iter();
        let of_runs = log.filter(|request| !NOT_OF_RUNS.iter().any(|path| request.path.starts_with(path)));
        of_runs.map(|request| Call::of(request.method.as_str(), &request.path, request.status)).collect()
    }

    /// What must hold after any scenario, each with whether it does.
    pub(super) fn proof(&self, outcomes: &[Outcome]) -> anyhow::Result<Vec<Step>> {
        let posted: u64 = outcomes.iter().map(|outcome| outcome.run.tally.processed).sum();
        let there = self.twenty.records("gifts").len() as u64;
        let whole = verify(&self.app.desk.store)?;
        Ok(vec![
            Step::new(format!("Twenty has {there} gifts, {posted} were posted"), there == posted),
            Step::new("the ledger is whole".into(), whole.fault.is_none()),
        ])
    }

    /// One gift all the way, and one that must wait.
    pub(super) async fn gifts(&self) -> anyhow::Result<Vec<Step>> {
        let desk = &self.app.desk;
        let taken =
            desk.take_in(&self.asked, self.gift(0, DonorDecision::GivenBySender(self.donor(3)))).await?;
        let again = self.row(taken.row)?;
        let mut steps = vec![Step::new("a gift is staged for review".into(), again == Progress::Review)];
        desk.mark_row(&self.asked, taken.row, Mark::Ready, None).await?;
        steps.push(Step::new("a person marks it ready".into(), self.row(taken.row)? == Progress::Ready));
        let (_, run) = desk.process_ready(&self.asked).await?;
        self.ended(run).await?;
        let gift = match self.row(taken.row)? {
            Progress::Posted { gift, .. } => Some(gift.to_string()),
            _ => None,
        };
        steps.push(Step::new("it is processed".into(), gift.is_some()));
        let gifts = self.twenty.records("gifts");
        let there = gifts.iter().filter(|record| record["id"].as_str() == gift.as_deref());
        steps.push(Step::new("Twenty has it, once".into(), gift.is_some() && there.count() == 1));
        let nobody = desk.take_in(&self.asked, self.gift(1, DonorDecision::Unreviewed)).await?;
        let refused = desk.mark_row(&self.asked, nobody.row, Mark::Ready, None).await.is_err();
        steps.push(Step::new("a gift that nobody has looked at waits".into(), refused));
        let waiting = self.row(nobody.row)? == Progress::Review && self.twenty.records("gifts").len() == 1;
        steps.push(Step::new("and Twenty has not heard of it".into(), waiting));
        let whole = verify(&desk.store)?;
        steps.push(Step::new("the ledger is whole".into(), whole.fault.is_none()));
        Ok(steps)
    }

    fn row(&self, id: StagedId) -> anyhow::Result<Progress> {
        let row = self.app.desk.store.snapshot()?.ledger().staged(id)?;
        Ok(row.ok_or_else(|| anyhow::anyhow!("the staged row is gone"))?.value.progress)
    }
}
