//! Keeping order: what operators do. What it keeps others from is in `rules.rs`.

use super::rules::Leaving;
use super::settings::short;
use super::{Problem, State, now, parse_name, parse_room};
use crate::chat::bans::{Meant, Target, shown_name, terms};
use crate::chat::mutes::{MAX_MUTES, Mute};
use crate::chat::{Role, RoomName};
use crate::protocol::{Action, Ask, Ban, Event, Moderated};
use crate::{ClientId, Escaped, Turn};

/// So many rooms at most are locked.
const MAX_LOCKS: usize = 1000;
/// Where a ban meets more, each is not told of to the others: that they left says enough.
const MAX_TOLD: usize = 20;
/// So many bans at most are listed to one in the chat, the latest.
const MAX_LISTED: usize = 1000;
/// The longest time that can be said, a century; longer is for good.
const MAX_LASTING: u64 = 100 * 365 * 24 * 3600 * 1000;

/// Who gives an order.
#[derive(Debug, Clone)]
pub(in crate::chat) enum Operator {
    /// One who is in the chat, and has to have the right.
    Here(ClientId),
    /// One who got in another way, and goes by this name.
    Elsewhere(String),
}

/// One who has the right.
struct By {
    name: String,
    id: Option<ClientId>,
}

impl By {
    fn did(&self, action: Action) -> Moderated {
        Moderated {
            action,
            by: self.name.clone(),
            name: None,
            who: None,
            room: None,
            until: None,
            reason: String::new(),
            time: now(),
        }
    }
}

impl State {
    /// Does what an operator says, and answers one who is in the chat; what the answer is.
    pub(in crate::chat) fn order(
        &mut self,
        turn: &mut Turn<'_>,
        operator: Operator,
        ask: Ask,
    ) -> Result<Event, Problem> {
        let by = self.authorize(operator)?;
        let mut out = Vec::new();
        let done = match ask {
            Ask::Kick { name, reason } => self.kick(turn, &by, &name, &reason, &mut out),
            Ask::Ban { who, lasting, reason } => self.ban(turn, &by, &who, lasting, &reason, &mut out),
            Ask::Unban { who } => self.unban(&by, &who),
            Ask::Bans => {
                return Ok(self.list_bans(turn, &by));
            }
            Ask::Mute { name, lasting, reason } => self.mute(turn, &by, &name, lasting, &reason),
            Ask::Unmute { name } => self.unmute(turn, &by, &name),
            Ask::Lock { room } => self.lock(turn, &by, &room),
            Ask::Unlock { room } => self.unlock(turn, &by, &room),
            Ask::Notice { text } => return self.announce_notice(turn, &by, text),
            _ => Err(Problem::new("bad_request", "this is no order of an operator's")),
        }?;
        log_deed(&done);
        let event = self.answer_to_operator(turn, &by, Event::Moderated(done));
        // Only now, so that all hear why before they hear that somebody left.
        self.evict(turn, out);
        Ok(event)
    }

    fn list_bans(&self, turn: &mut Turn<'_>, by: &By) -> Event {
        let mut bans = self.bans.list(now());
        if by.id.is_some() {
            bans.drain(..bans.len().saturating_sub(MAX_LISTED));
        }
        self.answer_to_operator(turn, by, Event::Bans { bans })
    }

    fn answer_to_operator(&self, turn: &mut Turn<'_>, by: &By, event: Event) -> Event {
        if let Some(id) = by.id {
            self.answer(turn, id, &event);
        }
        event
    }

    fn authorize(&self, operator: Operator) -> Result<By, Problem> {
        let id = match operator {
            Operator::Elsewhere(name) => return Ok(By { name, id: None }),
            Operator::Here(id) => id,
        };
        let person = self.person(id)?;
        if person.role != Role::Operator {
            return Err(Problem::new("forbidden", "this is for operators only"));
        }
        Ok(By { name: person.name.to_string(), id: Some(id) })
    }

    fn kick(
        &mut self,
        turn: &mut Turn<'_>,
        by: &By,
        name: &str,
        reason: &str,
        out: &mut Vec<Leaving>,
    ) -> Result<Moderated, Problem> {
        let reason = short(reason)?;
        let person = self.person_named(name)?;
        let (who, name, token) = (person.client.id(), person.name.to_string(), person.token.clone());
        let words = format!("kicked by {}{}", by.name, terms(None, &reason));
        let done = Moderated { name: Some(name), reason, ..by.did(Action::Kick) };
        self.tell_around(turn, who, by, &done);
        // In a locked room nobody is kicked who may come back.
        for guests in self.locks.values_mut() {
            guests.remove(&token);
        }
        out.push(Leaving { who, words, session: None });
        Ok(done)
    }

    fn ban(
        &mut self,
        turn: &mut Turn<'_>,
        by: &By,
        who: &str,
        lasting: Option<u64>,
        reason: &str,
        out: &mut Vec<Leaving>,
    ) -> Result<Moderated, Problem> {
        let (reason, until) = (short(reason)?, end(lasting)?);
        let (target, who) = self.target(who)?;
        let is_own = |id| self.people.get(&id).is_some_and(|person| person.is_meant(&target));
        if by.id.is_some_and(is_own) {
            return Err(Problem::new("bad_request", "this would shut out yourself"));
        }
        let (by_name, time) = (by.name.clone(), now());
        self.bans.add(
            target.clone(),
            Ban { who: who.clone(), by: by_name, time, until, reason: reason.clone() },
        )?;
        let done = Moderated { until, reason, ..by.did(Action::Ban) };
        let meant = self.people.values().filter(|person| person.is_meant(&target));
        let meant = meant.map(|person| (person.client.id(), person.name.to_string())).collect::<Vec<_>>();
        let is_told = meant.len() <= MAX_TOLD;
        for (id, name) in meant {
            if is_told {
                // Where somebody comes from is not for the room.
                self.tell_around(turn, id, by, &Moderated { name: Some(name), ..done.clone() });
            }
            out.extend(self.ban_on(id));
        }
        Ok(Moderated { who: Some(who), ..done })
    }

    fn unban(&mut self, by: &By, who: &str) -> Result<Moderated, Problem> {
        let (target, shown) = self.target(who)?;
        let lifted = self.bans.remove(&target);
        let lifted = lifted.ok_or_else(|| Problem::new("no_such_ban", format!("{shown} is not banned")))?;
        Ok(Moderated { who: Some(lifted.who), ..by.did(Action::Unban) })
    }

    fn mute(
        &mut self,
        turn: &mut Turn<'_>,
        by: &By,
        name: &str,
        lasting: Option<u64>,
        reason: &str,
    ) -> Result<Moderated, Problem> {
        let (reason, until) = (short(reason)?, end(lasting)?);
        let person = self.person_named(name)?;
        let (who, name, subject) = (person.client.id(), person.name.to_string(), person.subject.clone());
        let (names, sessions) = (vec![person.key.clone()], vec![person.token.clone()]);
        let mute = Mute { until, reason: reason.clone(), names, sessions, subject };
        if !self.mutes.add(who, mute, now()) {
            return Err(Problem::new(
                "bad_request",
                format!("{MAX_MUTES} people are muted; unmute some first"),
            ));
        }
        let done = Moderated { name: Some(name), until, reason, ..by.did(Action::Mute) };
        self.tell_around(turn, who, by, &done);
        Ok(done)
    }

    fn unmute(&mut self, turn: &mut Turn<'_>, by: &By, name: &str) -> Result<Moderated, Problem> {
        let name = parse_name(name)?;
        let person = self.person_named(name.as_str()).ok();
        let who = person.map(|person| person.client.id());
        let shown = person.map_or_else(|| name.to_string(), |person| person.name.to_string());
        let token = person.map(|person| person.token.clone());
        let subject = person.and_then(|person| person.subject.clone());
        if !self.mutes.remove(&name.key(), token.as_ref(), subject.as_ref(), now()) {
            return Err(Problem::new("bad_request", format!("{shown} is not muted")));
        }
        let done = Moderated { name: Some(shown), ..by.did(Action::Unmute) };
        if let Some(who) = who {
            self.tell_around(turn, who, by, &done);
        }
        Ok(done)
    }

    fn lock(&mut self, turn: &mut Turn<'_>, by: &By, room: &str) -> Result<Moderated, Problem> {
        let room = self.ordered_room(by, room)?;
        if self.locks.contains_key(&room) {
            return Err(Problem::new("bad_request", format!("{room} is locked already")));
        }
        if self.locks.len() >= MAX_LOCKS {
            return Err(Problem::new(
                "bad_request",
                format!("{MAX_LOCKS} rooms are locked; unlock some first"),
            ));
        }
        let inside = self.rooms.get(&room).into_iter().flat_map(|room| &room.people);
        let guests = inside.filter_map(|id| self.people.get(id)).map(|person| person.token.clone()).collect();
        self.locks.insert(room.clone(), guests);
        Ok(self.tell_of_room(turn, by, Action::Lock, &room))
    }

    fn unlock(&mut self, turn: &mut Turn<'_>, by: &By, room: &str) -> Result<Moderated, Problem> {
        let room = self.ordered_room(by, room)?;
        if self.locks.remove(&room).is_none() {
            return Err(Problem::new("bad_request", format!("{room} is not locked")));
        }
        Ok(self.tell_of_room(turn, by, Action::Unlock, &room))
    }

    fn ordered_room(&self, by: &By, room: &str) -> Result<RoomName, Problem> {
        match by.id {
            Some(id) => self.meant_room(id, room),
            None => parse_room(room),
        }
    }

    fn announce_notice(&self, turn: &mut Turn<'_>, by: &By, text: String) -> Result<Event, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::new("empty", "there is no text"));
        }
        log::info!("{} told everyone: {}", Escaped::new(&by.name), Escaped::new(&text).cut(200));
        let event = Event::Notice { text };
        self.notify(turn, &event);
        Ok(event)
    }

    /// Who is meant by the words of a ban.
    fn target(&self, who: &str) -> Result<(Target, String), Problem> {
        let meant = match Meant::parse(who)? {
            Meant::AddressOf(name) => {
                let person = self.person_named(&name)?;
                Meant::address_of(&person.name, person.client.peer_addr())?
            }
            meant => meant,
        };
        match meant {
            // One who is here is called as that one writes it.
            Meant::Target(Target::Name(key), shown) => {
                let holder = self.names.get(&key).and_then(|id| self.people.get(id));
                let shown = holder.map_or(shown, |holder| shown_name(&holder.name));
                Ok((Target::Name(key), shown))
            }
            Meant::Target(target, shown) => Ok((target, shown)),
            Meant::AddressOf(name) => Err(Problem::new("no_such_name", format!("{name} is not here"))),
        }
    }

    /// Tells those who share a room with somebody, and that one, but not the operator, who
    /// is answered. Crowds are not told, as they are not told of comings and goings.
    fn tell_around(&self, turn: &mut Turn<'_>, who: ClientId, by: &By, done: &Moderated) {
        let Some(person) = self.people.get(&who) else { return };
        let rooms = self.rooms_around(person);
        let mut all =
            rooms.iter().flat_map(|room| room.people.iter().copied()).chain([who]).collect::<Vec<_>>();
        all.sort_unstable();
        all.dedup();
        let event = Event::Moderated(done.clone());
        self.tell_each(turn, all.iter().filter(|id| Some(**id) != by.id), &event);
    }

    fn tell_of_room(&self, turn: &mut Turn<'_>, by: &By, action: Action, room: &RoomName) -> Moderated {
        let done = Moderated { room: Some(room.to_string()), ..by.did(action) };
        let inside = self.rooms.get(room).into_iter().flat_map(|room| &room.people);
        self.tell_each(turn, inside.filter(|id| Some(**id) != by.id), &Event::Moderated(done.clone()));
        done
    }
}

/// When what lasts so long ends.
fn end(lasting: Option<u64>) -> Result<Option<u64>, Problem> {
    match lasting {
        Some(0) => Err(Problem::new("bad_request", "this would end at once")),
        Some(lasting) if lasting > MAX_LASTING => {
            Err(Problem::new("bad_request", "this is longer than a century; without a time it is for good"))
        }
        lasting => Ok(lasting.map(|lasting| now() + lasting)),
    }
}

fn log_deed(done: &Moderated) {
    let verb = match done.action {
        Action::Kick => "kicked",
        Action::Ban => "banned",
        Action::Unban => "unbanned",
        Action::Mute => "muted",
        Action::Unmute => "unmuted",
        Action::Lock => "locked",
        _ => "unlocked",
    };
    let whom = done.who.as_ref().or(done.name.as_ref()).or(done.room.as_ref());
    let whom = whom.map_or("", String::as_str);
    let terms = terms(done.until, &done.reason);
    log::info!("{} {verb} {}{}", Escaped::new(&done.by), Escaped::new(whom), Escaped::new(&terms));
}
