//! The thread that takes connections from all listeners. What goes wrong with
//! one connection, or for want of descriptors or threads, never ends it.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::context::{Context, full};
use super::greeter::Caller;
use super::listen::{Accepted, Listener};
use super::reminder::Reminder;
use super::stage::Stage;
use super::{greeter, http};
use crate::counters::{RefusalCause, add};
use crate::link::{Link, LinkParts, Side};
use crate::outbox::Kind;
use crate::transport::{Half, Transport};
use crate::wire::Tap;
use crate::{PeerAddr, Refusal};

/// How long accepting rests when the system has nothing left to accept with.
const BACK_OFF: Duration = Duration::from_millis(100);
/// A handshake that is this old gives way to a new one where there are too many.
const HANDSHAKE_GRACE: Duration = Duration::from_millis(250);
/// How long one that cannot be served is listened to, so that it reads its answer.
const PARTING: Duration = Duration::from_millis(20);
/// Deep enough for an embedder's gate and for HTTP.
const GREETER_STACK: usize = 1024 * 1024;

/// Runs until the server is handed over or ends. What can be read from `wake` has it look
/// whether that is so.
pub(super) fn run(context: &Arc<Context>, listeners: &[Listener], wake: &UnixStream) {
    let mut spare = File::open("/dev/null").ok();
    let mut rest = false;
    let mut reminder = Reminder::new(listeners, Instant::now());
    loop {
        let listeners: Vec<&Listener> = match context.stages.now() {
            Stage::Running => listeners.iter().collect(),
            // The others wait for the process that has them too.
            Stage::Draining => listeners.iter().filter(|listener| !listener.is_shared()).collect(),
            Stage::HandingOver | Stage::Ending => return,
        };
        let pause = if rest { Some(BACK_OFF) } else { reminder.rest(Instant::now()) };
        let ready = match wait(if rest { &[] } else { &listeners }, wake, pause) {
            Ok(ready) => ready,
            Err(error) => {
                log::error!("failed to wait for connections: {error}");
                std::thread::sleep(BACK_OFF);
                continue;
            }
        };
        rest = false;
        reminder.look(Instant::now());
        for (listener, _) in listeners.into_iter().zip(ready).filter(|(_, is_ready)| *is_ready) {
            match listener.accept() {
                Ok(Accepted { transport, peer, local }) => admit(context, transport, peer, local),
                Err(error) if is_exhausted(&error) => {
                    context.exhausted.log(Level::Error, format_args!("cannot accept ({error}); going on"));
                    context.counters().refusals.count(&RefusalCause::Descriptors);
                    turn_away(listener, &mut spare);
                    rest = true;
                }
                // The connection went before it was accepted, or another process took it.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    context.exhausted.log(Level::Error, format_args!("failed to accept: {error}; going on"));
                    rest = true;
                }
            }
        }
    }
}

/// Which listeners have a connection, once any has, or for `wake` or `pause`.
fn wait(listeners: &[&Listener], mut wake: &UnixStream, pause: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut fds = vec![PollFd::new(wake, PollFlags::IN)];
    fds.extend(listeners.iter().map(|listener| PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)));
    let pause =
        pause.map(|pause| Timespec { tv_sec: pause.as_secs() as _, tv_nsec: pause.subsec_nanos() as _ });
    match rustix::event::poll(&mut fds, pause.as_ref()) {
        Ok(_) if !fds[0].revents().is_empty() => {
            drop(fds);
            // Those who have a connection are ready again the next time.
            wake.read(&mut [0; 16]).map(|_| Vec::new())
        }
        Ok(_) => Ok(fds[1..].iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(Errno::INTR) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}

fn is_exhausted(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// Answers one connection with 503 through the descriptor that was kept spare
/// for this.
fn turn_away(listener: &Listener, spare: &mut Option<File>) {
    *spare = None;
    if let Ok(accepted) = listener.accept() {
        let _ = accepted.transport.try_send(&http::refuse(full("the server is out of descriptors")));
        part_from(&*accepted.transport);
    }
    *spare = File::open("/dev/null").ok();
}

/// Lets the peer read what was sent: unread input would turn into a reset.
fn part_from(transport: &dyn Transport) {
    transport.shutdown(Half::Write);
    let deadline = Instant::now() + PARTING;
    let mut buffer = [0; 4096];
    while Instant::now() < deadline && matches!(transport.read(&mut buffer, Some(deadline)), Ok(1..)) {}
}

/// Starts a greeter for a new connection.
pub(super) fn admit(
    context: &Arc<Context>,
    transport: Arc<dyn Transport>,
    peer: PeerAddr,
    local: Option<SocketAddr>,
) {
    add(&context.counters().accepted, 1);
    // A proxy's own is not counted; that of whom it speaks for is, once it has spoken.
    let is_proxy = context.options.proxies.trust(peer);
    let visit = if is_proxy { None } else { context.visitors.enter(peer) };
    if visit.is_none() && !is_proxy {
        context.counters().refusals.count(&RefusalCause::AddressConnections);
        // Not listened to: one address must not hold up the accepting of all.
        let _ = transport.try_send(&http::refuse(too_many()));
        transport.shutdown(Half::Both);
        return context
            .crowded
            .log(Level::Warn, format_args!("refused {peer}: too many connections from there"));
    }
    let in_force = context.live.get();
    let has_room = make_room(context, in_force.settings.max_handshakes);
    let id = context.drain.next_id();
    let tap = context
        .options
        .observer
        .clone()
        .map(|observer| Arc::new(Tap::new(observer, context.wire_counter.clone(), id, peer, true)));
    let (life, outbox) = (in_force.life.clone(), in_force.outbox.clone());
    let parts = LinkParts { id, transport, peer, life, outbox, tap, side: Side::Server };
    let link = Link::start(parts, &context.drain);
    if !has_room {
        context.counters().refusals.count(&RefusalCause::Handshakes);
        return turn_away_link(&link, "too many handshakes are under way");
    }
    context.greeting.lock().insert(id, Instant::now());
    let (greeted, greeting) = (link.clone(), context.clone());
    let caller = Caller { local, visit, is_proxy };
    let name = format!("chinwag-greet-{id}");
    if let Err(error) =
        context.spawn(name, GREETER_STACK, move || greeter::greet(&greeting, &greeted, caller))
    {
        context.exhausted.log(Level::Error, format_args!("cannot start a thread ({error}); going on"));
        context.done_greeting(id);
        context.counters().refusals.count(&RefusalCause::Threads);
        turn_away_link(&link, "the server is out of threads");
    }
    if context.stages.now() == Stage::Ending {
        // Came while the others were being ended.
        context.evict_all();
    }
}

pub(super) fn too_many() -> Refusal {
    let refusal = Refusal::new(429, "too many connections from your address; close one, or wait");
    refusal.retry_after(Duration::from_secs(5)).because(RefusalCause::AddressConnections)
}

fn turn_away_link(link: &Link, why: &str) {
    link.outbox.push_control(http::refuse(full(why)).into(), Kind::Http);
    part_from(&*link.transport);
    link.forget();
}

/// Where too many are being greeted, waits a moment for one to be done; then the
/// oldest whose request is not whole must go, for it is likely not meant to be, or
/// one that lingers after its refusal. False where there is none: all are with the
/// embedder's gate.
fn make_room(context: &Context, most: usize) -> bool {
    let has_room = || context.greeting.lock().len() < most;
    if has_room() {
        return true;
    }
    let oldest: Vec<(u64, Instant)> =
        context.greeting.lock().iter().map(|(id, since)| (*id, *since)).collect();
    let Some((_, since)) = oldest.first() else { return true };
    if context.drain.wait_until_or(*since + HANDSHAKE_GRACE, has_room) {
        return true;
    }
    if !oldest.iter().any(|(id, _)| context.drain.end_greeting(*id)) {
        return false;
    }
    context.crowded.log(Level::Warn, format_args!("too many handshakes under way; ended the oldest"));
    // It is on its way out, if not gone yet.
    context.drain.wait_until_or(Instant::now() + HANDSHAKE_GRACE, has_room);
    true
}
