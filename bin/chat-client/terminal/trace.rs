//! Log lines and the wire, on the screen.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chinwag::{WireObserver, WirePrinter, WireRecord};

use super::block::Block;
use super::screen::Screen;

/// Shows what is written to it, whole lines at a time.
pub struct ToScreen {
    screen: Arc<Screen>,
    unfinished: Vec<u8>,
}

impl ToScreen {
    pub fn new(screen: &Arc<Screen>) -> Self {
        Self { screen: screen.clone(), unfinished: Vec::new() }
    }
}

impl Write for ToScreen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unfinished.extend(bytes);
        if let Some(end) = self.unfinished.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = self.unfinished.drain(..=end).collect();
            self.screen.show([Block::Verbatim(String::from_utf8_lossy(&lines).into_owned())]);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes on to `printer` what it sees while `is_on`.
pub fn observer(printer: WirePrinter, is_on: &Arc<AtomicBool>) -> impl WireObserver + use<> {
    let is_on = is_on.clone();
    move |record: &WireRecord<'_>| {
        if is_on.load(Ordering::Relaxed) {
            printer.observe(record);
        }
    }
}
