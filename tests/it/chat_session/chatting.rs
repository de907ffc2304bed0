//! The chat client and the chat's own server: what people say arrives once, in one
//! order, whatever happens to the connections.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use chinwag::chat::Chat;

use super::*;
use crate::support::chat;

/// Passes bytes on to a server, and cuts its connections when told to.
struct Proxy {
    addr: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let streams = open.clone();
        // Ends when the test does: who holds it lets go of the streams first.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let ends = [(&client, &server), (&server, &client)];
                for (from, to) in ends.map(|(from, to)| (from.try_clone().unwrap(), to.try_clone().unwrap()))
                {
                    thread::spawn(move || pass_on(from, to));
                }
                streams.lock().unwrap().extend([client, server]);
            }
        });
        Self { addr, open }
    }

    /// Whatever is on the way is lost.
    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn quick() -> Option<Backoff> {
    Some(Backoff::new(Duration::from_millis(1), Duration::from_millis(20)))
}

/// Reads until so many messages were said; who said what, in order.
fn hear_messages(updates: &Updates<Update>, count: usize) -> Vec<(String, String)> {
    let messages = std::iter::from_fn(|| Some(next(updates))).filter_map(|update| match update {
        Update::Event(Event::Message(message)) => Some((message.from, message.text)),
        Update::Event(Event::Resumed { complete: false, .. }) => panic!("the chat forgot something"),
        Update::Ended(ending) => panic!("ended: {ending}"),
        _ => None,
    });
    messages.take(count).collect()
}

#[test]
fn three_talk_through_a_line_that_breaks_and_nothing_is_missing_double_or_out_of_order() {
    const EACH: usize = 200;
    let server = chat();
    let proxy = Proxy::before(addr(&server));
    let names = ["John", "Adam", "Eve"];
    let people = names.map(|name| {
        let builder = ChatClient::builder(format!("ws://{}/", proxy.addr), name).room("games");
        builder.reconnect(quick()).connect().unwrap()
    });
    let heard = thread::scope(|scope| {
        let listening =
            people.each_ref().map(|(_, updates)| scope.spawn(|| hear_messages(updates, 3 * EACH)));
        for number in 0..EACH {
            let said = people.each_ref().map(|(chat, _)| chat.say("games", number.to_string()).unwrap());
            if number % 20 == 10 {
                // Others are on the way, some of them without an ack.
                said[number % 3].wait().unwrap();
                proxy.cut();
            }
        }
        assert!(people.iter().all(|(chat, _)| chat.flush(PATIENCE)));
        listening.map(|thread| thread.join().unwrap())
    });
    assert!(heard[0] == heard[1] && heard[0] == heard[2], "all hear one order");
    for name in names {
        let own: Vec<_> = heard[0].iter().filter(|(from, _)| from == name).map(|(_, text)| text).collect();
        assert_eq!(
            own,
            (0..EACH).map(|number| number.to_string()).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    for (chat, updates) in people {
        assert_eq!(chat.close(PATIENCE), 0);
        let rest = std::iter::from_fn(|| updates.recv_timeout(PATIENCE).ok());
        let more = rest.filter(|update| matches!(update, Update::Event(Event::Message(_)))).count();
        assert_eq!(more, 0, "and nothing more");
    }
}

/// A place for servers that come one after the other.
struct Socket(PathBuf);

impl Socket {
    fn serve(&self) -> Server {
        Server::builder().handler(Chat::new().gate()).bind_unix(&self.0).unwrap()
    }
}

#[test]
fn a_server_that_is_killed_and_comes_back_without_memory_finds_everybody_where_they_were() {
    let path = std::env::temp_dir().join(format!("chinwag-session-{}.sock", std::process::id()));
    let socket = Socket(path.clone());
    let server = socket.serve();
    let [(john, john_hears), (adam, adam_hears)] = ["John", "Adam"].map(|name| {
        let url = format!("ws+unix:{}", path.display());
        ChatClient::builder(url, name).reconnect(quick()).connect().unwrap()
    });
    for chat in [&john, &adam] {
        chat.ask(Ask::Join { room: "#Games".to_owned(), since: None }).unwrap().wait().unwrap();
    }
    john.ask(Ask::Nick { name: "Johnny".to_owned() }).unwrap().wait().unwrap();
    john.say("games", "before").unwrap().wait().unwrap();
    assert_eq!(hear_messages(&adam_hears, 1), [("Johnny".to_owned(), "before".to_owned())]);
    assert_eq!(hear_messages(&john_hears, 1), [("Johnny".to_owned(), "before".to_owned())]);
    server.shutdown_handle().shutdown_within(Duration::ZERO).unwrap();
    drop(server);
    lost(&john_hears);
    let receipts = ["one", "two"].map(|text| john.say("games", text).unwrap());

    let server = socket.serve();
    assert!(!back(&john_hears) && !back(&adam_hears));
    for receipt in &receipts {
        assert_eq!(receipt.wait().unwrap().room.as_deref(), Some("games"));
    }
    adam.say("games", "three").unwrap().wait().unwrap();
    for chat in [&john, &adam] {
        assert_eq!(chat.rooms(), ["lobby", "games"]);
    }
    assert_eq!(john.name(), "Johnny");
    let texts = |updates: &Updates<Update>, count| -> Vec<String> {
        let messages = std::iter::from_fn(|| Some(next(updates))).filter_map(|update| match update {
            Update::Event(Event::Message(message)) => Some(message.text),
            _ => None,
        });
        messages.take(count).collect()
    };
    assert_eq!(texts(&john_hears, 3), ["one", "two", "three"]);
    assert_eq!(texts(&adam_hears, 3), ["one", "two", "three"], "also what was said before Adam was back");
    drop(server);
}
