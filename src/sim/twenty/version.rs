//! Which Twenty the simulator plays: the recorded one, one before it or one after it.

/// A stage of the server; the differences are those a client meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// About 1.2x: dates are compared in microseconds.
    Older,
    /// 2.19.0, the recorded one.
    #[default]
    Recorded,
    /// About 2.47: other restore paths, 429 with headers, the new envelope of the metadata calls.
    Newer,
}

impl Version {
    /// The version the server says it is.
    pub fn number(self) -> &'static str {
        match self {
            Self::Older => "1.20.0",
            Self::Recorded => "2.19.0",
            Self::Newer => "2.47.0",
        }
    }

    /// The version of a word or number.
    pub fn named(text: &str) -> Option<Self> {
        [(Self::Older, "older"), (Self::Recorded, "recorded"), (Self::Newer, "newer")]
            .into_iter()
            .find(|(version, name)| *name == text || version.number() == text)
            .map(|(version, _)| version)
    }
}
