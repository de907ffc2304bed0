//! What is looked for, hostile words too, and stores that cannot.

use std::sync::Arc;

use chinwag::store::{
    Bounds, Draft, Erasure, Found, Memory, Outcome, Position, Record, Retention, Search, Store, StoreError,
    StoreErrorKind, StoreStatistics, Tail, Ticket,
};
use serde_json::json;

use super::{answer, finds, says, server, store_of};
use crate::rooms::Person;

#[test]
fn case_and_accents_do_not_matter_and_a_star_stands_for_the_rest_of_a_word() {
    let server = server();
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "Zoë's Café, naïve");
    says(&mut john, "lobby", "cafeteria");
    for (words, expected) in [
        ("CAFE", &["Zoë's Café, naïve"][..]),
        ("cafe zoe", &["Zoë's Café, naïve"]),
        ("caf*", &["Zoë's Café, naïve", "cafeteria"]),
        ("caf", &[]),
        ("cafe tea", &[]),
    ] {
        assert_eq!(finds(&mut john, words), expected, "{words}");
    }
}

#[test]
fn what_another_language_would_take_for_an_order_is_words() {
    let server = server();
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "alpha \"beta\" NOT gamma; DROP TABLE message --");
    says(&mut john, "lobby", "beta only");
    for words in [
        "\"beta\"",
        "beta'",
        "(beta)",
        "beta)",
        "-beta",
        "^beta",
        "{beta}",
        "text:beta*) --",
        "beta;",
        "beta\u{0}",
        "beta\u{1b}[2J\n",
        "%beta",
        "b\u{301}eta",
    ] {
        let found = answer(&mut john, &json!({"type": "search", "words": words}));
        assert!(found["type"] == "found" || found["code"] == "bad_request", "{words:?}: {found}");
    }
    let whole = ["alpha \"beta\" NOT gamma; DROP TABLE message --"];
    for words in ["alpha NOT gamma", "\"beta\" alpha", "drop table message; --", "not", "(alpha AND) -"] {
        let expected = if words.contains("AND") { &[][..] } else { &whole };
        assert_eq!(finds(&mut john, words), expected, "{words}");
    }
    assert_eq!(finds(&mut john, "beta NEAR only"), Vec::<String>::new());
    assert_eq!(finds(&mut john, "beta OR only"), Vec::<String>::new());
}

#[test]
fn a_search_for_nothing_or_for_too_much_is_refused() {
    let server = server();
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "tea");
    for words in ["", "   ", "*", "\"\" -- ;", "\u{1b}\u{0}", &"a ".repeat(17), &"a".repeat(201)] {
        let refused = answer(&mut john, &json!({"type": "search", "words": words, "id": "s1"}));
        assert_eq!((&refused["code"], &refused["id"]), (&json!("bad_request"), &json!("s1")), "{words:?}");
    }
    for request in [json!({"type": "search"}), json!({"type": "search", "words": 1})] {
        assert_eq!(answer(&mut john, &request)["code"], "bad_request");
    }
}

#[test]
fn a_store_that_cannot_be_searched_says_so_and_not_where_it_is() {
    for kind in [StoreErrorKind::Unsupported, StoreErrorKind::Gone, StoreErrorKind::Damaged] {
        let server = store_of(Unsearchable::new(kind));
        let mut john = Person::join(&server, "John");
        let refused = answer(&mut john, &json!({"type": "search", "words": "tea", "id": "s1"}));
        assert_eq!((&refused["code"], &refused["id"]), (&json!("unavailable"), &json!("s1")));
        assert!(!refused["reason"].as_str().unwrap().contains("/var"), "{refused}");
        says(&mut john, "lobby", "people go on talking");
    }
}

/// A store in memory that finds nothing, and deletes nothing.
pub(crate) struct Unsearchable {
    memory: Memory,
    kind: StoreErrorKind,
}

impl Unsearchable {
    pub(crate) fn new(kind: StoreErrorKind) -> Self {
        Self { memory: Memory::new(), kind }
    }
}

impl Store for Unsearchable {
    fn epoch(&self) -> &str {
        self.memory.epoch()
    }

    fn outlives_process(&self) -> bool {
        false
    }

    fn open(&self, tail: Tail) {
        self.memory.open(tail);
    }

    fn append(&self, ticket: Ticket, draft: Draft) -> Option<Outcome> {
        self.memory.append(ticket, draft)
    }

    fn commit(&self) {}

    fn bounds(&self, room: &str) -> Result<Bounds, StoreError> {
        self.memory.bounds(room)
    }

    fn after(
        &self,
        room: &str,
        after: Position,
        until: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        self.memory.after(room, after, until, limit)
    }

    fn before(
        &self,
        room: &str,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, StoreError> {
        self.memory.before(room, before, limit)
    }

    fn count(&self, room: &str, after: Position, until: Position) -> Result<u64, StoreError> {
        self.memory.count(room, after, until)
    }

    fn search(&self, _search: &Search) -> Result<Found, StoreError> {
        Err(StoreError::new(self.kind, "no index in /var/lib/chinwag/chat.db"))
    }

    fn erase(&self, _erasure: &Erasure) -> Result<u64, StoreError> {
        Err(StoreError::new(self.kind, "no index in /var/lib/chinwag/chat.db"))
    }

    fn set_retention(&self, retention: Retention) {
        self.memory.set_retention(retention);
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        self.memory.statistics()
    }
}
