//! One client: its socket, how far its connection is, and what waits to be sent.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use chinwag::MessageRate;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::check::Heard;
use crate::frames::{self, Frame, close_words};
use crate::socket::Socket;
use crate::stop::Stop;

/// An answer to the handshake may be this long.
const MAX_RESPONSE: usize = 64 * 1024;

/// What is done with each text that a client hears, and when it was read.
pub trait Hear: FnMut(&mut Heard, &[u8], Instant) {}

impl<F: FnMut(&mut Heard, &[u8], Instant)> Hear for F {}

/// How far a connection is.
#[derive(Debug)]
pub enum State {
    /// The handshake is under way; this was its key.
    Joining { key: String },
    /// In.
    Open,
    /// It said that it leaves.
    Leaving,
    /// It never came in.
    Shut(Stop),
    /// It was in, and was cut off, for this reason.
    CutOff(String),
    /// It left.
    Left,
}

/// One client of the crowd.
pub struct Client {
    pub socket: Socket,
    /// What its name ends with.
    pub number: u32,
    pub state: State,
    /// How fast the server says that it may talk.
    pub rate: Option<MessageRate>,
    /// What it heard in this step.
    pub heard: Heard,
    /// Bytes of a frame, or of the handshake, whose rest is still to come.
    rest: Vec<u8>,
    /// What the socket did not take yet.
    outbound: Vec<u8>,
}

impl Client {
    /// A client that is connecting; `request` makes its request from a key.
    pub fn new(socket: Socket, number: u32, request: impl FnOnce(&str) -> String) -> Self {
        let key = generate_key();
        let outbound = request(&key).into_bytes();
        let state = State::Joining { key };
        Self { socket, number, state, rate: None, heard: Heard::default(), rest: Vec::new(), outbound }
    }

    /// Whether it is in and hears what is said.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether something of it may still come or go.
    pub fn is_alive(&self) -> bool {
        matches!(self.state, State::Joining { .. } | State::Open | State::Leaving)
    }

    /// Says something.
    pub fn say(&mut self, text: &str) {
        self.frame(OpCode::Data(Data::Text), text.as_bytes());
    }

    /// Asks to leave, in good order.
    pub fn leave(&mut self) {
        if self.is_open() {
            self.frame(OpCode::Control(Control::Close), &1000u16.to_be_bytes());
            self.state = State::Leaving;
        }
    }

    fn frame(&mut self, opcode: OpCode, payload: &[u8]) {
        frames::write(opcode, payload, &mut self.outbound);
        self.flush();
    }

    /// Sends what waits, as far as the socket takes it.
    pub fn flush(&mut self) {
        while !self.outbound.is_empty() && self.is_alive() {
            match self.socket.write(&self.outbound) {
                Ok(count) => drop(self.outbound.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return;
                }
                // What came before says why; it is still to be read.
                Err(_) => return self.outbound.clear(),
            }
        }
        if self.socket.has_pending() {
            // What it does not take now, the next event sends on.
            let _ = self.socket.flush();
        }
    }

    /// Reads what has come, giving each text to `hear`. `scratch` is for all clients.
    pub fn receive(&mut self, scratch: &mut [u8], hear: &mut impl Hear) {
        while self.is_alive() {
            match self.socket.read(scratch) {
                Ok(0) => return self.end("the connection ended without a close frame"),
                Ok(count) => {
                    self.take(&scratch[..count], Instant::now(), hear);
                    // The event comes again for what comes after a short read.
                    if count < scratch.len() && self.socket.tells_all() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return;
                }
                Err(error) => return self.end(&cause(&error)),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], now: Instant, hear: &mut impl Hear) {
        if self.rest.is_empty() && !matches!(self.state, State::Joining { .. }) {
            let used = self.take_frames(bytes, now, hear);
            self.rest.extend(&bytes[used..]);
            return;
        }
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend(bytes);
        let mut used = 0;
        if let State::Joining { key } = &self.state {
            match response(&rest, key) {
                Ok(None) => {}
                Ok(Some((head, rate))) => {
                    (self.state, self.rate) = (State::Open, rate);
                    used = head;
                }
                Err(stop) => self.state = State::Shut(stop),
            }
        }
        if !matches!(self.state, State::Joining { .. }) {
            used += self.take_frames(&rest[used..], now, hear);
        }
        rest.drain(..used);
        // Most clients are between two frames most of the time, and then hold no memory.
        if !rest.is_empty() {
            self.rest = rest;
        }
    }

    /// Takes whole frames; how many bytes they had.
    fn take_frames(&mut self, bytes: &[u8], now: Instant, hear: &mut impl Hear) -> usize {
        let mut used = 0;
        while self.is_alive() {
            match frames::read(&bytes[used..]) {
                Ok(Some(frame)) => {
                    used += frame.length;
                    self.take_frame(&frame, now, hear);
                }
                Ok(None) => break,
                Err(why) => self.end(&why),
            }
        }
        used
    }

    fn take_frame(&mut self, frame: &Frame<'_>, now: Instant, hear: &mut impl Hear) {
        let payload = frame.payload;
        match frame.opcode {
            OpCode::Data(Data::Text) => hear(&mut self.heard, payload, now),
            OpCode::Control(Control::Ping) => self.frame(OpCode::Control(Control::Pong), payload),
            OpCode::Control(Control::Close) if matches!(self.state, State::Leaving) => {
                self.state = State::Left
            }
            OpCode::Control(Control::Close) => {
                self.frame(OpCode::Control(Control::Close), payload.get(..2).unwrap_or_default());
                self.end(&close_words(payload));
            }
            _ => {}
        }
    }

    /// The connection is over, other than by leaving.
    fn end(&mut self, why: &str) {
        self.state = match &self.state {
            State::Joining { key } => match response_at_end(&self.rest, key) {
                Some(stop) => State::Shut(stop),
                None => State::Shut(Stop::Failed(format!("a client's handshake failed: {why}"))),
            },
            State::Leaving => State::Left,
            _ => State::CutOff(why.to_owned()),
        };
    }
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
        ErrorKind::ConnectionRefused => "nothing listens there any more (connection refused)".to_owned(),
        ErrorKind::InvalidData => format!("TLS failed: {error} (--ca names an authority of one's own)"),
        _ => format!("the connection failed: {error}"),
    }
}

/// The length of a response that lets the client in, once it is whole, and how fast it may
/// talk then.
fn response(bytes: &[u8], key: &str) -> Result<Option<(usize, Option<MessageRate>)>, Stop> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_RESPONSE => return Ok(None),
        Ok(httparse::Status::Partial) => {
            return Err(Stop::Failed("the server's answer has no end".to_owned()));
        }
        Err(error) => return Err(Stop::Failed(format!("the server's answer is not HTTP: {error}"))),
    };
    let field = |name: &str| {
        let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.and_then(|field| str::from_utf8(field.value).ok())
    };
    let status = response.code.unwrap_or_default();
    if status != 101 {
        let body = field("Content-Length").and_then(|length| length.parse::<usize>().ok());
        let whole = body.is_some_and(|body| bytes.len() - length >= body.min(MAX_RESPONSE));
        let reason = String::from_utf8_lossy(&bytes[length..]).into_owned();
        return if whole { Err(Stop::Refused { status, reason }) } else { Ok(None) };
    }
    if field("Sec-WebSocket-Accept") != Some(&derive_accept_key(key.as_bytes())) {
        return Err(Stop::Failed("the server's answer is to another handshake".to_owned()));
    }
    let rate = field(MessageRate::HEADER).and_then(|rate| rate.trim().parse().ok());
    Ok(Some((length, rate)))
}

/// What a response means whose connection ended.
fn response_at_end(bytes: &[u8], key: &str) -> Option<Stop> {
    if let Err(stop) = response(bytes, key) {
        return Some(stop);
    }
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Stop::Refused { status, reason: body.to_owned() })
}
