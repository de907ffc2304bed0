//! Who is kept out of the chat. A value: what keeps it beyond the process is in
//! [`file`].

mod file;
mod target;

pub(super) use file::BansFile;
pub(super) use target::{Meant, Target, shown_name};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use indexmap::IndexMap;

use super::NameKey;
use super::state::Problem;
use crate::protocol::Ban;

/// So many bans at most.
pub(super) const MAX_BANS: usize = 10_000;

#[derive(Default)]
pub(super) struct Bans {
    all: IndexMap<Target, Ban>,
    /// Counts changes, so that what is kept is known to be the latest.
    version: u64,
}

impl Bans {
    /// Adds a ban, in the place of an earlier one of the same target.
    pub(super) fn add(&mut self, target: Target, ban: Ban) -> Result<(), Problem> {
        self.forget_ended(ban.time);
        if self.all.len() >= MAX_BANS && !self.all.contains_key(&target) {
            return Err(Problem::new("too_many_bans", format!("there are {MAX_BANS} bans; lift some first")));
        }
        self.all.insert(target, ban);
        self.version += 1;
        Ok(())
    }

    /// Lifts a ban, and returns it.
    pub(super) fn remove(&mut self, target: &Target) -> Option<Ban> {
        let ban = self.all.shift_remove(target)?;
        self.version += 1;
        Some(ban)
    }

    /// The ban that keeps a name, an address or a subject out at this time.
    pub(super) fn find(
        &self,
        name: Option<&NameKey>,
        addr: Option<IpAddr>,
        subject: Option<&Arc<str>>,
        now: u64,
    ) -> Option<&Ban> {
        if self.all.is_empty() {
            return None;
        }
        let name = name.map(|name| Target::Name(name.clone()));
        let subject = subject.map(|subject| Target::Subject(subject.clone()));
        let networks = addr.into_iter().flat_map(target::networks_of).map(Target::Network);
        let mut targets = name.into_iter().chain(subject).chain(networks);
        targets.find_map(|target| self.all.get(&target).filter(|ban| is_on(ban, now)))
    }

    /// Those that are on, the oldest first.
    pub(super) fn list(&self, now: u64) -> Vec<Ban> {
        self.all.values().filter(|ban| is_on(ban, now)).cloned().collect()
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    fn forget_ended(&mut self, now: u64) {
        self.all.retain(|_, ban| is_on(ban, now));
    }
}

fn is_on(ban: &Ban, now: u64) -> bool {
    ban.until.is_none_or(|until| until > now)
}

/// ` until 2026-11-23T12:01:05Z: spam`, as far as there is such.
pub(super) fn terms(until: Option<u64>, reason: &str) -> String {
    let until = until.map_or_else(String::new, |until| format!(" until {}", clock(until)));
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("{until}{colon}{reason}")
}

/// `2026-11-23T12:01:05Z`.
pub(super) fn clock(millis: u64) -> String {
    // The last that the form can show.
    const END: u64 = 253_402_300_799_000;
    let time = UNIX_EPOCH + Duration::from_millis(millis.min(END));
    humantime::format_rfc3339_seconds(time).to_string()
}
