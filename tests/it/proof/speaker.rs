//! A client's record, as one who says something: what it was answered.

use std::collections::HashMap;

use super::checker::{Log, Summary, shown};
use super::record::{Life, Message, Record, Step};
use super::violation::{Rule, Violation};

/// One client, and what it said.
pub struct Speaker<'r, 'l> {
    record: &'r Record,
    log: &'l Log<'r>,
    said: HashMap<&'r str, Said<'r>>,
    /// The ids, in the order that they were sent first.
    order: Vec<&'r str>,
}

/// One message, and what came of it.
struct Said<'r> {
    message: Message,
    times: usize,
    refusals: usize,
    acked: Option<&'r str>,
    /// The own copy had no position: it is not kept.
    is_unplaced: bool,
}

impl<'r, 'l> Speaker<'r, 'l> {
    pub fn new(record: &'r Record, log: &'l Log<'r>) -> Self {
        Self { record, log, said: HashMap::new(), order: Vec::new() }
    }

    pub fn check(mut self, summary: &mut Summary) -> Result<(), Violation> {
        let mut life = None;
        let (record, name) = (self.record, &self.record.name);
        for step in &record.steps {
            match step {
                Step::Connected { life: now, .. } => life = Some(now),
                Step::Said { id, room, text } => self.say(id, Message::new(room, name, text)),
                Step::Acked { id, room, pos } => {
                    let is_lost = self.acked(id, room, pos, life)?;
                    summary.lost += usize::from(is_lost);
                }
                // Not an answer: nobody knows.
                Step::Refused { code, .. } if code == "unsure" => {}
                Step::Refused { id, .. } => {
                    summary.refused += 1;
                    self.said.get_mut(id.as_str()).into_iter().for_each(|said| said.refusals += 1);
                }
                Step::Heard { message, pos: None, id: Some(id) } if message.from == *name => {
                    self.said.get_mut(id.as_str()).into_iter().for_each(|said| said.is_unplaced = true);
                }
                _ => {}
            }
        }
        summary.acked += self.said.values().filter(|said| said.acked.is_some()).count();
        self.outcomes()?;
        self.order()
    }

    fn say(&mut self, id: &'r str, message: Message) {
        let order = &mut self.order;
        let said = self.said.entry(id).or_insert_with(|| {
            order.push(id);
            Said { message, times: 0, refusals: 0, acked: None, is_unplaced: false }
        });
        said.times += 1;
    }

    /// Whether what was acknowledged is gone with the power.
    fn acked(
        &mut self,
        id: &'r str,
        room: &str,
        pos: &'r str,
        life: Option<&Life>,
    ) -> Result<bool, Violation> {
        let name = &self.record.name;
        let Some(said) = self.said.get_mut(id) else {
            return fails(Rule::AckedWasSaid, format!("{name} did not say {id}, and it was acknowledged"));
        };
        let shown = shown(&said.message, pos);
        if let Some(first) = said.acked.replace(pos)
            && first != pos
        {
            return fails(Rule::OneAckAnId, format!("{shown} ({id}) was acknowledged at {first} before"));
        }
        if room != said.message.room {
            return fails(Rule::AckedAtItsPosition, format!("{shown} ({id}) was acknowledged in {room}"));
        }
        let kept = self.log.find(&said.message).map(|index| &self.log.kept[index].pos);
        let may_be_gone = life.is_some_and(|life| self.log.power_cut(life).is_some());
        match kept {
            Some(kept) if kept == pos => Ok(false),
            _ if may_be_gone && self.log.at(pos).is_none() => Ok(true),
            Some(kept) => {
                fails(Rule::AckedAtItsPosition, format!("{shown} ({id}) was acknowledged, and is at {kept}"))
            }
            None => {
                fails(Rule::AckedIsKept, format!("{shown} ({id}) was acknowledged, and is not in the log"))
            }
        }
    }

    /// Whether all was answered, and the answers are true.
    fn outcomes(&self) -> Result<(), Violation> {
        for id in &self.order {
            let said = &self.said[id];
            let kept = self.log.find(&said.message).map(|index| &self.log.kept[index].pos);
            if let Some(pos) = kept {
                let shown = shown(&said.message, pos);
                if said.refusals >= said.times {
                    return fails(Rule::RefusedIsNotKept, format!("{shown} ({id}) was refused"));
                }
                if said.is_unplaced {
                    return fails(Rule::UnplacedIsNotKept, format!("{shown} ({id}) was shown as not kept"));
                }
            }
            let is_answered = said.acked.is_some() || said.refusals > 0 || said.is_unplaced;
            if self.record.is_finished && !is_answered {
                let (name, text) = (&self.record.name, &said.message.text);
                return fails(
                    Rule::SaidIsAnswered,
                    format!("{name} never heard what became of {text:?} ({id})"),
                );
            }
        }
        Ok(())
    }

    /// Whether what is kept is in the order that it was said in.
    fn order(&self) -> Result<(), Violation> {
        let mut latest: HashMap<&str, usize> = HashMap::new();
        let most = if self.log.terms.store_failed { 1 } else { usize::MAX };
        let is_meant = |said: &&Said<'_>| said.refusals == 0 && said.times <= most;
        for said in self.order.iter().map(|id| &self.said[id]).filter(is_meant) {
            let Some(index) = self.log.find(&said.message) else { continue };
            let before = latest.insert(&said.message.room, index);
            if let Some(before) = before.filter(|before| *before > index) {
                let [one, other] = [index, before].map(|index| &self.log.kept[index]);
                let (one, other) = (shown(&one.message, &one.pos), &other.message.text);
                return fails(Rule::SaidOrderIsKept, format!("{one} was said after {other:?}"));
            }
        }
        Ok(())
    }
}

pub fn fails<T>(rule: Rule, words: String) -> Result<T, Violation> {
    Err(Violation { rule, words })
}
