//! What the organisation sets for its desk: warnings, promises, switches.

use std::collections::BTreeMap;

use axum::extract::State;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Face;
use super::auth::Known;
use super::body::Reader;
use super::gifts::if_match;
use super::params::NoParams;
use super::problem::Problem;
use super::wire::Tagged;
use crate::desk::settings::SettingsEdit;
use crate::ground::settings::{FLAGS, Settings, Unusual};

/// The settings in their envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsAnswer {
    data: SettingsView,
    meta: SettingsMeta,
}

/// Who changed the settings last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsMeta {
    as_of: String,
    /// Send it as `If-Match`.
    version: u64,
    /// When somebody changed them last; none while they are the presets.
    changed_at: Option<String>,
}

/// The settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    warnings: Vec<WarningView>,
    /// What was set for one kind of gift: `code:intent`.
    exceptions: BTreeMap<String, bool>,
    unusual: UnusualView,
    /// Days by channel; `*` stands for all others.
    promise_days: BTreeMap<String, u32>,
    /// Days of a channel that has no promise of its own.
    promise_days_else: u32,
    flags: Vec<FlagView>,
}

/// A warning that can be switched.
#[derive(Debug, Serialize, ToSchema)]
pub struct WarningView {
    code: &'static str,
    text: &'static str,
    on: bool,
    preset: bool,
}

/// From when on an amount is unusual.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnusualView {
    times: u32,
    donor_gifts: u32,
    channel_gifts: u32,
}

/// A switch.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagView {
    name: &'static str,
    owner: &'static str,
    text: &'static str,
    on: bool,
    preset: bool,
}

impl From<Settings> for SettingsView {
    fn from(settings: Settings) -> Self {
        let of = |code: &str, preset| settings.warnings.get(code).copied().unwrap_or(preset);
        let warnings = Settings::all_warnings().map(|(finding, preset)| WarningView {
            code: finding.code,
            text: finding.text,
            on: of(finding.code, preset),
            preset,
        });
        let flags = FLAGS.into_iter().map(|flag| FlagView {
            name: flag.name,
            owner: flag.owner,
            text: flag.text,
            on: settings.is_on(flag),
            preset: flag.preset,
        });
        let Unusual { times, donor_gifts, channel_gifts } = settings.unusual;
        Self {
            warnings: warnings.collect(),
            flags: flags.collect(),
            promise_days_else: settings.promise("*"),
            unusual: UnusualView { times, donor_gifts, channel_gifts },
            exceptions: settings.warnings.into_iter().filter(|(name, _)| name.contains(':')).collect(),
            promise_days: settings.promise_days,
        }
    }
}

fn answer(face: &Face, known: &Known) -> Result<Tagged<SettingsAnswer>, Problem> {
    let snapshot = known.snapshot(face)?;
    let record = snapshot.ledger().settings_record()?;
    let meta = SettingsMeta {
        as_of: snapshot.as_of().to_string(),
        version: record.as_ref().map_or(0, |record| record.seq.0),
        changed_at: record.as_ref().map(|record| record.recorded.to_string()),
    };
    let settings = record.map(|record| record.value).unwrap_or_default();
    Ok(Tagged(meta.version, SettingsAnswer { data: settings.into(), meta }))
}

/// What is set.
#[utoipa::path(get, path = "/api/settings", tag = "Settings",
    responses((status = 200, body = SettingsAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn settings(
    State(face): State<Face>,
    known: Known,
    _: NoParams,
) -> Result<Tagged<SettingsAnswer>, Problem> {
    answer(&face, &known)
}

/// Changes settings: `null` goes back to the preset, what is not named keeps.
#[utoipa::path(patch, path = "/api/settings", tag = "Settings", request_body = Object, params(("If-Match" = Option<String>, Header)),
    responses((status = 200, body = SettingsAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 412, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn change(
    State(face): State<Face>,
    known: Known,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Tagged<SettingsAnswer>, Problem> {
    let edit = edit(&bytes)?;
    face.desk.change_settings(&known.asked, edit, if_match(&headers)?).await?;
    answer(&face, &known)
}

fn edit(bytes: &[u8]) -> Result<SettingsEdit, Problem> {
    let mut body = Reader::new(bytes)?;
    body.own_members(&["warnings", "promiseDays", "unusual", "flags"]);
    let days = |value: &Value| value.as_u64().and_then(|days| u32::try_from(days).ok());
    let edit = SettingsEdit {
        warnings: body.map_of("warnings", "true, false or null", Value::as_bool),
        flags: body.map_of("flags", "true, false or null", Value::as_bool),
        promise_days: body.map_of("promiseDays", "a whole number of days, or null", days),
        unusual: unusual(&mut body),
    };
    body.finish(Some(edit))
}

fn unusual(body: &mut Reader) -> Option<Unusual> {
    let mut inside = body.inside("unusual", "unusual.")?;
    let preset = Unusual::default();
    let unusual = Unusual {
        times: inside.count("times").unwrap_or(preset.times),
        donor_gifts: inside.count("donorGifts").unwrap_or(preset.donor_gifts),
        channel_gifts: inside.count("channelGifts").unwrap_or(preset.channel_gifts),
    };
    body.errors.append(&mut inside.errors);
    Some(unusual)
}
