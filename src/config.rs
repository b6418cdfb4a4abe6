//! Settings for the start: a TOML file, then the environment, then flags; the later wins. Everything else is in the
//! ledger.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::ground::run::{CHUNK, CHUNK_MAX};

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
}

/// The file's own shape; unknown names are refused, since a misspelt setting must not be ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    organisation: Option<String>,
    time_zone: Option<String>,
    sync_minutes: Option<u32>,
    walk_hours: Option<u32>,
    gift_staging: Option<bool>,
    twenty: TwentyFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TwentyFile {
    url: Option<String>,
    api_key: Option<String>,
    share_percent: Option<u32>,
    create_max: Option<usize>,
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

/// A setting is missing or wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Nobody said.
    #[error("{what} is not set: {how}")]
    Missing {
        /// What.
        what: &'static str,
        /// How to set it.
        how: &'static str,
    },
    /// The value makes no sense.
    #[error("{name} does not take {value:?}: {how}")]
    Wrong {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it takes.
        how: &'static str,
    },
}

/// Reads the environment; a closure in tests.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The process's environment; empty values count as unset.
#[expect(clippy::disallowed_methods, reason = "settings are read here, once")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// `1 true yes on`, any case (domain 4.12).
fn truth(name: &'static str, value: &str) -> Result<bool, ConfigError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::Wrong { name, value: value.to_owned(), how: "write true or false" }),
    }
}

fn read_file(path: &Path) -> Result<File, ConfigError> {
    let bad = |reason: String| ConfigError::File { path: path.display().to_string(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    toml::from_str(&text).map_err(|error| bad(error.to_string()))
}

impl Config {
    /// The settings from file, environment and flags.
    pub fn load(flags: &Flags, env: Environment<'_>) -> Result<Self, ConfigError> {
        let path = flags.file.clone().or_else(|| env("ALMONER_CONFIG").map(PathBuf::from));
        let file = path.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let data = flags.data.clone().or_else(|| env("ALMONER_DATA").map(PathBuf::from)).or(file.data);
        let data = data
            .ok_or(ConfigError::Missing { what: "the data folder", how: "use --data DIR or ALMONER_DATA" })?;
        let listen = match (flags.listen, env("ALMONER_LISTEN")) {
            (Some(listen), _) => Some(listen),
            (None, Some(text)) => Some(text.parse().map_err(|_| ConfigError::Wrong {
                name: "ALMONER_LISTEN",
                value: text,
                how: "write an address such as 127.0.0.1:8080",
            })?),
            (None, None) => file.listen,
        };
        let (share_percent, create_max) = calls(&file.twenty)?;
        let crm = CrmConfig::of(file.twenty, file.public_url, env)?;
        let staging = env("FUNDRAISING_ENABLE_GIFT_STAGING")
            .map(|value| truth("FUNDRAISING_ENABLE_GIFT_STAGING", &value))
            .transpose()?;
        Ok(Self {
            data,
            listen: listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            twenty_url: crm.url,
            twenty_key: crm.key,
            public_url: crm.public_url,
            organisation: env("ALMONER_ORGANISATION")
                .or(file.organisation)
                .unwrap_or_else(|| "Your organisation".into()),
            time_zone: env("ALMONER_TIME_ZONE").or(file.time_zone).unwrap_or_else(|| "Europe/London".into()),
            sync_minutes: file.sync_minutes.unwrap_or(15).max(1),
            walk_hours: file.walk_hours.unwrap_or(24).max(1),
            share_percent,
            create_max,
            staging_enabled: staging.or(file.gift_staging).unwrap_or(true),
        })
    }
}

impl CrmConfig {
    /// The settings from file and environment.
    pub fn load(path: Option<&Path>, env: Environment<'_>) -> Result<Self, ConfigError> {
        let path = path.map(Path::to_owned).or_else(|| env("ALMONER_CONFIG").map(PathBuf::from));
        let file = path.as_deref().map(read_file).transpose()?.unwrap_or_default();
        Self::of(file.twenty, file.public_url, env)
    }

    fn of(file: TwentyFile, public_url: Option<String>, env: Environment<'_>) -> Result<Self, ConfigError> {
        let url = env("TWENTY_API_BASE_URL").or(file.url);
        let url = url.ok_or(ConfigError::Missing {
            what: "Twenty's address",
            how: "set TWENTY_API_BASE_URL, or url under [twenty] in the settings file",
        })?;
        let key = env("TWENTY_API_KEY").or(file.api_key);
        let key = key.ok_or(ConfigError::Missing {
            what: "Twenty's API key",
            how: "set TWENTY_API_KEY, or api_key under [twenty] in the settings file",
        })?;
        let public_url = env("ALMONER_PUBLIC_URL").or(public_url);
        Ok(Self {
            url: base_url("TWENTY_API_BASE_URL", &url)?,
            key,
            public_url: public_url.map(|url| base_url("ALMONER_PUBLIC_URL", &url)).transpose()?,
        })
    }
}

/// The share of Twenty's limits that we take, in per cent, and how many gifts one call creates.
fn calls(file: &TwentyFile) -> Result<(u32, usize), ConfigError> {
    let wrong = |name, value: String, how| ConfigError::Wrong { name, value, how };
    let share_percent = file.share_percent.unwrap_or(80);
    if !(1..=100).contains(&share_percent) {
        return Err(wrong("share_percent", share_percent.to_string(), "write a number from 1 to 100"));
    }
    let create_max = file.create_max.unwrap_or(CHUNK);
    if !(1..=CHUNK_MAX).contains(&create_max) {
        return Err(wrong("create_max", create_max.to_string(), "write a number from 1 to 200"));
    }
    Ok((share_percent, create_max))
}

/// The server's address without `/rest` and without a trailing slash; older notes give it with both.
fn base_url(name: &'static str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim().trim_end_matches('/');
    let base = text.strip_suffix("/rest").unwrap_or(text);
    if base.starts_with("http://") || base.starts_with("https://") {
        return Ok(base.to_owned());
    }
    Err(ConfigError::Wrong {
        name,
        value: text.to_owned(),
        how: "write an address such as https://crm.example.org",
    })
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
}
