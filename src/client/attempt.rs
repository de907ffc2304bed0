//! One attempt to connect: a thread of its own does what can block, and the
//! caller waits for it, the canceller and the deadline at once.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

use crossbeam_channel::{bounded, never, select};

use super::dial::{Slot, dial};
use super::exchange::{Exchange, Limit};
use super::handshake::{Accepted, Answer, shake};
use super::target::Target;
use super::{Canceller, ConnectOptions, Connection};
use crate::transport::{PeerAddr, Transport};
use crate::wire::Tap;
use crate::{Error, Result};

/// A transport whose handshake is done.
pub(super) struct Established {
    pub transport: Arc<dyn Transport>,
    pub peer: PeerAddr,
    pub tap: Option<Arc<Tap>>,
    pub accepted: Accepted,
}

impl ConnectOptions {
    /// Connects to `url` and waits until the handshake is done.
    ///
    /// Understood are `ws://` and `http://` (port 80), `wss://` and `https://` (port
    /// 443, with the feature `tls`), and `ws+unix:/path/to.sock:/request/path`; user and password in the URL are
    /// sent as [`basic_auth`](Self::basic_auth). Addresses are tried one after
    /// the other; the limit is [`connect_timeout`](Self::connect_timeout).
    /// May be called any number of times.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`](crate::Error::Invalid): the URL or an option cannot be used
    /// - [`Error::Io`](crate::Error::Io): no such host, nobody listens, the connection was lost
    /// - [`Error::Refused`](crate::Error::Refused): the server answered with another
    ///   status than 101, a redirect that is not followed included
    /// - [`Error::Handshake`](crate::Error::Handshake): the answer breaks RFC 6455,
    ///   section 4.1, or the proxy refused
    /// - [`Error::Tls`](crate::Error::Tls): the server's certificate cannot be trusted,
    ///   it does not take ours, or does not speak TLS
    /// - [`Error::TimedOut`](crate::Error::TimedOut), [`Error::Cancelled`](crate::Error::Cancelled)
    pub fn connect(&self, url: &str) -> Result<Connection> {
        connect(self, url)
    }
}

fn connect(options: &ConnectOptions, url: &str) -> Result<Connection> {
    check(options)?;
    let target = Target::parse(url)?;
    let limit = Limit::of(options.connect_timeout);
    let cancelled = |by: &Option<Canceller>| by.as_ref().map_or_else(never, Canceller::receiver);
    let (cancelled, stopped) = (cancelled(&options.canceller), cancelled(&options.stop));
    let slot = Arc::new(Slot::default());
    // Takes the one result without waiting, also when nobody waits for it.
    let (result_tx, result_rx) = bounded(1);
    let worker = {
        let (options, slot) = (options.clone(), slot.clone());
        let work = move || drop(result_tx.send(establish(&options, target, limit, &slot)));
        thread::Builder::new().name("chinwag-connect".to_owned()).spawn(work)
    };
    let worker = worker.map_err(Error::io("start a thread to connect"))?;
    select! {
        recv(result_rx) -> result => {
            // It has nothing left to do but to end.
            let _ = worker.join();
            let lost = || Error::Handshake("the connecting thread panicked".to_owned());
            Connection::start(options, result.map_err(|_| lost())??)
        }
        recv(cancelled) -> _ => {
            slot.abandon();
            Err(Error::Cancelled)
        }
        recv(stopped) -> _ => {
            slot.abandon();
            Err(Error::Cancelled)
        }
        default(limit.left()) => Err(limit.error(&slot.abandon())),
    }
}

/// Does the handshake over a transport that exists already, on this thread.
/// Redirects are not followed.
pub(crate) fn from_transport(
    transport: Arc<dyn Transport>,
    peer: PeerAddr,
    options: &ConnectOptions,
    path: &str,
) -> Result<Connection> {
    check(options)?;
    let limit = Limit::of(options.connect_timeout);
    let tap = tap(options, peer, &Arc::default());
    let exchange = Exchange::new(&*transport, limit, tap.as_deref(), greeting(peer));
    match shake(exchange, options, &Target::local(path), true)? {
        Answer::Refused(response) => Err(Error::Refused(Box::new(options.conceal(response)))),
        Answer::Accepted(accepted) => {
            Connection::start(options, Established { transport, peer, tap, accepted })
        }
    }
}

fn check(options: &ConnectOptions) -> Result<()> {
    if [&options.canceller, &options.stop].into_iter().flatten().any(Canceller::is_cancelled) {
        return Err(Error::Cancelled);
    }
    match &options.problem {
        Some(problem) => Err(Error::Invalid(problem.clone())),
        None => Ok(()),
    }
}

/// Connects, and follows redirects as far as they may be followed.
fn establish(options: &ConnectOptions, mut target: Target, limit: Limit, slot: &Slot) -> Result<Established> {
    let counter = Arc::default();
    let mut with_credentials = true;
    for redirects in 0.. {
        let (transport, peer) = dial(&target, options, limit, slot)?;
        slot.begin(&greeting(peer))?;
        if with_credentials {
            options.warn_of_readers(&target, peer);
        }
        let tap = tap(options, peer, &counter);
        let exchange = Exchange::new(&*transport, limit, tap.as_deref(), greeting(peer));
        let response = match shake(exchange, options, &target, with_credentials)? {
            Answer::Accepted(accepted) => return Ok(Established { transport, peer, tap, accepted }),
            Answer::Refused(response) => response,
        };
        let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
        let location =
            response.header("location").filter(|_| is_redirect && redirects < options.max_redirects);
        let Some(next) = location.and_then(|location| target.redirect(location)) else {
            return Err(Error::Refused(Box::new(options.conceal(response))));
        };
        log::debug!("redirected with status {}", response.status);
        with_credentials &= target.shares_credentials_with(&next);
        target = next;
    }
    unreachable!("the count of redirects is bounded")
}

fn greeting(peer: PeerAddr) -> String {
    format!("complete the handshake with {peer}")
}

fn tap(options: &ConnectOptions, peer: PeerAddr, counter: &Arc<AtomicU64>) -> Option<Arc<Tap>> {
    let observer = options.observer.clone()?;
    Some(Arc::new(Tap::new(observer, counter.clone(), 0, peer, false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::memory_pair;

    #[test]
    fn a_connection_in_memory_does_the_same_handshake() {
        let (ours, theirs) = memory_pair();
        let server = thread::spawn(move || {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                theirs.read(&mut byte, None).expect("the client writes");
                head.push(byte[0]);
            }
            theirs.try_send(b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\n\r\ntaken").expect("room");
            String::from_utf8(head).expect("text")
        });
        let options = ConnectOptions::new();
        let result = from_transport(Arc::new(ours), PeerAddr::Memory, &options, "/?name=John");
        assert!(matches!(result, Err(Error::Refused(response)) if response.body == "taken"));
        let head = server.join().expect("no panic");
        assert!(head.starts_with("GET /?name=John HTTP/1.1\r\nHost: localhost\r\n"), "{head}");
    }
}
