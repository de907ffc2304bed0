//! What is looked for, hostile words too, and stores that cannot.

use chinwag::chat::Chat;
use chinwag::protocol::Event;
use chinwag::store::StoreErrorKind;
use serde_json::json;

use super::{answer, finds, on_each_store, says, serve};
use crate::rooms::Person;
use crate::support::flaky_store::FlakyStore;

#[test]
fn case_and_accents_do_not_matter_and_a_star_stands_for_the_rest_of_a_word() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
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
    });
}

#[test]
fn what_another_language_would_take_for_an_order_is_words() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
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
    });
}

#[test]
fn a_search_for_nothing_or_for_too_much_is_refused() {
    on_each_store(|server| {
        let mut john = Person::join(server, "John");
        says(&mut john, "lobby", "tea");
        for words in ["", "   ", "*", "\"\" -- ;", "\u{1b}\u{0}", &"a ".repeat(17), &"a".repeat(201)] {
            let refused = answer(&mut john, &json!({"type": "search", "words": words, "id": "s1"}));
            assert_eq!(
                (&refused["code"], &refused["id"]),
                (&json!("bad_request"), &json!("s1")),
                "{words:?}"
            );
        }
        for request in [json!({"type": "search"}), json!({"type": "search", "words": 1})] {
            assert_eq!(answer(&mut john, &request)["code"], "bad_request");
        }
    });
}

#[test]
fn a_store_that_cannot_be_searched_says_so_and_not_what_is_wrong_with_it() {
    let store = FlakyStore::new();
    let server = serve(Chat::builder().store(store.clone()));
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "tea");
    for kind in [StoreErrorKind::Unsupported, StoreErrorKind::Gone, StoreErrorKind::Damaged] {
        store.blind(kind);
        let refused = answer(&mut john, &json!({"type": "search", "words": "tea", "id": "s1"}));
        assert_eq!((&refused["code"], &refused["id"]), (&json!("unavailable"), &json!("s1")));
        assert!(!refused["reason"].as_str().unwrap().contains("told to fail"), "{refused}");
        says(&mut john, "lobby", "people go on talking");
    }
    store.recover();
    assert_eq!(finds(&mut john, "tea"), ["tea"]);
}

#[test]
fn two_look_at_a_time_and_a_store_that_takes_a_while_holds_up_nobody_who_talks() {
    let store = FlakyStore::new();
    let server = serve(Chat::builder().store(store.clone()));
    let mut john = Person::join(&server, "John");
    says(&mut john, "lobby", "tea");
    let mut others = ["Adam", "Eve", "Zoe"].map(|name| Person::join(&server, name));
    store.stall();
    for other in &others {
        other.ask(r#"{"type":"search","words":"tea"}"#);
    }
    store.wait_for_asking(2);
    says(&mut john, "lobby", "while they wait");
    assert_eq!(store.asking(), 2);
    store.resume();
    for other in &mut others {
        while !matches!(other.hear(), Event::Found { messages, .. } if messages.len() == 1) {}
    }
}
