//! What leaves the outbox, frame by frame.

mod random;
mod rig;

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use self::rig::{PLENTY, Rig, batch};
use super::{Kind, Overflow, Pushed};
use crate::frame;
use crate::transport::Half;

const NO_GRACE: Overflow = Overflow::Disconnect { grace: Duration::ZERO };

#[test]
fn what_the_system_takes_never_waits() {
    let rig = Rig::new(Overflow::DropNewest, 1, 1);
    rig.give_room(PLENTY);
    for text in ["a", "b c d", "e"] {
        assert_eq!(rig.push(text), Pushed::Taken);
        assert_eq!(rig.outbox.depth(), (0, 0));
    }
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn drop_newest_keeps_the_beginning_and_tells_at_the_end() {
    let rig = Rig::stuck(Overflow::DropNewest, 3, PLENTY);
    assert_eq!(rig.push("b c"), Pushed::Taken);
    assert_eq!(rig.push("d"), Pushed::Taken);
    assert_eq!(rig.push("e f"), Pushed::Dropped(2));
    assert_eq!(rig.push("g"), Pushed::Dropped(1));
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d", "missed 3"]);
}

#[test]
fn drop_newest_takes_the_first_messages_of_a_batch_that_fits_in_part() {
    let rig = Rig::stuck(Overflow::DropNewest, 3, PLENTY);
    assert_eq!(rig.push("b c d e f"), Pushed::Dropped(2));
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d", "missed 2"]);
}

#[test]
fn drop_newest_stays_in_its_gap_until_half_is_free() {
    let rig = Rig::stuck(Overflow::DropNewest, 4, PLENTY);
    assert_eq!(rig.push("b c d e f"), Pushed::Dropped(1));
    rig.drain(2 + 3);
    assert_eq!(rig.push("g"), Pushed::Dropped(1), "three of four wait");
    rig.drain(3);
    assert_eq!(rig.push("h"), Pushed::Taken, "two of four wait");
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d", "e", "missed 2", "h"]);
}

#[test]
fn drop_oldest_keeps_the_end_and_tells_in_front() {
    let rig = Rig::stuck(Overflow::DropOldest, 3, PLENTY);
    assert_eq!(rig.push("b c"), Pushed::Taken);
    assert_eq!(rig.push("d"), Pushed::Taken);
    assert_eq!(rig.push("e"), Pushed::Dropped(1));
    assert_eq!(rig.push("f"), Pushed::Dropped(1));
    assert_eq!(rig.drain_all(), ["a", "missed 2", "d", "e", "f"]);
}

#[test]
fn drop_oldest_takes_the_last_messages_of_a_batch_that_is_too_big() {
    let rig = Rig::stuck(Overflow::DropOldest, 3, PLENTY);
    assert_eq!(rig.push("b c d e f"), Pushed::Dropped(2));
    assert_eq!(rig.drain_all(), ["a", "missed 2", "d", "e", "f"]);
}

#[test]
fn keep_latest_drops_all_but_the_latest_once_full() {
    let rig = Rig::stuck(Overflow::KeepLatest, 3, PLENTY);
    assert_eq!(rig.push("b c"), Pushed::Taken);
    assert_eq!(rig.push("d"), Pushed::Taken);
    assert_eq!(rig.push("e"), Pushed::Dropped(3));
    assert_eq!(rig.push("f"), Pushed::Taken);
    assert_eq!(rig.drain_all(), ["a", "missed 3", "e", "f"]);
}

#[test]
fn disconnect_drops_the_newest_and_its_grace_ends_when_half_is_free() {
    let grace = Duration::from_secs(5);
    let rig = Rig::stuck(Overflow::Disconnect { grace }, 2, PLENTY);
    assert_eq!(rig.push("b c"), Pushed::Taken);
    assert_eq!(rig.outbox.slow_until(), None);
    assert_eq!(rig.push("d"), Pushed::Dropped(1));
    assert_eq!(rig.outbox.slow_until(), Some(rig.watch.now + grace));
    rig.drain(2);
    assert!(rig.outbox.slow_until().is_some(), "two of two wait");
    rig.drain(3);
    assert_eq!(rig.outbox.slow_until(), None, "one of two waits");
    assert_eq!(rig.drain_all(), ["a", "b", "c", "missed 1"]);
}

#[test]
fn only_disconnect_counts_a_client_as_slow() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::KeepLatest] {
        let rig = Rig::stuck(overflow, 1, PLENTY);
        assert_eq!(rig.push("b c"), Pushed::Dropped(1));
        assert_eq!(rig.outbox.slow_until(), None, "{overflow:?}");
    }
}

#[test]
fn bytes_are_bounded_as_messages_are() {
    // Two bytes of `a` wait, and each further message takes three.
    for (overflow, dropped, expected) in [
        (Overflow::DropNewest, 1, ["a", "b", "c", "missed 1"].as_slice()),
        (NO_GRACE, 1, &["a", "b", "c", "missed 1"]),
        (Overflow::DropOldest, 1, &["a", "missed 1", "c", "d"]),
        (Overflow::KeepLatest, 2, &["a", "missed 2", "d"]),
    ] {
        let rig = Rig::stuck(overflow, 100, 8);
        assert_eq!(rig.push("b c"), Pushed::Taken);
        assert_eq!(rig.outbox.depth(), (8, 2));
        assert_eq!(rig.push("d"), Pushed::Dropped(dropped), "{overflow:?}");
        assert!(rig.outbox.depth().0 <= 8);
        assert_eq!(rig.drain_all(), expected, "{overflow:?}");
    }
}

#[test]
fn an_empty_outbox_takes_one_message_of_any_size() {
    for overflow in [Overflow::DropNewest, NO_GRACE, Overflow::DropOldest, Overflow::KeepLatest] {
        let rig = Rig::new(overflow, 1, 4);
        assert_eq!(rig.push("longer-than-four"), Pushed::Taken);
        assert_eq!(rig.drain_all(), ["longer-than-four"]);
    }
}

#[test]
fn a_notice_under_way_is_not_cut_by_the_next_gap() {
    let rig = Rig::stuck(Overflow::DropOldest, 2, PLENTY);
    assert_eq!(rig.push("b c d"), Pushed::Dropped(1));
    rig.drain(2 + 1);
    assert_eq!(rig.push("e"), Pushed::Dropped(1));
    assert_eq!(rig.drain_all(), ["a", "missed 1", "missed 1", "d", "e"]);
}

#[test]
fn a_frame_under_way_in_a_batch_is_not_dropped() {
    let rig = Rig::stuck(Overflow::KeepLatest, 3, PLENTY);
    assert_eq!(rig.push("b c d"), Pushed::Taken);
    rig.drain(2 + 3 + 1);
    assert_eq!(rig.push("e f g"), Pushed::Dropped(3));
    assert_eq!(rig.drain_all(), ["a", "b", "c", "missed 3", "g"]);
}

#[test]
fn a_newer_pong_takes_the_place_of_one_that_waits() {
    let rig = Rig::stuck(Overflow::DropNewest, 10, PLENTY);
    rig.pong("1");
    assert_eq!(rig.push("b"), Pushed::Taken);
    rig.pong("longer");
    assert_eq!(rig.outbox.depth(), (2 + 8 + 3, 1));
    rig.drain(2 + 1);
    rig.pong("3");
    assert_eq!(rig.drain_all(), ["a", "ponglonger", "b", "pong3"]);
}

#[test]
fn what_is_no_data_is_never_dropped() {
    for overflow in [Overflow::DropNewest, NO_GRACE, Overflow::DropOldest, Overflow::KeepLatest] {
        let rig = Rig::stuck(overflow, 1, 1);
        rig.outbox.push_control(frame::ping(&[], None), Kind::Fixed);
        rig.pong("");
        rig.push("b c d");
        let wire = rig.drain_all();
        assert_eq!(wire[..3], ["a", "ping", "pong"], "{overflow:?}");
    }
}

#[test]
fn a_close_that_discards_lets_only_the_frame_under_way_go_first() {
    let rig = Rig::stuck(Overflow::DropNewest, 1, PLENTY);
    rig.push("b c");
    assert!(rig.close(true));
    assert_eq!(rig.drain_all(), ["a", "close"]);
}

#[test]
fn a_close_that_discards_everything_is_sent_all_the_same() {
    let rig = Rig::new(Overflow::DropNewest, 1, PLENTY);
    rig.push("a");
    assert!(rig.close(true));
    assert_eq!(rig.drain_all(), ["close"]);
}

#[test]
fn the_sending_half_ends_right_after_the_last_byte() {
    let rig = Rig::new(Overflow::DropNewest, 1, PLENTY);
    rig.outbox.end_when_sent();
    assert_eq!(rig.ended(), [(Half::Write, 0)]);

    let rig = Rig::stuck(Overflow::DropNewest, 1, PLENTY);
    rig.outbox.end_when_sent();
    assert_eq!(rig.push("b"), Pushed::Closed);
    rig.drain(1);
    assert_eq!(rig.ended(), []);
    rig.drain(1);
    assert_eq!(rig.ended(), [(Half::Write, 3)]);
}

#[test]
fn a_lost_connection_wakes_its_reader_once_and_takes_nothing_more() {
    let rig = Rig::stuck(Overflow::DropNewest, 1, PLENTY);
    rig.push("b");
    rig.transport.is_broken.store(true, Ordering::SeqCst);
    rig.outbox.drain();
    assert_eq!(rig.outbox.depth(), (0, 0));
    assert!(!rig.watch.is_watched.load(Ordering::SeqCst));
    assert_eq!(rig.push("c"), Pushed::Closed);
    assert!(!rig.close(false));
    assert_eq!(rig.ended(), [(Half::Read, 1)]);
    rig.outbox.abort();
    assert_eq!(rig.ended(), [(Half::Read, 1), (Half::Both, 1)]);
}

#[test]
fn a_sender_that_waits_goes_on_when_there_is_room() {
    let rig = Arc::new(Rig::stuck(None::<Overflow>, 1, PLENTY));
    assert_eq!(rig.push("b"), Pushed::Taken);
    let (pushed_tx, pushed_rx) = mpsc::channel();
    let sender = rig.clone();
    thread::spawn(move || {
        let (bytes, messages) = batch("c");
        let _ = pushed_tx.send(sender.outbox.push_waiting(&bytes, messages));
    });
    assert!(pushed_rx.try_recv().is_err(), "taken though the outbox is full");
    rig.drain(2 + 3);
    assert_eq!(pushed_rx.recv_timeout(Duration::from_secs(10)), Ok(Pushed::Taken));
    assert_eq!(rig.drain_all(), ["a", "b", "c"]);
}

#[test]
fn a_close_frame_is_the_last_and_a_gap_is_told_before_it() {
    for (overflow, expected) in [
        (Overflow::DropNewest, ["a", "b", "missed 1", "close"]),
        (NO_GRACE, ["a", "b", "missed 1", "close"]),
        (Overflow::DropOldest, ["a", "missed 1", "c", "close"]),
        (Overflow::KeepLatest, ["a", "missed 1", "c", "close"]),
    ] {
        let rig = Rig::stuck(overflow, 1, PLENTY);
        assert_eq!(rig.push("b c"), Pushed::Dropped(1));
        assert!(rig.close(false));
        assert!(!rig.close(false), "closed twice");
        assert_eq!(rig.push("d"), Pushed::Closed);
        assert_eq!(rig.pong(""), Pushed::Closed);
        assert_eq!(rig.drain_all(), expected, "{overflow:?}");
        assert_eq!(rig.push("e"), Pushed::Closed);
    }
}

#[test]
fn nothing_to_send_does_not_stop_the_drain() {
    let rig = Rig::stuck(Overflow::DropNewest, 10, PLENTY);
    assert_eq!(rig.outbox.push(&Bytes::new(), 0), Pushed::Taken);
    assert_eq!(rig.outbox.push_control(Bytes::new(), Kind::Fixed), Pushed::Taken);
    assert_eq!(rig.push("b"), Pushed::Taken);
    assert_eq!(rig.drain_all(), ["a", "b"]);
}

#[test]
fn a_gap_is_told_once_though_its_notice_had_to_wait() {
    let rig = Rig::stuck(Overflow::DropOldest, 2, PLENTY);
    assert_eq!(rig.push("b c d"), Pushed::Dropped(1));
    // The system takes the rest of `a`, and nothing of the notice.
    rig.drain(2);
    assert_eq!(rig.push("e"), Pushed::Dropped(1));
    assert_eq!(rig.drain_all(), ["a", "missed 2", "d", "e"]);
}

#[test]
fn a_gap_is_told_once_though_what_follows_its_notice_did_not_fit() {
    let rig = Rig::stuck(Overflow::DropNewest, 100, 20);
    assert_eq!(rig.push("much-too-long-to-fit"), Pushed::Dropped(1));
    assert_eq!(rig.push("much-too-long-to-fit"), Pushed::Dropped(1));
    assert_eq!(rig.drain_all(), ["a", "missed 2"]);
}

#[test]
fn a_batch_that_the_system_takes_in_part_is_bounded_too() {
    for (overflow, dropped, expected) in [
        (Overflow::DropNewest, 2, ["a", "b", "c", "d", "missed 2"].as_slice()),
        (NO_GRACE, 2, &["a", "b", "c", "d", "missed 2"]),
        (Overflow::DropOldest, 2, &["a", "b", "missed 2", "e", "f"]),
        (Overflow::KeepLatest, 3, &["a", "b", "missed 3", "f"]),
    ] {
        let rig = Rig::new(overflow, 2, PLENTY);
        rig.give_room(3 + 1);
        assert_eq!(rig.push("a b c d e f"), Pushed::Dropped(dropped), "{overflow:?}");
        assert_eq!(rig.drain_all(), expected, "{overflow:?}");
    }
}

#[test]
fn a_batch_that_is_waited_for_is_never_cut() {
    let rig = Rig::new(None::<Overflow>, 2, PLENTY);
    rig.give_room(1);
    let (bytes, messages) = batch("a b c d");
    assert_eq!(rig.outbox.push_waiting(&bytes, messages), Pushed::Taken);
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d"]);
}

#[test]
fn a_sender_that_may_wait_but_does_not_loses_only_what_was_refused() {
    let rig = Rig::stuck(None::<Overflow>, 4, PLENTY);
    assert_eq!(rig.push("b c d e"), Pushed::Taken);
    assert_eq!(rig.push("f"), Pushed::Dropped(1));
    rig.drain(2 + 3);
    let (bytes, messages) = batch("g");
    assert_eq!(rig.outbox.push_waiting(&bytes, messages), Pushed::Taken, "three of four wait");
    assert_eq!(rig.drain_all(), ["a", "b", "c", "d", "e", "g"]);
}
