//! The examples do what they say.

use std::process::Command;

use chinwag::{Connection, Message};

use crate::support::{PATIENCE, Program, hear, hears};

/// The program of an example, which `cargo test` builds beside this one.
pub fn example(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let profile = this.parent().and_then(|deps| deps.parent()).unwrap();
    let program = profile.join("examples").join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --examples`", program.display());
    Command::new(program)
}

fn connect(program: &mut Program) -> Connection {
    Connection::connect(&format!("ws://{}/", program.address())).unwrap()
}

#[test]
fn the_echo_server_sends_text_and_binary_back() {
    let mut echo = Program::start(example("echo").args(["--listen", "127.0.0.1:0"]));
    let mut client = connect(&mut echo);
    for message in [Message::from("hi"), Message::from(vec![0, 255])] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.recv_timeout(PATIENCE).unwrap(), Some(message));
    }
}

#[test]
fn the_broadcast_goes_to_whoever_is_connected() {
    let mut broadcast = Program::start(example("broadcast").arg("127.0.0.1:0"));
    let mut client = connect(&mut broadcast);
    // Connected is not yet registered: until then a line goes to nobody.
    while {
        broadcast.type_line("21.5 °C");
        broadcast.line() != "   1 | 21.5 °C"
    } {}
    hears(&mut client, &["21.5 °C"]);
    drop(broadcast.child.stdin.take());
    assert_eq!(broadcast.exit_code(), 0);
}

#[test]
fn the_frame_loop_moves_a_player_who_says_so() {
    let mut game = Program::start(example("frame_loop").arg("127.0.0.1:0"));
    let mut client = connect(&mut game);
    assert!(hear(&mut client).ends_with(" at 0,0\n"));
    client.send("right").unwrap();
    assert!(hear(&mut client).ends_with(" at 1,0\n"));
    client.send("jump").unwrap();
    hears(&mut client, &["left, right, up or down?"]);
}

#[test]
fn the_bot_answers_who_says_ping() {
    let (_server, addr) = Program::chat_server(&[]);
    let mut john = Connection::connect(&format!("ws://{addr}/?name=John")).unwrap();
    hears(&mut john, &["John joined.", "Welcome John."]);
    let _bot = Program::start(example("bot").arg(format!("ws://{addr}/?name=Bot")));
    hears(&mut john, &["Bot joined."]);
    john.send("!ping").unwrap();
    hears(&mut john, &["John says: !ping", "Bot says: John: pong"]);
}

#[test]
fn the_game_lobby_starts_a_game_when_two_at_a_table_are_ready() {
    let mut lobby = Program::start(example("game_lobby").arg("127.0.0.1:0"));
    let url = lobby.address();
    let sit = |name: &str| Connection::connect(&format!("ws://{url}/?name={name}&room=oak")).unwrap();
    let mut ann = sit("Ann");
    hears(&mut ann, &["+ Ann at oak"]);
    let mut bob = sit("Bob");
    for player in [&mut ann, &mut bob] {
        hears(player, &["+ Bob at oak"]);
        player.send("ready").unwrap();
    }
    for player in [&mut ann, &mut bob] {
        hears(player, &["* Ann and Bob play at oak"]);
    }
    bob.send("say good game").unwrap();
    bob.send("deal").unwrap();
    hears(&mut ann, &["Bob: good game"]);
    hears(&mut bob, &["Bob: good game", "! say TEXT, sit TABLE, who or ready"]);
}
