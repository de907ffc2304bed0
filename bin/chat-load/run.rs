//! One run: so many clients, so many messages a second, for so long.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::check::{Heard, judge};
use crate::process::{Probe, Sample};
use crate::progress::Progress;
use crate::report::{Joins, Outcome, Usage};
use crate::stamp::{Codec, Stamp};
use crate::stop::Stop;
use crate::swarm::Swarm;
use crate::tally::Tally;

/// So many messages at most are sent before the sockets are looked at again.
const BURST: usize = 256;
/// So long without a delivery, and nothing more of one is thought to come.
const QUIET: Duration = Duration::from_secs(1);
/// So long is listened for doubles once all is there.
const AFTERMATH: Duration = Duration::from_millis(100);
/// What joining causes must have died down for so long, and is waited for so long.
const CALM: Duration = Duration::from_millis(200);
const CALMING: Duration = Duration::from_secs(30);
/// How often is looked whether all is there.
const LOOKING: Duration = Duration::from_millis(20);

/// What a run asks for.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub clients: usize,
    pub senders: usize,
    /// Messages a second.
    pub rate: f64,
    pub time: Duration,
}

impl Load {
    fn messages(&self) -> u64 {
        (self.rate * self.time.as_secs_f64()).round() as u64
    }

    fn due(&self, message: u64) -> Duration {
        Duration::from_secs_f64(message as f64 / self.rate)
    }
}

/// The crowd, and who looks at it.
pub struct Runner {
    swarm: Swarm,
    codec: Rc<Codec>,
    server: Option<Probe>,
    /// The server before the first client came.
    server_before: Option<Sample>,
    own: Option<Probe>,
    /// How long what is missing is waited for.
    wait: Duration,
    pub progress: Progress,
    runs: u32,
}

/// What was sent.
struct Sent {
    /// By each sender.
    counts: Vec<u32>,
    total: u64,
    unsent: u64,
}

impl Runner {
    pub fn new(swarm: Swarm, codec: Codec, server: Option<Probe>, wait: Duration) -> Self {
        let server_before = server.as_ref().and_then(Probe::sample);
        let (own, progress) = (Probe::own(), Progress::new());
        Self { swarm, codec: Rc::new(codec), server, server_before, own, wait, progress, runs: 0 }
    }

    /// Brings the crowd to `count`.
    pub fn gather(&mut self, count: usize) -> Result<Option<Joins>, Stop> {
        self.swarm.shrink(count);
        self.swarm.clear_ended();
        let began = Instant::now();
        let joining = count - self.swarm.clients.len();
        let bar = self.progress.bar("joining", count as u64);
        self.swarm.grow(count, &self.codec, &mut ignore, |open| bar.set_position(open as u64))?;
        bar.finish_and_clear();
        Ok(Joins::new(joining, began.elapsed()))
    }

    /// Makes do with those who came in where not all could; how many.
    pub fn make_do(&mut self) -> usize {
        self.progress.clear();
        self.swarm.settle_joins(&mut ignore)
    }

    /// How near the server is to the limits of the machine, where it is known.
    pub fn headroom(&self) -> Option<String> {
        self.server.as_ref().and_then(Probe::headroom)
    }

    /// Has all leave.
    pub fn leave(&mut self) {
        let _bar = self.progress.bar("leaving", 0);
        self.swarm.shrink(0);
        self.progress.clear();
    }

    /// Lets the crowd talk, and judges what it heard.
    pub fn run(&mut self, load: &Load) -> Outcome {
        self.calm_down();
        self.runs += 1;
        self.swarm.clients.iter_mut().for_each(|client| client.heard = Heard::default());
        let senders = self.swarm.clients.iter().take(load.senders).map(|client| client.number).collect();
        let codec = Rc::clone(&self.codec);
        let before = (self.look(self.server.as_ref()), self.look(self.own.as_ref()));
        let mut tally = Tally::new(&codec, self.runs, senders, load.time);
        let sent = self.talk(load, &codec, &mut tally);
        self.await_the_rest(&sent, &mut tally);
        let elapsed = tally.began().elapsed();
        let after = (self.look(self.server.as_ref()), self.look(self.own.as_ref()));
        let outcome = self.outcome(load, &sent, tally);
        let clients = load.clients as u64;
        Outcome {
            server: Usage::between(before.0, after.0, elapsed)
                .map(|usage| usage.with_clients(self.server_before, clients, outcome.deliveries)),
            load: Usage::between(before.1, after.1, elapsed),
            ..outcome
        }
        .with_notes(self.swarm.clients.first().and_then(|client| client.rate))
    }

    fn look(&self, probe: Option<&Probe>) -> Option<Sample> {
        probe.and_then(Probe::sample)
    }

    /// Waits for the end of what joining, or an earlier run, has caused.
    fn calm_down(&mut self) {
        let _bar = self.progress.bar("calming down", 0);
        let deadline = Instant::now() + CALMING;
        let mut calm_since = Instant::now();
        while calm_since.elapsed() < CALM && Instant::now() < deadline {
            if self.swarm.turn(Duration::from_millis(20), &mut ignore) {
                calm_since = Instant::now();
            }
        }
    }

    fn talk(&mut self, load: &Load, codec: &Codec, tally: &mut Tally<'_>) -> Sent {
        let total = load.messages();
        let bar = self.progress.bar("talking", total);
        let mut sent = Sent { counts: vec![0; load.senders], total: 0, unsent: 0 };
        let mut next = 0;
        let ends = load.time + self.wait;
        loop {
            let elapsed = tally.began().elapsed();
            let mut burst = 0;
            while next < total && load.due(next) <= elapsed && burst < BURST {
                tally.send(load.due(next));
                self.say(codec, (next % load.senders as u64) as usize, load.due(next), &mut sent);
                next += 1;
                burst += 1;
            }
            bar.set_position(next);
            let until = if next < total { load.due(next) } else { load.time };
            let is_over = if next < total { elapsed > ends } else { elapsed >= load.time };
            if is_over || !self.has_listeners() {
                sent.unsent += total - next;
                return sent;
            }
            let wait = until.saturating_sub(tally.began().elapsed()).min(Duration::from_millis(100));
            self.swarm
                .turn(wait, &mut |heard: &mut Heard, payload: &[u8], now| tally.hear(heard, payload, now));
        }
    }

    fn say(&mut self, codec: &Codec, sender: usize, due: Duration, sent: &mut Sent) {
        let client = &mut self.swarm.clients[sender];
        if !client.is_open() {
            sent.unsent += 1;
            return;
        }
        let number = sent.counts[sender];
        client.say(&codec.write(&Stamp { step: self.runs, sender: sender as u32, number, due }));
        sent.counts[sender] += 1;
        sent.total += 1;
    }

    /// Whether anybody is left; mostly the first client is.
    fn has_listeners(&self) -> bool {
        self.swarm.clients.iter().any(|client| client.is_open())
    }

    /// Waits until all have heard all, or for as long as was asked.
    fn await_the_rest(&mut self, sent: &Sent, tally: &mut Tally<'_>) {
        let bar = self.progress.bar("waiting for the rest", sent.total * self.swarm.clients.len() as u64);
        let deadline = Instant::now() + self.wait;
        while Instant::now() < deadline && self.has_listeners() && !self.is_complete(sent, tally) {
            let looks_again = Instant::now() + LOOKING;
            while Instant::now() < looks_again {
                self.swarm.turn(LOOKING / 4, &mut |heard: &mut Heard, payload: &[u8], now| {
                    tally.hear(heard, payload, now)
                });
            }
            bar.set_position(tally.deliveries);
        }
        let until = Instant::now() + AFTERMATH;
        while self.has_listeners() && Instant::now() < until {
            self.swarm
                .turn(LOOKING, &mut |heard: &mut Heard, payload: &[u8], now| tally.hear(heard, payload, now));
        }
        self.progress.clear();
    }

    fn is_complete(&self, sent: &Sent, tally: &Tally<'_>) -> bool {
        let mut listeners = self.swarm.clients.iter().filter(|client| client.is_open());
        let mut in_line = true;
        // A double could stand for a message that is missing, so a count alone says little
        // of who is not in line.
        let all = listeners.all(|client| {
            in_line &= client.heard.is_in_line();
            client.heard.count() as u64 >= sent.total
        });
        all && (in_line || tally.last_delivery.is_none_or(|last| last.elapsed() > QUIET))
    }

    fn outcome(&self, load: &Load, sent: &Sent, mut tally: Tally<'_>) -> Outcome {
        let heard: Vec<_> = self.swarm.clients.iter().map(|client| &client.heard).collect();
        let verdict = judge(&tally.line, &heard, &sent.counts);
        let seconds = match tally.last_delivery {
            Some(last) => last - tally.began(),
            None => load.time,
        };
        let cut_off = self.swarm.cut_off();
        let (latency_ms, points) = tally.latency();
        let name = |index: usize| self.codec.name(self.swarm.clients[index].number);
        let mut outcome = Outcome {
            clients: load.clients as u64,
            senders: load.senders as u64,
            rate: load.rate,
            seconds: seconds.as_secs_f64(),
            sent: sent.total,
            unsent: sent.unsent,
            expected: sent.total * load.clients as u64,
            deliveries: tally.deliveries,
            deliveries_per_second: tally.deliveries as f64 / seconds.as_secs_f64().max(1e-3),
            lost: verdict.lost,
            doubled: verdict.doubled,
            out_of_order: verdict.out_of_order,
            cut_off: cut_off.values().sum::<usize>() as u64,
            wrong: verdict.wrong.len() as u64,
            latency_ms,
            send_delay_ms: tally.send_delay(),
            points,
            ..Outcome::default()
        };
        outcome.tell(&verdict, &cut_off, name);
        outcome
    }
}

fn ignore(_: &mut Heard, _: &[u8], _: Instant) {}
