//! `almoner demo`: the whole appliance with invented people, invented gifts, a simulated Twenty and a simulated QuickBooks.

mod books;
mod regular;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{asked_to_stop, say};
use crate::app::App;
use crate::config::{Config, environment};
use crate::desk::access::{LinkPurpose, NewUser};
use crate::desk::gifts::Delivery;
use crate::desk::{Asked, Desk};
use crate::ground::access::{Caller, Role, Scope, Token};
use crate::ground::crm::PersonRecord;
use crate::ground::gift::PaymentMethod;
use crate::ground::id::{ConnectionId, Object};
use crate::ground::intake::Intake;
use crate::ground::journal::SubjectState;
use crate::ground::money::{Currency, Money};
use crate::ground::person::Person;
use crate::ground::run::CHUNK;
use crate::ground::staging::{DonorDecision, DonorEvidence, Source};
use crate::ground::world::World;
use crate::sim::scenario::Size;
use crate::sim::twenty::{Options, Twenty, Wire};
use crate::store::{Drive, Place, Store};
use crate::{sys, telemetry};

/// Gifts that wait in the queue when the demo begins.
const FIRST_GIFTS: usize = 8;
/// Gifts that come in while one watches.
const LATER_GIFTS: usize = 40;
/// Between two of them.
const BETWEEN: Duration = Duration::from_secs(25);

#[derive(Args, Debug)]
pub(super) struct Demo {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed makes the same charity
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep everything in this folder and go on there next time
    #[arg(long)]
    keep: Option<PathBuf>,
    /// No gifts come in by themselves
    #[arg(long)]
    quiet: bool,
    /// Say where it is as a line of JSON
    #[arg(long)]
    json: bool,
}

/// What a kept demo must remember to make the same charity again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Birth {
    seed: u64,
    at: i64,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&environment("ALMONER_LOG").unwrap_or_else(|| "warn".into()));
        let world = sys::world();
        let folder = match &self.keep {
            Some(folder) => folder.clone(),
            None => std::env::temp_dir().join(format!("almoner-demo-{}", world.uuid())),
        };
        std::fs::create_dir_all(&folder)?;
        let outcome = self.run_in(&folder, world).await;
        if self.keep.is_none() {
            std::fs::remove_dir_all(&folder)?;
        }
        outcome
    }

    async fn run_in(&self, folder: &Path, world: World) -> anyhow::Result<ExitCode> {
        let birth = birth(folder, Birth { seed: self.seed, at: world.now().0 })?;
        let twenty = simulated(&world, birth);
        remember_posted(folder, &world, &twenty)?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let twenty_url = format!("http://{}", listener.local_addr()?);
        let crm = serve(listener, twenty.router());
        regular::add(&world, &twenty, &twenty_url, birth).await?;
        let firm = books::Firm::new(&world, birth)?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let qbo_url = format!("http://{}", listener.local_addr()?);
        let ledger = serve(listener, firm.qbo.router());
        let port = if self.port == 0 { free_port().await? } else { self.port };
        let mut config = config(port, folder, &twenty_url, twenty.api_key());
        firm.settle(&mut config, &qbo_url);
        let app = App::open(world, &config, true).await?;
        let desk = app.desk.clone();
        let maya = NewUser {
            name: "Maya Okafor".into(),
            email: "maya@harbour-lights.example".into(),
            password: None,
            role: Role::Admin,
        };
        let user = desk.ensure_user(maya).await?;
        let link = desk.one_time_link(LinkPurpose::SignIn(user)).await?;
        self.tell(&format!("http://{}", app.address), &link, (&twenty_url, &twenty.api_key()), &qbo_url);
        let (stop, stopped) = watch::channel(false);
        let (qbo, told) = (firm.qbo.clone(), desk.clone());
        let firm = firm.live(told, stopped.clone());
        let incoming = if self.quiet { None } else { Some(come_in(desk, birth.seed, stopped)) };
        tokio::select! {
            ended = asked_to_stop() => ended?,
            () = twenty.keep_delivering(&Wire) => {}
            () = qbo.keep_delivering(&Wire) => {}
            never = firm => never?,
            never = async { match incoming { Some(work) => work.await, None => std::future::pending().await } } => never?,
        }
        drop(stop);
        app.close().await?;
        crm.abort();
        ledger.abort();
        Ok(ExitCode::SUCCESS)
    }
}

impl Demo {
    /// Says where it is and how to come in.
    fn tell(&self, url: &str, link: &str, (twenty, key): (&str, &str), qbo: &str) {
        let login = format!("{url}/login/once?token={link}");
        let kept = self.keep.is_some();
        if self.json {
            let told = json!({ "url": url, "login": login, "twenty": { "url": twenty, "key": key }, "quickbooks": qbo, "kept": kept });
            return say(&told.to_string());
        }
        say(&format!("Almoner is at {url}/"));
        say(
            "This is a demo: invented people, invented gifts, a simulated Twenty, a simulated QuickBooks with twelve companies. Nothing leaves this machine.",
        );
        say(&format!("Sign in (works once, for 30 minutes): {login}"));
        say(&format!("The simulated Twenty is at {twenty}; its API key: {key}"));
        say(&format!(
            "The simulated QuickBooks is at {qbo}; its companies connect by themselves (Settings, QuickBooks companies). One of them then takes its access back, and one lets its subscription end."
        ));
        say(if kept {
            "Stop with Ctrl-C; everything is kept."
        } else {
            "Stop with Ctrl-C; everything is deleted then."
        });
    }
}

/// A port that is free now: the simulated Twenty must know where its webhooks go before anything listens there.
async fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?.local_addr()?.port())
}

pub(super) fn config(port: u16, folder: &Path, twenty_url: &str, twenty_key: String) -> Config {
    Config {
        data: folder.to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        twenty_url: twenty_url.to_owned(),
        twenty_key,
        public_url: Some(format!("http://127.0.0.1:{port}")),
        organisation: "Harbour Lights Trust".into(),
        time_zone: "Europe/London".into(),
        sync_minutes: 1,
        walk_hours: 24,
        share_percent: 80,
        create_max: CHUNK,
        staging_enabled: true,
        quickbooks: None,
        backup: None,
    }
}

fn birth(folder: &Path, fresh: Birth) -> anyhow::Result<Birth> {
    let path = folder.join("demo.json");
    if path.exists() {
        return Ok(serde_json::from_slice(&std::fs::read(&path)?)?);
    }
    std::fs::write(&path, serde_json::to_vec(&fresh)?)?;
    Ok(fresh)
}

/// A simulated Twenty whose charity was born at a fixed moment, so that the same seed makes the same one again.
fn simulated(world: &World, birth: Birth) -> Twenty {
    let clock = world.clock.clone();
    let born = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&born);
    let now = move || if told.load(Ordering::SeqCst) { clock.now().0 } else { birth.at };
    let twenty = Twenty::new(Options::new(birth.seed, now).throttled().with_charity(Size::default()));
    born.store(true, Ordering::SeqCst);
    twenty
}

/// The simulated Twenty forgets when it stops; what a kept demo posted there is told it again.
fn remember_posted(folder: &Path, world: &World, twenty: &Twenty) -> anyhow::Result<()> {
    let path = folder.join("ledger.redb");
    if !path.exists() {
        return Ok(());
    }
    let store = Store::open(Place::File(path), world.clone(), Drive::Inline)?;
    let snapshot = store.snapshot()?;
    for object in [Object::People, Object::Gifts] {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = snapshot.ledger().newest(
                ConnectionId::TWENTY,
                object,
                SubjectState::Live,
                after.as_deref(),
                500,
            )?;
            for record in &page.items {
                twenty.load(object.word(), &serde_json::from_str(&record.value)?);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the simulated server runs beside us and ends with the demo")]
pub(super) fn serve(
    listener: TcpListener,
    router: axum::Router,
) -> tokio::task::JoinHandle<std::io::Result<()>> {
    tokio::spawn(axum::serve(listener, router).into_future())
}

/// Lets gifts come in as a website's form would send them: some at once, the rest while one watches.
async fn come_in(desk: Desk, seed: u64, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
    let people = known_people(&desk, &mut stopped).await?;
    let caller = website(&desk).await?;
    let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x6769_6674);
    let begun = desk.store.snapshot()?.ledger().object_count(
        ConnectionId::HERE,
        Object::GiftStaging,
        SubjectState::Live,
    )? > 0;
    let first = if begun { 0 } else { FIRST_GIFTS };
    for n in 0..first + LATER_GIFTS {
        if n >= first {
            // Ends early only when the demo stops.
            let _ = tokio::time::timeout(BETWEEN, stopped.changed()).await;
        }
        let asked = Asked { caller: caller.clone(), request_id: desk.world.uuid().to_string() };
        desk.take_in(&asked, donation(&desk, &people, &mut dice, n)?).await?;
    }
    std::future::pending().await
}

/// Some people of the mirror, once the first pass is complete.
async fn known_people(desk: &Desk, stopped: &mut watch::Receiver<bool>) -> anyhow::Result<Vec<Person>> {
    loop {
        let complete = {
            let snapshot = desk.store.snapshot()?;
            let ledger = snapshot.ledger();
            let state = ledger.mirror_state(ConnectionId::TWENTY, Object::People)?;
            let page = ledger.newest(ConnectionId::TWENTY, Object::People, SubjectState::Live, None, 400)?;
            state.complete_as_of.map(|_| page.items)
        };
        if let Some(items) = complete {
            let people =
                items.iter().filter_map(|item| serde_json::from_str::<PersonRecord>(&item.value).ok());
            return Ok(people
                .map(PersonRecord::into_person)
                .filter(|person| person.display_name().is_some())
                .collect());
        }
        let _ = tokio::time::timeout(Duration::from_millis(200), stopped.changed()).await;
    }
}

/// The website's own credential, so that the journal says who brought these gifts.
async fn website(desk: &Desk) -> anyhow::Result<Caller> {
    let maya = desk.store.snapshot()?.ledger().user_by_email("maya@harbour-lights.example")?;
    let maya = maya.ok_or_else(|| anyhow::anyhow!("the demo's user is gone"))?.value;
    let asked = Asked { caller: Caller::User(maya), request_id: desk.world.uuid().to_string() };
    let scopes = vec![Scope::GiftsWrite];
    let (id, _) = desk.create_token(&asked, "Website donation form (demo)".into(), scopes.clone()).await?;
    Ok(Caller::Token(Token {
        id,
        name: "Website donation form (demo)".into(),
        scopes,
        created_at: desk.world.now(),
        revoked: false,
    }))
}

const POUNDS: [&str; 12] = ["5", "10", "10", "15", "20", "25", "25", "30", "50", "75", "100", "250"];

fn pick<'l, T>(list: &'l [T], dice: &mut ChaCha8Rng) -> &'l T {
    &list[dice.next_u32() as usize % list.len()]
}

/// A believable donation; now and then one with something missing.
fn donation(desk: &Desk, people: &[Person], dice: &mut ChaCha8Rng, n: usize) -> anyhow::Result<Delivery> {
    anyhow::ensure!(!people.is_empty(), "the simulated charity has no people");
    let person = pick(people, dice);
    let today = desk.zone.date_of(desk.world.now());
    let amount =
        Money::parse(pick::<&str>(&POUNDS, dice), if n % 9 == 5 { "EUR".parse()? } else { Currency::GBP })?;
    let anonymous = n % 7 == 3;
    let evidence = if anonymous {
        DonorEvidence::default()
    } else {
        DonorEvidence {
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            email: person.primary_email().map(str::to_owned),
            ..DonorEvidence::default()
        }
    };
    let payment = format!("pi_demo_{:08x}", dice.next_u32());
    let intake = Intake {
        amount,
        gift_date: (n % 8 != 6).then(|| today.plus_days(-i32::try_from(dice.next_u32() % 5).unwrap_or(0))),
        evidence,
        donor: DonorDecision::Unreviewed,
        company: None,
        payment_method: (n % 5 != 4).then(|| {
            *pick(
                &[
                    PaymentMethod::Card,
                    PaymentMethod::Card,
                    PaymentMethod::DirectDebit,
                    PaymentMethod::BankTransfer,
                ],
                dice,
            )
        }),
        intent: crate::ground::gift::GiftIntent::Standard,
        notes: (n % 6 == 1).then(|| "In memory of my grandmother".to_owned()),
        source: Source {
            intake: "website_form".into(),
            fingerprint: None,
            external_id: None,
            provider: Some("stripe".into()),
            provider_payment_id: Some(payment.clone()),
            provider_event_id: Some(format!("evt_{payment}")),
        },
        batch: None,
        coding: crate::ground::coding::Coding::default(),
        fees: crate::ground::coding::Fees::default(),
        expected_at: None,
        auto_process: None,
    };
    let body = json!({
        "amount": { "amountMicros": amount.micros, "currencyCode": amount.currency.as_str() },
        "giftDate": intake.gift_date.map(|date| date.to_string()),
        "contact": { "firstName": intake.evidence.first_name, "lastName": intake.evidence.last_name, "email": intake.evidence.email },
        "provider": "stripe", "providerPaymentId": payment, "intakeSource": "website_form",
    });
    Ok(Delivery { intake, body: body.to_string(), idempotency_key: None })
}
