//! Runs a server until it is asked to stop.

use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chinwag::chat::Chat;
use chinwag::metrics::Metrics;
use chinwag::store::{Sqlite, Store};
use chinwag::{
    Error, Listener, Monitor, Request, Response, Server, ServerBuilder, ServerTls, Settings, SettingsHandle,
    Takeover, WirePrinter, page,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::{Options, secured};
use crate::config::Effective;
use crate::reload::Reload;
use crate::{signals, systemd};

/// `passed` are the sockets from systemd.
pub fn run(
    options: &Options,
    passed: Vec<Listener>,
    argv: Vec<OsString>,
    values: Vec<Effective>,
) -> Result<(), Error> {
    crate::shared::raise_descriptor_limit();
    // Before threads come and go, so that no signal meets the default action later.
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| Error::Invalid(format!("failed to watch for signals: {error}")))?;
    let printer = options.trace_wire.then(|| WirePrinter::new(std::io::stderr())).transpose()?;
    let tls = options.listening.load_tls()?;
    let guard = options.auth.load()?;
    let mut takeover = begin_takeover(options, &passed)?;
    let listeners = listeners(options, passed, tls.as_ref(), takeover.as_mut())?;
    let store = options.storing.open()?;
    if let Some(store) = &store {
        let (path, messages) = (store.path().display(), store.statistics().messages);
        log::info!("keeps what is said in {path}, where there are {messages} messages");
    }
    let chat = options.storing.begin(options.admin.apply(Chat::builder())?);
    let chat = store.iter().fold(chat, |chat, store| chat.store(store.clone()));
    let chat = match &guard {
        Some(guard) => guard.apply(chat).build(),
        None => chat.build(),
    };
    chat.change_settings(|settings| options.chatting.apply(settings));
    let server = start(options, &chat, store.as_ref(), listeners, tls.as_ref(), printer.as_ref())?;
    chat.begin(server.hub());
    let is_takeover = takeover.as_ref().is_some_and(|takeover| takeover.predecessor().is_some());
    let admin_socket = options.admin.open_socket(&chat, &server, is_takeover)?;
    let mut out = std::io::stdout();
    for addr in server.local_addrs() {
        // Who reads the address may have gone; the server need not.
        let _ = writeln!(out, "listening on {addr}").and_then(|()| out.flush());
    }
    if let Some(takeover) = takeover {
        server.take_over(takeover)?;
    }
    systemd::ready();
    let handle = server.shutdown_handle();
    systemd::watch(server.monitor(), chat.clone());
    let values = Arc::new(Mutex::new(values));
    let place = options.storing.store.clone();
    let reload = Reload { settings: server.settings(), chat, store: place, tls, guard, argv, values };
    std::thread::spawn(move || signals::attend(signals, &handle, &reload));
    server.join();
    drop(admin_socket);
    // Others hold it as well, until the process ends.
    if let Some(store) = store {
        store.close();
    }
    if let Some(printer) = printer {
        printer.flush(Duration::from_secs(1));
    }
    log::info!("stopped");
    Ok(())
}

fn begin_takeover(options: &Options, passed: &[Listener]) -> Result<Option<Takeover>, Error> {
    let Some(path) = &options.operations.takeover_socket else { return Ok(None) };
    if !passed.is_empty() {
        let why =
            "--takeover-socket is of no use with sockets from systemd: `systemctl restart` refuses nobody";
        return Err(Error::Invalid(why.to_owned()));
    }
    Takeover::begin(path).map(Some)
}

/// Those that systemd passed; or else those of every address, of the server that is taken
/// over where it has them.
fn listeners(
    options: &Options,
    passed: Vec<Listener>,
    tls: Option<&ServerTls>,
    takeover: Option<&mut Takeover>,
) -> Result<Vec<Listener>, Error> {
    if !passed.is_empty() {
        log::info!("listens on {} sockets from systemd, and on no other address", passed.len());
        return passed.into_iter().map(|listener| secured(listener, tls)).collect();
    }
    match takeover {
        Some(takeover) => options.listening.listeners(tls, |addr| takeover.listener(addr)),
        None => options.listening.listeners(tls, Listener::bind),
    }
}

fn start(
    options: &Options,
    chat: &Chat,
    store: Option<&Arc<Sqlite>>,
    listeners: Vec<Listener>,
    tls: Option<&ServerTls>,
    printer: Option<&WirePrinter>,
) -> Result<Server, Error> {
    let mut settings = Settings::default();
    options.apply(&mut settings);
    let farewell = chat.farewell();
    // SIGHUP may have changed the time that stopping takes.
    let live = Arc::<OnceLock<SettingsHandle>>::default();
    let current = live.clone();
    let builder = Server::builder().settings(settings);
    let kept = chat.clone();
    builder.monitor().ready_when(move || match kept.store_trouble() {
        Some(trouble) => Err(format!("what is said is not kept: {trouble}")),
        None => Ok(()),
    });
    let answers = answers(options, chat, store, tls, builder.monitor());
    let builder =
        builder.paths(Chat::PATHS).http(answers).handler(chat.gate()).on_shutdown(move |hub, code| {
            if let Some(current) = current.get() {
                systemd::stopping(current.get().drain_timeout);
            }
            farewell(hub, code);
        });
    let mut builder = options.proxies.apply(builder);
    if let Some(printer) = printer {
        builder = builder.wire_observer(printer.clone());
    }
    let server = listeners.into_iter().fold(builder, ServerBuilder::listener).start()?;
    let _ = live.set(server.settings());
    Ok(server)
}

/// What there is beside the chat.
fn answers(
    options: &Options,
    chat: &Chat,
    store: Option<&Arc<Sqlite>>,
    tls: Option<&ServerTls>,
    monitor: Monitor,
) -> impl Fn(&Request) -> Option<Response> + Send + Sync + 'static {
    let metrics = Metrics::new(monitor.clone()).chat(chat);
    let metrics = store.into_iter().fold(metrics, Metrics::sqlite);
    let metrics = options.watching.apply(tls.into_iter().fold(metrics, Metrics::tls));
    let chat = chat.clone();
    move |request| {
        page::respond(request)
            .or_else(|| chat.check(request))
            .or_else(|| monitor.respond(request))
            .or_else(|| metrics.as_ref()?.respond(request))
    }
}
