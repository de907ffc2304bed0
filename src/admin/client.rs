//! The other end of the socket, for tools.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::message::{AdminAnswer, AdminRequest};
use crate::{Error, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server's admin socket.
#[derive(Debug)]
pub struct AdminClient {
    stream: BufReader<UnixStream>,
}

impl AdminClient {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where nothing listens there, or this user may not open it.
    pub fn connect(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let connect = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream =
            connect().map_err(Error::io(format!("connect to the admin socket {}", path.display())))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks, in the name of `by` where there is one, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the connection is lost or no answer comes in 30 s, and
    /// [`Error::Invalid`] where it is none that is known here. What the server does not do is
    /// no error, but [`AdminAnswer::Error`].
    pub fn ask(&mut self, request: &AdminRequest, by: Option<&str>) -> Result<AdminAnswer> {
        let line = self.exchange(request.to_json(by)).map_err(Error::io("ask the admin socket"))?;
        AdminAnswer::parse(&line)
            .map_err(|error| Error::Invalid(format!("the admin socket's answer is not understood: {error}")))
    }

    fn exchange(&mut self, mut line: String) -> io::Result<String> {
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes())?;
        let mut answer = String::new();
        match self.stream.read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer),
        }
    }
}
