//! An application with a loop of its own that tells everybody what it finds.
//!
//! Here the loop reads standard input, so that any program's output can be
//! watched from browsers:
//!
//! ```text
//! vmstat 1 | cargo run --example broadcast -- 127.0.0.1:9001
//! ```

use std::io::{self, BufRead};

use chinwag::{Overflow, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or("127.0.0.1:9001".to_owned());
    // No handler: clients come and go by themselves, and what they say is
    // ignored. One that reads too slowly misses the oldest lines and is told how
    // many; this loop never waits for it.
    let server = Server::builder().overflow(Overflow::DropOldest).bind(addr)?;
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }

    let everyone = server.hub().everyone();
    for line in io::stdin().lock().lines() {
        let line = line?;
        // `broadcast` would do, and not wait for the hub's answer. This one says to
        // how many the line went.
        let watchers = everyone.broadcast_counted(line.as_str());
        println!("{watchers:>4} | {line}");
    }

    // Sends what is still queued and says goodbye with 1001.
    server.shutdown()?;
    Ok(())
}
