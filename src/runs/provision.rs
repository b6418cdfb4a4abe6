//! Adds what a Twenty workspace lacks of the wanted data model, one thing after another (contract 3.3: changes of the
//! data model are serialised and verified by reading). Nothing is stored here: what the workspace has says how far it
//! is, so that one that was killed goes on when it is started again. Names are unique there, so that nothing can be
//! made twice.

use super::gate::Gate;
use super::{pause_ms, plain};
use crate::ground::provision::{Plan, Progress, Step, is_there, lacks, plan};
use crate::ground::workspace::Schema;
use crate::ground::world::World;
use crate::rails::Trouble;
use crate::rails::twenty::{Door, TwentyRail};

/// Reads that fail one after the other before it is given up.
const READS_MAX: u32 = 6;
/// Calls for one thing before it is left alone.
const TRIES_MAX: u32 = 5;
/// Things given up one after the other without an answer before all of it is: one may be Twenty's own trouble with it.
const UNANSWERED_MAX: u32 = 2;
/// Looks for something that was made and is not listed yet: a short window of stale answers is normal (contract 3.3).
const LOOKS_MAX: u32 = 6;

/// Carries a plan out. Call `step` until it says `Stopped` or `Ended`, and no sooner than it says.
pub struct Provisioner<'a> {
    rail: &'a TwentyRail,
    gate: &'a Gate,
    world: &'a World,
    door: Door,
    /// What the workspace has, as it was read last; none when all of it has to be read again.
    schema: Option<Schema>,
    /// Objects of it that something was done to since, by their metadata ids.
    touched: Vec<String>,
    /// Whether all of it was read since something was done.
    whole: bool,
    planned: bool,
    trying: Option<Trying>,
    done: Vec<Step>,
    failed: Vec<Step>,
    /// Reads that failed one after the other.
    failures: u32,
    /// Things that were given up without an answer, one after the other.
    unanswered: u32,
    /// Reads at the end that lacked what was there before.
    stale: u32,
}

/// Something that was asked for and not seen yet.
struct Trying {
    step: Step,
    tries: u32,
    looks: u32,
    outcome: Result<(), Trouble>,
}

impl<'a> Provisioner<'a> {
    /// One for the workspace behind this rail.
    pub const fn new(rail: &'a TwentyRail, gate: &'a Gate, world: &'a World) -> Self {
        Self {
            rail,
            gate,
            world,
            door: Door::Rest,
            schema: None,
            touched: Vec::new(),
            whole: false,
            planned: false,
            trying: None,
            done: Vec::new(),
            failed: Vec::new(),
            failures: 0,
            unanswered: 0,
            stale: 0,
        }
    }

    /// Goes on until there is something to tell. The first that is told is the plan; nothing is written before.
    pub async fn step(&mut self) -> Progress {
        loop {
            let schema = match self.read().await {
                Ok(schema) => schema,
                Err(progress) => return progress,
            };
            let told = if !self.planned {
                self.planned = true;
                let plan = plan(&schema);
                self.schema = Some(schema);
                Some(Progress::Planned(plan))
            } else if let Some(trying) = self.trying.take() {
                self.look(trying, schema).await
            } else {
                self.next(schema).await
            };
            if let Some(told) = told {
                return told;
            }
        }
    }

    /// What the workspace has. Only what was touched is read again as long as that can be read.
    async fn read(&mut self) -> Result<Schema, Progress> {
        if let Some(mut schema) = self.schema.take() {
            let mut trouble = None;
            for id in std::mem::take(&mut self.touched) {
                let permit = self.gate.unmetered();
                trouble = trouble.or(self.rail.reread(&permit, &mut schema, &id, self.door).await.err());
            }
            if trouble.is_none() {
                return Ok(schema);
            }
        }
        self.touched.clear();
        let trouble = match self.rail.schema_by(&self.gate.unmetered(), self.door).await {
            Ok(schema) => {
                (self.failures, self.whole) = (0, true);
                return Ok(schema);
            }
            Err(trouble) => trouble,
        };
        self.failures += 1;
        Err(match &trouble {
            Trouble::Later { after_ms, .. } if self.failures < READS_MAX => {
                self.door = self.door.other();
                self.wait(after_ms.unwrap_or(0).max(pause_ms(self.failures - 1)), &trouble)
            }
            _ => Progress::Stopped(in_words(&trouble)),
        })
    }

    fn wait(&self, millis: i64, trouble: &Trouble) -> Progress {
        Progress::Wait(self.world.now().plus_millis(millis), plain(trouble))
    }

    /// Whether what was asked for is there now; a lost reply is resolved by nothing else.
    async fn look(&mut self, mut trying: Trying, schema: Schema) -> Option<Progress> {
        if is_there(&schema, trying.step) {
            self.schema = Some(schema);
            self.done.push(trying.step);
            self.unanswered = 0;
            return Some(Progress::Done(trying.step));
        }
        match &trying.outcome {
            Err(Trouble::Later { .. }) if trying.tries < TRIES_MAX => {
                self.door = self.door.other();
                self.make(trying.step, trying.tries + 1, &schema).await
            }
            Ok(()) | Err(Trouble::Clash(_) | Trouble::Broken(_)) if trying.looks < LOOKS_MAX => {
                let until = self.world.now().plus_millis(pause_ms(trying.looks));
                trying.looks += 1;
                self.trying = Some(trying);
                Some(Progress::Wait(until, "Twenty does not list it yet.".into()))
            }
            Err(trouble @ Trouble::Later { .. }) if self.unanswered >= UNANSWERED_MAX => {
                Some(Progress::Stopped(plain(trouble)))
            }
            outcome => {
                self.unanswered += u32::from(matches!(outcome, Err(Trouble::Later { .. })));
                let said = match outcome {
                    Ok(()) => "Twenty says that it made it, and does not list it".to_owned(),
                    Err(trouble) => trouble.to_string(),
                };
                Some(self.fail(trying.step, said))
            }
        }
    }

    fn fail(&mut self, step: Step, said: String) -> Progress {
        self.failed.push(step);
        Progress::Failed(step, said)
    }

    /// The next thing of the plan, as the workspace stands now.
    async fn next(&mut self, schema: Schema) -> Option<Progress> {
        let Plan { steps, .. } = plan(&schema);
        let left = |step: &&Step| !self.failed.contains(step);
        let to_do = steps.iter().filter(left).find(|step| !self.done.contains(step)).copied();
        if let Some(step) = to_do {
            return self.make(step, 1, &schema).await;
        }
        // What was seen before and is not listed now was read from something that lags.
        if steps.iter().any(|step| left(&step)) && self.stale < LOOKS_MAX {
            let until = self.world.now().plus_millis(pause_ms(self.stale));
            self.stale += 1;
            return Some(Progress::Wait(until, "Twenty does not list everything yet.".into()));
        }
        if !self.whole {
            // What is said at the end is said of all of it.
            return None;
        }
        let ended = Progress::Ended(lacks(&schema));
        self.schema = Some(schema);
        Some(ended)
    }

    async fn make(&mut self, step: Step, tries: u32, schema: &Schema) -> Option<Progress> {
        let outcome = match self.call(step, schema).await {
            Ok(outcome) => outcome,
            Err(absent) => return Some(self.fail(step, format!("{absent} is not there"))),
        };
        self.touch(step, schema);
        let told = match &outcome {
            Ok(()) | Err(Trouble::Clash(_) | Trouble::Broken(_)) => None,
            Err(trouble @ Trouble::Later { after_ms, .. }) => {
                Some(self.wait(after_ms.unwrap_or(0).max(pause_ms(tries - 1)), trouble))
            }
            Err(Trouble::Refused(said) | Trouble::Gone(said)) => return Some(self.fail(step, said.clone())),
            Err(trouble @ Trouble::Denied(_)) => return Some(Progress::Stopped(in_words(trouble))),
        };
        self.trying = Some(Trying { step, tries, looks: 0, outcome });
        told
    }

    /// What has to be read again after a step: a new object has no id that we know, a relation has two ends.
    fn touch(&mut self, step: Step, schema: &Schema) {
        self.whole = false;
        self.schema = match step {
            Step::Object(_) => None,
            Step::Field(object, field) => {
                let ends = [Some(object.plural), field.relation().map(|relation| relation.target)];
                let known = ends.into_iter().flatten().filter_map(|plural| schema.objects.get(plural));
                self.touched.extend(known.map(|object| object.id.clone()));
                Some(schema.clone())
            }
        };
    }

    /// The one call of a step; which object is absent when it cannot be made.
    async fn call(&self, step: Step, schema: &Schema) -> Result<Result<(), Trouble>, &'static str> {
        let id = |plural: &'static str| schema.objects.get(plural).map(|object| &object.id).ok_or(plural);
        let permit = self.gate.unmetered();
        Ok(match step {
            Step::Object(object) => self.rail.create_object(&permit, object, self.door).await,
            Step::Field(object, field) => {
                let owner = id(object.plural)?;
                let target = field.relation().map(|relation| id(relation.target)).transpose()?;
                self.rail.create_field(&permit, owner, field, target.map(String::as_str), self.door).await
            }
        })
    }
}

/// What people read about a trouble with the data model: which right the key lacks, if it is that.
pub fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Denied(said) => format!(
            "Twenty does not let this API key change the data model ({said}). Give the key a role whose settings \
             permissions include \"Data model\" (DATA_MODEL): Settings, Members, Roles in Twenty; then run this again."
        ),
        other => plain(other),
    }
}
