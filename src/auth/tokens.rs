//! Tokens in a file, as a server uses them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use subtle::ConstantTimeEq;

use super::bearer::{bearer, invalid, missing};
use super::token_file::{self, Entry, Hash};
use crate::chat::{Identity, Permit};
use crate::reloading::{Reloading, Watch};
use crate::{CloseCode, Refusal, Request, Result};

/// Lets in who has a token of a [`TokenFile`](super::TokenFile), under the name and with
/// the role that stand beside it there. Cheap to clone.
///
/// The file is read again when it changes, within two seconds or so, on a thread
/// (`chinwag-tokens`) that looks once a second; where the new one has a mistake the old stays in
/// use, and the log says so. Who came in with a token that is there no more is closed with
/// 1008, and one whose role has changed with 1012, to come in again.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    table: Arc<Reloading<Table>>,
    _watch: Watch,
}

#[derive(Default)]
struct Table(Vec<(Entry, Permit)>);

impl Tokens {
    /// The tokens in this file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where it cannot be read, and
    /// [`Error::Invalid`](crate::Error::Invalid) for a line that it does not understand,
    /// which it names.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let issued = Mutex::<Arc<Vec<(Entry, Permit)>>>::default();
        let files = vec![path.clone()];
        let load = move || {
            let entries = token_file::read(&path)?;
            if entries.is_empty() {
                log::warn!("there is no token in {}: nobody can come in", path.display());
            }
            let old = issued.lock().clone();
            let new: Vec<_> = entries.into_iter().map(|entry| renew(&old, entry)).collect();
            *issued.lock() = Arc::new(new.clone());
            Ok(Table(new))
        };
        let table = Reloading::new(files, load)?.on_change(|old, new| revoke(&old.0, &new.0));
        let table = Arc::new(table);
        let watch = table.watch("chinwag-tokens")?;
        Ok(Self(Arc::new(Inner { table, _watch: watch })))
    }

    /// Reads the file again now. Callable from any thread.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); then the old tokens stay in use.
    pub fn reload(&self) -> Result<()> {
        self.0.table.reload()
    }

    /// Who has sent this request, by the token in it.
    ///
    /// # Errors
    ///
    /// 401 without a token or with one that is not in the file, 400 with two.
    pub fn identify(&self, request: &Request) -> Result<Identity, Refusal> {
        let token = bearer(request)?.ok_or_else(missing)?;
        let table = self.0.table.latest();
        let (entry, permit) =
            table.find(&token_file::hash(&token)).ok_or_else(|| invalid("the token is not known"))?;
        let name = entry.name.as_str();
        Ok(Identity::named(name).subject(name).role(entry.role).permit(permit))
    }
}

impl Table {
    /// Compares with all, and each in the same time whatever it is: how long it takes tells
    /// nothing of what is in the file.
    fn find(&self, hash: &Hash) -> Option<&(Entry, Permit)> {
        self.0.iter().fold(None, |found, known| {
            let is_same = bool::from(known.0.hash.ct_eq(hash));
            if is_same { Some(known) } else { found }
        })
    }
}

/// The entry with the permit that it had before, or a new one.
fn renew(old: &[(Entry, Permit)], entry: Entry) -> (Entry, Permit) {
    let permit = old.iter().find(|(known, _)| *known == entry).map(|(_, permit)| permit.clone());
    (entry, permit.unwrap_or_default())
}

/// Ends what those brought that are not in the file any more, or not as they were.
fn revoke(old: &[(Entry, Permit)], new: &[(Entry, Permit)]) {
    for (entry, permit) in old {
        match new.iter().find(|(known, _)| known.hash == entry.hash) {
            Some((known, _)) if known == entry => {}
            Some(_) => permit.revoke(CloseCode::RESTART, "what your token allows has changed: come in again"),
            None => permit.revoke(CloseCode::POLICY, "your token was revoked"),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}
