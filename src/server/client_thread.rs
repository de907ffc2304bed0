//! One client's thread, from its upgrade to its end: reads, calls the handler,
//! and closes. It waits for its own socket and for nothing else.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::context::{Context, Place, SHUTDOWN_REASON};
use crate::handler::Handler;
use crate::hub::{Client, Command};
use crate::link::{Data, End, Reader};
use crate::outbox::Kind;
use crate::{CloseCode, CloseReason, Error};

thread_local! {
    static IS_CLIENT_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a client's callbacks, and so cannot wait for their end.
pub(super) fn is_current() -> bool {
    IS_CLIENT_THREAD.get()
}

/// What a greeter hands over.
pub(super) struct Session {
    pub client: Client,
    pub handler: Box<dyn Handler>,
    /// What came in behind the request.
    pub early: Bytes,
    /// The 101, ready to send.
    pub response: Bytes,
    pub context: Arc<Context>,
    pub place: Place,
}

pub(super) fn run(session: Session) {
    IS_CLIENT_THREAD.set(true);
    let Session { client, handler, early, response, context, place } = session;
    let link = client.link().clone();
    link.outbox.push_control(response, Kind::Http);
    link.open();
    let mut reader = Reader::server(&link, early);
    context.hub.tell(Command::Register(client.clone()));
    if context.is_stopping() {
        // Came too late for the closing of all.
        client.close(CloseCode::GOING_AWAY, SHUTDOWN_REASON);
    }
    log::info!("{link:?} opened {}", crate::Escaped::new(client.request().path()).cut(200));
    let mut callbacks = Callbacks { client: &client, handler };
    let End { reason, violation } = callbacks.converse(&mut reader);
    if violation.is_some() {
        // Through the hub, so that what the handler said before goes out first.
        client.close(reason.code, &*reason.reason);
    }
    let close_reply = reader.take_close_reply();
    context.hub.tell(Command::Unregister { client: client.clone(), close_reply });
    callbacks.close(&reason, violation);
    log::info!("{link:?} {reason}");
    drop(place);
    reader.discard_rest();
    link.forget();
}

struct Callbacks<'a> {
    client: &'a Client,
    handler: Box<dyn Handler>,
}

impl Callbacks<'_> {
    /// Calls the handler with what comes in, until no more will.
    fn converse(&mut self, reader: &mut Reader) -> End {
        let opened = self.call(|handler, me| handler.on_open(me));
        if let Err(panic) = opened {
            return self.panicked(&panic);
        }
        loop {
            let data = match reader.read(None) {
                Ok(Some(data)) => data,
                Ok(None) => continue,
                Err(end) => return end,
            };
            // What comes after we closed is not for the handler any more.
            if self.client.link().is_closing() {
                continue;
            }
            let called = match &data {
                Data::Text(text) => self.call(|handler, me| handler.on_text(me, text.as_str())),
                Data::Binary(bytes) => self.call(|handler, me| handler.on_binary(me, bytes)),
            };
            if let Err(panic) = called {
                return self.panicked(&panic);
            }
        }
    }

    /// The last callbacks.
    #[inline(never)]
    fn close(mut self, reason: &CloseReason, violation: Option<String>) {
        if let Some(words) = violation {
            let error = if reason.code == CloseCode::INTERNAL {
                Error::Panicked(words)
            } else {
                Error::Protocol(words, reason.clone())
            };
            log::warn!("{:?} {error}", self.client.link());
            // A panic in these last callbacks has nobody left to end.
            let _ = self.call(|handler, me| handler.on_error(me, &error));
        }
        let _ = self.call(|handler, me| handler.on_close(me, reason));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.handler)));
    }

    fn panicked(&self, words: &str) -> End {
        let failed = || CloseReason::local(CloseCode::INTERNAL, "the server failed");
        let reason = self.client.link().own_reason().unwrap_or_else(failed);
        End { reason, violation: Some(words.to_owned()) }
    }

    fn call(&mut self, callback: impl FnOnce(&mut dyn Handler, &Client)) -> Result<(), String> {
        let (handler, client) = (&mut *self.handler, self.client);
        catch_unwind(AssertUnwindSafe(|| callback(handler, client))).map_err(|panic| words_of(&*panic))
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
