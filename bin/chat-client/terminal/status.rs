//! The upper line of the prompt: the room, the others that have news, the connection.

use std::time::Instant;

use super::model::{Link, Model};

/// What the upper line of the prompt says, the most important first.
pub fn words(model: &Model, kept: usize) -> String {
    let mut parts = vec![model.current().unwrap_or("in no room").to_owned()];
    match model.link {
        Link::Up => {}
        Link::Connecting => parts.push("connecting".to_owned()),
        Link::Lost { again_at } => {
            let seconds = again_at.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
            parts.push(format!("not connected, again in {seconds} s"));
        }
    }
    if kept > 0 && has_clock(model) {
        parts.push(format!("{kept} to be sent"));
    }
    let overdue = model.said.overdue();
    if overdue > 0 && !has_clock(model) {
        parts.push(format!("{overdue} unconfirmed"));
    }
    if let Some(news) = news(model) {
        parts.push(news);
    }
    if let Some(room) = model.current().and_then(|name| model.room(name)).filter(|room| room.total > 0) {
        parts.push(format!("{} here", room.total));
    }
    if model.is_away {
        parts.push("you are away".to_owned());
    }
    parts.join(" · ")
}

/// Whether the line changes by itself.
pub fn changes(model: &Model) -> bool {
    has_clock(model) || model.said.is_waiting()
}

fn has_clock(model: &Model) -> bool {
    !matches!(model.link, Link::Up)
}

/// `+2 games, +1 dev!`, where somebody called the user in the last.
fn news(model: &Model) -> Option<String> {
    let others = model.rooms().filter(|(name, room)| Some(*name) != model.current() && room.news > 0);
    let others: Vec<String> = others
        .map(|(name, room)| format!("+{} {name}{}", room.news, if room.is_called { "!" } else { "" }))
        .collect();
    (!others.is_empty()).then(|| others.join(", "))
}
