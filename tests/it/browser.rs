//! The web page in a real browser: Chromium, driven by playwright-core. `tests/run`
//! installs both. Each script starts a chat-server of its own.

use std::process::Command;

use crate::foreign::{SCRIPTS, succeeds};
use crate::tls::authority::{Authority, HERE};

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn two_pages_and_a_terminal_talk() {
    succeeds(&mut script("talk"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn hostile_names_and_messages_stay_text() {
    succeeds(&mut script("hostile"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn nothing_jumps_while_somebody_reads_back() {
    succeeds(&mut script("reading"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn nothing_is_missing_or_double_after_the_server_was_killed() {
    succeeds(&mut script("restart"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn a_server_that_was_killed_comes_back_with_its_log_and_all_go_on_in_it() {
    succeeds(&mut script("outliving"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn what_the_store_refuses_or_does_not_keep_is_told_and_nothing_is_said_twice() {
    succeeds(&mut script("keeping"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn ten_thousand_messages_do_not_freeze_the_page() {
    succeeds(&mut script("flood"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn the_page_works_by_keyboard_for_a_screen_reader_and_on_a_phone() {
    succeeds(&mut script("access"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn order_is_kept_as_people_at_a_page_see_it() {
    succeeds(&mut script("moderation"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn what_was_said_is_found_and_led_to_and_what_is_deleted_is_gone() {
    succeeds(&mut script("search"));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn page_and_chat_work_encrypted() {
    let authority = Authority::new();
    let identity = authority.server(&HERE);
    succeeds(script("secure").args([&identity.cert, &identity.key]));
}

#[test]
#[ignore = "needs Chromium and npm's playwright-core: run tests/run"]
fn a_page_asks_for_a_token_where_the_server_wants_one() {
    succeeds(&mut script("token"));
}

fn script(name: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(format!("{SCRIPTS}/browser/{name}.mjs"))
        .args([env!("CARGO_BIN_EXE_chat-server"), env!("CARGO_BIN_EXE_chat-client")]);
    command
}
