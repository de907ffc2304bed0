//! More than one answer holds.

use serde_json::{Value, json};

use super::{answer, finds, on_each_store, says, texts};
use crate::rooms::Person;

/// A page of the search for `words`, before a place.
fn page(person: &mut Person, words: &str, limit: usize, before: Option<&Value>) -> Value {
    let mut request = json!({"type": "search", "words": words, "limit": limit});
    if let Some(before) = before {
        request["before"] = before.clone();
    }
    answer(person, &request)
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        for number in 1..=7 {
            says(&mut john, "lobby", &format!("tea {number}"));
            says(&mut john, "lobby", "coffee");
        }
        let first = page(&mut john, "tea", 3, None);
        assert_eq!(texts(&first), ["tea 5", "tea 6", "tea 7"]);
        assert_eq!(first["more"], true);
        assert_eq!(first["before"], first["messages"][0]["pos"]);
        let second = page(&mut john, "tea", 3, Some(&first["before"]));
        assert_eq!(
            (texts(&second), &second["more"]),
            (vec!["tea 2".into(), "tea 3".into(), "tea 4".into()], &json!(true))
        );
        let third = page(&mut john, "tea", 3, Some(&second["before"]));
        assert_eq!((texts(&third), &third["more"]), (vec!["tea 1".to_owned()], &json!(false)));
        assert_eq!(third.get("before"), None);
        // Exactly as many as there are: nothing is left.
        let all = page(&mut john, "tea", 7, None);
        assert_eq!((texts(&all).len(), &all["more"]), (7, &json!(false)));
        for foreign in ["x", "00000000-1", ""] {
            let refused = page(&mut john, "tea", 3, Some(&json!(foreign)));
            assert_eq!(refused["code"], "bad_position", "{foreign}");
        }
    });
}

#[test]
fn an_answer_is_bounded_by_messages_and_by_bytes() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        for _ in 0..101 {
            says(&mut john, "lobby", "tea");
        }
        for (limit, expected) in [(0, 1), (1000, 100), (100, 100)] {
            let found = page(&mut john, "tea", limit, None);
            assert_eq!((texts(&found).len(), &found["more"]), (expected, &json!(true)), "{limit}");
        }
        let found = answer(&mut john, &json!({"type": "search", "words": "tea"}));
        assert_eq!(texts(&found).len(), 50, "unless one says how many");
        let long = format!("long {}", "x".repeat(60 * 1024));
        for _ in 0..3 {
            says(&mut john, "lobby", &long);
        }
        let found = page(&mut john, "long", 100, None);
        assert_eq!((texts(&found).len(), &found["more"]), (2, &json!(true)));
        let rest = page(&mut john, "long", 100, Some(&found["before"]));
        assert_eq!((texts(&rest).len(), &rest["more"]), (1, &json!(false)));
    });
}

#[test]
fn one_who_ignores_a_chatterbox_finds_what_others_said_behind_it() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        let mut eve = Person::join(server, "Eve");
        says(&mut john, "lobby", "tea");
        john.ask(r#"{"type":"ignore","name":"Eve"}"#);
        for _ in 0..70 {
            says(&mut eve, "lobby", "tea, tea, tea");
        }
        assert_eq!(finds(&mut john, "tea"), ["tea"]);
        // One message at a time is looked at, a few times: then the search can be gone on with.
        let mut found = page(&mut john, "tea", 1, None);
        let mut pages = 1;
        while texts(&found).is_empty() {
            assert_eq!(found["more"], true, "{found}");
            let before = found["before"].clone();
            found = page(&mut john, "tea", 1, Some(&before));
            pages += 1;
        }
        assert_eq!((texts(&found), &found["more"]), (vec!["tea".to_owned()], &json!(false)));
        assert!(pages < 70, "{pages} answers");
    });
}
