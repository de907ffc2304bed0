//! The thread that connects, receives, and connects again.
//!
//! ```text
//!             ┌─────────── lost ◄──────────────┐
//!             ▼                                │
//!  connect ─► welcome ─► listen ───────────────┤ for good, or left
//!     ▲                                        ▼
//!     └── wait (back-off, Retry-After) ──►  ended
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender as ChannelSender, TrySendError, after, bounded, never, select};

use super::address::Address;
use super::backoff::NAME_TAKEN;
use super::session::Welcome;
use super::shared::Shared;
use super::verdict::{Verdict, judge};
use super::{Backoff, ChatState, Ending, Update};
use crate::clock::later;
use crate::protocol::{Event, SUBPROTOCOL};
use crate::{Canceller, CloseCode, CloseReason, ConnectOptions, Error, Receiver, Result};

/// A connection that lasted for so long was a good one: what failed before is forgotten.
const STABLE: Duration = Duration::from_secs(10);

pub(super) struct Driver {
    shared: Arc<Shared>,
    address: Address,
    options: ConnectOptions,
    backoff: Option<Backoff>,
    /// Where it is full this thread waits, and the server with it.
    update_tx: ChannelSender<Update>,
    /// How many attempts there were since a connection was stable.
    attempt: u32,
    /// How many of the latest found the name taken.
    name_taken: u32,
}

/// A connection that was welcomed.
struct Joined {
    receiver: Receiver,
    welcome: Event,
    same_session: bool,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        address: Address,
        options: ConnectOptions,
        backoff: Option<Backoff>,
        update_tx: ChannelSender<Update>,
    ) -> Self {
        Self { shared, address, options, backoff, update_tx, attempt: 0, name_taken: 0 }
    }

    /// Runs until it is over. Says through `first_tx` how the first attempt went.
    pub(super) fn run(mut self, first_tx: &ChannelSender<Result<()>>) {
        match self.join() {
            Ok(joined) => {
                self.tell(Update::Event(joined.welcome));
                let _ = first_tx.send(Ok(()));
                let ending = self.live(joined.receiver);
                self.shared.end();
                self.tell(Update::Ended(ending));
            }
            Err(error) => {
                self.shared.end();
                let _ = first_tx.send(Err(error));
            }
        }
    }

    fn live(&mut self, mut receiver: Receiver) -> Ending {
        loop {
            let since = self.options.clock.now();
            let why = self.listen(receiver);
            self.shared.lost();
            if self.options.clock.now() - since >= STABLE {
                self.attempt = 0;
            }
            match self.come_back(why) {
                Ok(again) => receiver = again,
                Err(ending) => return ending,
            }
        }
    }

    /// Passes on what the server says until the connection ends; why it did.
    fn listen(&self, mut receiver: Receiver) -> Error {
        loop {
            let message = match receiver.recv() {
                Ok(message) => message,
                Err(error) => return error,
            };
            let Some(text) = message.as_text() else { continue };
            match Event::parse(text) {
                Ok(Event::Unknown) => self.tell(Update::Unknown(text.to_owned())),
                Ok(mut event) => {
                    if self.shared.hear(&mut event) {
                        self.tell(Update::Event(event));
                    }
                }
                Err(error) => log::warn!("the server said what is no event: {error}"),
            }
        }
    }

    /// Tries until there is a connection again, or it is over.
    fn come_back(&mut self, mut why: Error) -> Result<Receiver, Ending> {
        loop {
            if self.shared.is_leaving() {
                let local = || CloseReason::local(CloseCode::NORMAL, "");
                return Err(Ending::Left(why.close_reason().cloned().unwrap_or_else(local)));
            }
            let Some(again_in) = self.patience(&why) else { return Err(ending(why)) };
            self.attempt = self.attempt.saturating_add(1);
            self.shared.set_phase(ChatState::Waiting);
            let due = later(self.options.clock.now(), again_in);
            self.tell(Update::Lost { why, again_in, attempt: self.attempt });
            if let Err(error) = self.wait_until(due) {
                why = error;
                continue;
            }
            self.shared.set_phase(ChatState::Connecting);
            self.tell(Update::Connecting);
            match self.join() {
                Ok(Joined { receiver, welcome, same_session }) => {
                    self.name_taken = 0;
                    self.tell(Update::Back { same_session });
                    self.tell(Update::Event(welcome));
                    return Ok(receiver);
                }
                Err(error) => why = error,
            }
        }
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn patience(&mut self, why: &Error) -> Option<Duration> {
        let backoff = self.backoff.as_ref()?.wait(self.attempt.saturating_add(1));
        match judge(why) {
            Verdict::Final => None,
            Verdict::Again => Some(backoff),
            // On top, for many may have been told the same.
            Verdict::NotBefore(wait) => Some(wait.saturating_add(backoff)),
            Verdict::NameTaken => {
                self.name_taken += 1;
                (self.name_taken <= NAME_TAKEN).then_some(backoff)
            }
        }
    }

    /// One attempt, up to the server's welcome.
    fn join(&self) -> Result<Joined> {
        let result = self.try_to_join().map_err(|error| self.shared.with(|session| session.conceal(error)));
        result.inspect_err(|_| self.shared.lost())
    }

    fn try_to_join(&self) -> Result<Joined> {
        let deadline = later(Instant::now(), self.options.connect_timeout);
        let url = self.shared.with(|session| self.address.with(&session.query()));
        let mut connection = self.options.connect(&url)?;
        if connection.subprotocol() != Some(SUBPROTOCOL) {
            return Err(Error::Handshake(format!("the server does not speak {SUBPROTOCOL}")));
        }
        self.shared.connected(&connection)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let first = connection.recv_timeout(left)?;
        let first = first.ok_or_else(|| Error::TimedOut("waiting for the server's welcome".to_owned()))?;
        let welcome = first.as_text().and_then(|text| Event::parse(text).ok());
        let Some(Event::Welcome { name, session, room, pos, .. }) = welcome.clone() else {
            return Err(Error::Handshake("the server's first word is no welcome".to_owned()));
        };
        let same_session = self.shared.welcomed(Welcome { name, session, room, pos });
        Ok(Joined {
            receiver: connection.split().1,
            welcome: welcome.expect("it was just taken apart"),
            same_session,
        })
    }

    /// Waits before an attempt, unless somebody is in a hurry.
    fn wait_until(&self, due: Instant) -> Result<()> {
        let clock = &self.options.clock;
        // Holds one: two advances wake no more than one does.
        let (tick_tx, tick_rx) = bounded(1);
        clock.on_advance(move || !matches!(tick_tx.try_send(()), Err(TrySendError::Disconnected(()))));
        let cancelled = self.options.canceller.as_ref().map_or_else(never, Canceller::receiver);
        let stopped = self.shared.stop.receiver();
        loop {
            let timeout = clock.timeout(Some(due));
            if timeout == Some(Duration::ZERO) {
                return Ok(());
            }
            let is_due = timeout.map_or_else(never, after);
            select! {
                recv(is_due) -> _ => {}
                recv(tick_rx) -> _ => {}
                recv(self.shared.hurry_rx) -> _ => return Ok(()),
                recv(cancelled) -> _ => return Err(Error::Cancelled),
                recv(stopped) -> _ => return Err(Error::Cancelled),
            }
        }
    }

    /// Waits while nobody reads the updates, until it is all over.
    fn tell(&self, update: Update) {
        let stopped = self.shared.stop.receiver();
        if self.shared.stop.is_cancelled() {
            let _ = self.update_tx.try_send(update);
            return;
        }
        select! {
            // Fails where nobody wants them.
            send(self.update_tx, update) -> _ => {}
            recv(stopped) -> _ => {}
        }
    }
}

/// The end that `why` is.
fn ending(why: Error) -> Ending {
    match why {
        Error::Closed(reason) => Ending::Closed(reason),
        error => Ending::Failed(error),
    }
}
