//! What the server's tests share: people who talk, and clients of raw bytes.

pub mod flaky_store;
pub mod line;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chinwag::chat::Chat;
use chinwag::{Connection, Server, ServerBuilder};

/// The longest that anything here may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A chat on a port of its own.
pub fn chat() -> Server {
    chat_with(Server::builder())
}

pub fn chat_with(builder: ServerBuilder) -> Server {
    builder.paths(Chat::PATHS).handler(Chat::new().gate()).bind("127.0.0.1:0").unwrap()
}

pub fn addr(server: &Server) -> SocketAddr {
    server.local_addr().unwrap()
}

/// Joins the chat under a name.
pub fn join(server: &Server, name: &str) -> Connection {
    Connection::connect(&format!("ws://{}/?name={name}", addr(server))).unwrap()
}

/// The next message, as text.
pub fn hear(connection: &mut Connection) -> String {
    match connection.recv_timeout(PATIENCE) {
        Ok(Some(message)) => message.as_text().expect("a text message").to_owned(),
        Ok(None) => panic!("no message within {PATIENCE:?}"),
        Err(error) => panic!("no message, but: {error}"),
    }
}

/// Asserts that exactly these lines come next.
#[track_caller]
pub fn hears(connection: &mut Connection, lines: &[&str]) {
    for line in lines {
        assert_eq!(hear(connection), *line);
    }
}

/// Reads on to the end of the connection; the reason it ended with.
pub fn hear_end(connection: &mut Connection) -> chinwag::CloseReason {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match connection.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the connection did not end within {PATIENCE:?}"),
            Err(error) => return error.close_reason().unwrap_or_else(|| panic!("{error}")).clone(),
        }
    }
}

/// Waits until `done`, asking again and again: for what no channel tells.
#[track_caller]
pub fn eventually(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// A client of raw bytes.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Connects and upgrades with RFC 6455's own example key.
    pub fn upgrade(addr: SocketAddr, target: &str) -> Self {
        let mut raw = Self::connect(addr);
        raw.send(request(target, "").as_bytes());
        let head = raw.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        raw
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends one frame, masked with zeros, as a client must.
    pub fn send_frame(&mut self, flags: u8, payload: &[u8]) {
        self.send(&masked(flags, payload));
    }

    pub fn read(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read(1));
        }
        String::from_utf8(head).unwrap()
    }

    /// The next frame: its first byte and its payload.
    pub fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.read(2);
        let length = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.read(2).try_into().unwrap())),
            127 => u64::from_be_bytes(self.read(8).try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        (head[0], self.read(length))
    }

    /// Skips what comes before the close frame; its code and reason.
    pub fn read_close(&mut self) -> (u16, String) {
        loop {
            let (flags, payload) = self.read_frame();
            if flags == 0x88 {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                return (code, String::from_utf8(payload[2..].to_vec()).unwrap());
            }
        }
    }

    /// All that comes until the end.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end too.
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }
}

pub fn masked(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![flags];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A request for an upgrade, with further fields, each ended by CRLF.
pub fn request(target: &str, fields: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

/// Sends `bytes` and reads all of the answer.
pub fn answer_to(addr: SocketAddr, bytes: &str) -> String {
    let mut raw = Raw::connect(addr);
    raw.send(bytes.as_bytes());
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    String::from_utf8_lossy(&raw.read_to_end()).into_owned()
}

/// A program of ours, killed when the test ends.
pub struct Program {
    pub child: Child,
    pub stdout: BufReader<ChildStdout>,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// `chat-server` on a free port, and its address.
    pub fn chat_server(args: &[&str]) -> (Self, SocketAddr) {
        let mut server = Self::chat_server_with(args);
        let addr = server.address();
        (server, addr)
    }

    /// The same, with its first line still to be read.
    pub fn chat_server_with(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        Self::start(command.args(["--listen", "127.0.0.1:0"]).args(args).stderr(Stdio::null()))
    }

    /// The address in the line that says where the server listens.
    pub fn address(&mut self) -> SocketAddr {
        let line = self.line();
        let addr = line.strip_prefix("listening on ws://").or(line.strip_prefix("listening on wss://"));
        let addr = addr.and_then(|rest| rest.strip_suffix('/'));
        addr.unwrap_or_else(|| panic!("unexpected first line: {line}")).parse().unwrap()
    }

    pub fn chat_client(name: &str, addr: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
        Self::start(command.args(["--name", name, &format!("ws://{addr}/")]))
    }

    pub fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line on stdout, without its end; empty at the end of output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the exit code.
    pub fn exit_code(&mut self) -> i32 {
        wait_for_end(&mut self.child).code().expect("not ended by a signal")
    }
}

/// Waits for a program's end; kills it where it does not come.
pub fn wait_for_end(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("the program did not end within {PATIENCE:?}");
        }
        std::thread::yield_now();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs an ignored test alone in a process of its own, and asserts that it succeeds.
#[track_caller]
pub fn succeeds_alone(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--test-threads=1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
