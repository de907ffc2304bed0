//! The hand-over, model-checked with loom: threads push, close, abort and end
//! an outbox whose transport holds four bytes, while a peer reads and a drain
//! waits for edges as epoll reports them. Run it with
//!
//! ```text
//! RUSTFLAGS="--cfg chinwag_model" cargo test --release --lib --target-dir target/model outbox::model
//! ```
//!
//! Every interleaving with at most three preemptions (two, where a reader answers) is
//! explored:
//!
//! | scenario | executions |
//! |---|---|
//! | two pushers and the drain | 229,415 |
//! | a transport that keeps bytes back, two pushers | 360,144 |
//! | waiting for room | 83,621 |
//! | abort, a pusher and the drain | 51,530 |
//! | a reset that pushers and the drain find | 29,246 |
//! | pushing and closing | 23,299 |
//! | pushing and ending when sent | 23,785 |
//! | the same with a last word of the transport's | 13,609 |
//! | two that wait for room, and an abort | 2,858 |
//!
//! That takes a minute. What stays behind unwatched shows as a deadlock: the
//! peer waits for it for ever. To see that the model can fail, these mistakes
//! were made in `handover.rs` by hand, and each was found by the scenarios named:
//!
//! - `drain` releases the lock between its last look at the queue and clearing
//!   `with_drain`: all but the last;
//! - `drain` sends once for each event instead of until it is refused: two
//!   pushers, waiting, closing, ending;
//! - `push` sends though the drain has the transport: all;
//! - `close` leaves the phase open: closing;
//! - `drain`, or `lose`, does not signal room: waiting for room; waiting and abort;
//! - `lose` does not unwatch: both aborts, reset;
//! - `end_when_sent` ends at once: ending;
//! - `send_pending` leaves it to the drain, where that has the transport: answer.
//!
//! One that is none was let pass, rightly: `drain` may stop at a send that was
//! taken in part, as that asks for the next edge too.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use loom::thread::{self, JoinHandle};

use super::sync::{Condvar, Mutex};
use super::{Outbox, OutboxOptions, Overflow, Pushed, Watch};
use crate::frame::{self, BINARY, CLOSE, FIN};
use crate::transport::{Half, Transport, Writable};

/// Bytes that the system holds: a frame, and the first byte of the next.
const CAPACITY: usize = 4;
/// Bytes in a data frame of the model: the header, and which frame it is.
const FRAME: usize = 3;
const CLOSE_FRAME: [u8; 2] = [FIN | CLOSE, 0];

/// The system: a socket's buffer, and what epoll knows of it.
struct System {
    /// It takes all it is given and keeps back what does not fit, as TLS does with a
    /// record, and it has a last word of its own.
    keeps_back: bool,
    state: Mutex<State>,
    /// Signalled when the peer can read on: bytes, or the end of them.
    readable: Condvar,
    /// Signalled when the drain has something to do.
    reported: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    kept_back: Vec<u8>,
    /// To be ended once nothing is kept back.
    is_ending: bool,
    /// A send found too little room since the last report.
    is_wanted: bool,
    is_watched: bool,
    /// An event waits for the drain's thread.
    is_reported: bool,
    is_reset: bool,
    is_stopped: bool,
    /// How many bytes had been sent when the sending half ended.
    ended_at: Option<usize>,
    sent: usize,
}

impl System {
    fn new(keeps_back: bool) -> Arc<Self> {
        Arc::new(Self {
            keeps_back,
            state: Mutex::new(State::default()),
            readable: Condvar::new(),
            reported: Condvar::new(),
        })
    }

    /// The peer takes all there is; `None` at the end.
    fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        while state.buffer.is_empty() && state.ended_at.is_none() && !state.is_reset {
            self.readable.wait(&mut state);
        }
        if state.buffer.is_empty() || state.is_reset {
            return None;
        }
        let taken = std::mem::take(&mut state.buffer);
        // As Linux does it: room is news only where a send has missed it.
        if std::mem::take(&mut state.is_wanted) {
            self.report(&mut state);
        }
        Some(taken)
    }

    /// Moves what fits of `bytes` into the buffer; how much that was.
    fn fill(&self, state: &mut State, bytes: &[u8]) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        let sent = bytes.len().min(CAPACITY - state.buffer.len());
        state.is_wanted = sent < bytes.len();
        state.buffer.extend(&bytes[..sent]);
        state.sent += sent;
        self.readable.notify_all();
        sent
    }

    /// Sends what is kept back; whether that was all.
    fn flush(&self, state: &mut State) -> bool {
        let kept_back = std::mem::take(&mut state.kept_back);
        let sent = self.fill(state, &kept_back);
        state.kept_back = kept_back[sent..].to_vec();
        if state.kept_back.is_empty() && std::mem::take(&mut state.is_ending) {
            self.end(state);
        }
        state.kept_back.is_empty()
    }

    fn end(&self, state: &mut State) {
        state.ended_at = Some(state.sent);
        self.readable.notify_all();
        self.report(state);
    }

    /// What the reader does with input that has an answer.
    fn answer(&self, bytes: &[u8]) {
        self.state.lock().kept_back.extend(bytes);
    }

    fn report(&self, state: &mut State) {
        if state.is_watched {
            state.is_reported = true;
            self.reported.notify_all();
        }
    }

    /// The peer goes away.
    fn reset(&self) {
        let mut state = self.state.lock();
        state.is_reset = true;
        self.readable.notify_all();
        self.report(&mut state);
    }

    /// Ends the drain's thread when it has done what was reported.
    fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.reported.notify_all();
    }

    /// Waits for the next event; false at the end.
    fn wait_for_report(&self) -> bool {
        let mut state = self.state.lock();
        while !state.is_reported && !state.is_stopped {
            self.reported.wait(&mut state);
        }
        std::mem::take(&mut state.is_reported)
    }
}

impl Transport for System {
    fn has_input(&self) -> bool {
        false
    }

    fn read(&self, _: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
        unreachable!("an outbox only sends")
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        if state.is_reset || state.ended_at.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.keeps_back {
            if !self.flush(&mut state) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state.kept_back.extend(bytes);
            self.flush(&mut state);
            return Ok(bytes.len());
        }
        let sent = self.fill(&mut state, bytes);
        if sent == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(sent) }
    }

    fn has_pending(&self) -> bool {
        self.keeps_back && !self.state.lock().kept_back.is_empty()
    }

    fn shutdown(&self, half: Half) {
        let mut state = self.state.lock();
        match half {
            // Wakes a thread that the model has none of.
            Half::Read => return,
            Half::Write if self.keeps_back => {
                state.kept_back.extend(CLOSE_FRAME);
                state.is_ending = true;
                self.flush(&mut state);
                return;
            }
            Half::Write => assert_eq!(state.ended_at, None, "ended twice"),
            Half::Both => state.is_reset = true,
        }
        self.end(&mut state);
    }

    fn writable(&self) -> Writable<'_> {
        unreachable!("the model asks for no descriptor")
    }
}

/// Edge-triggered: registering reports room that is there already, and later
/// only a change to room does.
impl Watch for System {
    fn watch(&self, _: u64, _: &dyn Transport) -> io::Result<()> {
        let mut state = self.state.lock();
        assert!(!std::mem::replace(&mut state.is_watched, true), "watched twice");
        if state.buffer.len() < CAPACITY || state.is_reset {
            self.report(&mut state);
        }
        Ok(())
    }

    fn rewatch(&self, _: u64, _: &dyn Transport) {
        assert!(self.state.lock().is_watched, "watched again before it was watched");
    }

    fn unwatch(&self, _: u64, _: &dyn Transport) {
        assert!(std::mem::take(&mut self.state.lock().is_watched), "unwatched twice");
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wake_at(&self, _: u64, _: Instant) {}
}

/// One execution's outbox, its peer and its drain.
struct Model {
    outbox: Arc<Outbox>,
    system: Arc<System>,
    drain: JoinHandle<()>,
}

impl Model {
    fn start(overflow: impl Into<Option<Overflow>>, max_messages: usize) -> Self {
        Self::start_on(System::new(false), overflow, max_messages)
    }

    /// On a transport that keeps back what the system does not take.
    fn start_keeping_back() -> Self {
        Self::start_on(System::new(true), Overflow::DropNewest, 100)
    }

    fn start_on(system: Arc<System>, overflow: impl Into<Option<Overflow>>, max_messages: usize) -> Self {
        let options =
            OutboxOptions { max_bytes: 1000, max_messages, overflow: overflow.into(), gap_notice: None };
        let outbox = Arc::new(Outbox::new(1, system.clone(), system.clone(), Arc::new(options), None));
        let (watched, waiting) = (system.clone(), outbox.clone());
        let drain = thread::spawn(move || {
            while watched.wait_for_report() {
                waiting.drain();
            }
        });
        Self { outbox, system, drain }
    }

    /// Reads until `length` bytes came or the end did.
    fn read(&self, length: usize) -> JoinHandle<Vec<u8>> {
        let system = self.system.clone();
        thread::spawn(move || {
            let mut wire = Vec::new();
            while wire.len() < length {
                let Some(bytes) = system.take() else { break };
                wire.extend(bytes);
            }
            wire
        })
    }

    fn push(&self, names: &'static [u8]) -> JoinHandle<usize> {
        let outbox = self.outbox.clone();
        thread::spawn(move || push_all(&outbox, names))
    }

    /// Waits for the drain, and checks that nothing is left.
    fn finish(self) {
        self.system.stop();
        self.drain.join().expect("the drain does not panic");
        assert_eq!(self.outbox.depth(), (0, 0));
        assert!(!self.system.state.lock().is_watched, "nothing waits, but it is watched");
    }
}

fn data(name: u8) -> Bytes {
    frame::single(FIN | BINARY, &[name], None)
}

/// Pushes a frame for each name; returns how many were taken.
fn push_all(outbox: &Outbox, names: &[u8]) -> usize {
    names.iter().filter(|&&name| outbox.push(&data(name), 1) == Pushed::Taken).count()
}

/// The names of the data frames in `wire`, which are whole and never mixed.
fn names(wire: &[u8]) -> Vec<u8> {
    let name = |frame: &[u8]| match *frame {
        [0x82, 1, name] => name,
        _ => panic!("no frame that was pushed: {frame:?} in {wire:?}"),
    };
    wire.chunks(FRAME).map(name).collect()
}

fn check(what: &str, preemptions: usize, scenario: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = executions.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    let began = Instant::now();
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        scenario();
    });
    let took: Duration = began.elapsed();
    println!("{what}: {} executions, {took:.1?}", executions.load(Ordering::Relaxed));
}

#[test]
fn frames_of_two_pushers_all_arrive_whole_and_in_order() {
    check("two pushers", 3, || {
        let model = Model::start(Overflow::DropNewest, 100);
        let reader = model.read(4 * FRAME);
        let other = model.push(b"12");
        assert_eq!(push_all(&model.outbox, b"ab"), 2);
        assert_eq!(other.join().expect("no panic"), 2);
        // Waits for ever, which loom reports, where something stays behind.
        let names = names(&reader.join().expect("no panic"));
        let of = |pusher: &[u8]| names.iter().copied().filter(|n| pusher.contains(n)).collect::<Vec<_>>();
        assert_eq!((of(b"ab").as_slice(), of(b"12").as_slice()), (&b"ab"[..], &b"12"[..]));
        model.finish();
    });
}

#[test]
fn nothing_follows_a_close_frame() {
    check("push and close", 3, || {
        let model = Model::start(Overflow::DropNewest, 100);
        let other = model.push(b"123");
        let reader = {
            let system = model.system.clone();
            thread::spawn(move || {
                let mut wire = Vec::new();
                while !wire.ends_with(&CLOSE_FRAME) {
                    wire.extend(system.take().expect("more"));
                }
                wire
            })
        };
        assert!(model.outbox.close(Bytes::from_static(&CLOSE_FRAME), false));
        assert!(!model.outbox.close(Bytes::from_static(&CLOSE_FRAME), false));
        let taken = other.join().expect("no panic");
        let wire = reader.join().expect("no panic");
        assert_eq!(names(&wire[..wire.len() - 2]), b"123"[..taken]);
        let system = model.system.clone();
        model.finish();
        assert_eq!(system.state.lock().sent, wire.len(), "something follows the close frame");
    });
}

#[test]
fn a_sender_that_waits_wakes_when_there_is_room() {
    check("waiting for room", 3, || {
        let model = Model::start(None::<Overflow>, 1);
        // The first fills the system with a byte of the second; the third waits.
        assert_eq!(push_all(&model.outbox, b"abc"), 3);
        let reader = model.read(5 * FRAME);
        for name in *b"de" {
            assert_eq!(model.outbox.push_waiting(&data(name), 1), Pushed::Taken);
        }
        assert_eq!(names(&reader.join().expect("no panic")), b"abcde");
        model.finish();
    });
}

#[test]
fn senders_that_wait_wake_when_the_connection_is_aborted() {
    check("waiting and abort", 3, || {
        let model = Model::start(None::<Overflow>, 1);
        assert_eq!(push_all(&model.outbox, b"abc"), 3);
        let wait = |name| {
            let outbox = model.outbox.clone();
            thread::spawn(move || outbox.push_waiting(&data(name), 1))
        };
        let waiting = [wait(b'd'), wait(b'e')];
        model.outbox.abort();
        for waiting in waiting {
            assert_eq!(waiting.join().expect("no panic"), Pushed::Closed);
        }
        model.finish();
    });
}

#[test]
fn an_abort_ends_the_drain_wherever_it_is() {
    check("abort and drain", 3, || {
        let model = Model::start(Overflow::DropNewest, 100);
        assert_eq!(push_all(&model.outbox, b"abc"), 3);
        let other = model.push(b"d");
        let reader = model.read(usize::MAX);
        model.outbox.abort();
        other.join().expect("no panic");
        let wire = reader.join().expect("no panic");
        let all: Vec<u8> = b"abcd".iter().flat_map(|&name| data(name)).collect();
        assert!(all.starts_with(&wire));
        assert_eq!(push_all(&model.outbox, b"e"), 0);
        model.finish();
    });
}

#[test]
fn a_reset_that_pusher_and_drain_find_at_once_is_dealt_with_once() {
    check("reset", 3, || {
        let model = Model::start(Overflow::DropNewest, 100);
        assert_eq!(push_all(&model.outbox, b"a"), 1);
        let other = model.push(b"12");
        let system = model.system.clone();
        let peer = thread::spawn(move || {
            system.take();
            system.reset();
        });
        push_all(&model.outbox, b"b");
        peer.join().expect("no panic");
        other.join().expect("no panic");
        // Finds it, or waits for the drain, which will.
        push_all(&model.outbox, b"c");
        let outbox = model.outbox.clone();
        model.finish();
        assert_eq!(push_all(&outbox, b"d"), 0);
    });
}

#[test]
fn the_sending_half_ends_right_after_the_last_byte() {
    check("end when sent", 3, || {
        let model = Model::start(Overflow::DropNewest, 100);
        let other = model.push(b"123");
        let reader = model.read(usize::MAX);
        model.outbox.end_when_sent();
        let taken = other.join().expect("no panic");
        let wire = reader.join().expect("no panic");
        assert_eq!(names(&wire), b"123"[..taken]);
        assert_eq!(model.system.state.lock().ended_at, Some(wire.len()));
        model.finish();
    });
}

#[test]
fn what_the_transport_keeps_back_is_sent_in_order_too() {
    check("kept back", 3, || {
        let model = Model::start_keeping_back();
        let reader = model.read(4 * FRAME);
        let other = model.push(b"12");
        assert_eq!(push_all(&model.outbox, b"ab"), 2);
        assert_eq!(other.join().expect("no panic"), 2);
        let names = names(&reader.join().expect("no panic"));
        let of = |pusher: &[u8]| names.iter().copied().filter(|n| pusher.contains(n)).collect::<Vec<_>>();
        assert_eq!((of(b"ab").as_slice(), of(b"12").as_slice()), (&b"ab"[..], &b"12"[..]));
        model.finish();
    });
}

#[test]
fn what_a_reader_has_to_answer_is_sent_while_others_push() {
    check("answer", 2, || {
        let model = Model::start_keeping_back();
        let reader = model.read(4 * FRAME);
        let other = model.push(b"12");
        for name in *b"ab" {
            model.system.answer(&data(name));
            model.outbox.send_pending();
        }
        assert_eq!(other.join().expect("no panic"), 2);
        let mut names = names(&reader.join().expect("no panic"));
        names.sort_unstable();
        assert_eq!(names, b"12ab");
        model.finish();
    });
}

#[test]
fn the_transports_last_word_leaves_after_all_else() {
    check("last word", 3, || {
        let model = Model::start_keeping_back();
        let other = model.push(b"12");
        let reader = model.read(usize::MAX);
        model.outbox.end_when_sent();
        let taken = other.join().expect("no panic");
        let wire = reader.join().expect("no panic");
        let frames = wire.strip_suffix(&CLOSE_FRAME).expect("the last word comes last");
        assert_eq!(names(frames), b"12"[..taken]);
        assert_eq!(model.system.state.lock().ended_at, Some(wire.len()));
        model.finish();
    });
}
