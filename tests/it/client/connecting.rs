//! How connecting ends, well or badly.

use super::*;

/// Connects to a server that answers the handshake with `answer(peer)`.
fn answered(answer: impl FnOnce(&mut Peer) + Send + 'static) -> Result<Connection, Error> {
    answered_with(ConnectOptions::new(), answer)
}

fn answered_with(
    options: ConnectOptions,
    answer: impl FnOnce(&mut Peer) + Send + 'static,
) -> Result<Connection, Error> {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        answer(&mut peer);
        peer.read_to_end();
    });
    let result = options.connect(&server.url());
    if result.is_err() {
        server.finish();
    }
    result
}

fn handshake_error(result: Result<Connection, Error>) -> String {
    match result {
        Err(Error::Handshake(what)) => what,
        other => panic!("expected a handshake error, got {other:?}"),
    }
}

#[test]
fn the_request_says_what_the_options_say() {
    let (head_tx, head_rx) = mpsc::channel();
    let server = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        head_tx.send(peer.head.clone()).unwrap();
        peer.upgrade("Sec-WebSocket-Protocol: b\r\nX-Server: raw\r\n");
        peer.answer_close();
    });
    let options = ConnectOptions::new()
        .header("X-Room", "lobby")
        .cookie("a", "1")
        .cookie("b", "2")
        .subprotocol("a")
        .subprotocol("b")
        .origin("http://example.org");
    let url = format!("ws://J%C3%B6rg:p%40ss@{}/chat?name=J%C3%B6rg&x=ä", server.addr);
    let mut connection = options.connect(&url).unwrap();
    let head = head_rx.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("GET /chat?name=J%C3%B6rg&x=%C3%A4 HTTP/1.1\r\n"), "{head}");
    for line in [
        &format!("Host: {}", server.addr),
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: a, b",
        "Origin: http://example.org",
        "Authorization: Basic SsO2cmc6cEBzcw==",
        "Cookie: a=1; b=2",
        "x-room: lobby",
    ] {
        assert!(head.lines().any(|have| have == line), "{line} is missing in {head}");
    }
    assert_eq!(connection.subprotocol(), Some("b"));
    assert_eq!(connection.response_header("X-Server"), Some("raw"));
    assert_eq!(connection.peer_addr().tcp(), Some(server.addr));
    connection.close(1000, "").unwrap();
    server.finish();
}

#[test]
fn options_that_cannot_be_sent_are_invalid() {
    let options = ConnectOptions::new();
    for options in [
        options.clone().header("X-A", "b\r\nX-C: d"),
        options.clone().header("X A", "b"),
        options.clone().header("Host", "other"),
        options.clone().header("Sec-WebSocket-Key", "mine"),
        options.clone().cookie("a", "b; c"),
        options.clone().subprotocol("a b"),
        options.clone().subprotocol("a").subprotocol("a"),
        options.clone().basic_auth("a:b", "c"),
        options.clone().bearer("a b"),
        options.clone().proxy("socks5://localhost"),
    ] {
        assert!(matches!(options.connect("ws://127.0.0.1:9/"), Err(Error::Invalid(_))));
    }
}

#[test]
fn a_refusal_says_status_headers_and_body() {
    for (fields, body) in [
        ("Content-Length: 10\r\n", "name taken"),
        ("", "name taken"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nname \r\n5\r\ntaken\r\n0\r\n\r\n"),
    ] {
        let result = answered(move |peer| {
            peer.send(format!("HTTP/1.1 409 Conflict\r\nX-Why: name\r\n{fields}\r\n{body}").as_bytes());
            peer.stream.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let Err(Error::Refused(response)) = result else { panic!("expected a refusal, got {result:?}") };
        assert_eq!((response.status, response.header("x-why")), (409, Some("name")));
        assert_eq!(response.body, "name taken");
    }
}

#[test]
fn a_response_that_breaks_the_rules_is_an_error() {
    let what = handshake_error(answered(|peer| {
        let head = peer.switching("").replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x");
        peer.send(head.as_bytes());
    }));
    assert!(what.contains("Sec-WebSocket-Accept"), "{what}");
    let what =
        handshake_error(answered(|peer| peer.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n")));
    assert!(what.contains("extension"), "{what}");
    let what = handshake_error(answered(|peer| peer.upgrade("Sec-WebSocket-Protocol: chat\r\n")));
    assert!(what.contains("subprotocol"), "{what}");
    let what = handshake_error(answered(|peer| {
        let head = peer.switching("").replace("Upgrade: websocket\r\n", "");
        peer.send(head.as_bytes());
    }));
    assert!(what.contains("Upgrade"), "{what}");
    let what = handshake_error(answered(|peer| {
        peer.send(format!("HTTP/1.1 101 X\r\nX: {}\r\n", "x".repeat(20_000)).as_bytes());
    }));
    assert!(what.contains("16 KiB"), "{what}");
    handshake_error(answered(|peer| peer.send(b"SSH-2.0-OpenSSH_9.9\r\n")));
    handshake_error(answered(|peer| peer.stream.shutdown(std::net::Shutdown::Both).unwrap()));
}

#[test]
fn a_subprotocol_that_the_server_does_not_choose_is_fine() {
    let options = ConnectOptions::new().subprotocol("chat");
    let connection = answered_with(options, |peer| peer.upgrade("")).unwrap();
    assert_eq!(connection.subprotocol(), None);
}

#[test]
fn connecting_times_out_where_nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let start = Instant::now();
    let result = ConnectOptions::new().connect_timeout(Duration::from_millis(100)).connect(&url);
    assert!(matches!(result, Err(Error::TimedOut(_))), "{result:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_response_in_drops_does_not_stretch_the_limit() {
    let server = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        let head = peer.switching("");
        let mut bytes = head.bytes();
        let mut write = |byte| std::io::Write::write_all(&mut peer.stream, &[byte]);
        // Each byte comes well within the limit, all of them do not.
        while bytes.next().is_some_and(|byte| write(byte).is_ok()) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let result = ConnectOptions::new().connect_timeout(Duration::from_millis(200)).connect(&server.url());
    assert!(matches!(result, Err(Error::TimedOut(_))), "{result:?}");
    server.finish();
}

#[test]
fn nobody_listening_is_an_error_that_names_the_address() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Connection::connect(&format!("ws://{addr}/")).unwrap_err();
    assert!(error.to_string().starts_with(&format!("failed to connect to {addr}: ")), "{error}");
}

#[test]
fn another_thread_cancels_an_attempt_under_way() {
    let canceller = Canceller::new();
    let theirs = canceller.clone();
    let server = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        // The handshake is under way, and will never be answered.
        theirs.cancel();
        assert_eq!(peer.read_to_end(), 0);
    });
    let start = Instant::now();
    let result = ConnectOptions::new().canceller(&canceller).connect(&server.url());
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    server.finish();
}

#[test]
fn a_redirect_on_the_same_host_is_followed_without_telling_secrets_to_another_port() {
    let (head_tx, head_rx) = mpsc::channel();
    let second = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        head_tx.send(peer.head.clone()).unwrap();
        peer.upgrade("");
        peer.answer_close();
    });
    let location = format!("http://{}/there", second.addr);
    let first = RawServer::run(move |listener| {
        let mut peer = Peer::accept(listener);
        peer.send(b"HTTP/1.1 307 Moved\r\nLocation: /here\r\nContent-Length: 0\r\n\r\n");
        let mut peer = Peer::accept(listener);
        assert!(peer.head.starts_with("GET /here HTTP/1.1\r\n"), "{}", peer.head);
        assert_eq!(peer.header("Authorization"), Some("Bearer secret"));
        peer.send(
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
        peer.read_to_end();
    });
    let mut connection =
        ConnectOptions::new().bearer("secret").cookie("a", "b").connect(&first.url()).unwrap();
    let head = head_rx.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("GET /there HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("secret") && !head.contains("Cookie"), "{head}");
    connection.close(1000, "").unwrap();
    first.finish();
    second.finish();
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("ws://localhost:{}/", other.local_addr().unwrap().port());
    let result = answered(move |peer| {
        peer.send(
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
    });
    let Err(Error::Refused(response)) = result else { panic!("expected a refusal, got {result:?}") };
    assert_eq!(response.status, 302);
    other.set_nonblocking(true).unwrap();
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn redirects_are_followed_as_often_as_allowed() {
    let server = RawServer::run(|listener| {
        for _ in 0..3 {
            let mut peer = Peer::accept(listener);
            peer.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let result = ConnectOptions::new().follow_redirects(2).connect(&server.url());
    assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
    server.finish();
}

#[test]
fn a_proxy_is_asked_with_credentials() {
    let proxy = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        assert!(peer.head.starts_with("CONNECT chat.invalid:80 HTTP/1.1\r\n"), "{}", peer.head);
        assert_eq!(peer.header("Proxy-Authorization"), Some("Basic dXNlcjpwYXNz"));
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n");
        peer.read_head();
        assert_eq!(peer.header("Host"), Some("chat.invalid"));
        assert_eq!(peer.header("Proxy-Authorization"), None);
        peer.upgrade("");
        peer.answer_close();
    });
    let options = ConnectOptions::new().proxy(&format!("http://user:pass@{}", proxy.addr));
    let mut connection = options.connect("ws://chat.invalid/").unwrap();
    connection.close(1000, "").unwrap();
    proxy.finish();
}

#[test]
fn a_proxy_that_refuses_is_named_in_the_error() {
    let proxy = RawServer::run(|listener| {
        let mut peer = Peer::accept(listener);
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        peer.read_to_end();
    });
    let options = ConnectOptions::new().proxy(&format!("http://{}", proxy.addr));
    let what = handshake_error(options.connect("ws://chat.invalid/"));
    assert!(what.contains("proxy") && what.contains("407"), "{what}");
    proxy.finish();
}

#[test]
fn a_unix_socket_is_connected_to() {
    let path = std::env::temp_dir().join(format!("chinwag-client-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(&mut stream).unwrap();
        socket.send("hi".into()).unwrap();
    });
    let url = format!("ws+unix:{}:/chat", path.display());
    let mut connection = Connection::connect(&url).unwrap();
    assert_eq!(connection.recv().unwrap().as_text(), Some("hi"));
    drop(connection);
    server.join().unwrap();
    std::fs::remove_file(&path).unwrap();
}
