//! Runs against a server that makes no mistake, imagined from a list of events: what the
//! checker must find good, whatever happens.

use std::collections::{HashSet, VecDeque};

use proptest::prelude::*;

use super::checker::Terms;
use super::record::{Kept, Life, Message, Record, Step};

pub const CLIENTS: usize = 3;
const ROOMS: [&str; 2] = ["lobby", "games"];

/// What happens; clients by number.
#[derive(Debug, Clone)]
pub enum Happening {
    Say {
        who: usize,
        room: usize,
        fate: Fate,
    },
    /// Somebody reads on, so many steps.
    Read {
        who: usize,
        steps: usize,
    },
    Cut {
        who: usize,
    },
    /// Comes back, where `forgetful` says that some of what was missed is gone.
    Return {
        who: usize,
        forgetful: bool,
    },
    /// Somebody reads too slowly.
    Drop {
        who: usize,
    },
    /// The server dies, and of what it kept the last `lost` with the power.
    Die {
        lost: usize,
    },
}

#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Kept,
    /// The connection is cut before it comes to the server.
    Vanishes,
    Refused,
    /// Shown to people, and not kept.
    Unplaced,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Run {
    pub records: Vec<Record>,
    pub kept: Vec<Kept>,
    pub power_cuts: HashSet<Life>,
}

pub fn happenings(power_cuts: bool) -> impl Strategy<Value = Vec<Happening>> {
    let who = || 0..CLIENTS;
    let fate = prop_oneof![
        6 => Just(Fate::Kept), 1 => Just(Fate::Vanishes), 1 => Just(Fate::Refused), 1 => Just(Fate::Unplaced),
    ];
    let most: usize = if power_cuts { 4 } else { 1 };
    let happening = prop_oneof![
        8 => (who(), 0..ROOMS.len(), fate).prop_map(|(who, room, fate)| Happening::Say { who, room, fate }),
        8 => (who(), 1..8_usize).prop_map(|(who, steps)| Happening::Read { who, steps }),
        2 => who().prop_map(|who| Happening::Cut { who }),
        4 => (who(), proptest::bool::weighted(0.2))
            .prop_map(|(who, forgetful)| Happening::Return { who, forgetful }),
        1 => who().prop_map(|who| Happening::Drop { who }),
        1 => (0..most).prop_map(|lost| Happening::Die { lost }),
    ];
    proptest::collection::vec(happening, 1..80)
}

impl Run {
    pub fn of(happenings: &[Happening]) -> Self {
        let mut server = Imagined::new();
        happenings.iter().for_each(|happening| server.take(happening));
        server.finish()
    }

    pub fn terms(&self) -> Terms {
        Terms { power_cuts: self.power_cuts.clone(), store_failed: true }
    }
}

struct Imagined {
    kept: Vec<Kept>,
    number: usize,
    life: u32,
    clients: Vec<Client>,
    power_cuts: HashSet<Life>,
}

struct Client {
    record: Record,
    /// What is on its way to it; nothing comes without a connection.
    coming: Option<VecDeque<Coming>>,
    /// What is not answered.
    open: VecDeque<(String, Message)>,
    /// Of the log so many have been heard, or are not to be.
    heard: usize,
    said: usize,
}

struct Coming {
    step: Step,
    /// How much of the log is heard with it.
    heard: Option<usize>,
}

impl Imagined {
    fn new() -> Self {
        let clients = (0..CLIENTS).map(|number| Client {
            record: Record::new(&format!("p{number}")),
            coming: None,
            open: VecDeque::new(),
            heard: 0,
            said: 0,
        });
        let (kept, power_cuts) = (Vec::new(), HashSet::new());
        let mut server = Self { kept, number: 0, life: 1, clients: clients.collect(), power_cuts };
        // Somebody was there first, so that there is a position to begin at.
        for room in ROOMS {
            server.clients[0].record.steps.push(Step::Said {
                id: room.to_owned(),
                room: room.to_owned(),
                text: room.to_owned(),
            });
            let pos = server.append(Message::new(room, "p0", room), usize::MAX, "");
            server.clients[0].record.steps.push(Step::Acked {
                id: room.to_owned(),
                room: room.to_owned(),
                pos,
            });
        }
        for who in 0..CLIENTS {
            server.clients[who].heard = server.kept.len();
            server.connect(who);
            let pos = server.kept.last().unwrap().pos.clone();
            for room in ROOMS.map(str::to_owned) {
                server.clients[who].record.steps.push(Step::Entered { room: room.clone(), pos: pos.clone() });
                server.clients[who].record.steps.push(Step::Live { room });
            }
        }
        server
    }

    fn life(&self) -> Life {
        Life { server: "imagined".to_owned(), number: self.life }
    }

    fn connect(&mut self, who: usize) {
        let (life, session) = (self.life(), format!("s{who}"));
        let client = &mut self.clients[who];
        client.coming = Some(VecDeque::new());
        client.record.steps.push(Step::Connected { life, session });
    }

    fn take(&mut self, happening: &Happening) {
        match *happening {
            Happening::Say { who, room, fate } => self.say(who, ROOMS[room], fate),
            Happening::Read { who, steps } => self.read(who, steps),
            Happening::Cut { who } => self.cut(who),
            Happening::Return { who, forgetful } => self.come_back(who, forgetful),
            Happening::Drop { who } => self.drop_some(who),
            Happening::Die { lost } => self.die(lost),
        }
    }

    fn say(&mut self, who: usize, room: &str, fate: Fate) {
        let client = &mut self.clients[who];
        if client.coming.is_none() {
            return;
        }
        client.said += 1;
        let (id, text) = (format!("c{}", client.said), format!("p{who} says {}", client.said));
        let message = Message::new(room, &client.record.name, &text);
        client.open.push_back((id.clone(), message.clone()));
        client.record.steps.push(Step::Said { id: id.clone(), room: room.to_owned(), text });
        match fate {
            Fate::Kept => self.keep(who, message, id),
            Fate::Vanishes => self.cut(who),
            Fate::Refused => self.tell(who, Step::Refused { id, code: "not_kept".to_owned() }, None),
            Fate::Unplaced => {
                for other in 0..CLIENTS {
                    let id = (other == who).then(|| id.clone());
                    self.tell(other, Step::Heard { message: message.clone(), pos: None, id }, None);
                }
            }
        }
    }

    /// Puts it into the log, and has everyone hear it.
    fn keep(&mut self, who: usize, message: Message, id: String) {
        let room = message.room.clone();
        let pos = self.append(message, who, &id);
        self.tell(who, Step::Acked { id, room, pos }, None);
    }

    fn append(&mut self, message: Message, who: usize, id: &str) -> String {
        self.number += 1;
        let pos = format!("e-{}", self.number);
        self.kept.push(Kept { pos: pos.clone(), message: message.clone() });
        for other in 0..CLIENTS {
            let id = (other == who).then(|| id.to_owned());
            let step = Step::Heard { message: message.clone(), pos: Some(pos.clone()), id };
            self.tell(other, step, Some(self.kept.len()));
        }
        pos
    }

    fn tell(&mut self, who: usize, step: Step, heard: Option<usize>) {
        if let Some(coming) = &mut self.clients[who].coming {
            coming.push_back(Coming { step, heard });
        }
    }

    fn read(&mut self, who: usize, steps: usize) {
        let client = &mut self.clients[who];
        for _ in 0..steps {
            let Some(Coming { step, heard }) = client.coming.as_mut().and_then(VecDeque::pop_front) else {
                return;
            };
            client.heard = heard.unwrap_or(client.heard);
            let answered = match &step {
                Step::Acked { id, .. } | Step::Refused { id, .. } => Some(id),
                Step::Heard { pos: None, id, .. } => id.as_ref(),
                _ => None,
            };
            client.open.retain(|(id, _)| Some(id) != answered);
            client.record.steps.push(step);
        }
    }

    fn cut(&mut self, who: usize) {
        if self.clients[who].coming.take().is_some() {
            self.clients[who].record.steps.push(Step::Lost);
        }
    }

    fn come_back(&mut self, who: usize, forgetful: bool) {
        if self.clients[who].coming.is_some() {
            return;
        }
        self.connect(who);
        let missed = self.kept[self.clients[who].heard..].to_vec();
        let skipped = if forgetful { missed.len().div_ceil(2) } else { 0 };
        let first = self.clients[who].heard + skipped;
        for room in ROOMS {
            let in_room = |kept: &&Kept| kept.message.room == room;
            let complete = missed[..skipped].iter().filter(in_room).count() == 0;
            let missed = missed[skipped..].iter().filter(in_room).count();
            self.tell(who, Step::Resumed { room: room.to_owned(), complete, missed }, None);
        }
        for (nth, Kept { pos, message }) in missed.into_iter().enumerate().skip(skipped) {
            let heard = Some(first + nth - skipped + 1);
            self.tell(who, Step::Heard { message, pos: Some(pos), id: None }, heard);
        }
        for room in ROOMS.map(str::to_owned) {
            self.tell(who, Step::Live { room }, None);
        }
        for (id, message) in self.clients[who].open.clone() {
            let (room, text) = (message.room.clone(), message.text.clone());
            self.clients[who].record.steps.push(Step::Said { id: id.clone(), room: room.clone(), text });
            match self.kept.iter().find(|kept| kept.message == message) {
                Some(Kept { pos, .. }) => {
                    let pos = pos.clone();
                    self.tell(who, Step::Acked { id, room, pos }, None);
                }
                None => self.keep(who, message, id),
            }
        }
    }

    /// What is on its way to a client is dropped, but for answers.
    fn drop_some(&mut self, who: usize) {
        let Some(coming) = &mut self.clients[who].coming else { return };
        let is_droppable =
            |coming: &Coming| matches!(&coming.step, Step::Heard { pos: Some(_), id: None, .. });
        let Some(first) = coming.iter().position(is_droppable) else { return };
        coming.remove(first);
        let rooms = ROOMS.map(str::to_owned).to_vec();
        coming.insert(first, Coming { step: Step::Gap { rooms }, heard: None });
    }

    fn die(&mut self, lost: usize) {
        (0..CLIENTS).for_each(|who| self.cut(who));
        if lost > 0 {
            self.power_cuts.insert(self.life());
            // Not what everything began with.
            let left = self.kept.len().saturating_sub(lost).max(ROOMS.len());
            self.kept.truncate(left);
            self.number += 1000;
            self.clients.iter_mut().for_each(|client| client.heard = client.heard.min(left));
        }
        self.life += 1;
    }

    fn finish(mut self) -> Run {
        for who in 0..CLIENTS {
            self.come_back(who, false);
        }
        for who in 0..CLIENTS {
            self.read(who, usize::MAX);
            self.clients[who].record.is_finished = true;
        }
        let records = self.clients.into_iter().map(|client| client.record).collect();
        Run { records, kept: self.kept, power_cuts: self.power_cuts }
    }
}
