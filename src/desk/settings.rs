//! What the organisation sets for its desk: one subject, every change in the journal.

use std::collections::BTreeMap;

use super::{Asked, Desk, Refusal};
use crate::ground::id::{Object, Seq};
use crate::ground::intake::FieldError;
use crate::ground::settings::{FLAGS, SETTINGS_ID, Settings, Unusual};
use crate::store::{Changes, Fail};

/// Days that a channel's promise may have at most.
const PROMISE_MAX: u32 = 3_650;

/// What somebody changes. A name that is not sent keeps what it has; `None` goes back to the preset.
#[derive(Clone, Debug, Default)]
pub struct SettingsEdit {
    /// Warnings by code, or `code:intent`.
    pub warnings: BTreeMap<String, Option<bool>>,
    /// Days by channel.
    pub promise_days: BTreeMap<String, Option<u32>>,
    /// From when on an amount is unusual.
    pub unusual: Option<Unusual>,
    /// Flags by name.
    pub flags: BTreeMap<String, Option<bool>>,
}

impl Desk {
    /// Changes the settings. `version` is the entry the editor saw.
    pub async fn change_settings(
        &self,
        asked: &Asked,
        edit: SettingsEdit,
        version: Option<Seq>,
    ) -> Result<(), Refusal> {
        let cause = asked.cause("Settings changed");
        self.store
            .write(move |view| {
                let known = view.ledger().settings_record()?;
                let seen = known.as_ref().map_or(Seq(0), |record| record.seq);
                if version.is_some_and(|version| version != seen) {
                    return Err(Refusal::Changed.into());
                }
                let before = known.map(|record| record.value);
                let after = edited(before.clone().unwrap_or_default(), &edit)?;
                let mut changes = Changes::new(cause);
                match before {
                    None => changes.create(Object::Settings, SETTINGS_ID, &after)?,
                    Some(_) => changes.update(Object::Settings, SETTINGS_ID, &after)?,
                }
                Ok::<_, Fail<Refusal>>((changes, ()))
            })
            .await?;
        Ok(())
    }
}

fn edited(mut settings: Settings, edit: &SettingsEdit) -> Result<Settings, Refusal> {
    let mut errors = Vec::new();
    let mut wrong = |field: String, message: &str| errors.push(FieldError { field, message: message.into() });
    for (name, value) in &edit.warnings {
        let code = name.split(':').next().unwrap_or_default();
        let intent = name.split_once(':').map(|(_, intent)| intent);
        let known = Settings::all_warnings().any(|(finding, _)| finding.code == code)
            && intent.is_none_or(|intent| crate::ground::gift::GiftIntent::from_word(intent).is_some());
        if !known {
            wrong(format!("warnings.{name}"), "There is no such warning.");
        }
        put(&mut settings.warnings, name, *value);
    }
    for (name, days) in &edit.promise_days {
        if name.is_empty() || name.chars().count() > 100 || days.is_some_and(|days| days > PROMISE_MAX) {
            wrong(format!("promiseDays.{name}"), "Name a channel and a number of days, at most ten years.");
        }
        put(&mut settings.promise_days, name, *days);
    }
    for (name, value) in &edit.flags {
        if !FLAGS.iter().any(|flag| flag.name == name) {
            wrong(format!("flags.{name}"), "There is no such switch.");
        }
        put(&mut settings.flags, name, *value);
    }
    if let Some(unusual) = edit.unusual {
        if unusual.times < 2 {
            wrong("unusual.times".into(), "An amount is unusual from twice the largest one on, or more.");
        }
        settings.unusual = unusual;
    }
    if errors.is_empty() { Ok(settings) } else { Err(Refusal::Invalid(errors)) }
}

fn put<T>(map: &mut BTreeMap<String, T>, name: &str, value: Option<T>) {
    match value {
        Some(value) => drop(map.insert(name.to_owned(), value)),
        None => drop(map.remove(name)),
    }
}
