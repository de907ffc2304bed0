//! The ramp: steps up until one is bad, then closes in on the last good one.

use std::time::Duration;

use crate::args::Axis;
use crate::report::Outcome;
use crate::run::{Load, Runner};
use crate::stop::Stop;

/// Steps that close in, after the first bad one.
const REFINEMENTS: u32 = 4;
/// Close enough: the bad step is so much above the good one.
const CLOSE: f64 = 1.1;

/// What a ramp gave.
#[derive(Default)]
pub struct Ramp {
    pub steps: Vec<Outcome>,
    /// Which of the steps is the best good one.
    knee: Option<usize>,
    pub stopped_by: String,
    notes: Vec<String>,
    /// The machine, or the server, takes no more: nothing beyond can be tried.
    is_final: bool,
    /// The server, or the way to it, failed.
    has_failed: bool,
}

/// What to look for.
pub struct Search {
    pub axis: Axis,
    pub first: Load,
    pub bound: Duration,
}

impl Ramp {
    /// The best step that was good.
    pub fn knee(&self) -> Option<&Outcome> {
        self.knee.map(|index| &self.steps[index])
    }

    /// What to think of it: of the machine's limits, and of the knee and the step that the ramp
    /// ended on.
    pub fn notes(&self) -> Vec<String> {
        let steps = [self.knee(), self.steps.last()].into_iter().flatten();
        let of_step = |step: &Outcome| {
            step.notes.iter().map(|note| format!("{}, {note}", place(step))).collect::<Vec<_>>()
        };
        let mut notes: Vec<_> = self.notes.iter().cloned().chain(steps.flat_map(of_step)).collect();
        notes.dedup();
        notes
    }

    /// Whether it found what it looked for, nothing came doubled or out of order, and the
    /// server is still there.
    pub fn is_right(&self) -> bool {
        self.knee.is_some() && !self.has_failed && self.steps.iter().all(Outcome::is_ordered)
    }

    /// No more than `clients` can be brought in; whether they are worth a last step.
    fn end(&mut self, stop: &Stop, clients: usize) -> Result<bool, Stop> {
        if self.steps.is_empty() && (clients == 0 || !stop.is_limit()) {
            return Err(stop.clone());
        }
        self.is_final = true;
        self.has_failed = !stop.is_limit();
        self.stopped_by = stop.to_string();
        let best = self.knee().map_or(0, |knee| knee.clients as usize);
        Ok(clients > best && !self.has_failed)
    }

    /// Keeps what a step gave, and why it was bad; whether it was good.
    fn take(&mut self, outcome: Outcome, bad: Option<String>) -> bool {
        let (is_good, place) = (bad.is_none(), place(&outcome));
        self.steps.push(outcome);
        match bad {
            None => self.knee = Some(self.steps.len() - 1),
            Some(why) if self.is_final => self.stopped_by += &format!("; and with so many, {why}"),
            Some(why) => self.stopped_by = format!("{why}, {place}"),
        }
        is_good
    }
}

/// Looks for the most that stays within the bound.
pub fn find_limit(runner: &mut Runner, search: &Search) -> Result<Ramp, Stop> {
    let mut ramp = Ramp::default();
    let (mut good, mut bad) = (None, None);
    let mut next = search.start();
    let mut refinements = 0;
    loop {
        let is_good = step(runner, search, next, &mut ramp)?;
        if ramp.is_final {
            return Ok(ramp);
        }
        if is_good {
            good = Some(next)
        } else {
            bad = Some(next)
        }
        refinements += u32::from(bad.is_some());
        next = match (good, bad) {
            (Some(good), None) => good * 2.0,
            (Some(good), Some(bad)) if bad > good * CLOSE => search.whole((good + bad) / 2.0),
            (None, Some(bad)) if bad >= 2.0 => search.whole(bad / 4.0),
            _ => return Ok(ramp),
        };
        if refinements > REFINEMENTS || Some(next) == good || Some(next) == bad {
            return Ok(ramp);
        }
    }
}

/// Runs one step; whether it was good.
fn step(runner: &mut Runner, search: &Search, value: f64, ramp: &mut Ramp) -> Result<bool, Stop> {
    let mut load = search.load(value);
    let connect = match runner.gather(load.clients) {
        Ok(joins) => joins,
        Err(stop) => {
            load.clients = runner.make_do();
            load.senders = load.senders.min(load.clients);
            let goes_on = ramp.end(&stop, load.clients)?;
            ramp.notes.extend(runner.headroom());
            if !goes_on {
                return Ok(false);
            }
            None
        }
    };
    let mut outcome = runner.run(&load);
    if is_only_late(&outcome, search.bound) {
        // The machine may have had something else to do: only twice is a finding.
        let again = runner.run(&load);
        if again.p99() < outcome.p99() || !again.is_right() {
            outcome = again;
        }
    }
    let outcome = Outcome { connect, ..outcome };
    let bad = why_bad(&outcome, search.bound);
    let good = || format!("p99 {:?}", outcome.p99().unwrap_or_default());
    let words = bad.clone().unwrap_or_else(good);
    runner.progress.say(&format!("{}: {words}", place(&outcome)));
    Ok(ramp.take(outcome, bad))
}

fn place(step: &Outcome) -> String {
    format!("with {} clients and {:.0} messages a second", step.clients, step.rate)
}

fn is_only_late(outcome: &Outcome, bound: Duration) -> bool {
    outcome.is_right() && outcome.p99().is_some_and(|p99| p99 > bound)
}

/// Why a step was not good.
fn why_bad(outcome: &Outcome, bound: Duration) -> Option<String> {
    let p99 = outcome.p99().unwrap_or(Duration::MAX);
    if !outcome.is_right() {
        let what = [
            (outcome.lost, "lost"),
            (outcome.doubled, "doubled"),
            (outcome.out_of_order, "out of order"),
            (outcome.cut_off, "clients cut off"),
            (outcome.unsent, "never sent"),
        ];
        let what = what.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let what = what.collect::<Vec<_>>().join(", ");
        let first = outcome.problems.first().map(|problem| format!(" ({problem})")).unwrap_or_default();
        Some(format!("{what}{first}"))
    } else if p99 > bound {
        Some(format!("p99 {p99:?} is over {bound:?}"))
    } else {
        None
    }
}

impl Search {
    fn start(&self) -> f64 {
        match self.axis {
            Axis::Clients => self.first.clients as f64,
            Axis::Rate => self.first.rate,
        }
    }

    fn whole(&self, value: f64) -> f64 {
        match self.axis {
            Axis::Clients => value.round().max(1.0),
            Axis::Rate => value,
        }
    }

    fn load(&self, value: f64) -> Load {
        match self.axis {
            Axis::Clients => {
                let clients = value as usize;
                Load { clients, senders: self.first.senders.min(clients), ..self.first }
            }
            Axis::Rate => {
                Load { rate: value, senders: self.first.senders.min(self.first.clients), ..self.first }
            }
        }
    }
}
