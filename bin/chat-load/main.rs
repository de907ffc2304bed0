//! `chat-load`: how many clients does a chat server hold, and how does it do with them?
//!
//! Arguments, the order of things, and the exit code; the rest is in the modules:
//! `swarm` moves all clients, each a `client`, on this one thread; `run` has them talk;
//! `tally` and `check` judge what they hear; `ramp` looks for the limit.

mod args;
mod check;
mod client;
mod dial;
mod frames;
mod manual;
mod plot;
mod process;
mod progress;
mod ramp;
mod report;
mod run;
#[path = "../shared/mod.rs"]
#[allow(dead_code, reason = "chat-load keeps no log")]
mod shared;
mod socket;
mod stamp;
mod stop;
mod swarm;
mod table;
mod tally;
mod target;

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use serde_json::{Value, json};

use args::{Args, Protocol};
use dial::Dialer;
use process::Probe;
use ramp::{Ramp, Search};
use report::Outcome;
use run::{Load, Runner};
use socket::Security;
use stamp::Codec;
use swarm::Swarm;
use target::Target;

fn main() -> ExitCode {
    let made = shared::generate::asked(Args::command, &manual::MANUAL);
    match made.map_or_else(|| run(&Args::read()), |made| made.map(|()| true)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err((status, problem)) => {
            eprintln!("chat-load: {problem}");
            ExitCode::from(status)
        }
    }
}

/// Whether all was as it should be; or the exit status and why nothing could be said.
fn run(args: &Args) -> Result<bool, (u8, String)> {
    let failed = |problem: String| (1, problem);
    let target = Target::parse(&args.url, &args.room).map_err(|problem| (2, problem))?;
    let security = target.secure_host().map(|host| Security::new(host, &args.ca)).transpose();
    let security = security.map_err(failed)?;
    let addrs = target.resolve().map_err(failed)?;
    if !args.yes_i_own_it && !target::are_local(&addrs) {
        return Err((2, not_local(&addrs)));
    }
    shared::raise_descriptor_limit();
    let server = args.pid.map(Probe::of).transpose().map_err(failed)?;
    let addr = target.reach(&addrs).map_err(failed)?;
    let swarm = Swarm::new(target, Dialer::new(addr), security, args.connect_rate)
        .map_err(|error| failed(format!("failed to watch sockets: {error}")))?;
    let codec = Codec::new(args.protocol, &args.room, args.size);
    let mut runner = Runner::new(swarm, codec, server, args.wait);
    let load = Load {
        clients: args.clients() as usize,
        senders: args.senders as usize,
        rate: args.rate,
        time: args.time(),
    };
    let result = match args.find_limit {
        Some(axis) => find_limit(args, &mut runner, Search { axis, first: load, bound: args.p99 }),
        None => one_run(args, &mut runner, &load),
    };
    runner.leave();
    result.map_err(failed)
}

fn not_local(addrs: &[std::net::SocketAddr]) -> String {
    let addrs: Vec<_> = addrs.iter().map(ToString::to_string).collect();
    format!(
        "{} is not this machine, and chat-load would put it under load; if it is yours and may be, say \
         --yes-i-own-it",
        addrs.join(", ")
    )
}

fn one_run(args: &Args, runner: &mut Runner, load: &Load) -> Result<bool, String> {
    let joins = match runner.gather(load.clients) {
        Ok(joins) => joins,
        Err(stop) => {
            let count = runner.make_do();
            let headroom = runner.headroom().map(|words| format!("; {words}")).unwrap_or_default();
            return Err(format!("{count} of {} clients came in, then: {stop}{headroom}", load.clients));
        }
    };
    let outcome = Outcome { connect: joins, ..runner.run(load) };
    print(args, || table::of_run(&outcome), || asked(args, json!(outcome)))?;
    if let Some(path) = &args.plot {
        plot::of_run(path, &outcome)?;
    }
    Ok(outcome.is_right())
}

fn find_limit(args: &Args, runner: &mut Runner, search: Search) -> Result<bool, String> {
    let ramp = ramp::find_limit(runner, &search).map_err(|stop| {
        let headroom = runner.headroom().map(|words| format!("; {words}")).unwrap_or_default();
        format!("{stop}{headroom}")
    })?;
    print(args, || table::of_ramp(&ramp), || asked(args, of_ramp(&ramp, &search)))?;
    if let Some(path) = &args.plot {
        plot::of_ramp(path, &ramp, search.axis)?;
    }
    Ok(ramp.is_right())
}

fn of_ramp(ramp: &Ramp, search: &Search) -> Value {
    json!({
        "find_limit": match search.axis { args::Axis::Clients => "clients", args::Axis::Rate => "rate" },
        "p99_bound_ms": search.bound.as_secs_f64() * 1000.0,
        "stopped_by": ramp.stopped_by,
        "notes": ramp.notes(),
        "knee": ramp.knee(),
        "steps": ramp.steps,
    })
}

/// What was asked for, with what came of it. The URL's query may hold a secret.
fn asked(args: &Args, mut result: Value) -> Value {
    result["target"] = json!(args.url.split('?').next());
    result["protocol"] = json!(match args.protocol {
        Protocol::Text => "text",
        Protocol::Json => "json",
    });
    result["room"] = json!(args.room);
    result["size"] = json!(args.size);
    result
}

fn print(args: &Args, table: impl Fn() -> String, json: impl Fn() -> Value) -> Result<(), String> {
    let text = if args.json { json().to_string() + "\n" } else { table() };
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("failed to print: {error}"))
}
