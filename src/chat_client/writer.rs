//! The thread that sends. It alone waits where the server reads slowly, or takes no more
//! than so many messages a second.

use super::shared::{Shared, Task};
use crate::CloseCode;

pub(super) fn run(shared: &Shared) {
    while let Some(task) = shared.next_task() {
        match task {
            Task::Send(number, link, frames) => {
                let send = |frame| shared.wait_for_turn(number) && link.send(frame).is_ok();
                if !frames.into_iter().all(send) {
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
