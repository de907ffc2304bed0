//! TLS over another transport. Bytes are read outside any lock; the session's own
//! lock is held only to turn them into plaintext. They are encrypted at the moment
//! of sending, under the outbox's lock and then this one, so records leave in order.
//! Reading sends nothing: what TLS has to answer becomes pending.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ProtocolVersion, ServerConnection};

use super::{Half, Handshake, TlsInfo, Transport, Writable};
use crate::tls::{ServerTls, failure};

/// One record: what is encrypted before it is known whether the system takes it, and
/// so the most that this transport keeps back.
const RECORD: usize = 16 * 1024;
/// How much is read at once.
const LARGEST_READ: usize = 4 * 1024;
/// All that the peer may say before the handshake is done.
const MAX_HANDSHAKE: usize = 128 * 1024;

pub(crate) struct Tls {
    under: Arc<dyn Transport>,
    /// Never held across a wait.
    session: Mutex<Session>,
    /// What the session says of it, stored under its lock.
    has_pending: AtomicBool,
}

struct Session {
    stage: Stage,
    /// What came in behind a record whose plaintext has to be read first.
    rest: Vec<u8>,
    /// Bytes that came in during the handshake.
    received: usize,
    /// The peer broke the protocol. Only the alert that says so can still be sent.
    is_broken: bool,
    /// Nothing can be sent any more.
    is_cut: bool,
    ending: Ending,
}

enum Stage {
    /// A server to whom nobody has said anything.
    New(ServerTls),
    Running(Box<Connection>),
    /// The peer did not speak TLS.
    Clear,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    No,
    /// Once all that is pending is sent.
    Asked,
    Done,
}

impl Tls {
    /// The server's end.
    pub(crate) fn server(under: Arc<dyn Transport>, tls: ServerTls) -> Self {
        Self::new(under, Stage::New(tls))
    }

    /// The client's end; its first words are pending.
    pub(crate) fn client(
        under: Arc<dyn Transport>,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let connection = ClientConnection::new(config, name).map_err(|error| failure(&error))?;
        Ok(Self::new(under, Stage::Running(Box::new(connection.into()))))
    }

    fn new(under: Arc<dyn Transport>, stage: Stage) -> Self {
        let session = Session {
            stage,
            rest: Vec::new(),
            received: 0,
            is_broken: false,
            is_cut: false,
            ending: Ending::No,
        };
        let has_pending = AtomicBool::new(session.has_pending());
        Self { under, session: Mutex::new(session), has_pending }
    }

    /// Works on the session, and notes what that left to send.
    fn with<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        let mut session = self.session.lock();
        let result = work(&mut session);
        self.has_pending.store(session.has_pending(), Ordering::SeqCst);
        result
    }
}

impl Transport for Tls {
    fn handshake(&self, deadline: Option<Instant>) -> io::Result<Handshake> {
        let mut buffer = [0; LARGEST_READ];
        let read = self.under.read(&mut buffer, deadline)?;
        self.with(|session| session.shake(&buffer[..read]))
    }

    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        if let Some(read) = self.with(|session| session.take(buffer))? {
            return Ok(read);
        }
        let limit = buffer.len().min(LARGEST_READ);
        loop {
            let read = self.under.read(&mut buffer[..limit], deadline)?;
            if let Some(read) = self.with(|session| session.decrypt(buffer, read))? {
                return Ok(read);
            }
            if self.has_pending() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            // Records without content must not keep the reader past its time.
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    fn read_below(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.under.read_below(buffer)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|session| session.send(&*self.under, bytes))
    }

    fn has_pending(&self) -> bool {
        self.has_pending.load(Ordering::SeqCst)
    }

    fn shutdown(&self, half: Half) {
        match half {
            Half::Write => self.with(|session| session.end(&*self.under)),
            // Takes no lock, for it may have to wake who holds it up.
            Half::Read | Half::Both => self.under.shutdown(half),
        }
    }

    fn writable(&self) -> Writable<'_> {
        self.under.writable()
    }

    fn has_input(&self) -> bool {
        self.session.lock().has_plaintext() || self.under.has_input()
    }
}

impl Session {
    /// Takes what came in during the handshake; nothing at the end of input.
    fn shake(&mut self, bytes: &[u8]) -> io::Result<Handshake> {
        if let Stage::New(tls) = &self.stage {
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // A record begins with 22, a request with a method or an empty line.
            if bytes.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'\r') {
                self.stage = Stage::Clear;
                return Ok(Handshake::NotTls);
            }
            let connection = ServerConnection::new(tls.current()).map_err(|error| failure(&error))?;
            self.stage = Stage::Running(Box::new(connection.into()));
        }
        self.received += bytes.len();
        self.receive(bytes)?;
        let Stage::Running(connection) = &self.stage else { return Ok(Handshake::NotTls) };
        if !connection.is_handshaking() {
            return Ok(Handshake::Done(Some(Box::new(info(connection)))));
        }
        if bytes.is_empty() {
            let why = "the peer ended the connection in the middle of the TLS handshake";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        if self.received > MAX_HANDSHAKE {
            self.is_broken = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the TLS handshake is too long"));
        }
        Ok(Handshake::UnderWay)
    }

    /// Decrypts what came in, which are the first `read` bytes of `buffer`, and puts
    /// what there is of plaintext in their place.
    fn decrypt(&mut self, buffer: &mut [u8], read: usize) -> io::Result<Option<usize>> {
        if matches!(self.stage, Stage::Clear) {
            return Ok(Some(read));
        }
        if self.is_broken {
            // To be thrown away until the peer has read the alert.
            return if read == 0 { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
        }
        self.receive(&buffer[..read])?;
        self.take(buffer)
    }

    fn receive(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Stage::Running(connection) = &mut self.stage else { return Ok(()) };
        loop {
            let result = connection.read_tls(&mut bytes).and_then(|read| {
                let state = connection.process_new_packets().map_err(|error| failure(&error))?;
                Ok((read, state.plaintext_bytes_to_read()))
            });
            match result {
                // Nothing is an end to rustls, so it is given nothing only there.
                Ok((0, _)) => return Ok(()),
                Ok(_) if bytes.is_empty() => return Ok(()),
                Ok((_, 0)) => {}
                // It takes no more while it holds a record's worth of plaintext.
                Ok(_) => {
                    self.rest = bytes.to_vec();
                    return Ok(());
                }
                Err(error) => {
                    self.is_broken = true;
                    return Err(error);
                }
            }
        }
    }

    /// Plaintext that is there already.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Stage::Running(connection) = &mut self.stage else {
            let is_new = matches!(self.stage, Stage::New(_));
            return if is_new { Err(io::ErrorKind::NotConnected.into()) } else { Ok(None) };
        };
        match connection.reader().read(buffer) {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.rest.is_empty() => {
                let rest = std::mem::take(&mut self.rest);
                self.receive(&rest)?;
                self.take(buffer)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if self.is_broken && error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::Error::new(error.kind(), "cut off, without the end that TLS demands"))
            }
            Err(error) => Err(error),
        }
    }

    fn has_plaintext(&mut self) -> bool {
        let Stage::Running(connection) = &mut self.stage else { return false };
        !self.rest.is_empty() || connection.reader().fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    fn has_pending(&self) -> bool {
        matches!(&self.stage, Stage::Running(connection) if !self.is_cut && connection.wants_write())
    }

    /// Encrypts no more than one record before the system has taken it.
    fn send(&mut self, under: &dyn Transport, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.stage, Stage::Clear) {
            return under.try_send(bytes);
        }
        self.flush(under)?;
        let mut taken = 0;
        while taken < bytes.len() {
            let end = bytes.len().min(taken + RECORD);
            taken += self.encrypt(&bytes[taken..end])?;
            match self.flush(under) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                flushed => flushed?,
            }
        }
        Ok(taken)
    }

    fn encrypt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Running(connection)
                if !connection.is_handshaking() && !self.is_broken && self.ending == Ending::No =>
            {
                connection.writer().write(bytes)
            }
            Stage::New(_) => Err(io::ErrorKind::NotConnected.into()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Sends what is pending, as far as the system takes it; `WouldBlock` where some is left.
    fn flush(&mut self, under: &dyn Transport) -> io::Result<()> {
        let Stage::Running(connection) = &mut self.stage else { return Ok(()) };
        while connection.wants_write() && !self.is_cut {
            if let Err(error) = connection.write_tls(&mut Sending(under)) {
                self.is_cut = error.kind() != io::ErrorKind::WouldBlock;
                return Err(error);
            }
        }
        if self.ending == Ending::Asked {
            self.ending = Ending::Done;
            under.shutdown(Half::Write);
        }
        Ok(())
    }

    /// Ends the writing half after all that is pending, and says so first.
    fn end(&mut self, under: &dyn Transport) {
        if self.ending == Ending::No {
            self.ending = Ending::Asked;
            match &mut self.stage {
                Stage::Running(connection) if !connection.is_handshaking() => connection.send_close_notify(),
                Stage::Running(_) => {}
                Stage::New(_) | Stage::Clear => under.shutdown(Half::Write),
            }
        }
        // What cannot be sent now is pending, or the connection is lost.
        let _ = self.flush(under);
    }
}

fn info(connection: &Connection) -> TlsInfo {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    let server_name = match connection {
        Connection::Server(connection) => connection.server_name().map(str::to_owned),
        Connection::Client(_) => None,
    };
    let certificates = connection.peer_certificates().unwrap_or_default();
    TlsInfo {
        version,
        cipher_suite: suite.unwrap_or_default(),
        server_name,
        peer_certificates: certificates.iter().map(|certificate| certificate.to_vec()).collect(),
    }
}

/// Where rustls writes: never waiting.
struct Sending<'a>(&'a dyn Transport);

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
