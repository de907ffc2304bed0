//! Answers, for people. What comes from the network is shown as text alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag::Escaped;
use chinwag::admin::{AdminAnswer, ClientInfo};
use chinwag::protocol::{Action, Ban, Erased, Moderated, RoomInfo};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

const CLIENTS: [&str; 12] =
    ["ID", "NAME", "ROLE", "ROOMS", "ADDRESS", "HERE", "IDLE", "RTT", "IN", "OUT", "QUEUED", "DROPPED"];
/// The first of those that are numbers.
const NUMBERS_FROM: usize = 5;

pub fn shown(answer: &AdminAnswer) -> String {
    match answer {
        AdminAnswer::Version { version } => safe(version),
        AdminAnswer::Clients { clients } => {
            let mut table = table(&CLIENTS, clients.iter().map(client));
            for column in table.column_iter_mut().skip(NUMBERS_FROM) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            table.to_string()
        }
        AdminAnswer::Rooms { rooms } => {
            table(&["ROOM", "PEOPLE", "LOCKED", "TOPIC"], rooms.iter().map(room)).to_string()
        }
        AdminAnswer::Bans { bans } => {
            table(&["WHO", "UNTIL", "BY", "SINCE", "REASON"], bans.iter().map(ban)).to_string()
        }
        AdminAnswer::Moderated(done) => deed(done),
        AdminAnswer::Erased(erased) => deletion(erased),
        AdminAnswer::Notice { text } => format!("told everyone: {}", safe(text)),
        other => safe(&other.to_json()),
    }
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table
}

fn client(info: &ClientInfo) -> Vec<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let subject = info.inside.subject.as_ref().map_or_else(String::new, |subject| format!(" ({subject})"));
    let address = info.inside.address.as_deref().unwrap_or("local");
    let role = match (info.role.as_deref(), info.inside.muted) {
        (Some(role), true) => format!("{role}, muted"),
        (role, is_muted) => role.unwrap_or(if is_muted { "muted" } else { "" }).to_owned(),
    };
    vec![
        info.id.to_string(),
        safe(&info.name),
        safe(&role),
        safe(&info.rooms.join(" ")),
        safe(&format!("{address}{subject}")),
        span(now.saturating_sub(info.since)),
        span(info.idle),
        info.rtt.map_or_else(String::new, |rtt| format!("{rtt:.1} ms")),
        format!("{} / {}", info.messages_in, size(info.bytes_in)),
        format!("{} / {}", info.messages_out, size(info.bytes_out)),
        format!("{} / {}", info.queued_messages, size(info.queued_bytes as u64)),
        info.dropped.to_string(),
    ]
}

fn room(info: &RoomInfo) -> Vec<String> {
    let locked = if info.locked { "yes" } else { "" };
    vec![safe(&info.room), info.people.to_string(), locked.to_owned(), safe(&info.topic)]
}

fn ban(ban: &Ban) -> Vec<String> {
    let until = ban.until.map_or_else(|| "for good".to_owned(), moment);
    vec![safe(&ban.who), until, safe(&ban.by), moment(ban.time), safe(&ban.reason)]
}

fn deed(done: &Moderated) -> String {
    let verb = match done.action {
        Action::Kick => "kicked",
        Action::Ban => "banned",
        Action::Unban => "let in again",
        Action::Mute => "muted",
        Action::Unmute => "unmuted",
        Action::Lock => "locked",
        Action::Unlock => "unlocked",
        _ => "done:",
    };
    let whom = done.who.as_ref().or(done.name.as_ref()).or(done.room.as_ref());
    let until = done.until.map_or_else(String::new, |until| format!(" until {}", moment(until)));
    format!("{verb} {}{until}", safe(whom.map_or("", String::as_str)))
}

fn deletion(Erased { name, room, messages, .. }: &Erased) -> String {
    let place = room.as_ref().map_or_else(String::new, |room| format!(" in {}", safe(room)));
    let messages = messages.unwrap_or_default();
    let plural = if messages == 1 { "" } else { "s" };
    format!("deleted {messages} message{plural} of {}{place}", safe(name))
}

fn safe(text: &str) -> String {
    Escaped::new(text).cut(200).to_string()
}

/// `2h 5m`, the two largest units.
fn span(millis: u64) -> String {
    let whole = humantime::format_duration(Duration::from_secs(millis / 1000)).to_string();
    whole.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// `2026-11-23T12:01:05Z`.
fn moment(millis: u64) -> String {
    const END: u64 = 253_402_300_799_000;
    let time = UNIX_EPOCH + Duration::from_millis(millis.min(END));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// `1.5 MiB`.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in units {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}
