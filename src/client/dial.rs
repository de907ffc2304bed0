//! From a target to a transport: look up, connect, ask the proxy, agree on TLS.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::ConnectOptions;
use super::exchange::{Exchange, Limit};
use super::proxy::Proxy;
use super::request::connect_request;
use super::secure::Secure;
use super::target::{Place, Target};
use crate::transport::{Half, PeerAddr, Socket, Transport};
use crate::{Error, Result};

/// What the connecting thread and the one that waits for it share.
#[derive(Default)]
pub(super) struct Slot(Mutex<SlotState>);

#[derive(Default)]
struct SlotState {
    is_abandoned: bool,
    /// What the connecting thread may be blocked on.
    transport: Option<Arc<dyn Transport>>,
    /// What it is doing, for the error when it takes too long.
    attempt: String,
}

impl Slot {
    /// Notes what is attempted now, unless nobody waits for it any more.
    pub(super) fn begin(&self, attempt: &str) -> Result<()> {
        let mut state = self.0.lock();
        attempt.clone_into(&mut state.attempt);
        if state.is_abandoned { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn publish(&self, transport: &Arc<dyn Transport>) -> Result<()> {
        let mut state = self.0.lock();
        state.transport = Some(transport.clone());
        if state.is_abandoned { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Has the connecting thread end as soon as it can; returns what it was doing.
    pub(super) fn abandon(&self) -> String {
        let (transport, attempt) = {
            let mut state = self.0.lock();
            state.is_abandoned = true;
            (state.transport.take(), std::mem::take(&mut state.attempt))
        };
        if let Some(transport) = transport {
            transport.shutdown(Half::Both);
        }
        attempt
    }
}

/// A transport to `target` that is ready for the handshake.
pub(super) fn dial(
    target: &Target,
    options: &ConnectOptions,
    limit: Limit,
    slot: &Slot,
) -> Result<(Arc<dyn Transport>, PeerAddr)> {
    let secure = target.is_secure.then(|| Secure::prepare(target, options)).transpose()?;
    let (transport, peer) = dial_in_the_clear(target, options.proxy.as_ref(), limit, slot)?;
    match secure {
        Some(secure) => Ok((secure.agree(transport, limit, slot)?, peer)),
        None => Ok((transport, peer)),
    }
}

fn dial_in_the_clear(
    target: &Target,
    proxy: Option<&Proxy>,
    limit: Limit,
    slot: &Slot,
) -> Result<(Arc<dyn Transport>, PeerAddr)> {
    match (&target.place, proxy) {
        (Place::Unix(path), _) => dial_unix(path, slot),
        (Place::Tcp { host, port }, None) => dial_tcp(host, *port, limit, slot),
        (Place::Tcp { host, port }, Some(proxy)) => {
            let Place::Tcp { host: proxy_host, port: proxy_port } = &proxy.place else {
                unreachable!("a proxy is parsed from an http URL");
            };
            let (transport, peer) = dial_tcp(proxy_host, *proxy_port, limit, slot)?;
            let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            tunnel(&*transport, &host, proxy, limit, slot)?;
            Ok((transport, peer))
        }
    }
}

fn dial_unix(path: &Path, slot: &Slot) -> Result<(Arc<dyn Transport>, PeerAddr)> {
    let attempt = format!("connect to {}", path.display());
    slot.begin(&attempt)?;
    let socket = UnixStream::connect(path).and_then(Socket::unix).map_err(Error::io(attempt))?;
    let transport: Arc<dyn Transport> = Arc::new(socket);
    slot.publish(&transport)?;
    Ok((transport, PeerAddr::Unix))
}

/// Tries the host's addresses one after the other. Each gets an even share of
/// the time left, so that one that swallows packets does not cost the others theirs.
fn dial_tcp(host: &str, port: u16, limit: Limit, slot: &Slot) -> Result<(Arc<dyn Transport>, PeerAddr)> {
    let lookup = format!("look up host {host}");
    slot.begin(&lookup)?;
    let addrs: Vec<SocketAddr> =
        (host, port).to_socket_addrs().map_err(Error::io(lookup.as_str()))?.collect();
    let mut failure = Error::Invalid(format!("host {host} has no address"));
    for (tried, addr) in addrs.iter().enumerate() {
        let attempt = format!("connect to {addr}");
        slot.begin(&attempt)?;
        let share = limit.left() / (addrs.len() - tried) as u32;
        if share.is_zero() {
            return Err(limit.error(&attempt));
        }
        match TcpStream::connect_timeout(addr, share).and_then(Socket::tcp) {
            Ok(socket) => {
                let transport: Arc<dyn Transport> = Arc::new(socket);
                slot.publish(&transport)?;
                return Ok((transport, PeerAddr::Tcp(*addr)));
            }
            Err(_) if limit.left().is_zero() => failure = limit.error(&attempt),
            Err(error) => failure = Error::io(attempt)(error),
        }
    }
    Err(failure)
}

/// Has the proxy connect us to `host` (RFC 9110, section 9.3.6).
fn tunnel(transport: &dyn Transport, host: &str, proxy: &Proxy, limit: Limit, slot: &Slot) -> Result<()> {
    let attempt = format!("connect to {host} through the proxy");
    slot.begin(&attempt)?;
    let mut exchange = Exchange::new(transport, limit, None, attempt);
    exchange.send(connect_request(host, proxy.userinfo.as_ref()).as_bytes())?;
    let head = exchange.read_head()?;
    if !(200..300).contains(&head.status) {
        let why = format!("the proxy answered CONNECT {host} with status {}", head.status);
        return Err(Error::Handshake(why));
    }
    // A WebSocket server never speaks first, so this is not from one.
    if !exchange.into_rest().is_empty() {
        return Err(Error::Handshake("the proxy sent more than its answer to CONNECT".to_owned()));
    }
    Ok(())
}
