//! Sends back what it gets: text as text, binary as binary.
//!
//! ```text
//! cargo run --example echo -- --listen 127.0.0.1:9001
//! ```
//!
//! The conformance suite runs against it (`tests/foreign/conformance.py`), and
//! sends messages of 16 MiB and such as come byte by byte: hence the limits, which
//! a server of your own should leave far lower.

use std::io::Write;

use chinwag::{Client, Handler, Server};

const MAX_MESSAGE_SIZE: usize = 64 * 1024 * 1024;

struct Echo;

impl Handler for Echo {
    fn on_text(&mut self, me: &Client, text: &str) {
        me.send(text);
    }

    fn on_binary(&mut self, me: &Client, data: &[u8]) {
        me.send(data);
    }
}

fn main() -> chinwag::Result<()> {
    let server = Server::builder()
        .handler(|_| Ok(Echo))
        .max_message_size(MAX_MESSAGE_SIZE)
        .max_fragments(u32::MAX)
        // Room for one message that is on its way out and one that follows it.
        .outbox_bytes(2 * MAX_MESSAGE_SIZE)
        .outbox_messages(65_536)
        .bind(listen_addr())?;
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    // Who starts this program may read its output through a pipe, and waits for
    // the address.
    let _ = std::io::stdout().flush();
    server.join();
    Ok(())
}

fn listen_addr() -> String {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => "127.0.0.1:9001".to_owned(),
        [flag, addr] if flag == "--listen" => addr.clone(),
        _ => {
            eprintln!("usage: echo [--listen ADDR]");
            std::process::exit(2)
        }
    }
}
