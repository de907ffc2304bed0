//! Twenty people who chat while others attack, and judge whether they were disturbed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chinwag::{ConnectOptions, Sender};
use parking_lot::Mutex;

use crate::support::PATIENCE;

pub const PEOPLE: usize = 20;
/// Somebody says something each time: every one of them five times a second, which the
/// default rate allows.
const TICK: Duration = Duration::from_millis(10);

pub struct Crowd {
    talk: Arc<Talk>,
    threads: Vec<JoinHandle<()>>,
}

struct Talk {
    /// Bytes that each message has behind its number.
    words: AtomicUsize,
    /// When each message was said; held while one is, so that who holds it stops the talk.
    said: Mutex<Said>,
    /// What each of them has heard, in order, and when.
    heard: Vec<Mutex<Vec<(usize, Instant)>>>,
    /// Why somebody is not in the chat any more.
    lost: Mutex<Option<String>>,
}

#[derive(Default)]
struct Said {
    at: Vec<Instant>,
    is_over: bool,
}

impl Crowd {
    /// Joins, and begins to talk.
    pub fn gather(url: &str, options: &ConnectOptions) -> Self {
        let talk = Arc::new(Talk {
            words: AtomicUsize::new(0),
            said: Mutex::default(),
            heard: (0..PEOPLE).map(|_| Mutex::default()).collect(),
            lost: Mutex::default(),
        });
        let mut senders = Vec::new();
        let mut threads = Vec::new();
        for person in 0..PEOPLE {
            let mut connection = options.connect(&format!("{url}?name=Crowd%20{person}")).unwrap();
            // From here on everything is heard.
            while crate::support::hear(&mut connection) != format!("Welcome Crowd {person}.") {}
            let (sender, mut receiver) = connection.split();
            senders.push(sender);
            let talk = talk.clone();
            threads.push(thread::spawn(move || {
                let end = loop {
                    match receiver.recv() {
                        Ok(message) => talk.note(person, message.as_text().unwrap_or_default()),
                        Err(error) => break error,
                    }
                };
                if !talk.said.lock().is_over {
                    talk.lost.lock().get_or_insert(format!("person {person}: {end}"));
                }
            }));
        }
        let talking = talk.clone();
        threads.push(thread::spawn(move || talking.run(&senders)));
        Self { talk, threads }
    }

    /// Has them say so many bytes each time, until what this returns goes.
    pub fn talk_at_length(&self, bytes: usize) -> impl Drop + use<> {
        self.talk.words.store(bytes, Ordering::SeqCst);
        AtLength(self.talk.clone())
    }

    /// How many messages have been said.
    pub fn said(&self) -> usize {
        self.talk.said.lock().at.len()
    }

    /// Lets them talk for a while; which messages that were.
    pub fn listen(&self, time: Duration) -> Range<usize> {
        let from = self.said();
        thread::sleep(time);
        from..self.said()
    }

    /// Asserts that everybody has heard all that was said, once, and in one order.
    pub fn check(&self, after: &str) {
        let said = self.talk.said.lock();
        let deadline = Instant::now() + PATIENCE;
        let is_behind = || self.talk.heard.iter().any(|heard| heard.lock().len() < said.at.len());
        while is_behind() && self.talk.lost.lock().is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        let lost = self.talk.lost.lock();
        assert!(lost.is_none(), "{after}: {lost:?}");
        let order = |person: usize| {
            self.talk.heard[person].lock().iter().map(|(number, _)| *number).collect::<Vec<_>>()
        };
        let first = order(0);
        for person in 1..PEOPLE {
            assert!(order(person) == first, "{after}: person {person} heard something else than person 0");
        }
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..said.at.len()), "{after}: something was lost or doubled");
        for person in 0..PEOPLE {
            let own = first.iter().filter(|number| **number % PEOPLE == person);
            assert!(own.is_sorted(), "{after}: what person {person} said was heard in another order");
        }
    }

    /// The delivery time that 99 of 100 of these messages' deliveries did not exceed.
    pub fn p99(&self, messages: Range<usize>) -> Duration {
        let said = self.talk.said.lock();
        let mut times = Vec::new();
        for heard in &self.talk.heard {
            // What was said lately was heard lately.
            let heard = heard.lock();
            let recent = heard.iter().rev().take_while(|(number, _)| *number + 1000 >= messages.start);
            let wanted = recent.filter(|(number, _)| messages.contains(number));
            times.extend(wanted.map(|(number, at)| at.saturating_duration_since(said.at[*number])));
        }
        times.sort_unstable();
        assert!(!times.is_empty(), "nothing was said in {messages:?}");
        times[(times.len() * 99).div_ceil(100) - 1]
    }
}

impl Talk {
    fn note(&self, person: usize, line: &str) {
        let Some((_, number)) = line.strip_prefix("Crowd ").and_then(|rest| rest.split_once(" says: #"))
        else {
            return;
        };
        let number = number.split(' ').next().unwrap_or_default();
        self.heard[person].lock().push((number.parse().unwrap(), Instant::now()));
    }

    fn run(&self, senders: &[Sender]) {
        loop {
            {
                let mut said = self.said.lock();
                if said.is_over {
                    return senders.iter().for_each(Sender::abort);
                }
                let number = said.at.len();
                said.at.push(Instant::now());
                // Where it fails, the one who hears no more says why.
                let words = " bla".repeat(self.words.load(Ordering::SeqCst) / 4);
                let _ = senders[number % PEOPLE].send(format!("#{number}{words}"));
            }
            thread::sleep(TICK);
        }
    }
}

/// While it lives, the crowd talks at length.
struct AtLength(Arc<Talk>);

impl Drop for AtLength {
    fn drop(&mut self) {
        self.0.words.store(0, Ordering::SeqCst);
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.talk.said.lock().is_over = true;
        for thread in self.threads.drain(..).rev() {
            if thread.join().is_err() && !thread::panicking() {
                panic!("somebody in the crowd panicked");
            }
        }
    }
}
