//! One client's thread, from its upgrade to its end: reads, calls the handler,
//! and closes. It waits for its own socket and for nothing else.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::context::{Context, Place};
use super::pace::Pace;
use super::visitors::Visit;
use crate::handler::Handler;
use crate::hub::{Client, Command};
use crate::link::{Data, End, Link, Reader};
use crate::outbox::Kind;
use crate::{CloseCode, CloseReason, Error, MessageRate};

thread_local! {
    static IS_CLIENT_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread runs code of the embedder's.
pub(super) fn enter() {
    IS_CLIENT_THREAD.set(true);
}

/// Whether this thread runs code of the embedder's, and so cannot wait for its end.
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
    /// As the 101 says it.
    pub rate: Option<MessageRate>,
    pub context: Arc<Context>,
    pub place: Place,
    pub visit: Option<Visit>,
}

#[expect(clippy::boxed_local, reason = "keeps the frame small: an idle client pays for each page of stack")]
pub(super) fn run(session: Box<Session>) {
    enter();
    let Session { client, handler, early, response, rate, context, place, visit } = *session;
    let link = client.link().clone();
    link.outbox.push_control(response, Kind::Http);
    link.open();
    let mut reader = boxed_reader(&link, early);
    context.hub.tell(Command::Register(client.clone()));
    if context.is_stopping() {
        // Came too late for the closing of all.
        client.close(context.goodbye().code(), context.goodbye().reason());
    }
    let pace = rate.map(Pace::new);
    let mut callbacks = Callbacks { client: &client, handler, pace };
    let (reason, error) = callbacks.converse(&mut reader);
    callbacks.closing(&reason);
    if error.is_some() {
        // Through the hub, so that what the handler said before goes out first.
        client.close(reason.code, &*reason.reason);
    }
    let close_reply = reader.take_close_reply();
    context.hub.tell(Command::Unregister { client: client.clone(), close_reply });
    link.counters().closes.count(&reason.code);
    callbacks.close(&reason, error);
    log::info!("{link:?} {reason}");
    link.discard_rest();
    link.forget();
    drop((place, visit));
}

#[inline(never)]
fn boxed_reader(link: &Arc<Link>, early: Bytes) -> Box<Reader> {
    Box::new(Reader::server(link, early))
}

struct Callbacks<'a> {
    client: &'a Client,
    handler: Box<dyn Handler>,
    pace: Option<Box<Pace>>,
}

impl Callbacks<'_> {
    /// Calls the handler with what comes in, until no more will; why, and what
    /// went wrong, if anything did.
    fn converse(&mut self, reader: &mut Reader) -> (CloseReason, Option<Error>) {
        let opened = self.call(|handler, me| handler.on_open(me));
        if let Err(panic) = opened {
            return self.panicked(panic);
        }
        loop {
            let data = match reader.read(None) {
                Ok(Some(data)) => data,
                Ok(None) => continue,
                Err(End { reason, violation }) => {
                    let error = violation.map(|words| Error::Protocol(words, reason.clone()));
                    return (reason, error);
                }
            };
            // What comes after we closed is not for the handler any more.
            if self.client.link().is_closing() {
                continue;
            }
            if let Some(Err(too_fast)) = self.pace.as_mut().map(|pace| pace.keep(self.client.link())) {
                if let Some(why) = too_fast {
                    self.client.close(CloseCode::POLICY, why);
                }
                continue;
            }
            self.client.link().counters().message();
            let called = match &data {
                Data::Text(text) => self.call(|handler, me| handler.on_text(me, text.as_str())),
                Data::Binary(bytes) => self.call(|handler, me| handler.on_binary(me, bytes)),
            };
            if let Err(panic) = called {
                return self.panicked(panic);
            }
        }
    }

    /// What it sends is still heard.
    #[inline(never)]
    fn closing(&mut self, reason: &CloseReason) {
        // The reason stays the one that it was.
        let _ = self.call(|handler, me| handler.on_closing(me, reason));
    }

    /// The last callbacks.
    #[inline(never)]
    fn close(mut self, reason: &CloseReason, error: Option<Error>) {
        if let Some(error) = error {
            log::warn!("{:?} {error}", self.client.link());
            // A panic in these last callbacks has nobody left to end.
            let _ = self.call(|handler, me| handler.on_error(me, &error));
        }
        let _ = self.call(|handler, me| handler.on_close(me, reason));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.handler)));
    }

    fn panicked(&self, words: String) -> (CloseReason, Option<Error>) {
        let failed = || CloseReason::local(CloseCode::INTERNAL, "the server failed");
        (self.client.link().own_reason().unwrap_or_else(failed), Some(Error::Panicked(words)))
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
