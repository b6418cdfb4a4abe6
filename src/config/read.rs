//! Reads settings from the file, the environment and the flags, the later wins, and keeps of each where it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::schema::{OTHERS, SETTINGS, Setting, UNUSED};
use super::{Environment, Flags};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said.
    Default,
    /// A line of the file.
    File(PathBuf, usize),
    /// A variable.
    Variable(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Something is missing or wrong: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The file's line, the variable or the setting.
    pub at: String,
    /// What is so, and what to do.
    pub text: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// All settings as far as they are set.
#[derive(Debug)]
pub struct Read {
    pub(super) values: Vec<(&'static Setting, Option<Value>)>,
    /// What is wrong, whatever is needed.
    pub(super) troubles: Vec<Trouble>,
}

impl Read {
    /// Reads them.
    pub fn of(flags: &Flags, env: Environment<'_>) -> Self {
        let mut troubles = Vec::new();
        let path = flags.file.clone().or_else(|| env("ALMONER_CONFIG").map(PathBuf::from));
        let file = path.as_deref().map(|path| read_file(path, &mut troubles)).unwrap_or_default();
        let mut values = Vec::with_capacity(SETTINGS.len());
        for setting in &SETTINGS {
            let value = value(setting, flags, env, &file);
            if let Some(Value { text, origin }) = &value
                && let Some(how) = setting.kind.fault(text)
            {
                let shown = if setting.secret { "this value".into() } else { format!("{text:?}") };
                let text = format!("{} does not take {shown}: {how}", setting.key);
                troubles.push(Trouble { at: origin.to_string(), text });
            }
            values.push((setting, value));
        }
        Self { values, troubles }
    }

    /// What is wrong, with every setting that nobody has set and that is needed: those whose name begins so.
    pub(super) fn troubles(&self, needed: &[&str]) -> Vec<Trouble> {
        let mut all = self.troubles.clone();
        for (setting, value) in &self.values {
            let is_needed = needed.iter().any(|prefix| setting.key.starts_with(prefix));
            if value.is_none() && !setting.optional && is_needed {
                all.push(Trouble { at: setting.key.into(), text: missing(setting) });
            }
        }
        // One without the other would look like backups that are set up.
        let text = match (self.text("backup.target"), self.text("backup.recipient")) {
            (Some(_), None) => Some((
                "backup.recipient",
                "a backup is always sealed: `almoner backup key` makes a key pair; write its public key",
            )),
            (None, Some(_)) => Some(("backup.target", "write the folder that backups go to")),
            (Some(target), _) if target.starts_with("s3://") => {
                let needed = ["backup.s3_endpoint", "backup.s3_key_id", "backup.s3_secret"];
                let lacking = needed.into_iter().find(|key| self.text(key).is_none());
                lacking.map(|key| (key, "an S3 target needs its address and an access key: set this too"))
            }
            _ => None,
        };
        all.extend(text.map(|(at, text)| Trouble { at: at.into(), text: text.into() }));
        all
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let (_, value) = self.values.iter().find(|(setting, _)| setting.key == key)?;
        value.as_ref().map(|value| value.text.trim())
    }
}

fn missing(setting: &Setting) -> String {
    let (section, name) = setting.key.split_once('.').map_or((None, setting.key), |(s, n)| (Some(s), n));
    let place = section.map_or_else(|| name.to_owned(), |section| format!("{name} under [{section}]"));
    let mut ways: Vec<String> = setting.flag.iter().map(|flag| format!("use {flag}")).collect();
    ways.extend(setting.variables.first().map(|name| format!("set {name}")));
    ways.push(format!("write {place} in the settings file"));
    format!("{} is not set: {}", setting.what, ways.join(", or "))
}

fn value(setting: &Setting, flags: &Flags, env: Environment<'_>, file: &[(String, Value)]) -> Option<Value> {
    let flag = match setting.key {
        "data" => flags.data.as_ref().map(|data| data.display().to_string()),
        "listen" => flags.listen.map(|listen| listen.to_string()),
        _ => None,
    };
    if let (Some(text), Some(name)) = (flag, setting.flag) {
        return Some(Value { text, origin: Origin::Flag(name) });
    }
    let variable = |name: &&'static str| {
        let text = env(name)?;
        Some(Value { text, origin: Origin::Variable(name) })
    };
    // What systemd hands over (LoadCredential) is in no environment that others could read.
    let credential = || {
        let path = PathBuf::from(env("CREDENTIALS_DIRECTORY").filter(|_| setting.secret)?).join(setting.key);
        let text = std::fs::read_to_string(&path).ok().filter(|text| !text.trim().is_empty())?;
        Some(Value { text: text.trim().to_owned(), origin: Origin::File(path, 1) })
    };
    setting.variables.iter().find_map(variable).or_else(credential).or_else(|| {
        let in_file = file.iter().find(|(key, _)| key == setting.key).map(|(_, value)| value.clone());
        let default = || Some(Value { text: setting.default?.to_owned(), origin: Origin::Default });
        in_file.or_else(default)
    })
}

/// The scalars of the file by their dotted names.
fn read_file(path: &Path, troubles: &mut Vec<Trouble>) -> Vec<(String, Value)> {
    let mut trouble = |line: Option<usize>, text: String| {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        troubles.push(Trouble { at: format!("{}{line}", path.display()), text });
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            trouble(None, format!("cannot read the settings file: {error}"));
            return Vec::new();
        }
    };
    let line = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let (table, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        trouble(error.span().map(|span| line(span.start)), error.message().to_owned());
    }
    let mut found = Vec::new();
    let mut told = |key: String, at: usize, value: &DeValue<'_>| {
        if !SETTINGS.iter().any(|setting| setting.key == key) {
            trouble(Some(line(at)), unknown(&key));
            return;
        }
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().replace('_', ""),
            DeValue::Boolean(truth) => truth.to_string(),
            _ => {
                trouble(Some(line(at)), format!("{key} takes one text, number or truth value"));
                return;
            }
        };
        found.push((key, Value { text, origin: Origin::File(path.to_owned(), line(at)) }));
    };
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(inner) => {
                for (part, value) in inner {
                    let key = format!("{}.{}", name.get_ref(), part.get_ref());
                    told(key, part.span().start, value.get_ref());
                }
            }
            value => told(name.get_ref().to_string(), name.span().start, value),
        }
    }
    found
}

/// What to say of a name that means nothing.
fn unknown(key: &str) -> String {
    let names = SETTINGS.iter().map(|setting| setting.key);
    let near = nearest(key, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    format!("there is no setting {key}{near}")
}

/// The known name that is most like this one, if one is like it at all.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = known.map(|known| (strsim::damerau_levenshtein(name, known), known));
    scored.min().filter(|(far, known)| *far <= known.len() / 3 + 1).map(|(_, known)| known)
}

/// What is to be said of variables that are set: unknown ones of ours, and those of the old service without a meaning here.
pub fn variables(present: &[String]) -> (Vec<Trouble>, Vec<Trouble>) {
    let known = || SETTINGS.iter().flat_map(|setting| setting.variables.iter().copied()).chain(OTHERS);
    let (mut troubles, mut notes) = (Vec::new(), Vec::new());
    for name in present {
        if let Some((_, why)) = UNUSED.iter().find(|(unused, _)| unused == name) {
            notes.push(Trouble { at: name.clone(), text: format!("not used: {why}") });
        } else if (name.starts_with("ALMONER_") || name.starts_with("FUNDRAISING_"))
            && !known().any(|known| known == name)
        {
            let near = nearest(name, known()).map(|near| format!("; did you mean {near}?"));
            let text = format!("there is no such variable{}", near.unwrap_or_default());
            troubles.push(Trouble { at: name.clone(), text });
        }
    }
    (troubles, notes)
}
