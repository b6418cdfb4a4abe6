//! Every setting of the start, in one table: its name in the file, its variables, its flag, what it takes.

use std::net::SocketAddr;

use crate::ground::backup::age::Recipient;
use crate::ground::run::CHUNK_MAX;
use crate::ground::time::Zone;

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A folder.
    Folder,
    /// Where to listen.
    Address,
    /// Where a server is.
    Url,
    /// Any text.
    Text,
    /// A time zone of the table that ships with Almoner.
    Zone,
    /// Yes or no (domain 4.12).
    Truth,
    /// A public key of age.
    Recipient,
    /// A number within bounds.
    Number(u32, u32),
}

impl Kind {
    /// Why a text is not of this kind, as what to write instead.
    pub(super) fn fault(self, text: &str) -> Option<String> {
        let text = text.trim();
        let well = match self {
            Self::Folder | Self::Text => !text.is_empty(),
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Url => text.starts_with("http://") || text.starts_with("https://"),
            Self::Zone => Zone::named(text).is_ok(),
            Self::Truth => truth(text).is_some(),
            Self::Recipient => text.parse::<Recipient>().is_ok(),
            Self::Number(from, to) => text.parse::<u32>().is_ok_and(|number| (from..=to).contains(&number)),
        };
        (!well).then(|| match self {
            Self::Folder => "write a folder".into(),
            Self::Text => "write something".into(),
            Self::Address => "write an address such as 127.0.0.1:8080".into(),
            Self::Url => "write an address such as https://crm.example.org".into(),
            Self::Zone => "write a name such as Europe/London".into(),
            Self::Truth => "write true or false".into(),
            Self::Recipient => "write the public key that `almoner backup key` prints (age1…)".into(),
            Self::Number(from, to) => format!("write a number from {from} to {to}"),
        })
    }
}

/// `1 true yes on`, any case (domain 4.12).
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name in the file; `twenty.url` is `url` under `[twenty]`.
    pub(super) key: &'static str,
    /// Variables that set it; the first that is set counts.
    pub(super) variables: &'static [&'static str],
    /// The flag that sets it.
    pub(super) flag: Option<&'static str>,
    /// What it is when nobody says; none when somebody must.
    pub(super) default: Option<&'static str>,
    /// Whether it may stay unset.
    pub(super) optional: bool,
    /// Whether its value is shown to nobody.
    pub(super) secret: bool,
    /// What it takes.
    pub(super) kind: Kind,
    /// What it is.
    pub(super) what: &'static str,
}

const fn setting(key: &'static str, kind: Kind, what: &'static str) -> Setting {
    Setting { key, variables: &[], flag: None, default: None, optional: false, secret: false, kind, what }
}

/// All of them.
pub(super) const SETTINGS: [Setting; 33] = [
    Setting {
        variables: &["ALMONER_DATA"],
        flag: Some("--data"),
        ..setting("data", Kind::Folder, "the data folder")
    },
    Setting {
        variables: &["ALMONER_LISTEN"],
        flag: Some("--listen"),
        default: Some("127.0.0.1:8080"),
        ..setting("listen", Kind::Address, "where to listen")
    },
    Setting {
        variables: &["ALMONER_PUBLIC_URL"],
        optional: true,
        ..setting("public_url", Kind::Url, "where people and Twenty reach it")
    },
    Setting {
        variables: &["ALMONER_ORGANISATION"],
        default: Some("Your organisation"),
        ..setting("organisation", Kind::Text, "whose gifts these are")
    },
    Setting {
        variables: &["ALMONER_TIME_ZONE"],
        default: Some("Europe/London"),
        ..setting("time_zone", Kind::Zone, "what \"today\" means")
    },
    Setting {
        default: Some("15"),
        ..setting("sync_minutes", Kind::Number(1, 1_440), "minutes between passes over Twenty")
    },
    Setting {
        default: Some("24"),
        ..setting("walk_hours", Kind::Number(1, 720), "hours between complete readings")
    },
    Setting {
        variables: &["FUNDRAISING_ENABLE_GIFT_STAGING"],
        default: Some("true"),
        ..setting("gift_staging", Kind::Truth, "whether gifts are taken in")
    },
    Setting {
        variables: &["TWENTY_API_BASE_URL", "TWENTY_REST_BASE_URL"],
        ..setting("twenty.url", Kind::Url, "Twenty's address")
    },
    Setting {
        variables: &["TWENTY_API_KEY"],
        secret: true,
        ..setting("twenty.api_key", Kind::Text, "Twenty's API key")
    },
    Setting {
        default: Some("80"),
        ..setting("twenty.share_percent", Kind::Number(1, 100), "per cent of Twenty's call limit")
    },
    Setting {
        variables: &["FUNDRAISING_BATCH_PROCESS_CHUNK_SIZE"],
        default: Some("60"),
        ..setting("twenty.create_max", Kind::Number(1, 200), "gifts created in one call")
    },
    Setting {
        variables: &["QUICKBOOKS_CLIENT_ID"],
        optional: true,
        ..setting("quickbooks.client_id", Kind::Text, "id of your app at Intuit; none leaves QuickBooks off")
    },
    Setting {
        variables: &["QUICKBOOKS_CLIENT_SECRET"],
        secret: true,
        optional: true,
        ..setting("quickbooks.client_secret", Kind::Text, "its secret")
    },
    Setting {
        variables: &["QUICKBOOKS_VERIFIER_TOKEN"],
        secret: true,
        optional: true,
        ..setting("quickbooks.verifier_token", Kind::Text, "verifier token of its webhooks")
    },
    Setting {
        default: Some("false"),
        ..setting("quickbooks.sandbox", Kind::Truth, "whether its companies are test companies")
    },
    Setting {
        default: Some("50"),
        ..setting("quickbooks.share_percent", Kind::Number(1, 100), "per cent of a company's call limit")
    },
    Setting {
        default: Some("300000"),
        ..setting("quickbooks.calls_per_month", Kind::Number(1_000, 75_000_000), "metered calls of a month")
    },
    Setting {
        optional: true,
        ..setting("quickbooks.api_url", Kind::Url, "another address of the API, for a simulated one")
    },
    Setting {
        optional: true,
        ..setting("quickbooks.authorise_url", Kind::Url, "another address where people say yes")
    },
    Setting {
        optional: true,
        ..setting("quickbooks.token_url", Kind::Url, "another address of the token server")
    },
    Setting {
        optional: true,
        ..setting("quickbooks.revoke_url", Kind::Url, "another address where tokens are given back")
    },
    Setting {
        variables: &["ALMONER_BACKUP_TARGET"],
        optional: true,
        ..setting("backup.target", Kind::Folder, "where backups go: a folder, or s3://bucket/prefix")
    },
    Setting {
        variables: &["ALMONER_BACKUP_RECIPIENT"],
        optional: true,
        ..setting("backup.recipient", Kind::Recipient, "the public key that backups are sealed for")
    },
    Setting {
        optional: true,
        ..setting("backup.s3_endpoint", Kind::Url, "the address of the S3-compatible store")
    },
    Setting {
        default: Some("us-east-1"),
        ..setting("backup.s3_region", Kind::Text, "its region; many stores take any")
    },
    Setting {
        variables: &["ALMONER_BACKUP_S3_KEY_ID"],
        optional: true,
        ..setting("backup.s3_key_id", Kind::Text, "the id of its access key")
    },
    Setting {
        variables: &["ALMONER_BACKUP_S3_SECRET"],
        optional: true,
        secret: true,
        ..setting("backup.s3_secret", Kind::Text, "its access key")
    },
    Setting {
        default: Some("24"),
        ..setting("backup.every_hours", Kind::Number(1, 168), "hours between backups")
    },
    Setting {
        default: Some("7"),
        ..setting("backup.drill_days", Kind::Number(1, 90), "days between restore drills")
    },
    Setting {
        default: Some("7"),
        ..setting("backup.keep_daily", Kind::Number(1, 366), "days whose newest backup is kept")
    },
    Setting {
        default: Some("4"),
        ..setting("backup.keep_weekly", Kind::Number(0, 520), "weeks whose newest backup is kept")
    },
    Setting {
        default: Some("12"),
        ..setting("backup.keep_monthly", Kind::Number(0, 240), "months whose newest backup is kept")
    },
];

/// Variables that are read elsewhere, or name the file.
pub(super) const OTHERS: [&str; 2] = ["ALMONER_CONFIG", "ALMONER_LOG"];

// What the setting promises is what a call takes (contract 5.1).
const _: () = assert!(CHUNK_MAX == 200);

const PACED: &str = "calls are paced by what Twenty's limit leaves; see share_percent";
const BY_HAND: &str = "a gift that does not ask for it waits for a person";
const NO_RECEIPTS: &str = "Almoner sends no receipts";
const NO_STRIPE: &str = "there is no Stripe connector yet; send its gifts to the API";

/// Variables of the old service that mean nothing here, and why (domain 4.12).
pub(super) const UNUSED: [(&str, &str); 14] = [
    ("FUNDRAISING_STAGING_AUTO_PROCESS_DEFAULT", BY_HAND),
    ("FUNDRAISING_STAGING_AUTO_PROMOTE_DEFAULT", BY_HAND),
    ("FUNDRAISING_BATCH_PROCESS_EXECUTOR_MODE", "groups are tried first and rows one by one, always"),
    ("FUNDRAISING_BATCH_PROCESS_BATCH_DELAY_MS", PACED),
    ("FUNDRAISING_BATCH_PROCESS_ROW_DELAY_MS", PACED),
    ("FUNDRAISING_DONOR_MATCH_LOOKUP_DELAY_MS", "donors are found here, without a call"),
    ("FUNDRAISING_DONOR_MATCH_LOOKUP_BATCH_SIZE", "donors are found here, without a call"),
    ("FUNDRAISING_DONOR_MATCH_CREATE_CHUNK_SIZE", "new donors go with their gifts, in one call a group"),
    ("FUNDRAISING_DONOR_MATCH_CREATE_DELAY_MS", PACED),
    ("FUNDRAISING_RECEIPT_POLICY_ONE_OFF", NO_RECEIPTS),
    ("FUNDRAISING_RECEIPT_POLICY_RECURRING", NO_RECEIPTS),
    ("FUNDRAISING_RECEIPT_AUTO_SEND_THRESHOLD_MINOR", NO_RECEIPTS),
    ("STRIPE_API_KEY", NO_STRIPE),
    ("STRIPE_WEBHOOK_SECRET", NO_STRIPE),
];
