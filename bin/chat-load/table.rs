//! The report for people.

use std::fmt::Write;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table};

use crate::ramp::Ramp;
use crate::report::{Outcome, Usage};

const KIB: f64 = 1024.0;

/// One run.
pub fn of_run(outcome: &Outcome) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut row = |what: &str, value: String| {
        table.add_row([what, &value]);
    };
    let is_silent = outcome.rate == 0.0;
    row(
        "clients",
        match is_silent {
            true => format!("{}, silent for {:.1} s", outcome.clients, outcome.seconds),
            false => format!("{}, {} of them talk", outcome.clients, outcome.senders),
        },
    );
    if let Some(joins) = outcome.connect {
        row("joined", format!("in {:.2} s, {:.0} a second", joins.seconds, joins.clients_per_second));
    }
    if !is_silent {
        row("messages", format!("{} in {:.1} s", outcome.sent, outcome.seconds));
        row("deliveries", format!("{} of {}", outcome.deliveries, outcome.expected));
        row("deliveries a second", format!("{:.0}", outcome.deliveries_per_second));
    }
    if let Some(latency) = outcome.latency_ms {
        row("latency p50", milliseconds(latency.p50));
        row("latency p99", milliseconds(latency.p99));
        row("latency max", milliseconds(latency.max));
    }
    if !is_silent {
        row("lost", outcome.lost.to_string());
        row("doubled", outcome.doubled.to_string());
        row("out of order", outcome.out_of_order.to_string());
    }
    row("cut off", outcome.cut_off.to_string());
    if let Some(server) = outcome.server {
        row("server: memory", memory(&server));
        row("server: CPU", cpu(&server));
        row("server: threads, files", format!("{}, {}", server.threads, server.descriptors));
    }
    table.to_string() + "\n" + &remarks(outcome)
}

fn memory(usage: &Usage) -> String {
    let all = format!("{:.1} MiB", usage.memory_bytes as f64 / KIB / KIB);
    match usage.memory_per_client_bytes {
        Some(each) => format!("{all}, {:.1} KiB a client", each as f64 / KIB),
        None => all,
    }
}

fn cpu(usage: &Usage) -> String {
    let mut text = format!("{:.2} s, {:.2} cores", usage.cpu_seconds, usage.cpu_cores);
    if let Some(each) = usage.cpu_per_client_us_per_second {
        let _ = write!(text, ", {each:.1} µs a client and second");
    }
    if let Some(each) = usage.cpu_per_delivery_us {
        let _ = write!(text, ", {each:.2} µs a delivery");
    }
    text
}

fn cores(usage: Option<Usage>) -> String {
    usage.map_or_else(|| "-".to_owned(), |usage| format!("{:.2}", usage.cpu_cores))
}

/// A ramp.
pub fn of_ramp(ramp: &Ramp) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "clients",
        "rate",
        "deliveries/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "lost",
        "cut off",
        "server cores",
        "load cores",
    ]);
    for step in &ramp.steps {
        let latency = |of: fn(&crate::tally::Latency) -> f64| {
            step.latency_ms.as_ref().map_or_else(|| "-".to_owned(), |latency| format!("{:.2}", of(latency)))
        };
        table.add_row([
            step.clients.to_string(),
            format!("{:.0}", step.rate),
            format!("{:.0}", step.deliveries_per_second),
            latency(|latency| latency.p50),
            latency(|latency| latency.p99),
            latency(|latency| latency.max),
            step.lost.to_string(),
            step.cut_off.to_string(),
            cores(step.server),
            cores(step.load),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.to_string() + "\n\n";
    let _ = writeln!(text, "Stopped by: {}.", ramp.stopped_by);
    for remark in ramp.notes() {
        let _ = writeln!(text, "Note: {remark}.");
    }
    match ramp.knee() {
        Some(knee) => {
            let _ = writeln!(
                text,
                "The limit found: {} clients at {:.0} messages a second; {:.0} deliveries a second, p99 {}.",
                knee.clients,
                knee.rate,
                knee.deliveries_per_second,
                knee.latency_ms.map_or_else(|| "not known".to_owned(), |latency| milliseconds(latency.p99))
            );
            if let Some(server) = knee.server {
                let _ = writeln!(text, "The server there: {}; {}.", memory(&server), cpu(&server));
            }
        }
        None => text.push_str("Not one step was good: begin with less (--clients, --rate).\n"),
    }
    for step in ramp.steps.iter().filter(|step| !step.is_ordered()) {
        text += &remarks(step);
    }
    text
}

fn remarks(outcome: &Outcome) -> String {
    let problems = outcome.problems.iter().map(|problem| format!("Problem: {problem}\n"));
    problems.chain(outcome.notes.iter().map(|note| format!("Note: {note}\n"))).collect()
}

fn milliseconds(value: f64) -> String {
    format!("{value:.2} ms")
}
