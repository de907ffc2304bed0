//! What the manual page says beside the options.

use crate::shared::generate::{Manual, Section};

pub const MANUAL: Manual = Manual { sections: &[EXAMPLES, SIGNALS, SEE_ALSO], files: Vec::new };

const EXAMPLES: Section = Section {
    title: "EXAMPLES",
    items: &[
        ("chat-load --clients 1000 --rate 50", "A thousand clients in one room of the chat on this machine."),
        (
            "chat-load --find-limit --rate 4 --pid PID",
            "How many clients that server holds, and what each costs.",
        ),
        ("chat-load --find-limit=rate --clients 1000", "How many messages a second."),
    ],
};

const SIGNALS: Section =
    Section { title: "SIGNALS", items: &[("SIGINT, SIGTERM", "Stop, and report on what was done so far.")] };

const SEE_ALSO: Section = Section { title: "SEE ALSO", items: &[("", "chat-server(1), chat-client(1)")] };
