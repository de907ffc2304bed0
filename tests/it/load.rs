//! chat-load: what it finds right, what it finds wrong, and how it says so.

mod ramp;
mod secure;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chinwag::{Acceptance, Client, CloseReason, Connection, Handler, Refusal, Server};
use serde_json::Value;

use crate::support::{PATIENCE, Program, addr, wait_for_end};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-load"));
    command.args(args).env_remove("CHINWAG_URL").stdin(Stdio::null());
    command
}

fn load(addr: SocketAddr, args: &[&str]) -> Output {
    command(args).arg(format!("ws://{addr}/")).output().unwrap()
}

/// The one object on stdout.
#[track_caller]
fn json(output: &Output) -> Value {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stdout.lines().count(), 1, "{stdout}{stderr}");
    assert_eq!(stderr, "", "nothing else where stderr is no terminal");
    serde_json::from_str(&stdout).unwrap()
}

#[track_caller]
fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty() && stderr.starts_with("chat-load: "), "{output:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is missing in {stderr}");
    }
}

/// A file that is gone when the test ends.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("chinwag-load-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The texts in it, as an SVG picture.
    fn svg_texts(&self) -> Vec<String> {
        let svg = std::fs::read_to_string(&self.0).unwrap();
        let svg = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(svg.root_element().tag_name().name(), "svg");
        assert!(svg.descendants().any(|node| node.tag_name().name() == "polyline"), "it has lines");
        svg.descendants().filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_crowd_hears_everything_once_and_in_order_and_the_figures_say_so() {
    let (server, addr) = Program::chat_server(&[]);
    let pid = server.child.id().to_string();
    for protocol in ["text", "json"] {
        let args = ["--clients", "30", "--senders", "3", "--rate", "60", "--seconds", "1", "--size", "100"];
        let output = load(addr, &[&args[..], &["--json", "--pid", &pid, "--protocol", protocol]].concat());
        let run = json(&output);
        assert_eq!(output.status.code(), Some(0), "{run}");
        for (field, expected) in [
            ("clients", 30),
            ("senders", 3),
            ("sent", 60),
            ("unsent", 0),
            ("expected", 30 * 60),
            ("deliveries", 30 * 60),
            ("lost", 0),
            ("doubled", 0),
            ("out_of_order", 0),
            ("cut_off", 0),
            ("wrong", 0),
            ("size", 100),
        ] {
            assert_eq!(run[field], expected, "{field} in {run}");
        }
        assert_eq!((&run["protocol"], &run["room"]), (&protocol.into(), &"load".into()));
        assert_eq!(run["problems"], Value::Array(vec![]));
        let number = |pointer: &str| run.pointer(pointer).and_then(Value::as_f64).expect(pointer);
        // The last of 60 messages is due after 59/60 of the second.
        assert!((0.98..20.0).contains(&number("/seconds")), "{run}");
        assert!((number("/deliveries_per_second") - 1800.0 / number("/seconds")).abs() < 1.0, "{run}");
        let [p50, p90, p99, max] =
            ["p50", "p90", "p99", "max"].map(|of| number(&format!("/latency_ms/{of}")));
        assert!(0.0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max && max < 20_000.0, "{run}");
        assert!((0.0..=max).contains(&number("/send_delay_ms/p50")), "{run}");
        assert!(number("/connect/clients_per_second") > 1.0, "{run}");
        assert!(number("/server/memory_bytes") > 1e6 && number("/server/cpu_seconds") >= 0.0, "{run}");
        assert!(number("/server/threads") > 30.0 && number("/server/descriptors") > 30.0, "{run}");
        assert!(number("/server/memory_per_client_bytes") < 10e6, "{run}");
        assert!(number("/server/cpu_per_delivery_us") < 1e5, "{run}");
        assert!(number("/load/descriptors") > 30.0, "{run}");
    }
}

#[test]
fn every_field_is_explained_in_the_help() {
    let (server, addr) = Program::chat_server(&["--max-clients", "4"]);
    let pid = server.child.id().to_string();
    let help = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let explained =
        |field: &str| help.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == field);
    let args =
        ["--clients", "4", "--senders", "1", "--rate", "10", "--seconds", "0.2", "--json", "--pid", &pid];
    let mut fields = Vec::new();
    for more in [&[][..], &["--find-limit", "--p99", "10s"]] {
        let object = json(&load(addr, &[&args[..], more].concat()));
        fields.extend(object.as_object().unwrap().keys().cloned());
        for part in ["server", "load", "connect", "latency_ms"] {
            fields.extend(object[part].as_object().into_iter().flatten().map(|(field, _)| field.clone()));
        }
    }
    let missing: Vec<_> = fields.iter().filter(|field| !explained(field)).collect();
    assert!(missing.is_empty() && fields.len() > 40, "{missing:?} of {}", fields.len());
}

#[test]
fn the_table_for_people_says_the_same() {
    let (_server, addr) = Program::chat_server(&[]);
    let output = load(addr, &["--clients", "5", "--senders", "5", "--rate", "20", "--seconds", "0.5"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{stdout}");
    let value = |of: &str| stdout.lines().find_map(|line| line.trim().strip_prefix(of)).unwrap().trim();
    assert_eq!(value("deliveries  "), "50 of 50");
    assert_eq!(
        (value("lost"), value("doubled"), value("out of order"), value("cut off")),
        ("0", "0", "0", "0")
    );
    assert!(value("latency p99").ends_with(" ms"), "{stdout}");
}

#[test]
fn a_silent_crowd_is_held_for_the_time_asked() {
    let (server, addr) = Program::chat_server(&[]);
    let pid = server.child.id().to_string();
    let began = Instant::now();
    let args = ["--clients", "20", "--rate", "0", "--seconds", "1", "--connect-rate", "50"];
    let output = load(addr, &[&args[..], &["--json", "--pid", &pid]].concat());
    let run = json(&output);
    // The last may begin to come after 19/50 of a second.
    assert!(run["connect"]["seconds"].as_f64() >= Some(0.38), "{run}");
    assert!(began.elapsed() >= Duration::from_millis(1380));
    assert_eq!(output.status.code(), Some(0), "{run}");
    assert_eq!((&run["sent"], &run["deliveries"], &run["latency_ms"]), (&0.into(), &0.into(), &Value::Null));
    assert!(run["server"]["threads"].as_u64() > Some(20), "{run}");
}

/// What a server does wrong to one of its clients, once.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Drop,
    Double,
    /// The next message comes before this one.
    Swap,
    /// It comes under another's name.
    Misname,
    /// The client is sent away.
    SendAway,
}

/// A chat that is not to be relied on.
#[derive(Default)]
struct Room {
    members: Vec<Client>,
    said: usize,
    held_back: Option<String>,
}

struct Faulty {
    name: String,
    room: Arc<Mutex<Room>>,
    fault: Fault,
    delay: Duration,
}

/// Which message goes wrong, and for which of the members.
const MESSAGE: usize = 5;
const VICTIM: usize = 2;

impl Handler for Faulty {
    fn on_open(&mut self, me: &Client) {
        self.room.lock().unwrap().members.push(me.clone());
    }

    fn on_text(&mut self, _me: &Client, text: &str) {
        let mut room = self.room.lock().unwrap();
        std::thread::sleep(self.delay);
        room.said += 1;
        let is_it = room.said == MESSAGE;
        let line = format!("{} says: {text}", self.name);
        let held_back = room.held_back.take();
        for (index, member) in room.members.iter().enumerate() {
            match self.fault {
                Fault::Drop if is_it && index == VICTIM => {}
                Fault::Swap if is_it && index == VICTIM => {}
                Fault::Misname if is_it && index == VICTIM => member.send(format!("Adam says: {text}")),
                Fault::SendAway if is_it && index == VICTIM => member.close(1008, "too fast\x1b[2J"),
                Fault::Double if is_it && index == VICTIM => {
                    member.send(line.as_str());
                    member.send(line.as_str());
                }
                _ => member.send(line.as_str()),
            }
            if let Some(earlier) = held_back.as_ref().filter(|_| index == VICTIM) {
                member.send(earlier.as_str());
            }
        }
        if is_it && self.fault == Fault::Swap {
            room.held_back = Some(line);
        }
    }

    fn on_close(&mut self, me: &Client, _reason: &CloseReason) {
        self.room.lock().unwrap().members.retain(|member| member.id() != me.id());
    }
}

fn faulty(fault: Fault, delay: Duration) -> Server {
    let room = Arc::<Mutex<Room>>::default();
    Server::builder()
        .handler(move |request| {
            let name = request.query("name").ok_or(Refusal::bad_request("no name"))?;
            Ok(Faulty { name: name.to_string(), room: room.clone(), fault, delay })
        })
        .bind("127.0.0.1:0")
        .unwrap()
}

#[test]
fn what_one_client_does_not_hear_right_is_found_and_named() {
    for (fault, [lost, doubled, out_of_order, cut_off]) in [
        (Fault::None, [0, 0, 0, 0]),
        (Fault::Drop, [1, 0, 0, 0]),
        (Fault::Double, [0, 1, 0, 0]),
        (Fault::Swap, [0, 0, 1, 0]),
        (Fault::Misname, [1, 0, 0, 0]),
    ] {
        let server = faulty(fault, Duration::ZERO);
        let args = ["--clients", "6", "--senders", "2", "--rate", "20", "--seconds", "0.5", "--wait", "1s"];
        let output = load(addr(&server), &[&args[..], &["--json"]].concat());
        let run = json(&output);
        let wrong = lost + doubled + out_of_order;
        assert_eq!(output.status.code(), Some(wrong), "{run}");
        for (field, expected) in [
            ("sent", 10),
            ("lost", lost),
            ("doubled", doubled),
            ("out_of_order", out_of_order),
            ("cut_off", cut_off),
            ("wrong", wrong),
        ] {
            assert_eq!(run[field], expected, "{field} in {run}");
        }
        let problems = run["problems"].as_array().unwrap();
        assert_eq!(problems.len(), wrong as usize, "{run}");
        if let Some(problem) = problems.first().map(|problem| problem.as_str().unwrap()) {
            let words = format!(": {lost} lost, {doubled} doubled, {out_of_order} out of order");
            assert!(problem.starts_with("load-") && problem.ends_with(&words), "{problem}");
        }
    }
}

#[test]
fn a_client_that_is_cut_off_is_counted_with_the_reason_escaped() {
    let server = faulty(Fault::SendAway, Duration::ZERO);
    let args = ["--clients", "6", "--senders", "1", "--rate", "20", "--seconds", "0.5", "--wait", "1s"];
    let output = load(addr(&server), &args);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let words = r"1 client was cut off: closed by the server with 1008 (too fast\u{1b}[2J)";
    assert!(stdout.contains(words) && stdout.contains("--message-rate off"), "{stdout}");
    assert!(!stdout.contains('\x1b'), "{stdout}");
}

#[test]
fn a_server_that_dies_in_the_middle_is_reported_and_soon() {
    let (mut server, addr) = Program::chat_server(&["-qqq"]);
    let mut observer = Connection::connect(&format!("ws://{addr}/?name=Adam&room=load")).unwrap();
    let args = ["--clients", "10", "--rate", "100", "--seconds", "3600", "--json", &format!("ws://{addr}/")];
    let mut child = command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nobody talks");
        let heard = observer.recv_timeout(PATIENCE).unwrap().unwrap();
        if heard.as_text().unwrap().contains(" says: ") {
            break;
        }
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(wait_for_end(&mut child).code(), Some(1));
    let run: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    assert_eq!(run["cut_off"], 10, "{run}");
    assert!(run["sent"].as_u64() > Some(0) && run["unsent"].as_u64() > Some(1000), "{run}");
    assert!(run["problems"].to_string().contains("did the server end?"), "{run}");
}

#[test]
fn what_is_not_this_machine_is_refused_unless_it_is_ones_own() {
    // RFC 5737 keeps this address for documents: nobody has it.
    let output = command(&["ws://192.0.2.1:9001/"]).output().unwrap();
    assert_fails(&output, 2, &["192.0.2.1:9001 is not this machine", "--yes-i-own-it"]);
    let output = command(&["ws://0.0.0.0:9001/"]).output().unwrap();
    assert_fails(&output, 2, &["is not this machine"]);
}

#[test]
fn wrong_usage_ends_with_2() {
    for (args, word) in [
        (&["ftp://127.0.0.1/"] as &[&str], "ws://"),
        (&["--clients", "0"], "--clients"),
        (&["--clients", "5", "--senders", "6"], "--senders"),
        (&["--rate", "fast"], "--rate"),
        (&["--seconds", "0"], "--seconds"),
        (&["--size", "1"], "--size"),
        (&["--p99", "1ms"], "--find-limit"),
        (&["--find-limit", "--rate", "0"], "--rate"),
        (&["--find-limit=age"], "--find-limit"),
    ] {
        let output = command(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(word), "{args:?}: {stderr}");
    }
}

#[test]
fn a_crowd_that_does_not_come_together_says_why() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = unused.local_addr().unwrap();
    drop(unused);
    assert_fails(&load(nowhere, &[]), 1, &[&nowhere.to_string(), "refused", "is chat-server running there?"]);

    let (server, addr) = Program::chat_server(&["--max-clients", "5"]);
    let pid = server.child.id().to_string();
    let output = load(addr, &["--clients", "8", "--senders", "1", "--pid", &pid]);
    assert_fails(&output, 1, &["5 of 8 clients came in", "503: the server is full", "vm.max_map_count"]);

    let refusing = Server::builder()
        .handler(|_| Err::<Acceptance, _>(Refusal::new(409, "the name is taken")))
        .bind("127.0.0.1:0")
        .unwrap();
    let output = load(crate::support::addr(&refusing), &[]);
    assert_fails(&output, 1, &["0 of 1000 clients", "409: the name is taken", "another chat-load"]);
    assert_fails(&load(addr, &["--pid", "2147483647"]), 1, &["process 2147483647"]);
}

#[test]
fn a_limit_of_its_own_is_named() {
    let (_server, addr) = Program::chat_server(&[]);
    let program = env!("CARGO_BIN_EXE_chat-load");
    let url = format!("ws://{addr}/");
    let limited = Command::new("sh")
        .args(["-c", "ulimit -n 60 && exec \"$0\" \"$@\"", program, "--clients", "100", &url])
        .output()
        .unwrap();
    assert_fails(&limited, 1, &["of 100 clients came in", "may open 60 files", "ulimit -Hn"]);
}

#[test]
fn a_run_draws_its_latency() {
    let (_server, addr) = Program::chat_server(&[]);
    let plot = TempFile::new("run.svg");
    let args =
        ["--clients", "5", "--senders", "2", "--rate", "50", "--seconds", "0.5", "--plot", plot.path()];
    assert_eq!(load(addr, &args).status.code(), Some(0));
    assert!(plot.svg_texts().contains(&"Latency of 5 clients, 50 messages a second".to_owned()));
    let output = load(addr, &[&args[..9], &["/no/such/folder/run.svg"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/folder/run.svg"));
}

#[test]
fn a_rate_that_the_server_tells_is_noted_where_it_is_what_is_measured() {
    let (_server, addr) = Program::chat_server(&["--message-rate", "50:10"]);
    let args = ["--clients", "2", "--senders", "1", "--seconds", "1", "--json"];
    let notes = |rate: &str| json(&load(addr, &[&args[..], &["--rate", rate]].concat()))["notes"].to_string();
    let words = "the server lets a client say 50 messages at once and 10 a second, and each said 40 a second";
    assert!(notes("40").contains(words), "{}", notes("40"));
    assert!(!notes("5").contains("--message-rate"));
}
