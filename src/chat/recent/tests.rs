use super::*;

fn entry(number: u128, text: &str) -> Entry {
    let record = Record {
        position: Position(number),
        room: "lobby".into(),
        from: "John".to_owned(),
        author: "john".into(),
        subject: None,
        text: text.to_owned(),
        action: false,
        time: 1,
    };
    Entry::of(&Positions::of("e"), &record, None)
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

fn lobby() -> RoomName {
    room("lobby")
}

fn past(gone: u128, numbers: impl IntoIterator<Item = u128>) -> Past {
    let entries = numbers.into_iter().map(|number| entry(number, "text")).collect::<Vec<_>>();
    let head = entries.last().map_or(Position(gone), |last| last.position);
    Past { bounds: Bounds { gone: Position(gone), head, latest: head }, entries }
}

/// With a room that was read when there was nothing in it.
fn recent(retention: Retention) -> Recent {
    let mut recent = Recent::new(retention);
    assert!(!recent.is_read(&lobby()));
    recent.read(&lobby(), past(0, []));
    recent
}

fn unlimited() -> Retention {
    Retention { messages: usize::MAX, bytes: usize::MAX, age: None }
}

fn numbers(recent: &Recent, after: u128) -> Option<Vec<u128>> {
    let entries = recent.after(&lobby(), Position(after))?;
    Some(entries.iter().map(|entry| entry.position.0).collect())
}

/// What the bytes are counted to be is what they are.
fn check_sizes(recent: &Recent) {
    let sizes = |window: &Window| window.entries.iter().map(Entry::size).sum::<usize>();
    assert_eq!(recent.bytes, recent.rooms.values().map(sizes).sum::<usize>());
    for window in recent.rooms.values() {
        let text = window.entries.iter().map(|entry| entry.message().text.len()).sum::<usize>();
        assert_eq!(window.text, text);
    }
}

#[test]
fn a_room_has_so_many_messages_and_bytes_at_hand_and_knows_where_they_begin() {
    let mut recent = recent(unlimited());
    for number in 1..=MAX_MESSAGES as u128 + 10 {
        assert!(recent.push(&lobby(), entry(number, "text")));
    }
    assert_eq!(numbers(&recent, 9), None);
    assert_eq!(numbers(&recent, 10).unwrap().len(), MAX_MESSAGES);
    assert!(recent.latest(&lobby()).1, "the store has more");
    check_sizes(&recent);
    let long = "x".repeat(MAX_TEXT / 4 - 1);
    for number in 2001..=2010 {
        recent.push(&lobby(), entry(number, &long));
    }
    assert_eq!(numbers(&recent, 2006), Some(vec![2007, 2008, 2009, 2010]));
    assert_eq!(numbers(&recent, 2005), None);
    assert_eq!(recent.head(&lobby()), Some(Position(2010)));
    check_sizes(&recent);
}

#[test]
fn what_is_not_kept_is_not_at_hand() {
    let mut recent = recent(Retention { messages: 3, ..unlimited() });
    for number in 1..=5 {
        recent.push(&lobby(), entry(number, "text"));
    }
    assert_eq!((numbers(&recent, 1), numbers(&recent, 2)), (None, Some(vec![3, 4, 5])));
    assert!(!recent.latest(&lobby()).1, "the store has no more");
    recent.set_retention(Retention { age: Some(std::time::Duration::from_secs(60)), ..unlimited() });
    // They are of 1970.
    assert_eq!((numbers(&recent, 4), numbers(&recent, 5)), (None, Some(vec![])));
    assert_eq!(recent.begins(&lobby()), Some(Position(5)));
    assert_eq!(recent.latest(&lobby()).0.count(), 0);
}

#[test]
fn what_is_shown_while_a_room_is_read_is_behind_what_is_read_once() {
    let mut recent = Recent::new(unlimited());
    assert!(recent.push(&lobby(), entry(3, "nobody looks")));
    assert!(!recent.is_read(&lobby()));
    for number in 5..=8 {
        assert!(recent.push(&lobby(), entry(number, "text")));
    }
    assert!(!recent.push(&lobby(), entry(8, "text")), "again");
    assert_eq!(numbers(&recent, 4), None, "not read yet");
    recent.read(&lobby(), past(2, 3..=6));
    assert_eq!(numbers(&recent, 2), Some((3..=8).collect()));
    assert_eq!((numbers(&recent, 1), recent.latest(&lobby()).1), (None, false));
    // Whoever reads it at the same time is later.
    recent.read(&lobby(), past(0, 1..=9));
    assert_eq!(numbers(&recent, 2), Some((3..=8).collect()));
    check_sizes(&recent);
}

#[test]
fn a_reader_that_is_overtaken_by_more_than_fits_leaves_no_hole() {
    let mut recent = Recent::new(unlimited());
    assert!(!recent.is_read(&lobby()));
    for number in 11..=MAX_MESSAGES as u128 + 110 {
        recent.push(&lobby(), entry(number, "text"));
    }
    // What it has is older than what is at hand.
    recent.read(&lobby(), past(0, 1..=10));
    assert_eq!((numbers(&recent, 5), numbers(&recent, 10), numbers(&recent, 109)), (None, None, None));
    assert_eq!(numbers(&recent, 110).unwrap().len(), MAX_MESSAGES);
    assert!(recent.latest(&lobby()).1);
    check_sizes(&recent);
}

#[test]
fn a_long_log_is_at_hand_from_the_first_that_was_read() {
    let mut recent = Recent::new(unlimited());
    recent.read(&lobby(), past(7, 1001..=1000 + READ as u128));
    assert_eq!(numbers(&recent, 1000).unwrap().len(), READ);
    assert_eq!(numbers(&recent, 999), None);
    assert!(recent.latest(&lobby()).1);
    // In a short one all that is kept is there, though the first of it has a gap before it.
    let mut recent = Recent::new(unlimited());
    recent.read(&lobby(), past(7, [20, 21]));
    assert_eq!((numbers(&recent, 7), numbers(&recent, 6)), (Some(vec![20, 21]), None));
    assert!(!recent.latest(&lobby()).1);
}

#[test]
fn a_room_that_was_left_and_is_empty_is_known_to_be_so_still() {
    let mut recent = recent(unlimited());
    recent.open(&lobby());
    recent.close(&lobby());
    assert!(recent.is_read(&lobby()));
    assert_eq!(numbers(&recent, 0), Some(vec![]));
}

#[test]
fn where_there_are_too_many_rooms_those_go_that_nobody_is_in() {
    let mut recent = recent(unlimited());
    recent.open(&lobby());
    recent.push(&lobby(), entry(1, "text"));
    for number in 0..MAX_ROOMS + 5 {
        recent.read(&room(&format!("r{number}")), past(0, [2]));
    }
    assert_eq!(recent.rooms.len(), MAX_ROOMS);
    assert_eq!(numbers(&recent, 0), Some(vec![1]));
    check_sizes(&recent);
}

#[test]
fn where_all_together_is_too_much_a_room_with_people_loses_what_was_said_and_knows_it() {
    let mut recent = recent(unlimited());
    recent.open(&lobby());
    recent.push(&lobby(), entry(1, "first"));
    let long = "x".repeat(MAX_TEXT - 1);
    let rooms = MAX_BYTES / MAX_TEXT + 2;
    for number in 0..rooms {
        let room = room(&format!("r{number}"));
        recent.read(&room, past(0, []));
        recent.open(&room);
        recent.push(&room, entry(2 + number as u128, &long));
        assert!(recent.bytes <= MAX_BYTES);
    }
    assert_eq!(recent.rooms.len(), rooms + 1, "all are open");
    assert_eq!((numbers(&recent, 0), numbers(&recent, 1)), (None, Some(vec![])));
    assert_eq!(recent.head(&lobby()), Some(Position(1)));
    assert!(recent.latest(&lobby()).1);
    check_sizes(&recent);
}

#[test]
fn what_somebody_said_is_forgotten_and_nothing_seems_to_be_missing() {
    let mut recent = recent(unlimited());
    for number in 1..=3 {
        recent.push(&lobby(), entry(number, "text"));
    }
    let author = Name::parse("John").unwrap().key();
    assert!(recent.forget(&author, Some(&room("games")), Position(3), Position(3)).is_empty());
    assert_eq!(recent.forget(&author, None, Position(2), Position(2)), ["John"]);
    assert_eq!(numbers(&recent, 0), Some(vec![3]), "said later");
    recent.forget(&author, None, Position(3), Position(3));
    assert_eq!(numbers(&recent, 0), Some(vec![]));
    assert!(!recent.latest(&lobby()).1);
    check_sizes(&recent);
    assert!(recent.push(&lobby(), entry(4, "text")));
    assert_eq!(numbers(&recent, 0), Some(vec![4]));
}
