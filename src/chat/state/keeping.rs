//! What is said on its way through the store, and what comes of it: the store's tail is what
//! the rooms hear.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Problem, State};
use crate::chat::dialect::Listener;
use crate::chat::pending::OnItsWay;
use crate::chat::recent::{Entry, Speaker};
use crate::chat::sessions::{Settled, Token};
use crate::chat::{NameKey, OnStoreFailure, RoomName};
use crate::protocol::{ChatMessage, Event};
use crate::store::{
    Appended, Delivery, Draft, Outcome, Position, Record, StoreError, StoreErrorKind, Ticket,
};
use crate::{ClientId, Escaped, Instead, Turn};

/// How long a message waits for the store before its sender is told that nobody knows.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one client said that the store has, and has not told what came of.
pub(super) struct Waiting {
    pub ticket: Ticket,
    pub who: ClientId,
    pub token: Token,
    pub speaker: Speaker,
    pub id: Option<String>,
    pub since: Instant,
    pub progress: Progress,
    /// What was said, where people talk on without the store.
    pub draft: Option<Draft>,
    /// The member's other wishes wait for it.
    pub on_its_way: Option<OnItsWay>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    /// Its sender was told that nobody knows whether it is kept.
    Unsure,
    /// It was said without the store.
    Said,
}

/// The store fails.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub words: String,
    /// It has not answered, rather than said no.
    is_silent: bool,
    /// All who are here were told that what is said is not kept.
    is_told: bool,
}

/// How many messages the store did not take, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unkept {
    pub refused: u64,
    pub degraded: u64,
    /// The store has not answered in time, and may have taken them.
    pub unsure: u64,
}

impl State {
    /// Hands a message to the store; what comes of it comes at once, or by
    /// [`deliver`](Self::deliver).
    pub(super) fn submit(&mut self, turn: &mut Turn<'_>, draft: Draft, mut waiting: Waiting) {
        let is_degrading = self.on_store_failure == OnStoreFailure::Degrade;
        // A store that does not answer is not asked more, where people may talk on.
        if is_degrading && self.trouble.as_ref().is_some_and(|trouble| trouble.is_silent) {
            return self.say_unkept(turn, &draft, &waiting);
        }
        waiting.draft = is_degrading.then(|| draft.clone());
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        waiting.ticket = ticket;
        match self.store.append(ticket, draft) {
            Some(outcome) => self.settle(turn, waiting, outcome),
            None => {
                self.waiting.insert(ticket, waiting);
                self.commit_at_end(turn);
            }
        }
    }

    /// What the store took in this turn is for one transaction.
    fn commit_at_end(&self, turn: &mut Turn<'_>) {
        if !self.is_commit_due.swap(true, Ordering::Relaxed) {
            let (store, is_due) = (self.store.clone(), self.is_commit_due.clone());
            turn.at_end(move || {
                is_due.store(false, Ordering::Relaxed);
                store.commit();
            });
        }
    }

    /// What the store's tail brings: what came of what was said, and what others said.
    pub(in crate::chat) fn deliver(&mut self, turn: &mut Turn<'_>, deliveries: Vec<Delivery>) {
        for Delivery { ticket, outcome } in deliveries {
            match ticket.and_then(|ticket| self.waiting.remove(&ticket)) {
                Some(waiting) => self.settle(turn, waiting, outcome),
                None => {
                    if let Ok(Appended::New(record)) = outcome {
                        self.show(turn, &record, None);
                    }
                }
            }
        }
    }

    fn settle(&mut self, turn: &mut Turn<'_>, mut waiting: Waiting, outcome: Outcome) {
        let appended = match outcome {
            Ok(appended) => appended,
            Err(error) => return self.note_failed(turn, &waiting, &error),
        };
        self.note_recovered(turn);
        let (room, position) = match &appended {
            Appended::New(record) => (&record.room, record.position),
            Appended::Known { room, position } => (room, *position),
        };
        let room = RoomName::kept(room.clone());
        if let Some(id) = &waiting.id
            && let Some(session) = self.sessions.get(&waiting.token)
        {
            session.note_settled(id, Settled::Kept(room.clone(), position));
            // It may be that it was sent twice, and said without the store the other time.
            if session.settled(id) == Some(Settled::Said) {
                waiting.progress = Progress::Said;
            }
        }
        match appended {
            Appended::New(record) => self.show(turn, &record, Some(&waiting)),
            Appended::Known { .. } if waiting.progress == Progress::Said => {}
            Appended::Known { .. } => {
                if let Some(ack) = self.ack_of(&waiting, &room, position) {
                    self.answer(turn, waiting.who, &ack);
                }
            }
        }
    }

    /// A message is in the log: its room hears it, and its sender that it is kept.
    fn show(&mut self, turn: &mut Turn<'_>, record: &Record, waiting: Option<&Waiting>) {
        let room = RoomName::kept(record.room.clone());
        let ack = waiting.and_then(|waiting| self.ack_of(waiting, &room, record.position));
        if self.deletions.cover(record) {
            // Deleted while it was on its way, it is shown to nobody.
            if let (Some(waiting), Some(ack)) = (waiting, &ack) {
                self.answer(turn, waiting.who, ack);
            }
            return;
        }
        let speaker = waiting.map(|waiting| waiting.speaker.clone());
        let entry = Entry::of(&self.positions, record, speaker);
        let said = entry.said.clone();
        let is_known = !self.recent.push(&room, entry);
        match waiting {
            // It came in with what a newcomer to the room was told of the time before.
            None if is_known => return,
            Some(waiting) if waiting.progress == Progress::Said => return,
            _ => {}
        }
        self.tell_said(turn, &room, &said.event, NameKey::kept(&record.author), waiting, ack);
    }

    /// Has a room hear a message, and its sender an own copy of it with what follows.
    fn tell_said(
        &self,
        turn: &mut Turn<'_>,
        room: &RoomName,
        said: &Event,
        author: NameKey,
        waiting: Option<&Waiting>,
        ack: Option<Event>,
    ) {
        let who = waiting.map(|waiting| waiting.who);
        let author = waiting.map_or(author, |waiting| waiting.speaker.lock().clone());
        let mut instead = self.deaf_to(&author, who);
        if let (Some(who), Some(ack)) = (who, &ack)
            && !self.is_in(room, who)
        {
            // It left the room before this was settled.
            self.answer(turn, who, ack);
        }
        let own = waiting.and_then(|waiting| own_copy(said, waiting));
        let own_events = own.iter().chain(&ack);
        if own.is_some()
            && let Some(person) = who.and_then(|who| self.people.get(&who))
        {
            let dialect = self.dialect(person);
            let own = own_events.filter_map(|event| dialect.write(event, Listener::default())).collect();
            instead.push(Instead::of(person.client.id(), own));
        }
        if let Some(state) = self.rooms.get(room) {
            turn.broadcast_each(&state.hub_room, |edition| self.write(said, edition), &instead);
        }
    }

    fn ack_of(&self, waiting: &Waiting, room: &RoomName, position: Position) -> Option<Event> {
        waiting.id.as_deref().map(|id| self.ack(id, room, position))
    }

    pub(super) fn ack(&self, id: &str, room: &RoomName, position: Position) -> Event {
        let (room, pos) = (Some(room.to_string()), Some(self.positions.show(position)));
        Event::Ack { id: id.to_owned(), room, pos }
    }

    fn is_in(&self, room: &RoomName, who: ClientId) -> bool {
        self.rooms.get(room).is_some_and(|room| room.people.contains(&who))
    }

    fn note_failed(&mut self, turn: &mut Turn<'_>, waiting: &Waiting, error: &StoreError) {
        let is_trouble = error.kind() != StoreErrorKind::Behind;
        if is_trouble {
            self.note_trouble(error.to_string(), false);
        }
        match &waiting.draft {
            Some(draft)
                if waiting.progress == Progress::Waiting && (is_trouble || self.trouble.is_some()) =>
            {
                self.say_earlier(turn, waiting);
                self.say_unkept(turn, draft, waiting);
            }
            _ if waiting.progress == Progress::Said => {}
            _ => {
                self.unkept.refused += 1;
                let words = format!("not said, for it cannot be kept: {}", error.kind().hint());
                self.refuse(turn, waiting.who, Problem::new("not_kept", words), waiting.id.clone());
            }
        }
    }

    /// Answers one who sends again what was said without the store.
    pub(super) fn answer_again(&self, turn: &mut Turn<'_>, draft: &Draft, waiting: &Waiting) {
        if let Some(own) = own_copy(&unkept(draft), waiting) {
            self.answer(turn, waiting.who, &own);
        }
    }

    /// Says what the same client said before and the store still has, for that cannot come
    /// behind.
    fn say_earlier(&mut self, turn: &mut Turn<'_>, later: &Waiting) {
        let is_earlier = |waiting: &Waiting| waiting.who == later.who && waiting.can_be_said();
        let earlier = self.waiting.range(..later.ticket).filter(|(_, waiting)| is_earlier(waiting));
        let earlier = earlier.map(|(ticket, _)| *ticket).collect::<Vec<_>>();
        earlier.into_iter().for_each(|ticket| self.give_up(turn, ticket));
    }

    /// Says something to those who are here, without a place in the log.
    fn say_unkept(&mut self, turn: &mut Turn<'_>, draft: &Draft, waiting: &Waiting) {
        let session = self.sessions.get(&waiting.token);
        match session.and_then(|session| session.settled(waiting.id.as_deref()?)) {
            None => {}
            Some(Settled::Said) => return self.answer_again(turn, draft, waiting),
            Some(Settled::Kept(room, position)) => {
                let ack = self.ack_of(waiting, &room, position);
                return ack.iter().for_each(|ack| self.answer(turn, waiting.who, ack));
            }
        }
        self.tell_trouble(turn);
        self.unkept.degraded += 1;
        let (room, said) = (RoomName::kept(draft.room.clone()), unkept(draft));
        self.tell_said(turn, &room, &said, NameKey::kept(&draft.author), Some(waiting), None);
        if let (Some(id), Some(session)) = (&waiting.id, self.sessions.get(&waiting.token)) {
            session.note_settled(id, Settled::Said);
        }
    }

    fn note_trouble(&mut self, words: String, is_silent: bool) {
        if self.trouble.is_none() {
            log::error!("what is said cannot be kept: {}", Escaped::new(&words));
        }
        let is_told = self.trouble.as_ref().is_some_and(|trouble| trouble.is_told);
        self.trouble = Some(Trouble { words, is_silent, is_told });
    }

    /// Tells all who are here that something is said without being kept, the first time.
    fn tell_trouble(&mut self, turn: &mut Turn<'_>) {
        if let Some(trouble) = self.trouble.as_mut().filter(|trouble| !trouble.is_told) {
            trouble.is_told = true;
            let text = "what is said from here on is not kept: who is away will miss it".to_owned();
            self.notify(turn, &Event::Notice { text });
        }
    }

    fn note_recovered(&mut self, turn: &mut Turn<'_>) {
        let Some(trouble) = self.trouble.take() else { return };
        log::info!("what is said is kept again");
        if trouble.is_told {
            self.notify(turn, &Event::Notice { text: "what is said is kept again".to_owned() });
        }
    }

    /// Whether there is something to look after.
    pub(in crate::chat) fn needs_look(&self) -> bool {
        self.trouble.is_some() || !self.waiting.is_empty()
    }

    /// Looks after messages that the store is silent about, and whether it is well again. To
    /// be called now and then.
    pub(in crate::chat) fn look_after(&mut self, turn: &mut Turn<'_>, is_healthy: bool) {
        let now = Instant::now();
        let is_late = |waiting: &Waiting| {
            waiting.progress == Progress::Waiting && now.duration_since(waiting.since) >= PATIENCE
        };
        // In the order said.
        let late = self.waiting.iter().filter(|(_, waiting)| is_late(waiting)).map(|(ticket, _)| *ticket);
        let mut late = late.collect::<Vec<_>>();
        if !late.is_empty() {
            let words = format!("the store has not answered for {} s", PATIENCE.as_secs());
            self.note_trouble(words, true);
            // What was said later is not for later, where people talk on: the order is theirs.
            let given_up = |waiting: &Waiting| is_late(waiting) || waiting.can_be_said();
            let given_up = self.waiting.iter().filter(|(_, waiting)| given_up(waiting));
            late = given_up.map(|(ticket, _)| *ticket).collect();
        }
        for ticket in late {
            self.give_up(turn, ticket);
        }
        if is_healthy && self.waiting.is_empty() {
            self.note_recovered(turn);
        }
    }

    /// Waits no more for what comes of a message; should it come, it is heeded.
    fn give_up(&mut self, turn: &mut Turn<'_>, ticket: Ticket) {
        let Some(mut waiting) = self.waiting.remove(&ticket) else { return };
        waiting.on_its_way = None;
        waiting.progress = match waiting.draft.take() {
            Some(draft) => {
                self.say_unkept(turn, &draft, &waiting);
                Progress::Said
            }
            None => {
                self.unkept.unsure += 1;
                let words = "nobody knows whether this is kept: the store does not answer; \
                             the same again under the same id is not said twice";
                self.refuse(turn, waiting.who, Problem::new("unsure", words), waiting.id.clone());
                Progress::Unsure
            }
        };
        self.waiting.insert(ticket, waiting);
    }

    /// Why what is said is not kept now, where it is not.
    pub(in crate::chat) fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|trouble| &*trouble.words)
    }
}

impl Waiting {
    /// Whether it can be said without the store, and was not.
    fn can_be_said(&self) -> bool {
        self.progress == Progress::Waiting && self.draft.is_some()
    }
}

fn unkept(draft: &Draft) -> Event {
    Event::Message(ChatMessage {
        room: draft.room.to_string(),
        from: draft.from.clone(),
        text: draft.text.clone(),
        pos: String::new(),
        time: draft.time,
        action: draft.action,
        id: None,
    })
}

/// The sender's own copy, which has its id.
fn own_copy(said: &Event, waiting: &Waiting) -> Option<Event> {
    let (Some(_), Event::Message(message)) = (&waiting.id, said) else { return None };
    Some(Event::Message(ChatMessage { id: waiting.id.clone(), ..message.clone() }))
}
