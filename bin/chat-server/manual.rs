//! What the manual page says beside the options.

use clap::CommandFactory;

use crate::args::Cli;
use crate::config::toml;
use crate::shared::generate::{Manual, Section};

pub const MANUAL: Manual = Manual {
    sections: &[EXAMPLES, FILES, SIGNALS, EXIT_STATUS, SEE_ALSO],
    files: || vec![("chat-server.toml", toml::example(Cli::command()))],
};

const EXAMPLES: Section = Section {
    title: "EXAMPLES",
    items: &[
        ("chat-server", "A chat for this machine: http://127.0.0.1:9001/ is its page."),
        (
            "chat-server --listen 0.0.0.0:443 --tls-cert chat.pem --tls-key chat.key",
            "A chat for everyone, at https:// and wss://.",
        ),
        (
            "chat-server --listen unix:/run/chinwag/chat.sock --allow-host chat.example",
            "Behind a reverse proxy.",
        ),
        (
            "chat-server token add Adam --role operator --file /etc/chinwag/tokens",
            "Makes a token for Adam, and prints it.",
        ),
        (
            "chat-server --store sqlite:/var/lib/chinwag/chat.db",
            "A chat that keeps what is said when it ends.",
        ),
        (
            "chat-server export --store sqlite:/var/lib/chinwag/chat.db --room lobby --since 2026-11-01",
            "What was said in a room since then, one JSON object a line.",
        ),
        ("chat-server --auth tokens:/etc/chinwag/tokens", "A chat for those who have a token."),
        (
            "chat-server check-config --config /etc/chinwag/chat-server.toml --print",
            "Whether the file is right, and what comes of it.",
        ),
    ],
};

const FILES: Section = Section {
    title: "FILES",
    items: &[(
        "/etc/chinwag/chat-server.toml",
        "Where packages put the configuration, and their service reads it. It is TOML: each key is an \
         option's long name, flags are true or false, what can be given several times is a list. \
         The program itself reads the file that --config names, and no other.",
    )],
};

const SIGNALS: Section = Section {
    title: "SIGNALS",
    items: &[
        (
            "SIGTERM, SIGINT",
            "Take no more clients, send what is queued, close all connections and end, at the latest \
             after --drain-timeout. A second one ends at once.",
        ),
        (
            "SIGHUP",
            "Read the configuration file, certificate and key, and the file of --auth again. What can change does, for those who \
             come from then on; the log says what has, and what needs a restart. A file with anything \
             wrong in it changes nothing.",
        ),
    ],
};

const EXIT_STATUS: Section = Section {
    title: "EXIT STATUS",
    items: &[
        ("0", "Stopped as asked."),
        ("1", "Could not start, or failed; one line on stderr says why."),
        ("2", "Wrong usage."),
    ],
};

const SEE_ALSO: Section = Section {
    title: "SEE ALSO",
    items: &[(
        "",
        "chat-client(1), chat-load(1), chat-server-check-config(1), chat-server-ctl(1), chat-server-export(1), chat-server-import(1), chat-server-token(1)",
    )],
};
