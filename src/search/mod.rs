//! Temporary.
use crate::ground::id::PersonId;
use crate::store::Store;
use std::path::PathBuf;
use std::sync::Arc;
/// Place.
pub enum Place {
    /// f
    Folder(PathBuf),
    /// m
    Memory,
}
/// Search.
pub struct Search;
/// Error.
#[derive(Debug, thiserror::Error)]
#[error("search")]
pub struct SearchError;
/// Found.
pub struct Found {
    /// p
    pub people: Vec<Hit>,
    /// b
    pub behind: u64,
}
/// Hit.
pub struct Hit {
    /// i
    pub id: PersonId,
    /// s
    pub score: u32,
}
impl Search {
    /// o
    pub fn open(_place: Place, _store: &Store) -> Result<Arc<Search>, SearchError> {
        Ok(Arc::new(Self))
    }
    /// f
    pub fn find(&self, _text: &str, _limit: usize) -> Result<Found, SearchError> {
        Ok(Found { people: vec![], behind: 0 })
    }
    /// c
    pub fn catch_up(&self, _store: &Store) -> Result<bool, SearchError> {
        Ok(false)
    }
    /// w
    pub fn wants_catch_up(&self) -> bool {
        false
    }
}
