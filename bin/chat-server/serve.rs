//! Runs a server until it is asked to stop.

use std::io::Write;
use std::time::Duration;

use chinwag::chat::Chat;
use chinwag::{Error, Server, ServerTls, WirePrinter, page};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::{Guard, Options};
use crate::shared::log_briefly;
use crate::signals::{self, Files};

pub fn run(options: &Options) -> Result<(), Error> {
    raise_descriptor_limit();
    // Before the first thread, so that no signal meets the default action later.
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| Error::Invalid(format!("failed to watch for signals: {error}")))?;
    let printer = options.trace_wire.then(|| WirePrinter::new(std::io::stderr())).transpose()?;
    let tls = options.listening.load_tls()?;
    let guard = options.auth.load()?;
    let server = start(options, tls.as_ref(), guard.as_ref(), printer.as_ref())?;
    let mut out = std::io::stdout();
    for addr in server.local_addrs() {
        // Who reads the address may have gone; the server need not.
        let _ = writeln!(out, "listening on {addr}").and_then(|()| out.flush());
    }
    let handle = server.shutdown_handle();
    let files = Files { tls, guard };
    std::thread::spawn(move || signals::attend(signals, &handle, &files));
    server.join();
    if let Some(printer) = printer {
        printer.flush(Duration::from_secs(1));
    }
    log_briefly(|| log::info!("stopped"));
    Ok(())
}

fn start(
    options: &Options,
    tls: Option<&ServerTls>,
    guard: Option<&Guard>,
    printer: Option<&WirePrinter>,
) -> Result<Server, Error> {
    let mut chat = options.chatting.apply(Chat::builder());
    if let Some(guard) = guard {
        chat = guard.apply(chat);
    }
    let chat = chat.build();
    let checked = chat.clone();
    let builder = Server::builder()
        .paths(Chat::PATHS)
        .http(move |request| page::respond(request).or_else(|| checked.check(request)))
        .handler(chat.gate());
    let mut builder = options.listening.apply(options.limits.apply(builder));
    if let Some(printer) = printer {
        builder = builder.wire_observer(printer.clone());
    }
    for listener in options.listening.listeners(tls)? {
        builder = builder.listener(listener);
    }
    builder.start()
}

/// A client takes a descriptor, and the limit that programs start with is that of
/// a shell. Where it cannot be raised, the server takes fewer clients and says so.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
