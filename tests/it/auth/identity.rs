//! What an application says of a newcomer holds while that one is here.

use std::time::{Duration, SystemTime};

use chinwag::chat::{Chat, Identity, Permit, RoomName};
use chinwag::{Clock, CloseCode, ConnectOptions, Connection, Server};

use super::{refusal, start, start_with};
use crate::support::{addr, answer_to, hear, hear_end, hears, join};

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

/// Everybody may come into these rooms.
fn only(rooms: &'static [&'static str]) -> Server {
    start(Chat::builder().authenticate(move |_| {
        Ok(Identity::named("Adam").subject("adam@example").rooms(rooms.iter().copied().map(room)))
    }))
}

fn url(server: &Server, query: &str) -> String {
    format!("ws://{}/?name=Adam{query}", addr(server))
}

/// Reads on to the next event of this type.
fn event(connection: &mut Connection, kind: &str) -> String {
    loop {
        let text = hear(connection);
        if text.starts_with(&format!(r#"{{"type":"{kind}""#)) {
            return text;
        }
    }
}

#[test]
fn a_room_outside_is_refused_before_the_upgrade_and_after_it() {
    let server = only(&["games", "tea"]);
    let (status, reason) = refusal(Connection::connect(&url(&server, "&room=lobby")));
    assert_eq!((status, &*reason), (403, "your token does not allow the room lobby, only games, tea"));
    let check = "GET /ws?name=Adam&room=lobby HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert!(answer_to(addr(&server), check).starts_with("HTTP/1.1 403 "));

    // Who asks for none gets the first that is allowed.
    let json = ConnectOptions::new().subprotocol("chinwag.v1");
    let mut adam = json.connect(&url(&server, "")).unwrap();
    assert!(event(&mut adam, "welcome").contains(r#""room":"games""#));
    for ask in ["join", "who"] {
        adam.send(format!(r#"{{"type":"{ask}","room":"Secret","since":"x","id":"1"}}"#)).unwrap();
        let error = event(&mut adam, "error");
        assert!(error.contains(r#""code":"forbidden""#) && error.contains(r#""id":"1""#), "{error}");
    }
    adam.send(r#"{"type":"join","room":"TEA"}"#).unwrap();
    assert!(event(&mut adam, "joined").contains(r#""room":"tea""#));
}

#[test]
fn a_room_outside_is_not_told_of() {
    let server = start(Chat::builder().authenticate(|request| {
        let name = request.query("name").unwrap();
        let identity = Identity::named(&*name);
        Ok(if name == "Eve" { identity.rooms([room("lobby")]) } else { identity })
    }));
    let _boss = Connection::connect(&format!("ws://{}/?name=Boss&room=secret", addr(&server))).unwrap();
    let mut boss = join(&server, "Chief");
    let mut eve = join(&server, "Eve");
    hears(&mut eve, &["Eve joined.", "Welcome Eve."]);
    for (line, answer) in [
        ("/rooms", "Rooms: lobby 2"),
        ("/who secret", "Your token does not allow the room secret, only lobby."),
        ("/join secret", "Your token does not allow the room secret, only lobby."),
    ] {
        eve.send(line).unwrap();
        hears(&mut eve, &[answer]);
    }
    eve.send("/whois Boss").unwrap();
    let about = hear(&mut eve);
    assert!(about.starts_with("Boss: here since") && !about.contains("secret"), "{about}");
    hears(&mut boss, &["Chief joined.", "Welcome Chief.", "Eve joined."]);
    boss.send("/rooms").unwrap();
    hears(&mut boss, &["Rooms: lobby 2, secret 1"]);
}

#[test]
fn a_token_with_no_room_at_all_lets_nobody_in() {
    let server = only(&[]);
    assert_eq!(refusal(Connection::connect(&url(&server, ""))).0, 403);
}

#[test]
fn the_name_of_a_token_stays() {
    let server = start(Chat::builder().authenticate(|_| Ok(Identity::named("Adam"))));
    let other = Connection::connect(&format!("ws://{}/?name=Boss", addr(&server)));
    assert_eq!(refusal(other).0, 403);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    adam.send("/nick Boss").unwrap();
    hears(&mut adam, &["Your token is for Adam: ask for no other name."]);
    adam.send("/nick ADAM").unwrap();
    hears(&mut adam, &["Adam is now ADAM."]);
}

#[test]
fn what_expires_ends_the_connection_then_and_not_before() {
    let (clock, hand) = Clock::manual();
    let server = start_with(
        Server::builder().clock(clock).ping_interval(None),
        Chat::builder().authenticate(|request| {
            let lasts = Duration::from_secs(request.query("lasts").unwrap().parse().unwrap());
            Ok(Identity::default().expires(SystemTime::now() + lasts))
        }),
    );
    let lasting = |name: &str, seconds: u32| {
        let url = format!("ws://{}/?name={name}&lasts={seconds}", addr(&server));
        let mut connection = Connection::connect(&url).unwrap();
        while !hear(&mut connection).starts_with("Welcome") {}
        connection
    };
    let mut long = lasting("Long", 7200);
    let mut short = lasting("Short", 60);
    hears(&mut long, &["Short joined."]);
    hand.advance(Duration::from_secs(50));
    short.send("still here").unwrap();
    hears(&mut short, &["Short says: still here"]);
    hand.advance(Duration::from_secs(10));
    let reason = hear_end(&mut short);
    assert_eq!((reason.code, &*reason.reason), (CloseCode::POLICY, "your access has expired"));
    hears(&mut long, &["Short says: still here", "Short left."]);
    hand.advance(Duration::from_secs(7200));
    assert_eq!(hear_end(&mut long).code, CloseCode::POLICY);
    // What was over before is closed at once.
    let late = Connection::connect(&format!("ws://{}/?name=Late&lasts=0", addr(&server)));
    assert_eq!(hear_end(&mut late.unwrap()).code, CloseCode::POLICY);
}

#[test]
fn a_permit_that_is_taken_back_ends_all_who_are_in_with_it_and_nobody_else() {
    let permit = Permit::new();
    let given = permit.clone();
    let server = start(Chat::builder().authenticate(move |request| {
        let is_guest = request.query("name").is_some_and(|name| name == "Guest");
        Ok(if is_guest { Identity::default() } else { Identity::default().permit(&given) })
    }));
    let mut guest = join(&server, "Guest");
    let mut others = ["One", "Two"].map(|name| join(&server, name));
    hears(&mut guest, &["Guest joined.", "Welcome Guest.", "One joined.", "Two joined."]);
    // One that has gone is not held on to, nor closed again.
    drop(join(&server, "Three"));
    hears(&mut guest, &["Three joined.", "Three left."]);
    permit.revoke(4001, "your account was closed");
    permit.revoke(4002, "twice");
    for other in &mut others {
        let reason = hear_end(other);
        assert_eq!((reason.code.value(), &*reason.reason), (4001, "your account was closed"));
    }
    assert_eq!(hear_end(&mut join(&server, "Late")).code.value(), 4001);
    guest.send("undisturbed").unwrap();
    while hear(&mut guest) != "Guest says: undisturbed" {}
}

#[test]
fn a_member_tells_whom_its_credential_was_given_to() {
    let chat = Chat::builder()
        .authenticate(|request| {
            let identity = Identity::default();
            Ok(if request.query("known").is_some() { identity.subject("adam@example") } else { identity })
        })
        .build();
    let (subject_tx, subject_rx) = std::sync::mpsc::channel();
    let server = Server::builder()
        .handler(move |request| {
            chat.admit(request, |member| {
                subject_tx.send(member.subject().map(str::to_owned)).unwrap();
                member
            })
        })
        .start()
        .unwrap();
    let _known = server.connect_memory("/?name=Adam&known").unwrap();
    let _guest = server.connect_memory("/?name=Guest").unwrap();
    let subjects: Vec<_> = subject_rx.iter().take(2).collect();
    assert_eq!(subjects, [Some("adam@example".to_owned()), None]);
}
