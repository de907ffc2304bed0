//! Requests that are malformed, oversized, ambiguous, or ask for what nobody may have.

use std::net::Shutdown;

use super::arena::{Arena, foe, pour, status_of};
use super::{Answer, Kind};
use crate::support::{Raw, request};
use Answer::{Served, Status};

/// The target of a good request.
const TARGET: &str = "/?name=Mallory";

#[test]
fn malformed_requests_get_their_status_beside_a_crowd() {
    Arena::new().try_each(&kinds());
}

#[test]
fn names_that_nobody_may_have_are_refused_beside_a_crowd() {
    Arena::new().try_each(&names());
}

pub fn kinds() -> Vec<Kind> {
    [heads(), bodies(), hosts(), upgrades()].into_iter().flatten().collect()
}

/// One who sends this, ends its half, and reads the answer.
fn sends(does: &'static str, expected: Answer, bytes: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Kind {
    Kind::new(does, expected, move |arena| {
        let mut raw = Raw::connect(arena.addr);
        pour(&mut raw.stream, &bytes());
        let _ = raw.stream.shutdown(Shutdown::Write);
        if expected == Served {
            return status_of(raw.read_head().as_bytes());
        }
        status_of(&raw.read_to_end())
    })
}

/// One whose good request is changed here.
fn changes(does: &'static str, expected: Answer, from: &'static str, to: &'static str) -> Kind {
    sends(does, expected, move || {
        let good = request(&format!("/?name={}", foe()), "");
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1).into_bytes()
    })
}

/// One whose request has further fields.
fn adds(does: &'static str, expected: Answer, fields: &'static str) -> Kind {
    sends(does, expected, move || request(&format!("/?name={}", foe()), fields).into_bytes())
}

fn heads() -> Vec<Kind> {
    vec![
        sends("sends a head of 64 KiB in one field", Status(431), || {
            request(TARGET, &format!("X: {}\r\n", "x".repeat(65_536))).into_bytes()
        }),
        sends("sends a head that never ends", Status(431), || {
            let field = format!("X: {}\r\n", "x".repeat(1000));
            format!("GET / HTTP/1.1\r\n{}", field.repeat(100)).into_bytes()
        }),
        sends("sends a request line that never ends", Status(431), || {
            format!("GET /{}", "x".repeat(40_000)).into_bytes()
        }),
        sends("sends 200 fields", Status(431), || request(TARGET, &"X: x\r\n".repeat(200)).into_bytes()),
        changes("asks with POST", Status(405), "GET ", "POST "),
        changes("asks with a method in small letters", Status(405), "GET ", "get "),
        changes("asks with a method of its own", Status(405), "GET ", "JOIN "),
        changes("asks for a tunnel", Status(400), "GET /", "CONNECT evil.example:443/"),
        changes("asks for all with OPTIONS *", Status(400), "GET /", "OPTIONS */"),
        changes("speaks HTTP/1.0", Status(505), "HTTP/1.1", "HTTP/1.0"),
        changes("speaks HTTP/1.2", Status(400), "HTTP/1.1", "HTTP/1.2"),
        sends("speaks HTTP/0.9", Status(400), || b"GET /\r\n\r\n".to_vec()),
        sends("begins with the preface of HTTP/2", Status(400), || {
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0".to_vec()
        }),
        changes("asks for an absolute target", Status(400), "GET /", "GET http://evil.example/"),
        changes("has a blank in its target", Status(400), "name=", "name=a b"),
        changes("has a NUL in its target", Status(400), "name=", "name=\0"),
        changes("asks for a path out of the tree", Status(404), "GET /", "GET /../../etc/passwd"),
        changes("asks for a path of nobody's", Status(404), "GET /", "GET /admin"),
        adds("has a NUL in a field", Status(400), "X: a\0b\r\n"),
        adds("has a bare CR in a field", Status(400), "X: a\rX-Forged: b\r\n"),
        adds("folds a field", Status(400), "X: a\r\n b\r\n"),
        adds("has a blank before a colon", Status(400), "Transfer-Encoding : chunked\r\n"),
        adds("has a field without a colon", Status(400), "nonsense\r\n"),
        adds("has a field without a name", Status(400), ": nameless\r\n"),
        sends("begins with a blank", Status(400), || request(TARGET, "").replacen("GET", " GET", 1).into()),
        sends("sends bytes by chance", Status(400), || (0..=255).rev().cycle().take(4000).collect()),
        sends("speaks TLS on the plain port", Status(400), || {
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on\r\n\r\n".to_vec()
        }),
        sends("speaks SSH", Status(400), || b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
    ]
}

fn bodies() -> Vec<Kind> {
    vec![
        adds("announces a body", Status(400), "Content-Length: 5\r\n"),
        adds("announces a body in chunks", Status(400), "Transfer-Encoding: chunked\r\n"),
        adds(
            "announces a body in both ways",
            Status(400),
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        ),
        adds("announces no body, and then one", Status(400), "Content-Length: 0\r\nContent-Length: 5\r\n"),
        adds("announces two lengths in one field", Status(400), "Content-Length: 0, 5\r\n"),
        adds("announces less than nothing", Status(400), "Content-Length: -1\r\n"),
        adds("announces an encoding twice", Status(400), "Transfer-Encoding:\r\nTransfer-Encoding: x\r\n"),
        Kind::new("hides a second request behind the first", Answer::Close(1002), |arena| {
            let mut raw = Raw::connect(arena.addr);
            let two = [request(&format!("/?name={}", foe()), ""), request(TARGET, "")].concat();
            pour(&mut raw.stream, two.as_bytes());
            raw.read_head();
            super::arena::end_of(&mut raw.stream)
        }),
    ]
}

fn hosts() -> Vec<Kind> {
    vec![
        changes("has no Host", Status(400), "Host: 127.0.0.1\r\n", ""),
        adds("has two Hosts", Status(400), "Host: evil.example\r\n"),
        adds("comes from another's page", Status(403), "Origin: https://evil.example\r\n"),
        adds("comes from a page without an origin", Status(403), "Origin: null\r\n"),
        adds(
            "comes from two pages",
            Status(403),
            "Origin: http://127.0.0.1\r\nOrigin: https://evil.example\r\n",
        ),
        adds(
            "comes from a page whose host begins like ours",
            Status(403),
            "Origin: http://127.0.0.1.evil.example\r\n",
        ),
        changes(
            "comes by a name that resolves to here",
            Status(403),
            "Host: 127.0.0.1\r\n",
            "Host: evil.example\r\nOrigin: http://evil.example\r\n",
        ),
    ]
}

fn upgrades() -> Vec<Kind> {
    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
    vec![
        changes("has no key", Status(400), KEY, ""),
        changes("has a key that is too short", Status(400), "dGhl", ""),
        changes("has a key that is no base64", Status(400), "dGhl", "!!!!"),
        adds("has two keys", Status(400), KEY),
        changes("has no version", Status(426), VERSION, ""),
        changes("has version 8", Status(426), ": 13", ": 8"),
        changes(
            "has two versions",
            Status(400),
            VERSION,
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n",
        ),
        sends("upgrades to something else", Status(426), || {
            request("/ws", "").replace("Upgrade: websocket", "Upgrade: h2c").into_bytes()
        }),
        sends("does not say that it upgrades", Status(426), || {
            request("/ws", "").replace("Connection: Upgrade", "Connection: close").into_bytes()
        }),
        sends("offers 200 subprotocols", Served, || {
            let offered = (0..200).map(|number| format!("p{number}")).collect::<Vec<_>>().join(", ");
            let fields = format!("Sec-WebSocket-Protocol: {offered}\r\n");
            request(&format!("/?name={}", foe()), &fields).into_bytes()
        }),
        adds(
            "offers a subprotocol with forged fields",
            Status(400),
            "Sec-WebSocket-Protocol: chinwag.v1\r\nSet-Cookie : a=b\r\n",
        ),
        adds(
            "offers extensions that nobody has",
            Served,
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-evil\r\n",
        ),
    ]
}

/// One whose query is `name=` and this.
fn is_called(does: &'static str, expected: Answer, name: impl Into<String>) -> Kind {
    let name = name.into();
    sends(does, expected, move || request(&format!("/?name={name}"), "").into_bytes())
}

pub fn names() -> Vec<Kind> {
    let zalgo = format!("Z{}", "%CC%81".repeat(20));
    vec![
        sends("has no name", Status(400), || request("/", "").into_bytes()),
        is_called("has a blank name", Status(400), "%20%C2%A0"),
        is_called("has a name with a NUL", Status(400), "a%00b"),
        is_called("has a name with an escape sequence", Status(400), "%1b[31mred"),
        is_called("has a name that forges fields", Status(400), "a%0d%0aSet-Cookie:%20a=b"),
        is_called("has a name that turns the line around", Status(400), "%E2%80%AEnhoJ"),
        is_called("has a name with an invisible character", Status(400), "Jo%E2%80%8Bhn"),
        is_called("has a name in zalgo", Status(400), zalgo),
        is_called("has a name that is not UTF-8", Status(400), "%FF%FE"),
        is_called("has a name of 10 KiB", Status(400), "x".repeat(10_240)),
        is_called("has a name of 64 KiB", Status(431), "x".repeat(65_536)),
        is_called("has the server's name", Status(400), "Server"),
        is_called("has somebody's name", Status(409), "crowd%207"),
        is_called("has a name that looks like somebody's", Status(409), "%D0%A1rowd%207"),
        is_called("has a name that begins a line", Status(400), "John%20says:%20hi"),
        is_called("has a room with an escape sequence", Status(400), "Mallory&room=%1b[2J"),
        is_called("has a room of 10 KiB", Status(400), format!("Mallory&room={}", "r".repeat(10_240))),
        is_called(
            "wants more history than there are numbers",
            Status(400),
            "Mallory&history=99999999999999999999",
        ),
        sends("has a session of 6 KiB and a position that is none", Served, || {
            let junk = "%00".repeat(2000);
            let target = format!("/?name={}&session={junk}&since={junk}", foe());
            request(&target, "Sec-WebSocket-Protocol: chinwag.v1\r\n").into_bytes()
        }),
        sends("has a query of 3000 parameters", Served, || {
            request(&format!("/?name={}{}", foe(), "&a=b".repeat(3000)), "").into_bytes()
        }),
    ]
}
