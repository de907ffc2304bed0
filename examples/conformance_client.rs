//! The client's side of the conformance suite: asks a fuzzing server for its test
//! cases, one connection each, and echoes what comes in them.
//!
//! ```text
//! kosoku --mode fuzzingserver 127.0.0.1:9001 &
//! cargo run --example conformance_client -- ws://127.0.0.1:9001
//! ```
//!
//! `tests/foreign/conformance.py` does both and judges the results.

use chinwag::{ConnectOptions, Connection};

const AGENT: &str = "chinwag";
const MAX_MESSAGE_SIZE: usize = 64 * 1024 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("usage: conformance_client URL [CA]")?;
    let url = url.trim_end_matches('/');
    // For wss://, the authority that has signed the server's certificate.
    let options =
        args.fold(ConnectOptions::new(), ConnectOptions::ca_file).max_message_size(MAX_MESSAGE_SIZE);

    let count = options.connect(&format!("{url}/getCaseCount"))?.recv()?;
    let count: u32 = count.as_text().ok_or("the number of cases came as binary")?.parse()?;
    for case in 1..=count {
        echo(options.connect(&format!("{url}/runCase?case={case}&agent={AGENT}"))?);
    }
    options.connect(&format!("{url}/updateReports?agent={AGENT}"))?.recv().ok();
    println!("ran {count} cases");
    Ok(())
}

/// Sends back what comes, until either side closes: most cases end so, many by a
/// broken protocol, and the suite judges whether rightly.
fn echo(mut connection: Connection) {
    while let Ok(message) = connection.recv() {
        if connection.send(message).is_err() {
            return;
        }
    }
}
