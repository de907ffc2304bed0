//! The conversation of the article, line by line, with people of every kind.

use std::thread;

use chinwag::CloseCode;

use crate::support::{Program, Raw, addr, chat, hear, hear_end, hears, join};

#[test]
fn ronald_john_and_adam_have_the_conversation_of_the_article() {
    let server = chat();
    let mut ronald = join(&server, "Ronald");
    hears(&mut ronald, &["Ronald joined.", "Welcome Ronald."]);
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    john.send("hi").unwrap();
    hears(&mut john, &["Adam joined.", "John says: hi"]);
    hears(&mut adam, &["John says: hi"]);
    let reason = ronald.close(CloseCode::NORMAL, "").unwrap();
    assert!(reason.clean, "{reason}");
    hears(&mut john, &["Ronald left."]);
    john.close(CloseCode::NORMAL, "").unwrap();
    hears(&mut adam, &["Ronald left.", "John left."]);
    adam.send("alone").unwrap();
    hears(&mut adam, &["Adam says: alone"]);
}

#[test]
fn three_programs_in_three_terminals_have_it_too() {
    let (_server, addr) = Program::chat_server(&[]);
    let mut ronald = Program::chat_client("Ronald", addr);
    assert_eq!([ronald.line(), ronald.line()], ["Received: Ronald joined.", "Received: Welcome Ronald."]);
    let mut john = Program::chat_client("John", addr);
    assert_eq!([john.line(), john.line()], ["Received: John joined.", "Received: Welcome John."]);
    assert_eq!(ronald.line(), "Received: John joined.");
    let mut adam = Program::chat_client("Adam", addr);
    assert_eq!([adam.line(), adam.line()], ["Received: Adam joined.", "Received: Welcome Adam."]);
    for other in [&mut ronald, &mut john] {
        assert_eq!(other.line(), "Received: Adam joined.");
    }
    ronald.type_line("hello everybody");
    for one in [&mut ronald, &mut john, &mut adam] {
        assert_eq!(one.line(), "Received: Ronald says: hello everybody");
    }
    ronald.type_line("Bye");
    assert_eq!((ronald.line(), ronald.exit_code()), (String::new(), 0));
    john.type_line("/quit");
    assert_eq!(john.line(), "Received: Ronald left.");
    assert_eq!((john.line(), john.exit_code()), (String::new(), 0));
    // The end of input leaves too.
    drop(adam.child.stdin.take());
    assert_eq!([adam.line(), adam.line()], ["Received: Ronald left.", "Received: John left."]);
    assert_eq!((adam.line(), adam.exit_code()), (String::new(), 0));
}

#[test]
fn the_frames_of_a_joining_are_those_of_the_article_to_the_byte() {
    let server = chat();
    let mut ronald = Raw::upgrade(addr(&server), "/?name=Ronald");
    assert_eq!(ronald.read(16), b"\x81\x0eRonald joined.");
    assert_eq!(ronald.read(17), b"\x81\x0fWelcome Ronald.");
    let mut john = Raw::upgrade(addr(&server), "/WebSockets/api/websockets?name=John");
    assert_eq!(ronald.read(14), b"\x81\x0cJohn joined.");
    assert_eq!(john.read(29), b"\x81\x0cJohn joined.\x81\x0dWelcome John.");
    john.send(b"\x81\x82\x01\x02\x03\x04\x69\x6b");
    assert_eq!(ronald.read(15), b"\x81\x0dJohn says: hi");
    john.send_frame(0x88, &1000u16.to_be_bytes());
    assert_eq!(john.read(15), b"\x81\x0dJohn says: hi");
    assert_eq!(john.read(4), b"\x88\x02\x03\xe8");
    assert_eq!(john.read_to_end(), b"");
    assert_eq!(ronald.read(12), b"\x81\x0aJohn left.");
}

#[test]
fn a_message_in_fragments_with_a_ping_between_is_one_message() {
    let server = chat();
    let mut john = Raw::upgrade(addr(&server), "/ws?name=John");
    john.read(29);
    john.send_frame(0x01, b"one ");
    john.send_frame(0x89, b"are you there?");
    john.send_frame(0x80, b"two");
    assert_eq!(john.read_frame(), (0x8a, b"are you there?".to_vec()));
    assert_eq!(john.read_frame(), (0x81, b"John says: one two".to_vec()));
}

#[test]
fn frames_sent_together_with_the_request_are_heard() {
    let server = chat();
    let mut john = Raw::connect(addr(&server));
    let eager = [crate::support::request("/?name=John", "").as_bytes(), &crate::support::masked(0x81, b"hi")]
        .concat();
    john.send(&eager);
    assert!(john.read_head().starts_with("HTTP/1.1 101 "));
    john.read(29);
    assert_eq!(john.read_frame(), (0x81, b"John says: hi".to_vec()));
}

#[test]
fn all_hear_the_same_in_the_same_order() {
    all_hear_the_same(50, 20);
}

#[test]
fn all_hear_the_same_in_a_small_room_too() {
    all_hear_the_same(5, 200);
}

/// So many people talk at once; what each of them hears is compared.
fn all_hear_the_same(count: usize, messages: usize) {
    let server = chat();
    let mut people: Vec<_> = (0..count).map(|i| join(&server, &format!("p{i}"))).collect();
    let last = format!("p{} joined.", count - 1);
    for person in &mut people {
        while hear(person) != last {}
    }
    hears(&mut people[count - 1], &[&format!("Welcome p{}.", count - 1)]);
    let talkers = people.into_iter().map(|mut person| {
        thread::spawn(move || {
            (0..messages).for_each(|number| person.send(number.to_string()).unwrap());
            (0..count * messages).map(|_| hear(&mut person)).collect::<Vec<_>>()
        })
    });
    let talkers: Vec<_> = talkers.collect();
    let heard: Vec<Vec<String>> = talkers.into_iter().map(|talker| talker.join().unwrap()).collect();
    for one in &heard {
        assert_eq!(one, &heard[0]);
    }
    for person in 0..count {
        let own = format!("p{person} says: ");
        let numbers: Vec<_> = heard[0].iter().filter_map(|line| line.strip_prefix(&own)).collect();
        assert_eq!(numbers, (0..messages).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn commands_are_answered_to_the_asker_alone_and_two_slashes_say_one() {
    let server = chat();
    let mut john = join(&server, "John");
    hears(&mut john, &["John joined.", "Welcome John."]);
    let mut adam = join(&server, "Adam");
    hears(&mut adam, &["Adam joined.", "Welcome Adam."]);
    for line in ["/who", "/dance", "//me waves", "/help"] {
        adam.send(line).unwrap();
    }
    hears(&mut adam, &["2 here: Adam, John", "There is no command /dance. /help lists all."]);
    hears(&mut adam, &["Adam says: /me waves"]);
    assert!(hear(&mut adam).contains("/quit"));
    hears(&mut john, &["Adam joined.", "Adam says: /me waves"]);
    adam.send("/quit").unwrap();
    let reason = hear_end(&mut adam);
    assert_eq!((reason.code, reason.clean), (CloseCode::NORMAL, true));
    hears(&mut john, &["Adam left."]);
}

#[test]
fn binary_is_not_taken_by_the_chat() {
    let server = chat();
    let mut john = join(&server, "John");
    john.send(vec![1, 2, 3]).unwrap();
    assert_eq!(hear_end(&mut john).code, CloseCode::UNSUPPORTED);
}

#[test]
fn a_crowd_is_told_its_number_instead_of_each_coming_and_going() {
    use chinwag::{Server, chat::Chat};
    let chat =
        Chat::builder().announce_up_to(2).headcount_interval(std::time::Duration::from_millis(10)).build();
    let server = Server::builder().handler(chat.gate()).bind("127.0.0.1:0").unwrap();
    let mut first = join(&server, "first");
    let mut second = join(&server, "second");
    hears(&mut first, &["first joined.", "Welcome first.", "second joined."]);
    hears(&mut second, &["second joined.", "Welcome second."]);
    let mut third = join(&server, "third");
    hears(&mut third, &["third joined.", "Welcome third."]);
    hears(&mut first, &["3 people are here."]);
    third.close(CloseCode::NORMAL, "").unwrap();
    hears(&mut first, &["2 people are here."]);
    second.close(CloseCode::NORMAL, "").unwrap();
    hears(&mut first, &["second left."]);
}
