//! Plans of faults as text, for the command line.

use super::{Fault, HookFault, Plan, Scope};
use crate::sim::twenty::Version;

/// How a plan is written.
pub const GRAMMAR: &str = "\
A plan is a list of faults, separated by commas. Each has a name and, after a colon, when it strikes:
a chance per request (0.02, or 2%), at=N for the N-th request, or every=N. More words follow after commas.

  refused, lost-request, lost-reply, cut        the connection, before or after the effect
  timeout-before, timeout-after                 no answer in time
  502-before, 503-after, ...                    a proxy's page with that status
  500, 429-storm (len=20), query-timeout        the server's own refusals
  metadata-500                                  only objects and fields over REST fail
  slow (ms=2000)                                a late answer
  shuffled, missing, foreign-id, ignored-filter answers that are not what was asked
  stale (writes=3)                              a read from a replica that lags
  twice                                         the request is delivered twice
  edit, create, delete, hard-delete, backdated  other people at work
  purge                                         the bin is emptied of what is two weeks old
  field-removed (of=gifts.provider), field-added (of=..), field-renamed (of=.., to=name)
  skew (ms=-90000), version (to=older|recorded|newer)
  hook-lost, hook-twice, hook-reordered, hook-late (ms=30000)   webhooks; always a chance

For the whole plan: seed=N, only=reads|writes|every.
Example: lost-reply:0.02,429-storm:every=200,len=20,hook-lost:5%,seed=7";

/// Why a plan cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPlan(String);

/// One fault as written, with its words.
struct Item<'a> {
    name: &'a str,
    words: Vec<&'a str>,
}

impl<'a> Item<'a> {
    /// The value of a word `name=value`.
    fn word(&self, name: &str) -> Option<&'a str> {
        self.words
            .iter()
            .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }

    fn number<T: std::str::FromStr>(&self, name: &str, otherwise: T) -> Result<T, BadPlan> {
        self.word(name).map_or(Ok(otherwise), |text| {
            text.parse().map_err(|_| BadPlan(format!("{}: `{name}={text}` is no number", self.name)))
        })
    }

    /// The chance in thousandths, if one is given.
    fn chance(&self) -> Result<Option<u64>, BadPlan> {
        let Some(text) = self.words.iter().find(|word| !word.contains('=')) else { return Ok(None) };
        per_mille(text).map(Some).ok_or_else(|| BadPlan(format!("{}: `{text}` is no chance", self.name)))
    }

    /// The object and field of `of=gifts.provider`.
    fn field(&self) -> Result<(String, String), BadPlan> {
        let path = self.word("of").and_then(|path| path.split_once('.'));
        let (object, field) =
            path.ok_or_else(|| BadPlan(format!("{} wants a field, as in of=gifts.provider", self.name)))?;
        Ok((object.to_owned(), field.to_owned()))
    }
}

/// `0.02` and `2%` in thousandths; what is more than nothing is at least one.
fn per_mille(text: &str) -> Option<u64> {
    let (digits, hundredths) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = if hundredths { 1 } else { 3 };
    let shifted: String = fraction.chars().chain("000".chars()).take(places).collect();
    let value = format!("{}{shifted}", if whole.is_empty() { "0" } else { whole }).parse::<u64>().ok()?;
    let lost = fraction.chars().skip(places).any(|digit| digit != '0');
    (value <= 1_000).then_some(if value == 0 && lost { 1 } else { value })
}

/// Groups the words of a plan under the faults they belong to.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    for token in text.split(',').map(str::trim).filter(|token| !token.is_empty()) {
        match (token.split_once(':'), items.last_mut()) {
            (Some((name, first)), _) => items.push(Item { name, words: vec![first] }),
            (None, Some(item)) if token.contains('=') => item.words.push(token),
            (None, _) => items.push(Item { name: token, words: Vec::new() }),
        }
    }
    items
}

impl Plan {
    /// Reads a plan as [`GRAMMAR`] writes it.
    pub fn parse(text: &str) -> Result<Self, BadPlan> {
        let mut plan = Self::none();
        let whole = |token: &&str| token.starts_with("seed=") || token.starts_with("only=");
        for token in text.split(',').map(str::trim).filter(whole) {
            plan = match token.split_once('=') {
                Some(("seed", seed)) => {
                    plan.seeded(seed.parse().map_err(|_| BadPlan(format!("`{token}` is no number")))?)
                }
                Some((_, "reads")) => plan.only(Scope::Reads),
                Some((_, "writes")) => plan.only(Scope::Writes),
                Some((_, "every")) => plan.only(Scope::Every),
                _ => return Err(BadPlan(format!("`{token}` names no kind of requests"))),
            };
        }
        let rest: Vec<&str> = text.split(',').filter(|token| !whole(&token.trim())).collect();
        let rest = rest.join(",");
        items(&rest).iter().try_fold(plan, with)
    }
}

fn with(plan: Plan, item: &Item<'_>) -> Result<Plan, BadPlan> {
    let chance = item.chance()?;
    if let Some(fault) = hook_fault(item)? {
        return Ok(plan.hook(chance.unwrap_or(1_000), fault));
    }
    let fault = fault(item)?;
    match (chance, item.word("at"), item.word("every")) {
        (Some(per_mille), None, None) => Ok(plan.often(per_mille, fault)),
        (None, Some(_), None) => Ok(plan.at(item.number("at", 1)?, fault)),
        (None, None, Some(_)) => Ok(plan.every(item.number("every", 1)?, fault)),
        _ => Err(BadPlan(format!("{}: say a chance, at=N or every=N, and only one of them", item.name))),
    }
}

fn hook_fault(item: &Item<'_>) -> Result<Option<HookFault>, BadPlan> {
    Ok(Some(match item.name {
        "hook-lost" => HookFault::Lost,
        "hook-twice" => HookFault::Duplicated,
        "hook-reordered" => HookFault::Reordered,
        "hook-late" => HookFault::Late(item.number("ms", 30_000)?),
        _ => return Ok(None),
    }))
}

fn fault(item: &Item<'_>) -> Result<Fault, BadPlan> {
    Ok(match item.name {
        "refused" => Fault::Refused,
        "lost-request" | "lost-reply-before" => Fault::LostRequest,
        "lost-reply" | "lost-reply-after" => Fault::LostReply,
        "cut" => Fault::CutBody,
        "timeout-before" => Fault::TimeoutBefore,
        "timeout-after" => Fault::TimeoutAfter,
        "500" => Fault::InternalError,
        "429-storm" => Fault::Storm(item.number("len", 20)?),
        "query-timeout" => Fault::QueryTimeout,
        "metadata-500" => Fault::MetadataError,
        "slow" => Fault::Slow(item.number("ms", 2_000)?),
        "shuffled" => Fault::ShuffledBatch,
        "missing" => Fault::MissingRecord,
        "foreign-id" => Fault::ForeignId,
        "ignored-filter" => Fault::IgnoredFilter,
        "stale" => Fault::StaleRead(item.number("writes", 1)?),
        "twice" => Fault::DuplicateDelivery,
        "edit" => Fault::ConcurrentEdit,
        "create" => Fault::ConcurrentCreate,
        "delete" => Fault::ConcurrentDelete,
        "hard-delete" => Fault::HardDelete,
        "backdated" => Fault::BackdatedEdit,
        "purge" => Fault::TrashPurge,
        "skew" => Fault::ClockSkew(item.number("ms", 60_000)?),
        "version" => {
            let to = item.word("to").unwrap_or("newer");
            Fault::VersionSwitch(
                Version::named(to).ok_or_else(|| BadPlan(format!("there is no version `{to}`")))?,
            )
        }
        other => return of_field(item)?.or_else(|| gateway(other)).ok_or_else(|| unknown(other)),
    })
}

fn unknown(name: &str) -> BadPlan {
    BadPlan(format!("there is no fault `{name}`"))
}

fn of_field(item: &Item<'_>) -> Result<Option<Fault>, BadPlan> {
    if !item.name.starts_with("field-") {
        return Ok(None);
    }
    let (object, field) = item.field()?;
    Ok(match item.name {
        "field-removed" => Some(Fault::FieldRemoved { object, field }),
        "field-added" => Some(Fault::FieldAdded { object, field }),
        "field-renamed" => {
            let to = item.word("to").ok_or_else(|| BadPlan("field-renamed wants to=name".to_owned()))?;
            Some(Fault::FieldRenamed { object, field, to: to.to_owned() })
        }
        _ => None,
    })
}

/// `502-before` and `503-after`.
fn gateway(name: &str) -> Option<Fault> {
    let (status, when) = name.split_once('-')?;
    let status = status.parse::<u16>().ok().filter(|status| (500..600).contains(status))?;
    match when {
        "before" => Some(Fault::GatewayBefore(status)),
        "after" => Some(Fault::GatewayAfter(status)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Fault, HookFault, Plan, per_mille};
    use crate::sim::dice::Dice;

    #[test]
    fn chances_are_read_as_fractions_and_as_per_cent() {
        assert_eq!(per_mille("0.02"), Some(20));
        assert_eq!(per_mille("2%"), Some(20));
        assert_eq!(per_mille("0.5%"), Some(5));
        assert_eq!(per_mille("1"), Some(1_000));
        assert_eq!(per_mille("0.0001"), Some(1));
        assert_eq!(per_mille("2"), None);
        assert_eq!(per_mille("often"), None);
    }

    #[test]
    fn a_plan_strikes_when_it_says() {
        let text = "429-storm:every=3,len=2,lost-reply:at=1,only=writes,seed=7,hook-late:5%,ms=100";
        let mut plan = Plan::parse(text).expect("a plan");
        assert_eq!((plan.seed(), plan.hook_faults()), (Some(7), [(50, HookFault::Late(100))].as_slice()));
        let mut dice = Dice::new(1, 0);
        let drawn: Vec<_> = (0..4).map(|_| plan.next(&Method::POST, &mut dice)).collect();
        let expected = [Some(Fault::LostReply), None, Some(Fault::Storm(2)), Some(Fault::Storm(0))];
        assert_eq!(drawn, expected);
        assert_eq!(plan.next(&Method::GET, &mut dice), None);
    }

    #[test]
    fn a_wrong_plan_says_what_is_wrong() {
        let wrong = |text: &str| Plan::parse(text).expect_err("no plan").to_string();
        assert_eq!(wrong("flood:0.1"), "there is no fault `flood`");
        assert_eq!(wrong("cut"), "cut: say a chance, at=N or every=N, and only one of them");
        assert_eq!(wrong("cut:x"), "cut: `x` is no chance");
        assert_eq!(wrong("field-removed:at=1"), "field-removed wants a field, as in of=gifts.provider");
        assert_eq!(wrong("only=some"), "`only=some` names no kind of requests");
        assert_eq!(wrong("version:at=1,to=3"), "there is no version `3`");
    }

    #[test]
    fn every_fault_of_the_grammar_can_be_written() {
        let all = "refused:1%,lost-request:1%,lost-reply:1%,cut:1%,timeout-before:1%,timeout-after:1%,\
            502-before:1%,503-after:1%,500:1%,429-storm:1%,query-timeout:1%,metadata-500:1%,slow:1%,\
            shuffled:1%,missing:1%,foreign-id:1%,ignored-filter:1%,stale:1%,twice:1%,edit:1%,create:1%,\
            delete:1%,hard-delete:1%,backdated:1%,purge:1%,field-removed:1%,of=gifts.provider,\
            field-added:1%,of=gifts.x,field-renamed:1%,of=gifts.x,to=y,skew:1%,version:1%,\
            hook-lost:1%,hook-twice:1%,hook-reordered:1%,hook-late:1%";
        assert!(Plan::parse(all).is_ok());
    }
}
