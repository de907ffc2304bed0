//! Meets one newcomer: reads the request, asks the gate, answers, and starts the
//! client's own thread. Runs on a thread that is deep, short-lived, bounded in
//! number, and under one deadline for all of it.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::Level;

use super::accept::too_many;
use super::client_thread::{self, Session};
use super::context::{Context, Place, full};
use super::http::{self, Head};
use super::origin;
use super::proxies::{Introduction, forwarded, header};
use super::visitors::Visit;
use crate::counters::{HandshakeEnd, RefusalCause, TlsFailure, nanos};
use crate::handler::Acceptance;
use crate::hub::Client;
use crate::link::Link;
use crate::outbox::Kind;
use crate::transport::Handshake;
use crate::{MessageRate, PeerAddr, Refusal, Request, TlsInfo};

/// Time to read a refusal, and an answer that may be long.
const PARTING: Duration = Duration::from_secs(2);
const READING: Duration = Duration::from_secs(10);

/// How a TLS handshake begins: a handshake record of version 3.
const TLS_RECORD: [u8; 2] = [22, 3];

/// Why there is no upgrade.
enum Parting {
    Refused(Refusal),
    /// The request was for something else, and here it is.
    Answered(Vec<u8>),
    /// The peer is gone, or never sent anything.
    Gone,
    /// What it sent was not TLS as it should be; the alert that says so is on its way.
    Insecure(TlsFailure),
}

impl From<Refusal> for Parting {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Where a connection came in, and its place among those of its address.
pub(super) struct Caller {
    pub local: Option<SocketAddr>,
    /// Goes on with the client. None as long as a proxy has not said whose connection it is.
    pub visit: Option<Visit>,
    /// The connection is a trusted proxy's.
    pub is_proxy: bool,
}

impl Caller {
    /// Takes the place of the one for whom a proxy speaks, or its own where it speaks for
    /// nobody.
    fn enter(&mut self, context: &Context, link: &Link, client: Option<SocketAddr>) -> Result<(), Refusal> {
        if let Some(client) = client {
            link.introduce(PeerAddr::Tcp(client));
        }
        let visitors = &context.visitors;
        let visit =
            client.map_or_else(|| visitors.enter(link.peer()), |client| visitors.enter_behind(client));
        self.visit = Some(visit.ok_or_else(too_many)?);
        Ok(())
    }

    fn join(&self) -> Result<(), Refusal> {
        self.visit.as_ref().map_or(Ok(()), Visit::join)
    }
}

/// Ends with the client's thread started, or the connection closed.
pub(super) fn greet(context: &Arc<Context>, link: &Arc<Link>, caller: Caller) {
    let mut caller = caller;
    // A gate that shuts the server down cannot wait for its own end either.
    client_thread::enter();
    let met = hear_proxy(context, link, &mut caller).and_then(|introduction| {
        let tls = shake_hands(link)?;
        let (head, bytes) = read_head(link)?;
        meet(context, link, &head, bytes, Arrival { caller: &mut caller, introduction, tls })
    });
    count(context, &met);
    match met {
        Ok(()) => return welcome(context, link),
        Err(Parting::Gone) => {}
        Err(Parting::Insecure(_)) => {
            link.finish_within(PARTING.min(link.life.close_timeout));
            link.discard_rest();
        }
        Err(Parting::Answered(response)) => part_with(link, response, READING),
        Err(Parting::Refused(refusal)) => {
            log::info!(
                "{link:?} refused with {}: {}",
                refusal.status,
                crate::Escaped::new(&refusal.reason).cut(200)
            );
            part_with(link, http::refuse(refusal), PARTING.min(link.life.close_timeout));
        }
    }
    link.forget();
    context.done_greeting(link.id);
}

fn welcome(context: &Context, link: &Link) {
    if let Some(since) = context.done_greeting(link.id) {
        context.counters().handshake_time.observe(nanos(since.elapsed()));
    }
}

fn count(context: &Context, met: &Result<(), Parting>) {
    let counters = context.counters();
    counters.handshakes.count(match met {
        Ok(()) => &HandshakeEnd::Joined,
        Err(Parting::Answered(_)) => &HandshakeEnd::Answered,
        Err(Parting::Refused(_)) => &HandshakeEnd::Refused,
        Err(Parting::Gone) => &HandshakeEnd::Gone,
        Err(Parting::Insecure(_)) => &HandshakeEnd::Insecure,
    });
    match met {
        Err(Parting::Refused(refusal)) => counters.refusals.count(&refusal.cause),
        Err(Parting::Insecure(failure)) => counters.tls_failures.count(failure),
        _ => {}
    }
}

/// Answers, and lets the peer read it.
fn part_with(link: &Link, response: Vec<u8>, time: Duration) {
    if let Some(tap) = &link.tap {
        tap.http_sent(&response);
    }
    link.outbox.push_control(response.into(), Kind::Http);
    link.finish_within(time);
    link.discard_rest();
}

/// What comes before all else where a proxy speaks first: whose connection it is.
fn hear_proxy(context: &Context, link: &Link, caller: &mut Caller) -> Result<Option<Introduction>, Parting> {
    if !caller.is_proxy || !context.options.proxies.speak_first {
        return Ok(None);
    }
    match header::read(|buffer| link.read_below(buffer)) {
        Ok(introduction) => {
            caller.enter(context, link, introduction.client)?;
            Ok(Some(introduction))
        }
        Err(header::Failure::Malformed(why)) if link.greeted() => Err(Refusal::bad_request(why).into()),
        Err(header::Failure::Gone) if link.greeting_timed_out() => Err(too_slow()),
        Err(_) => Err(Parting::Gone),
    }
}

/// What comes before the request: a TLS handshake, or nothing.
fn shake_hands(link: &Link) -> Result<Option<Box<TlsInfo>>, Parting> {
    loop {
        match link.handshake() {
            Ok(Handshake::Done(tls)) => return Ok(tls),
            Ok(Handshake::UnderWay) => {}
            Ok(Handshake::NotTls) => {
                let why = "this port speaks TLS: connect with wss:// or https://";
                // What is answered in the clear says no more than that.
                link.counters().tls_failures.count(&TlsFailure::NotTls);
                return if link.greeted() {
                    Err(Refusal::bad_request(why).into())
                } else {
                    Err(Parting::Gone)
                };
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                log::info!("{link:?} refused: {}", crate::Escaped::new(&error.to_string()).cut(300));
                return Err(Parting::Insecure(TlsFailure::of(&error)));
            }
            Err(_) => return Err(Parting::Gone),
        }
    }
}

/// The request head, and all bytes that came with it.
fn read_head(link: &Link) -> Result<(Head, Vec<u8>), Parting> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = link.read(&mut buffer, None).unwrap_or(0);
        if read == 0 && link.greeting_timed_out() {
            return Err(too_slow());
        }
        if read == 0 {
            return Err(Parting::Gone);
        }
        bytes.extend_from_slice(&buffer[..read]);
        if bytes.starts_with(&TLS_RECORD) {
            return Err(Refusal::bad_request("this port speaks no TLS: connect with ws:// or http://").into());
        }
        if header::is_begun_by(&bytes) {
            let why = "a PROXY header is taken from a trusted proxy alone, and where it is expected";
            return Err(Refusal::bad_request(why).into());
        }
        if let Some(head) = http::parse(&bytes)? {
            if !link.greeted() {
                return Err(too_slow());
            }
            return Ok((head, bytes));
        }
    }
}

fn too_slow() -> Parting {
    Refusal::new(408, "the request took too long").into()
}

/// What is known of a request besides its head.
struct Arrival<'a> {
    caller: &'a mut Caller,
    /// What a proxy said before it.
    introduction: Option<Introduction>,
    tls: Option<Box<TlsInfo>>,
}

impl Arrival<'_> {
    /// Notes in the request, and for the limits, for whom a trusted proxy speaks.
    fn introduce(&mut self, context: &Context, link: &Link, request: &mut Request) -> Result<(), Refusal> {
        if !self.caller.is_proxy {
            return Ok(());
        }
        let introduction = match self.introduction.take() {
            Some(introduction) => introduction,
            None => {
                let introduction = forwarded::read(request, &context.options.proxies)?;
                self.caller.enter(context, link, introduction.client)?;
                introduction
            }
        };
        request.passed_on(introduction.client, introduction.is_secure);
        Ok(())
    }
}

fn meet(
    context: &Arc<Context>,
    link: &Arc<Link>,
    head: &Head,
    bytes: Vec<u8>,
    mut arrival: Arrival<'_>,
) -> Result<(), Parting> {
    // An empty line before the request is to be ignored (RFC 9112, section 2.2).
    let text = String::from_utf8_lossy(bytes[..head.length].trim_ascii_start());
    if let Some(tap) = &link.tap {
        tap.http_received(&bytes[..head.length]);
    }
    let mut request = Request::new(text.into(), link.neighbour(), arrival.caller.local);
    request = request.secured(arrival.tls.take());
    arrival.introduce(context, link, &mut request)?;
    let caller = arrival.caller;
    http::check(head, &request)?;
    answer_http(context, head, link, &request)?;
    let in_force = context.live.get();
    if request.origin().is_some() {
        origin::check_host(&request, &in_force.settings.allowed_hosts)?;
    }
    http::check_upgrade(head, &request, context.options.paths.as_ref())?;
    origin::check(&request, &in_force.settings.allowed_origins)?;
    caller.join()?;
    let place = Place::take(context)?;
    let mut acceptance = ask_gate(context, &request)?;
    choose_subprotocol(context, &mut request, &acceptance);
    let rate = context.live.get().settings.message_rate;
    if let Some(rate) = rate {
        acceptance.headers.push((MessageRate::HEADER.to_owned(), rate.to_string()));
    }
    let response = http::accept(&request, &acceptance.headers)?;
    let via = request.via().map(|proxy| format!(" via {proxy}")).unwrap_or_default();
    log::info!("{link:?} opens {}{via}", crate::Escaped::new(request.path()).cut(200));
    if let Some(tap) = &link.tap {
        tap.http_sent(&response);
    }
    if let Some(notice) = acceptance.gap_notice {
        link.outbox.set_gap_notice(notice);
    }
    let session = Box::new(Session {
        client: Client::new(link.clone(), request, context.hub.clone()),
        handler: acceptance.handler,
        early: Bytes::copy_from_slice(&bytes[head.length..]),
        response: response.into(),
        rate,
        context: context.clone(),
        place,
        visit: caller.visit.take(),
    });
    let name = format!("chinwag-client-{}", link.id);
    context.spawn(name, context.options.stack_size, move || client_thread::run(session)).map_err(|error| {
        context
            .exhausted
            .log(Level::Error, format_args!("cannot start a client's thread ({error}); going on"));
        full("the server is out of threads").because(RefusalCause::Threads).into()
    })
}

/// Answers a request that is for no WebSocket, where the embedder has an answer.
fn answer_http(context: &Context, head: &Head, link: &Link, request: &Request) -> Result<(), Parting> {
    let Some(answer) = &context.options.http else { return Ok(()) };
    if head.method == "GET" && http::is_upgrade(request) {
        return Ok(());
    }
    origin::check_host(request, &context.live.get().settings.allowed_hosts)?;
    let answer = catch_unwind(AssertUnwindSafe(|| answer(request))).map_err(|_| {
        log::error!("the answer to an HTTP request panicked");
        Refusal::new(500, "the server failed to answer")
    })?;
    let Some(response) = answer else { return Ok(()) };
    let path = crate::Escaped::new(request.path()).cut(200);
    log::debug!("{link:?} gets {path}: {}", response.status);
    Err(Parting::Answered(http::respond(&response, head.method == "HEAD")))
}

fn ask_gate(context: &Context, request: &Request) -> Result<Acceptance, Refusal> {
    let answer = catch_unwind(AssertUnwindSafe(|| (context.options.gate)(request)));
    answer.unwrap_or_else(|_| {
        log::error!("the gate panicked; a newcomer was refused");
        Err(Refusal::new(500, "the server failed to answer"))
    })
}

/// The handler's choice, or else the first of the client's that the server knows.
fn choose_subprotocol(context: &Context, request: &mut Request, acceptance: &Acceptance) {
    let known = &context.options.subprotocols;
    let chosen = match &acceptance.subprotocol {
        Some(wanted) => request.subprotocols().find(|offered| offered == wanted),
        None => request.subprotocols().find(|offered| known.iter().any(|known| known == offered)),
    };
    let chosen = chosen.map(str::to_owned);
    request.choose(chosen.as_deref());
}
