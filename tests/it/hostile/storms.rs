//! Those who ask for things, each allowed, much faster than people do. All of them at once.
//! The default rate lets through twenty, and then ten a second; who is over that for ten
//! seconds is closed.

use chinwag::protocol::SUBPROTOCOL;

use super::arena::{Arena, answer_while, foe};
use super::{Answer, Kind};
use crate::support::masked;

#[test]
fn storms_of_requests_end_with_1008_beside_a_crowd() {
    Arena::new().try_together(&kinds());
}

/// One who asks ten thousand times, the nth time for this.
fn asks(does: &'static str, request: fn(usize) -> String) -> Kind {
    Kind::new(does, Answer::Close(1008), move |arena| {
        let mut raw = arena.foe_with(&format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"));
        let mut numbers = (0..10_000).step_by(100);
        answer_while(&mut raw, || {
            let first = numbers.next()?;
            Some((first..first + 100).flat_map(|number| masked(0x81, request(number).as_bytes())).collect())
        })
    })
}

/// Of two requests one and the other, in turn.
fn either(number: usize, one: &str, other: &str) -> String {
    if number.is_multiple_of(2) { one.to_owned() } else { other.to_owned() }
}

pub fn kinds() -> Vec<Kind> {
    vec![
        asks("talks without a pause", |number| {
            format!(r#"{{"type":"say","room":"lobby","text":"flood {number}"}}"#)
        }),
        asks("says the same under one id", |_| {
            r#"{"type":"say","room":"lobby","text":"again","id":"one"}"#.to_owned()
        }),
        asks("whispers to somebody without a pause", |_| {
            r#"{"type":"whisper","to":"Crowd 3","text":"psst"}"#.to_owned()
        }),
        asks("joins and leaves without a pause", |number| {
            either(number, r#"{"type":"join","room":"storm"}"#, r#"{"type":"leave","room":"storm"}"#)
        }),
        asks("makes rooms without a pause", |number| format!(r#"{{"type":"join","room":"room{number}"}}"#)),
        asks("takes names without a pause", |_| format!(r#"{{"type":"nick","name":"{}"}}"#, foe())),
        asks("sets topics without a pause", |number| {
            format!(r#"{{"type":"topic","room":"lobby","text":"topic {number}"}}"#)
        }),
        asks("is away and back without a pause", |number| {
            either(number, r#"{"type":"away","text":"lunch"}"#, r#"{"type":"back"}"#)
        }),
        asks("ignores and hears again without a pause", |number| {
            either(number, r#"{"type":"ignore","name":"Crowd 5"}"#, r#"{"type":"unignore","name":"Crowd 5"}"#)
        }),
        asks("asks for the history without a pause", |_| {
            r#"{"type":"history","room":"lobby","limit":100}"#.to_owned()
        }),
        asks("asks who somebody is without a pause", |_| r#"{"type":"whois","name":"Crowd 7"}"#.to_owned()),
        asks("asks who is here without a pause", |_| r#"{"type":"who","room":"lobby"}"#.to_owned()),
        asks("asks for the rooms without a pause", |_| r#"{"type":"rooms"}"#.to_owned()),
        asks("pings in JSON without a pause", |number| format!(r#"{{"type":"ping","id":"{number}"}}"#)),
        asks("sends 10,000 requests of wrong types", |number| {
            format!(r#"{{"type":"say","room":{number},"text":[null,{{}}],"id":"c{number}"}}"#)
        }),
        asks("sends 10,000 requests that are no JSON", |number| format!("{{{number}")),
    ]
}
