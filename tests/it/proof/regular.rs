//! The same person with the library's own client, which comes back and says again by itself:
//! its receipts are the acks.

use std::collections::VecDeque;
use std::time::Duration;

use chinwag::chat_client::{Backoff, ChatClient, Kept, NotKept, Receipt, Update};
use chinwag::protocol::{Ask, ChatMessage, Event};
use crossbeam_channel::Receiver;

use super::person::{Person, ROOMS};
use super::record::{Message, Record, Step};
use crate::support::PATIENCE;

pub struct Regular {
    person: Person,
    chat: ChatClient,
    open: VecDeque<(Receipt, String)>,
}

/// As [`Person::run`].
pub fn run(person: Person) -> Record {
    let quick = Backoff::new(Duration::from_millis(5), Duration::from_millis(50));
    let builder = ChatClient::builder(person.url(), person.name()).room(ROOMS[0]).reconnect(Some(quick));
    let (chat, updates) = builder.connect().unwrap();
    chat.ask(Ask::Join { room: ROOMS[1].to_owned(), since: None }).unwrap();
    Regular { person, chat, open: VecDeque::new() }.run(&updates)
}

impl Regular {
    fn run(mut self, updates: &Receiver<Update>) -> Record {
        loop {
            self.talk();
            self.settle();
            self.person.note_quiet(self.open.len());
            if self.person.has_heard_the_end() && self.open.is_empty() {
                break;
            }
            self.take(updates.recv_timeout(PATIENCE).expect("an update"));
        }
        assert_eq!(self.chat.close(PATIENCE), 0);
        self.person.finished()
    }

    fn talk(&mut self) {
        while let Some(message) = self.person.next_to_say(self.open.len()) {
            let Message { room, text, .. } = message;
            let receipt = self.chat.say(&*room, &*text).unwrap();
            self.person.note(Step::Said { id: receipt.id().to_owned(), room: room.clone(), text });
            self.open.push_back((receipt, room));
        }
    }

    /// Writes down what became of what was said.
    fn settle(&mut self) {
        let mut settled = Vec::new();
        self.open.retain(|(receipt, room)| {
            let outcome = receipt.outcome();
            settled.extend(outcome.clone().map(|outcome| (receipt.id().to_owned(), room.clone(), outcome)));
            outcome.is_none()
        });
        for (id, room, outcome) in settled {
            match outcome {
                Ok(Kept { pos: Some(pos), room: kept_in, .. }) => {
                    assert_eq!(kept_in, Some(room.clone()));
                    self.person.acked(id, room, pos);
                }
                Err(NotKept::Refused { code, .. }) => self.person.note(Step::Refused { id, code }),
                other => panic!("{id}: {other:?}"),
            }
        }
    }

    fn take(&mut self, update: Update) {
        match update {
            Update::Event(event) => self.hear(event),
            Update::Lost { .. } => self.person.note(Step::Lost),
            Update::Back { same_session } => assert!(same_session, "somebody else"),
            Update::Ended(ending) => panic!("ended: {ending}"),
            _ => {}
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Welcome { session, room, pos, .. } => {
                self.person.welcome(session);
                self.person.enter(&room, &pos);
            }
            Event::History { room, pos, messages, .. } => {
                self.person.enter(&room, &pos);
                self.person.hear_earlier(&room, messages.into_iter().map(|message| message.text));
            }
            Event::Message(ChatMessage { room, from, text, pos, id, .. }) => {
                let pos = (!pos.is_empty()).then_some(pos);
                self.person.hear_message(Message { room, from, text }, pos, id);
            }
            Event::Resumed { room, complete, missed } => {
                self.person.note(Step::Resumed { room, complete, missed });
            }
            Event::Gap { rooms, .. } => self.person.note(Step::Gap { rooms }),
            _ => {}
        }
    }
}
