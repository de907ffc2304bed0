//! A message written in fragments.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use super::shared::Shared;
use crate::frame::{BINARY, CONTINUATION, FIN, TEXT};
use crate::{CloseCode, Result};

/// The kinds of message that can be written piece by piece: `str` for text,
/// `[u8]` for binary.
pub trait Piece: AsRef<[u8]> + sealed::Sealed {}

impl Piece for str {}
impl Piece for [u8] {}

mod sealed {
    pub trait Sealed {
        const OPCODE: u8;
    }

    impl Sealed for str {
        const OPCODE: u8 = super::TEXT;
    }

    impl Sealed for [u8] {
        const OPCODE: u8 = super::BINARY;
    }
}

/// Writes one message piece by piece, without having all of it in memory; made
/// by [`Connection::text_writer`](crate::Connection::text_writer) and
/// [`Connection::binary_writer`](crate::Connection::binary_writer).
///
/// Each piece leaves as one fragment (RFC 6455, section 5.4). While the writer
/// is open, other senders' whole messages and writers wait for it; pings and the
/// like do not. So don't send from the thread that holds a writer: it would wait
/// for itself.
///
/// Call [`finish`](Self::finish). A writer dropped before closes the connection
/// with 1011, since half a message cannot be taken back.
///
/// ```no_run
/// let connection = chinwag::Connection::connect("ws://127.0.0.1:9001/?name=John")?;
/// let mut writer = connection.text_writer()?;
/// for word in ["one ", "message ", "in pieces"] {
///     writer.write(word)?;
/// }
/// writer.finish()?;
/// # Ok::<(), chinwag::Error>(())
/// ```
pub struct MessageWriter<P: Piece + ?Sized> {
    shared: Arc<Shared>,
    /// Of the next frame: the kind at first, then a continuation.
    opcode: u8,
    is_finished: bool,
    piece: PhantomData<fn(&P)>,
}

impl<P: Piece + ?Sized> MessageWriter<P> {
    pub(super) fn begin(shared: &Arc<Shared>) -> Result<Self> {
        shared.begin_writing()?;
        Ok(Self { shared: shared.clone(), opcode: P::OPCODE, is_finished: false, piece: PhantomData })
    }

    /// Sends `piece` as the next fragment; nothing where it is empty. Waits while
    /// the outbox is full.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`](crate::Error::Closed) once the connection is closing or lost.
    pub fn write(&mut self, piece: &P) -> Result<()> {
        match piece.as_ref() {
            [] => Ok(()),
            bytes => self.push(0, bytes),
        }
    }

    /// Ends the message, with a last fragment that is empty.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`](crate::Error::Closed) once the connection is closing or
    /// lost: the message did not arrive whole.
    pub fn finish(mut self) -> Result<()> {
        self.is_finished = true;
        self.push(FIN, &[])
    }

    fn push(&mut self, fin: u8, bytes: &[u8]) -> Result<()> {
        let opcode = std::mem::replace(&mut self.opcode, CONTINUATION);
        self.shared.push(fin | opcode, bytes)
    }
}

impl<P: Piece + ?Sized> Drop for MessageWriter<P> {
    fn drop(&mut self) {
        if !self.is_finished && self.opcode == CONTINUATION {
            let _ = self.shared.close_output(CloseCode::INTERNAL, "a message was left unfinished");
        }
        self.shared.end_writing();
    }
}

/// Each `write_str` is one fragment: format into a `String` first where that is
/// too many.
impl fmt::Write for MessageWriter<str> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.write(piece).map_err(|_| fmt::Error)
    }
}

/// Each `write` is one fragment: put a [`BufWriter`](io::BufWriter) around it
/// where pieces are small.
impl io::Write for MessageWriter<[u8]> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        MessageWriter::write(self, piece)
            .map_err(|error| io::Error::new(io::ErrorKind::BrokenPipe, error))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<P: Piece + ?Sized> fmt::Debug for MessageWriter<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter")
            .field("is_begun", &(self.opcode == CONTINUATION))
            .finish_non_exhaustive()
    }
}
