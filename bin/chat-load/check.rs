//! Whether every client heard every message, once, in the one order.
//!
//! While it goes well, a client costs one number: how far it is in the order that all
//! hear. One that hears something else from there on keeps what it hears, and is
//! looked at in the end. What most clients heard is then the order, so that one that
//! hears a message too early puts itself in the wrong, not the others.

use std::collections::HashMap;

/// A message: the sender and its number.
type Key = (u32, u32);

/// What one client heard.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    /// So many messages as in the line.
    at: usize,
    /// What came after that, once something else came.
    astray: Vec<Key>,
}

impl Heard {
    /// How many messages came, doubles too.
    pub fn count(&self) -> usize {
        self.at + self.astray.len()
    }

    /// Whether it heard what the others heard so far.
    pub fn is_in_line(&self) -> bool {
        self.astray.is_empty()
    }

    fn keys<'a>(&'a self, line: &'a [Key]) -> impl Iterator<Item = Key> + 'a {
        line[..self.at].iter().chain(&self.astray).copied()
    }
}

/// The order of messages, as heard by whoever heard each place of it first.
#[derive(Debug, Default)]
pub struct Line(Vec<Key>);

impl Line {
    /// A client heard a message.
    pub fn hear(&mut self, heard: &mut Heard, sender: u32, number: u32) {
        let key = (sender, number);
        if !heard.is_in_line() {
            heard.astray.push(key);
        } else if let Some(place) = self.0.get(heard.at) {
            if *place == key { heard.at += 1 } else { heard.astray.push(key) }
        } else {
            self.0.push(key);
            heard.at += 1;
        }
    }
}

/// What is wrong with what the clients heard.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    /// Which client it is and what it did not hear as it should.
    pub wrong: Vec<(usize, Faults)>,
}

/// What is wrong with what one client heard.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    pub lost: u64,
    pub doubled: u64,
    pub out_of_order: u64,
}

/// Judges what `clients` heard, where each sender sent `sent` messages.
pub fn judge(line: &Line, clients: &[&Heard], sent: &[u32]) -> Verdict {
    let judge = Judge::new(reference(line, clients, sent), sent);
    let mut known: HashMap<(usize, &[Key]), Faults> = HashMap::new();
    let mut verdict = Verdict::default();
    for (index, heard) in clients.iter().enumerate() {
        let same = (heard.at, heard.astray.as_slice());
        let faults = *known.entry(same).or_insert_with(|| judge.faults(heard.keys(&line.0)));
        if faults != Faults::default() {
            verdict.lost += faults.lost;
            verdict.doubled += faults.doubled;
            verdict.out_of_order += faults.out_of_order;
            verdict.wrong.push((index, faults));
        }
    }
    verdict
}

/// What most clients heard; of two that are as frequent, what keeps to each sender's order.
fn reference(line: &Line, clients: &[&Heard], sent: &[u32]) -> Vec<Key> {
    let mut votes: HashMap<(usize, &[Key]), usize> = HashMap::new();
    for heard in clients {
        // Who is only behind agrees with the whole line.
        let at = if heard.is_in_line() { line.0.len() } else { heard.at };
        *votes.entry((at, &heard.astray)).or_default() += 1;
    }
    let keys = |at: usize, astray: &[Key]| [&line.0[..at], astray].concat();
    let most = votes.values().copied().max().unwrap_or_default();
    votes
        .iter()
        .filter(|(_, count)| **count == most)
        .map(|((at, astray), _)| keys(*at, astray))
        .min_by_key(|keys| {
            let alone = Judge::new(Vec::new(), sent).faults(keys.iter().copied());
            (alone.out_of_order, alone.doubled, alone.lost)
        })
        .unwrap_or_default()
}

struct Judge {
    /// Where each sender's messages begin in `place`.
    first: Vec<usize>,
    /// Each message's place in the reference, from 1; 0 where it is not in it.
    place: Vec<u32>,
    sent: Vec<u32>,
}

impl Judge {
    fn new(reference: Vec<Key>, sent: &[u32]) -> Self {
        let first = sent.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + *count as usize)));
        let mut judge = Self { first: first.collect(), place: Vec::new(), sent: sent.to_vec() };
        judge.place = vec![0; sent.iter().map(|count| *count as usize).sum()];
        for (place, key) in (1..).zip(reference) {
            if let Some(index) = judge.index(key) {
                judge.place[index] = place;
            }
        }
        judge
    }

    /// A number for each message that was sent.
    fn index(&self, (sender, number): Key) -> Option<usize> {
        let sent = self.sent.get(sender as usize)?;
        (number < *sent).then(|| self.first[sender as usize] + number as usize)
    }

    fn faults(&self, keys: impl Iterator<Item = Key>) -> Faults {
        let mut faults = Faults::default();
        let mut came = vec![false; self.place.len()];
        let mut latest_of = vec![None; self.sent.len()];
        let mut latest_place = 0;
        let mut distinct = 0;
        for key in keys {
            // A message that nobody sent would be a double of nothing.
            let is_new = self.index(key).filter(|index| !std::mem::replace(&mut came[*index], true));
            let Some(index) = is_new else {
                faults.doubled += 1;
                continue;
            };
            distinct += 1;
            let latest = &mut latest_of[key.0 as usize];
            let place = self.place[index];
            if *latest > Some(key.1) || (place != 0 && place < latest_place) {
                faults.out_of_order += 1;
            }
            *latest = (*latest).max(Some(key.1));
            latest_place = latest_place.max(place);
        }
        faults.lost = self.place.len() as u64 - distinct;
        faults
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const A0: Key = (0, 0);
    const A1: Key = (0, 1);
    const A2: Key = (0, 2);
    const B0: Key = (1, 0);
    const SENT: &[u32] = &[3, 1];

    /// The verdict where these clients hear this, each all of its own before the next.
    fn verdict(clients: &[&[Key]]) -> Verdict {
        let mut line = Line::default();
        let mut heard = vec![Heard::default(); clients.len()];
        for (heard, keys) in heard.iter_mut().zip(clients) {
            keys.iter().for_each(|(sender, number)| line.hear(heard, *sender, *number));
        }
        judge(&line, &heard.iter().collect::<Vec<_>>(), SENT)
    }

    fn faults(lost: u64, doubled: u64, out_of_order: u64) -> Faults {
        Faults { lost, doubled, out_of_order }
    }

    #[test]
    fn all_that_came_once_and_in_one_order_is_right() {
        let all: &[Key] = &[A0, B0, A1, A2];
        assert_eq!(verdict(&[all, all, all]), Verdict::default());
    }

    #[test]
    fn the_one_that_heard_otherwise_is_named_whether_it_came_first_or_last() {
        let good: &[Key] = &[A0, B0, A1, A2];
        for (bad, expected) in [
            (&[A0, B0, A2] as &[Key], faults(1, 0, 0)),
            (&[A0, B0, A1], faults(1, 0, 0)),
            (&[], faults(4, 0, 0)),
            (&[A0, A0, B0, A1, A2], faults(0, 1, 0)),
            (&[A0, B0, A1, A2, A2], faults(0, 1, 0)),
            (&[A0, B0, A2, A1], faults(0, 0, 1)),
            (&[B0, A0, A1, A2], faults(0, 0, 1)),
            (&[A1, A1, A0, B0], faults(1, 1, 2)),
            (&[A0, B0, A1, A2, (7, 7)], faults(0, 1, 0)),
        ] {
            assert_eq!(verdict(&[bad, good, good]).wrong, [(0, expected)], "{bad:?} first");
            assert_eq!(verdict(&[good, good, bad]).wrong, [(2, expected)], "{bad:?} last");
            let (two, total) = (verdict(&[good, bad, bad, good, good]), expected);
            assert_eq!(
                (two.lost, two.doubled, two.out_of_order),
                (2 * total.lost, 2 * total.doubled, 2 * total.out_of_order)
            );
        }
    }

    #[test]
    fn of_two_that_disagree_the_one_that_mixes_up_a_sender_is_wrong() {
        let (good, bad): (&[Key], &[Key]) = (&[A0, A1, A2, B0], &[A0, A2, A1, B0]);
        assert_eq!(verdict(&[bad, good]).wrong, [(0, faults(0, 0, 1))]);
        assert_eq!(verdict(&[good, bad]).wrong, [(1, faults(0, 0, 1))]);
    }

    #[test]
    fn an_order_that_is_wrong_for_all_is_wrong() {
        let bad: &[Key] = &[A1, A0, A2, B0];
        assert_eq!(verdict(&[bad, bad, bad]).out_of_order, 3);
        assert_eq!(verdict(&[&[A0, B0, A2], &[A0, B0, A2]]).lost, 2);
        assert_eq!(verdict(&[&[], &[]]).lost, 8);
    }
}
