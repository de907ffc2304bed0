//! Who gets in, as whom, where to, and for how long.

mod identity;

use chinwag::chat::{Chat, ChatBuilder};
use chinwag::{Error, Server, ServerBuilder};

fn start(chat: ChatBuilder) -> Server {
    start_with(Server::builder(), chat)
}

/// A chat with the check that pages ask for.
fn start_with(builder: ServerBuilder, chat: ChatBuilder) -> Server {
    let chat = chat.build();
    let checked = chat.clone();
    let builder = builder.paths(Chat::PATHS).http(move |request| checked.check(request));
    builder.handler(chat.gate()).bind("127.0.0.1:0").unwrap()
}

/// The status and reason of a refusal.
#[track_caller]
fn refusal<T>(result: chinwag::Result<T>) -> (u16, String) {
    match result {
        Err(Error::Refused(response)) => (response.status, response.body.trim_end().to_owned()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("was let in"),
    }
}
