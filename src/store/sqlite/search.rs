//! Looking for words.

use super::Shared;
use crate::store::{Found, Search, StoreError, StoreErrorKind};

impl Shared {
    pub(super) fn search(&self, _search: &Search) -> Result<Found, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported, "this store does not search"))
    }
}
