//! Who is in a room, and what waits for them until the end of the hub's turn: one
//! buffer for all that get the same, however many messages are in it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;

use super::{ClientId, Edition, Instead};
use crate::link::Link;
use crate::{Message, frame};

/// Frames in one buffer.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: BytesMut,
    messages: usize,
}

#[derive(Default)]
pub(super) struct Members {
    links: IndexMap<ClientId, Member>,
    /// By the number of the edition.
    batches: Vec<Batch>,
    /// Something waits in a batch.
    pub is_dirty: bool,
}

struct Member {
    link: Arc<Link>,
    edition: Edition,
    /// What waited for its edition when it came, which is not for it.
    before: Place,
}

/// So much of what waits in a batch.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    bytes: usize,
    messages: usize,
}

/// What waits for the members of one edition.
#[derive(Default)]
struct Batch {
    members: usize,
    shared: Encoded,
    exceptions: Vec<Exception>,
    /// How many broadcasts are in it.
    broadcasts: usize,
}

/// What one member gets instead of a part of the shared bytes.
struct Exception {
    to: ClientId,
    /// Which of the broadcasts of the batch.
    broadcast: usize,
    from: usize,
    until: usize,
    /// How many messages are in that part.
    shared: usize,
    instead: Encoded,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn contains(&self, id: ClientId) -> bool {
        self.links.contains_key(&id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ClientId> {
        self.links.keys().copied()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = (ClientId, Edition, &Arc<Link>)> {
        self.links.iter().map(|(id, member)| (*id, member.edition, &member.link))
    }

    /// Adds one who hears what is added from now on. Who is a member already must have
    /// been sent what waits.
    pub(super) fn insert(&mut self, id: ClientId, link: Arc<Link>, edition: Edition) {
        let at = usize::from(edition.0);
        if self.batches.len() <= at {
            self.batches.resize_with(at + 1, Batch::default);
        }
        let batch = &mut self.batches[at];
        batch.members += 1;
        let before = Place { bytes: batch.shared.bytes.len(), messages: batch.shared.messages };
        if let Some(earlier) = self.links.insert(id, Member { link, edition, before }) {
            self.batches[usize::from(earlier.edition.0)].members -= 1;
        }
    }

    pub(super) fn remove(&mut self, id: ClientId) {
        if let Some(member) = self.links.swap_remove(&id) {
            self.batches[usize::from(member.edition.0)].members -= 1;
        }
    }

    /// Adds what `render` makes for each edition that has members, and what some get
    /// instead.
    pub(super) fn add(&mut self, render: &mut dyn FnMut(Edition) -> Option<Message>, instead: &[Instead]) {
        for (edition, batch) in self.batches.iter_mut().enumerate() {
            if batch.members == 0 {
                continue;
            }
            let edition = Edition(edition as u8);
            let from = batch.shared.bytes.len();
            let message = render(edition);
            let shared = usize::from(message.is_some());
            if let Some(message) = message {
                batch.shared.add(&message);
            }
            let until = batch.shared.bytes.len();
            batch.broadcasts += 1;
            let broadcast = batch.broadcasts;
            let is_of_edition = |id| self.links.get(&id).is_some_and(|member| member.edition == edition);
            for exception in instead.iter().filter(|exception| is_of_edition(exception.to)) {
                let mut instead = Encoded::default();
                exception.messages.iter().for_each(|message| instead.add(message));
                batch.exceptions.push(Exception {
                    to: exception.to,
                    broadcast,
                    from,
                    until,
                    shared,
                    instead,
                });
            }
        }
    }

    /// Drops all that waits.
    pub(super) fn forget_batches(&mut self) {
        self.is_dirty = false;
        self.links.values_mut().for_each(|member| member.before = Place::default());
        for batch in &mut self.batches {
            *batch = Batch { members: batch.members, ..Batch::default() };
        }
    }

    /// Passes on all that waits: to each member its bytes, with the number of
    /// messages in them.
    pub(super) fn send(&mut self, mut pass: impl FnMut(&Arc<Link>, &Bytes, usize)) {
        self.is_dirty = false;
        let Self { links, batches, .. } = self;
        let before = |id| links.get(&id).map_or(Place::default(), |member| member.before);
        let parcels = batches.iter_mut().map(|batch| batch.take(before)).collect::<Vec<_>>();
        for (id, member) in links {
            let parcel = &parcels[usize::from(member.edition.0)];
            let before = std::mem::take(&mut member.before);
            match parcel.own.get(id) {
                Some((_, 0)) => {}
                Some((bytes, messages)) => pass(&member.link, bytes, *messages),
                None => parcel.pass_shared(before, |bytes, messages| pass(&member.link, bytes, messages)),
            }
        }
    }
}

/// A batch, ready to leave.
struct Parcel {
    shared: (Bytes, usize),
    own: IndexMap<ClientId, (Bytes, usize)>,
}

impl Parcel {
    fn pass_shared(&self, before: Place, pass: impl FnOnce(&Bytes, usize)) {
        let (bytes, messages) = &self.shared;
        match messages - before.messages {
            0 => {}
            all if all == *messages => pass(bytes, all),
            rest => pass(&bytes.slice(before.bytes..), rest),
        }
    }
}

impl Batch {
    /// `before` tells what of it is not for a member.
    fn take(&mut self, before: impl Fn(ClientId) -> Place) -> Parcel {
        let shared = self.shared.take();
        self.broadcasts = 0;
        let mut own: IndexMap<ClientId, Own> = IndexMap::new();
        for exception in self.exceptions.drain(..) {
            let begin = || Own::behind(before(exception.to));
            own.entry(exception.to).or_insert_with(begin).add(&shared.0, &exception);
        }
        let own = own.into_iter().map(|(id, own)| (id, own.finish(&shared))).collect();
        Parcel { shared, own }
    }
}

/// What one member gets of a batch that differs from the others'.
#[derive(Default)]
struct Own {
    out: Encoded,
    /// So much of the shared bytes is in it or left out.
    done: usize,
    /// So many of the shared messages are left out.
    left_out: usize,
    /// The last broadcast that it has something else of.
    broadcast: usize,
}

impl Own {
    fn behind(before: Place) -> Self {
        Self { done: before.bytes, left_out: before.messages, ..Self::default() }
    }

    fn add(&mut self, shared: &[u8], exception: &Exception) {
        // Of two for one member the first counts.
        if exception.broadcast == self.broadcast {
            return;
        }
        self.broadcast = exception.broadcast;
        self.out.bytes.extend_from_slice(&shared[self.done..exception.from]);
        self.out.bytes.extend_from_slice(&exception.instead.bytes);
        self.out.messages += exception.instead.messages;
        self.left_out += exception.shared;
        self.done = exception.until;
    }

    fn finish(mut self, (bytes, messages): &(Bytes, usize)) -> (Bytes, usize) {
        self.out.bytes.extend_from_slice(&bytes[self.done..]);
        self.out.messages += messages - self.left_out;
        self.out.take()
    }
}

impl Encoded {
    pub(super) fn add(&mut self, message: &Message) {
        frame::encode(message, &mut self.bytes);
        self.messages += 1;
    }

    /// Puts frames before those that are here.
    pub(super) fn prepend(&mut self, bytes: &[u8], messages: usize) {
        let own = self.bytes.split();
        self.bytes.extend_from_slice(bytes);
        self.bytes.unsplit(own);
        self.messages += messages;
    }

    pub(super) fn take(&mut self) -> (Bytes, usize) {
        (self.bytes.split().freeze(), std::mem::take(&mut self.messages))
    }
}
