//! What holds for any text, and any course of events: tried with cases made by chance, which
//! `proptest` makes small where one fails.

mod rooms;

use chinwag::Escaped;
use chinwag::chat::{Name, RoomName};
use chinwag::protocol::{Command, Event, Request};
use proptest::prelude::*;

/// Text with much of what is odd in it.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        any::<char>(),
        proptest::char::range('a', 'z'),
        proptest::sample::select(
            " \u{a0}\u{301}\u{200d}\u{fe0f}\u{202e}\0\u{1b}\n👩Іоıſß:/".chars().collect::<Vec<_>>()
        ),
    ];
    proptest::collection::vec(odd, 0..40).prop_map(|chars| chars.into_iter().collect())
}

/// JSON of any shape, often one of the protocol's.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        odd_text().prop_map(Into::into),
        proptest::sample::select(vec![
            "say", "whisper", "join", "leave", "who", "history", "nick", "topic", "away", "ignore", "whois",
            "ping", "message", "joined", "present", "resumed", "error", "welcome",
        ])
        .prop_map(Into::into),
    ];
    let key = proptest::sample::select(vec![
        "type", "id", "room", "text", "to", "name", "since", "before", "limit", "action", "messages",
        "names", "time", "pos", "from", "x",
    ]);
    leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_name_is_itself_again_and_as_long_as_may_be(text in odd_text()) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            prop_assert!((1..=Name::MAX_CHARS).contains(&name.as_str().chars().count()));
            prop_assert!(!name.as_str().contains(char::is_control));
            prop_assert_eq!(name.as_str().trim(), name.as_str());
        }
    }

    #[test]
    fn a_name_in_other_letters_has_the_same_key(text in odd_text()) {
        if let Ok(name) = Name::parse(&text) {
            for other in [name.as_str().to_uppercase(), name.as_str().to_lowercase(), format!(" {text} ")] {
                if let Ok(other) = Name::parse(&other) {
                    prop_assert_eq!(other.key(), name.key());
                }
            }
        }
    }

    #[test]
    fn names_that_look_alike_do_so_both_ways(text in "[a-zA-Z]{1,12}", which in any::<proptest::sample::Index>()) {
        let pairs = [('a', 'а'), ('e', 'е'), ('o', 'о'), ('p', 'р'), ('c', 'с'), ('x', 'х'), ('i', 'і')];
        let (latin, cyrillic) = pairs[which.index(pairs.len())];
        let other = text.replace(latin, &cyrillic.to_string());
        if let (Ok(name), Ok(other)) = (Name::parse(&text), Name::parse(&other)) {
            prop_assert_eq!(name.key(), other.key());
        }
    }

    #[test]
    fn a_room_s_name_is_itself_again_and_small(text in odd_text()) {
        if let Ok(room) = RoomName::parse(&text) {
            prop_assert_eq!(RoomName::parse(room.as_str()), Ok(room.clone()));
            prop_assert!(!room.to_string().contains(char::is_whitespace));
            if let Ok(upper) = RoomName::parse(&text.to_uppercase()) {
                prop_assert_eq!(upper.to_string().to_lowercase(), upper.to_string());
            }
        }
    }

    #[test]
    fn any_json_is_a_request_or_refused_with_a_reason(json in any_json()) {
        let text = json.to_string();
        match Request::parse(&text) {
            Ok(request) => prop_assert_eq!(Request::parse(&request.to_json()), Ok(request)),
            Err(error) => {
                let answer = error.to_event().to_json();
                prop_assert!(matches!(Event::parse(&answer), Ok(Event::Error { .. })), "{}", answer);
            }
        }
        if let Ok(event) = Event::parse(&text) {
            // Not all floats are the same again; what is not unknown is written as it is read.
            let written = event.to_json();
            prop_assert_eq!(Event::parse(&written).unwrap().to_json(), written);
        }
    }

    #[test]
    fn any_text_is_a_request_or_refused(text in odd_text()) {
        let _ = Request::parse(&text);
        let _ = Event::parse(&text);
    }

    #[test]
    fn any_line_is_a_command_or_is_explained(line in odd_text(), is_command in any::<bool>()) {
        let line = if is_command { format!("/{line}") } else { line };
        match Command::parse(&line) {
            Ok(Command::Say(text)) => {
                let typed = if text.starts_with('/') { format!("/{text}") } else { text.clone() };
                prop_assert_eq!(Command::parse(&typed), Ok(Command::Say(text)));
            }
            Ok(_) => {}
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error),
        }
    }

    #[test]
    fn a_name_and_a_text_are_split_without_losing_any(arg in odd_text(), names in proptest::collection::vec(odd_text(), 0..4)) {
        if let Ok((name, text)) = Command::split_name(&arg, names) {
            prop_assert!(arg.starts_with(name) && arg.trim_end().ends_with(text.trim_end()));
        }
    }

    #[test]
    fn what_is_escaped_drives_no_terminal(text in odd_text(), limit in 0..50_usize) {
        for shown in [Escaped::new(&text).to_string(), Escaped::new(&text).cut(limit).to_string()] {
            let is_bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202a}'..='\u{202e}');
            prop_assert!(!shown.contains(is_bad), "{:?}", shown);
        }
    }
}
