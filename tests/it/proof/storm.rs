//! Twenty people who talk as fast as they are answered, whatever happens to them.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::chance::Chance;
use super::checker::{Summary, Terms, check};
use super::network::Network;
use super::person::{Person, THE_END};
use super::progress::{Counts, Progress};
use super::record::{Kept, Record};

pub const PEOPLE: usize = 20;

/// How often something goes wrong in one storm.
pub fn rounds() -> usize {
    std::env::var("CHINWAG_STORM_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

pub struct Storm {
    network: Arc<Network>,
    pub chance: Chance,
    pub progress: Arc<Progress>,
    people: Vec<JoinHandle<Record>>,
    begun: Instant,
}

impl Storm {
    /// They come in, and begin to talk.
    pub fn begin(network: &Arc<Network>, chance: Chance) -> Self {
        Self::of(network, chance, |person| move || person.run())
    }

    /// The same of clients that are `made` of the people.
    pub fn of<R>(network: &Arc<Network>, chance: Chance, made: impl Fn(Person) -> R) -> Self
    where
        R: FnOnce() -> Record + Send + 'static,
    {
        let progress = Arc::<Progress>::default();
        let people = (0..PEOPLE).map(|number| {
            let name = format!("person{number}");
            let run = made(Person::new(&name, network, &progress, chance.fork(number as u64)));
            thread::Builder::new().name(name).spawn(run).unwrap()
        });
        let people = people.collect();
        Self { network: network.clone(), chance, progress, people, begun: Instant::now() }
    }

    /// Waits until so much more has happened.
    #[track_caller]
    pub fn rages(&self, what: &str, more: impl Fn(&Counts, &Counts) -> bool) {
        let before = self.progress.now();
        self.progress.wait(what, |now| more(&before, now));
    }

    /// Waits for a moment in which messages are under way.
    #[track_caller]
    pub fn rages_a_while(&mut self) {
        let more = 20 + self.chance.below(200) as usize;
        self.rages("they talk", |before, now| now.acked >= before.acked + more);
    }

    /// Lets all come to an answer, says the last word, and waits until all have heard it.
    pub fn ends(self) -> Vec<Record> {
        self.progress.silence();
        self.progress.wait("all is answered", |counts| counts.quiet == PEOPLE);
        let herald = Person::new("herald", &self.network, &self.progress, self.chance.fork(99));
        let herald = herald.speech(THE_END).run();
        let people = self.people.into_iter().map(|person| person.join().unwrap());
        let records = people.chain([herald]).collect();
        println!("the storm took {:?}", self.begun.elapsed());
        records
    }
}

/// Asserts that nothing was lost and nothing came twice.
#[track_caller]
pub fn assert_right(records: &[Record], kept: &[Kept], terms: &Terms) -> Summary {
    match check(records, kept, terms) {
        Ok(summary) => {
            println!("{summary:?}");
            summary
        }
        Err(violation) => {
            let path = std::env::temp_dir().join(format!("chinwag-storm-{}", std::process::id()));
            std::fs::write(&path, format!("{kept:#?}\n{records:#?}\n")).unwrap();
            panic!("{violation}; all of it is in {}", path.display());
        }
    }
}
