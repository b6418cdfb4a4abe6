//! What a look at an appliance found: how one thing stands, as of when, and what to do about it.
//!
//! A finding is pasted into tickets and mails. Its texts are therefore fixed ones with figures; a text that came from
//! elsewhere (an answer of Twenty, a name, an address) is never passed on, so that neither a donor nor a secret can stand in it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ok,
    /// An operator should look at it.
    Warn,
    /// It does not work, or is not safe.
    Fail,
    /// It could not be looked at; nothing is claimed.
    NotEvaluated,
}

impl State {
    /// The word for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotEvaluated => "not-evaluated",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// What is so.
    pub says: String,
    /// What to do; none where nothing is to be done.
    pub fix: Option<String>,
    /// When what it says was so; none when it is of this moment, or never was known.
    pub as_of: Option<Instant>,
}

impl Finding {
    /// Of this moment, with nothing to do.
    pub fn new(name: &str, state: State, says: impl Into<String>) -> Self {
        Self { name: name.into(), state, says: says.into(), fix: None, as_of: None }
    }

    /// The same with what to do.
    #[must_use]
    pub fn fix(mut self, fix: &str) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The same as of a moment.
    #[must_use]
    pub const fn as_of(mut self, at: Option<Instant>) -> Self {
        self.as_of = at;
        self
    }
}

/// How old something is, in the largest unit that fits.
fn age(now: Instant, at: Instant) -> String {
    let minutes = now.micros_since(at) / 60_000_000;
    match minutes {
        ..0 => "in the future".into(),
        0 => "less than a minute old".into(),
        1..120 => format!("{minutes} min old"),
        120..2_880 => format!("{} h old", minutes / 60),
        _ => format!("{} days old", minutes / 1_440),
    }
}

/// The findings as text to be pasted, one a line, and below it what to do.
pub fn summary(findings: &[Finding], now: Instant) -> String {
    let mut text = String::new();
    for finding in findings {
        let old = finding.as_of.map(|at| format!(" ({})", age(now, at))).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<13} {:<14} {}{old}", finding.state.word(), finding.name, finding.says);
        if let Some(fix) = finding.fix.as_ref().filter(|_| finding.state != State::Ok) {
            let _ = writeln!(text, "{:28} -> {fix}", "");
        }
    }
    text
}

/// Whether something does not work.
pub fn fails(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.state == State::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_state_age_and_fix() {
        let findings = [
            Finding::new("backup", State::Fail, "A backup is missing.")
                .fix("Take one.")
                .as_of(Some(Instant(0))),
            Finding::new("unit", State::NotEvaluated, "No systemd."),
        ];
        let text = summary(&findings, Instant(3 * 3_600_000_000));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines[0], "fail          backup         A backup is missing. (3 h old)");
        assert_eq!(lines[1], "-> Take one.");
        assert_eq!(lines[2], "not-evaluated unit           No systemd.");
        assert!(fails(&findings) && !fails(&findings[1..]));
    }

    #[test]
    fn an_age_is_never_negative_and_has_its_unit() {
        let minute = 60_000_000;
        for (minutes, says) in [
            (-2, "in the future"),
            (0, "less than a minute old"),
            (119, "119 min old"),
            (120, "2 h old"),
            (2_880, "2 days old"),
        ] {
            assert_eq!(age(Instant(minutes * minute), Instant(0)), says);
        }
    }
}
