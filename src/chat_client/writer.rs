//! The thread that sends. It alone waits where the server reads slowly.

use super::shared::{Shared, Task};
use crate::CloseCode;

pub(super) fn run(shared: &Shared) {
    while let Some(task) = shared.next_task() {
        match task {
            Task::Send(number, link, frames) => {
                let failed = frames.into_iter().find_map(|frame| link.send(frame).err());
                if failed.is_some() {
                    shared.not_writable(number);
                }
            }
            Task::Close(link) => {
                // A code that is always fine to send.
                let _ = link.close_output(CloseCode::NORMAL, "");
            }
        }
    }
}
