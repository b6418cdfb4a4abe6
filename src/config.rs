//! Settings for the start: a TOML file, then the environment, then flags; the later wins. Everything else is in the
//! ledger.

mod read;
mod schema;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ground::backup::age::Recipient;
use crate::ground::backup::retention::Keep;
use crate::ground::run::CHUNK;
pub use read::{Origin, Trouble};
use read::{Read, Value, variables};
use schema::{Setting, truth};

/// What `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the ledger, the index and the key are.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where Twenty is.
    pub twenty_url: String,
    /// Its API key.
    pub twenty_key: String,
    /// Where people reach it, when that is not where it listens (behind a proxy): `https://gifts.example.org`.
    pub public_url: Option<String>,
    /// Whose gifts these are.
    pub organisation: String,
    /// The organisation's time zone.
    pub time_zone: String,
    /// How often the mirror is refreshed, in minutes.
    pub sync_minutes: u32,
    /// How often every record is read once more and the mirror proven complete, in hours.
    pub walk_hours: u32,
    /// The share of Twenty's call limit that we take, in per cent.
    pub share_percent: u32,
    /// Gifts that one call to Twenty creates at most.
    pub create_max: usize,
    /// Whether gifts are taken in at all.
    pub staging_enabled: bool,
    /// The app at Intuit; none leaves QuickBooks off.
    pub quickbooks: Option<QuickBooks>,
    /// Backups, where they are set up.
    pub backup: Option<BackupConfig>,
}

/// The operator's app at Intuit.
#[derive(Clone, Debug)]
pub struct QuickBooks {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The verifier token of its webhooks; without one none is taken in.
    pub verifier: Option<String>,
    /// Whether its companies are test companies.
    pub sandbox: bool,
    /// The share of each company's call limit that we take, in per cent.
    pub share_percent: u32,
    /// Metered calls of a month, over all companies.
    pub calls_per_month: u32,
    /// Another address of the API.
    pub api_url: Option<String>,
    /// Another address where people say yes.
    pub authorise_url: Option<String>,
    /// Another address of the token server.
    pub token_url: Option<String>,
    /// Another address where tokens are given back.
    pub revoke_url: Option<String>,
}

/// Where backups go.
#[derive(Clone)]
pub enum Target {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    S3 {
        /// Its address.
        endpoint: String,
        /// Its region.
        region: String,
        /// The bucket.
        bucket: String,
        /// What stands before every name.
        prefix: String,
        /// The id of the access key.
        key_id: String,
        /// The access key.
        secret: String,
    },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::S3 { endpoint, bucket, prefix, .. } => write!(f, "{endpoint}/{bucket}/{prefix}"),
        }
    }
}

impl Target {
    fn of(read: &Read, target: &str) -> Self {
        let Some(place) = target.strip_prefix("s3://") else { return Self::Folder(target.into()) };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let text = |key| read.text(key).unwrap_or_default().to_owned();
        Self::S3 {
            endpoint: text("backup.s3_endpoint").trim_end_matches('/').to_owned(),
            region: text("backup.s3_region"),
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            key_id: text("backup.s3_key_id"),
            secret: text("backup.s3_secret"),
        }
    }
}

/// Where backups go, and when.
#[derive(Clone, Debug)]
pub struct BackupConfig {
    /// Where they go.
    pub target: Target,
    /// The operator's public key.
    pub recipient: Recipient,
    /// Hours between two.
    pub every_hours: u32,
    /// Days between two drills.
    pub drill_days: u32,
    /// Which are kept.
    pub keep: Keep,
    /// The zone in which days are counted.
    pub time_zone: String,
    /// Every setting that is set and not secret.
    pub shown: Vec<(String, String)>,
}

/// What a command needs that works on the Twenty workspace alone.
#[derive(Clone, Debug)]
pub struct CrmConfig {
    /// Where Twenty is.
    pub url: String,
    /// Its API key.
    pub key: String,
    /// Where people and Twenty reach us, if that is set.
    pub public_url: Option<String>,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

/// Settings are missing or wrong: all of it at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
pub struct ConfigError(pub Vec<Trouble>);

/// Reads the environment; a closure in tests.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The process's environment; empty values count as unset.
#[expect(clippy::disallowed_methods, reason = "settings are read here, once")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl Config {
    /// The settings from file, environment and flags.
    pub fn load(flags: &Flags, env: Environment<'_>) -> Result<Self, ConfigError> {
        let read = Read::of(flags, env);
        let crm = CrmConfig::of(&read, &[""])?;
        let backup = BackupConfig::of(&read);
        let text = |key| read.text(key).unwrap_or_default();
        let number = |key| text(key).parse::<u32>().unwrap_or_default();
        Ok(Self {
            data: text("data").into(),
            listen: text("listen").parse().unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            twenty_url: crm.url,
            twenty_key: crm.key,
            public_url: crm.public_url,
            organisation: text("organisation").to_owned(),
            time_zone: text("time_zone").to_owned(),
            sync_minutes: number("sync_minutes"),
            walk_hours: number("walk_hours"),
            share_percent: number("twenty.share_percent"),
            create_max: usize::try_from(number("twenty.create_max")).unwrap_or(CHUNK),
            staging_enabled: truth(text("gift_staging")).unwrap_or(true),
            quickbooks: QuickBooks::of(&read)?,
            backup,
        })
    }
}

impl BackupConfig {
    /// The settings of backups from file and environment; none when none are set up. What else is missing is no hindrance.
    pub fn load(path: Option<&Path>, env: Environment<'_>) -> Result<Option<Self>, ConfigError> {
        let flags = Flags { file: path.map(Path::to_owned), ..Flags::default() };
        let read = Read::of(&flags, env);
        let troubles = read.troubles(&["backup."]);
        if troubles.is_empty() { Ok(Self::of(&read)) } else { Err(ConfigError(troubles)) }
    }

    fn of(read: &Read) -> Option<Self> {
        let number = |key| read.text(key).and_then(|text| text.parse().ok()).unwrap_or_default();
        let shown = |(setting, value): &(&'static Setting, Option<Value>)| {
            let value = value.as_ref().filter(|_| !setting.secret)?;
            Some((setting.key.to_owned(), value.text.clone()))
        };
        Some(Self {
            target: Target::of(read, read.text("backup.target")?),
            recipient: read.text("backup.recipient")?.parse().ok()?,
            every_hours: number("backup.every_hours"),
            drill_days: number("backup.drill_days"),
            keep: Keep {
                daily: number("backup.keep_daily"),
                weekly: number("backup.keep_weekly"),
                monthly: number("backup.keep_monthly"),
            },
            time_zone: read.text("time_zone").unwrap_or_default().to_owned(),
            shown: read.values.iter().filter_map(shown).collect(),
        })
    }
}

impl QuickBooks {
    /// The app, where one is named; half of one is an error, so that nobody wonders why nothing can be connected.
    fn of(read: &Read) -> Result<Option<Self>, ConfigError> {
        let text = |key| read.text(key).map(str::to_owned);
        let (id, secret) = (text("quickbooks.client_id"), text("quickbooks.client_secret"));
        let (client_id, client_secret) = match (id, secret) {
            (None, None) => return Ok(None),
            (Some(id), Some(secret)) => (id, secret),
            (id, _) => {
                let lacks = if id.is_none() { "quickbooks.client_id" } else { "quickbooks.client_secret" };
                let text = format!("QuickBooks needs {lacks} too; both stand on your app's page at Intuit");
                return Err(ConfigError(vec![Trouble { at: lacks.into(), text }]));
            }
        };
        let number = |key| read.text(key).and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
        Ok(Some(Self {
            client_id,
            client_secret,
            verifier: text("quickbooks.verifier_token"),
            sandbox: read.text("quickbooks.sandbox").and_then(truth).unwrap_or(false),
            share_percent: number("quickbooks.share_percent"),
            calls_per_month: number("quickbooks.calls_per_month"),
            api_url: text("quickbooks.api_url"),
            authorise_url: text("quickbooks.authorise_url"),
            token_url: text("quickbooks.token_url"),
            revoke_url: text("quickbooks.revoke_url"),
        }))
    }
}

impl CrmConfig {
    /// The settings from file and environment.
    pub fn load(path: Option<&Path>, env: Environment<'_>) -> Result<Self, ConfigError> {
        let flags = Flags { file: path.map(Path::to_owned), ..Flags::default() };
        Self::of(&Read::of(&flags, env), &["twenty."])
    }

    /// They are all well once nothing is told to be in the way.
    fn of(read: &Read, needed: &[&str]) -> Result<Self, ConfigError> {
        let troubles = read.troubles(needed);
        if !troubles.is_empty() {
            return Err(ConfigError(troubles));
        }
        let text = |key| read.text(key).unwrap_or_default();
        Ok(Self {
            url: base_url(text("twenty.url")),
            key: text("twenty.api_key").to_owned(),
            public_url: read.text("public_url").map(base_url),
        })
    }
}

/// The server's address without `/rest` and without a trailing slash; older notes give it with both.
fn base_url(text: &str) -> String {
    let text = text.trim_end_matches('/');
    text.strip_suffix("/rest").unwrap_or(text).to_owned()
}

/// A setting as it is shown.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its name in the file.
    pub key: &'static str,
    /// Its value; none when it is not set, and of a secret only that it is set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Option<String>,
    /// Whether it is kept from view.
    pub secret: bool,
    /// What it is.
    pub what: &'static str,
}

/// Every setting with where it came from; secrets are not shown.
pub fn show(flags: &Flags, env: Environment<'_>) -> Vec<Shown> {
    let shown = |(setting, value): (&'static Setting, Option<Value>)| Shown {
        key: setting.key,
        value: value
            .as_ref()
            .map(|value| if setting.secret { "(hidden)".into() } else { value.text.clone() }),
        origin: value.map(|value| value.origin.to_string()),
        secret: setting.secret,
        what: setting.what,
    };
    Read::of(flags, env).values.into_iter().map(shown).collect()
}

/// Everything that is wrong with the settings for `serve`, and what is worth knowing. `present` are the names of all variables.
pub fn check(flags: &Flags, env: Environment<'_>, present: &[String]) -> (Vec<Trouble>, Vec<Trouble>) {
    let mut troubles = Read::of(flags, env).troubles(&[""]);
    let (unknown, notes) = variables(present);
    troubles.extend(unknown);
    (troubles, notes)
}

/// The names of the process's variables that are set to something.
pub fn present() -> Vec<String> {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let mut names: Vec<String> = set.filter_map(|(name, _)| name.into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(file: Option<PathBuf>) -> Flags {
        Flags { file, data: Some("/data".into()), listen: None }
    }

    fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn the_environment_wins_over_the_file_and_defaults_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("almoner.toml");
        std::fs::write(&path, "organisation = \"Harbour Lights\"\n[twenty]\nurl = \"https://a.example/rest/\"\napi_key = \"k\"\n").unwrap();
        let config = Config::load(
            &flags(Some(path)),
            &env(&[("TWENTY_API_KEY", "other"), ("FUNDRAISING_ENABLE_GIFT_STAGING", "off")]),
        )
        .unwrap();
        assert_eq!((config.twenty_url.as_str(), config.twenty_key.as_str()), ("https://a.example", "other"));
        assert_eq!(
            (config.organisation.as_str(), config.sync_minutes, config.share_percent, config.staging_enabled),
            ("Harbour Lights", 15, 80, false)
        );
    }

    #[test]
    fn how_twenty_is_called_can_be_set_within_what_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("almoner.toml");
        let twenty = env(&[("TWENTY_API_BASE_URL", "https://a.example"), ("TWENTY_API_KEY", "k")]);
        let load = |text: &str| {
            std::fs::write(&path, format!("[twenty]\n{text}\n")).unwrap();
            Config::load(&flags(Some(path.clone())), &twenty)
        };
        assert_eq!(load("").unwrap().create_max, 60);
        let config = load("create_max = 200\nshare_percent = 100").unwrap();
        assert_eq!((config.create_max, config.share_percent), (200, 100));
        for wrong in ["create_max = 201", "create_max = 0", "share_percent = 0", "share_percent = 101"] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_or_misspelt_is_named() {
        assert!(
            Config::load(&flags(None), &env(&[])).unwrap_err().to_string().contains("TWENTY_API_BASE_URL")
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("almoner.toml");
        std::fs::write(&path, "organization = \"x\"\n").unwrap();
        assert!(
            Config::load(&flags(Some(path)), &env(&[])).unwrap_err().to_string().contains("organization")
        );
        let wrong = env(&[("TWENTY_API_BASE_URL", "crm.example.org"), ("TWENTY_API_KEY", "k")]);
        assert!(Config::load(&flags(None), &wrong).unwrap_err().to_string().contains("https://"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("almoner.toml");
        std::fs::write(
            &path,
            "organization = \"x\"\nsync_minutes = 0\n\n[twenty]\nurl = \"crm\"\nshares = 3\napi_key = [1]\n",
        )
        .unwrap();
        let present =
            ["ALMONER_DTA", "STRIPE_API_KEY", "HOME", "ALMONER_LOG", "TWENTY_API_KEY"].map(str::to_owned);
        let flags = Flags { file: Some(path.clone()), data: None, listen: None };
        let (troubles, notes) = check(&flags, &env(&[("ALMONER_TIME_ZONE", "Mars")]), &present);
        let told: Vec<String> = troubles.iter().map(ToString::to_string).collect();
        let file = path.display();
        for (line, part) in [
            (format!("{file}:1: "), "no setting organization; did you mean organisation?"),
            (format!("{file}:2: "), "sync_minutes does not take \"0\": write a number from 1 to 1440"),
            (format!("{file}:5: "), "write an address such as https://crm.example.org"),
            (format!("{file}:6: "), "no setting twenty.shares"),
            (format!("{file}:7: "), "twenty.api_key takes one text"),
            ("ALMONER_TIME_ZONE: ".into(), "Europe/London"),
            ("data: ".into(), "use --data, or set ALMONER_DATA, or write data in the settings file"),
            ("twenty.api_key: ".into(), "or write api_key under [twenty]"),
            ("ALMONER_DTA: ".into(), "did you mean ALMONER_DATA?"),
        ] {
            assert!(
                told.iter().any(|told| told.starts_with(&line) && told.contains(part)),
                "{line}{part}: {told:#?}"
            );
        }
        assert_eq!(told.len(), 9, "{told:#?}");
        assert_eq!(notes.len(), 1);
        assert!(notes[0].to_string().starts_with("STRIPE_API_KEY: not used: "));
        std::fs::write(&path, "data = \n").unwrap();
        let (troubles, _) = check(&flags, &env(&[]), &[]);
        assert!(troubles[0].at.ends_with("almoner.toml:1"), "{troubles:?}");
    }

    #[test]
    fn each_value_is_shown_with_its_origin_and_a_secret_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("almoner.toml");
        std::fs::write(
            &path,
            "listen = \"0.0.0.0:1\"\nwalk_hours = 12\n[twenty]\napi_key = \"planted-secret\"\n",
        )
        .unwrap();
        let flags = Flags { file: Some(path.clone()), data: Some("/d".into()), listen: None };
        let all = show(
            &flags,
            &env(&[("ALMONER_LISTEN", "127.0.0.1:9"), ("FUNDRAISING_BATCH_PROCESS_CHUNK_SIZE", "25")]),
        );
        let of = |key: &str| {
            let shown = all.iter().find(|shown| shown.key == key).unwrap();
            (shown.value.clone().unwrap_or_default(), shown.origin.clone().unwrap_or_default())
        };
        assert_eq!(of("data"), ("/d".into(), "--data".into()));
        assert_eq!(of("listen"), ("127.0.0.1:9".into(), "ALMONER_LISTEN".into()));
        assert_eq!(of("walk_hours"), ("12".into(), format!("{}:2", path.display())));
        assert_eq!(of("sync_minutes"), ("15".into(), "default".into()));
        assert_eq!(of("twenty.create_max"), ("25".into(), "FUNDRAISING_BATCH_PROCESS_CHUNK_SIZE".into()));
        assert_eq!(of("twenty.api_key").0, "(hidden)");
        assert_eq!(of("public_url"), (String::new(), String::new()));
        let told = format!("{} {all:?}", serde_json::to_string(&all).unwrap());
        assert!(!told.contains("planted-secret"));
        std::fs::write(&path, "[twenty]\napi_key = \"\"\n").unwrap();
        let (troubles, _) = check(&flags, &env(&[("TWENTY_API_KEY", " ")]), &[]);
        assert!(troubles.iter().any(|it| it.text.contains("does not take this value")), "{troubles:?}");
    }
}
