//! Three-state updates: a missing key keeps, `null` clears, a value sets (domain 4.9).

/// What an update says about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The key was missing.
    #[default]
    Keep,
    /// The key was `null`.
    Clear,
    /// The key had a value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies the update to an optional field.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Whether the update says anything about the field.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: PartialEq> Patch<T> {
    /// Whether applying it would change the field.
    pub fn would_change(&self, field: Option<&T>) -> bool {
        match self {
            Self::Keep => false,
            Self::Clear => field.is_some(),
            Self::Set(value) => field != Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_keeps_null_clears_value_sets() {
        for (patch, before, after) in [
            (Patch::Keep, Some(1), Some(1)),
            (Patch::Keep, None, None),
            (Patch::Clear, Some(1), None),
            (Patch::Set(2), Some(1), Some(2)),
            (Patch::Set(2), None, Some(2)),
        ] {
            let mut field = before;
            assert_eq!(patch.would_change(field.as_ref()), before != after);
            patch.apply(&mut field);
            assert_eq!(field, after);
        }
    }
}
