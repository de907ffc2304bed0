//! A bot of ten lines: joins the chat and answers whoever says `!ping`.
//!
//! ```text
//! cargo run --bin chat-server &
//! cargo run --example bot -- 'ws://127.0.0.1:9001/?name=Bot'
//! ```

use chinwag::Connection;

fn main() -> chinwag::Result<()> {
    let url = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:9001/?name=Bot".to_owned());
    let mut chat = Connection::connect(&url)?;
    loop {
        // The connection's end comes as an error that says why.
        let message = chat.recv()?;
        let said = message.as_text().and_then(|line| line.split_once(" says: "));
        if let Some((name, "!ping")) = said {
            chat.send(format!("{name}: pong"))?;
        }
    }
}
