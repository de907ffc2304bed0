//! What the manual page says beside the options.

use crate::shared::generate::{Manual, Section};

pub const MANUAL: Manual =
    Manual { sections: &[EXAMPLES, FILES, SIGNALS, EXIT_STATUS, SEE_ALSO], files: Vec::new };

const EXAMPLES: Section = Section {
    title: "EXAMPLES",
    items: &[
        ("chat-client --name John", "Joins the chat on this machine."),
        ("chat-client --name John wss://chat.example/", "Joins one elsewhere."),
        ("echo \"backup done\" | chat-client --name backup --room operators", "Says one line, and leaves."),
        (
            "chat-client --name John --token-file ~/.config/chinwag/token wss://chat.example/",
            "Joins one that wants a token. Or put the token into CHINWAG_TOKEN: it is no option, for the \
             command line can be read by every user of the machine.",
        ),
        ("chat-client --name bot --json --reconnect", "Speaks chinwag.v1 on stdin and stdout."),
    ],
};

const FILES: Section = Section {
    title: "FILES",
    items: &[(
        "$XDG_STATE_HOME/chinwag/history",
        "What was typed on a terminal, readable by its owner alone; in ~/.local/state where the variable \
         is not set.",
    )],
};

const SIGNALS: Section = Section {
    title: "SIGNALS",
    items: &[("SIGINT, SIGTERM", "Leave the chat in good order; a second one ends at once.")],
};

const EXIT_STATUS: Section = Section {
    title: "EXIT STATUS",
    items: &[
        ("0", "Left as asked."),
        ("1", "Could not connect, was refused or lost the connection for good; one line on stderr says why."),
        ("2", "Wrong usage."),
    ],
};

const SEE_ALSO: Section = Section { title: "SEE ALSO", items: &[("", "chat-server(1), chat-load(1)")] };
