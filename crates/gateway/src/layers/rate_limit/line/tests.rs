use futures::FutureExt as _;
use largestack_ports::limits::{LimitKind, Measure};
use largestack_types::scope::Scope;

use super::*;

fn key(name: &str) -> LimitKey {
    LimitKey::new(&Scope::local(), LimitKind::Model, name.into(), Measure::Requests)
}

fn flow(principal: &str, last: bool) -> Flow {
    Flow { last, tenant: Scope::local().tenant().clone(), principal: principal.into() }
}

fn join(line: &Arc<Line>, principal: &str, last: bool) -> (String, Ticket) {
    let ticket = line.join(None, &key("m"), &flow(principal, last), 10).unwrap();
    (principal.to_owned(), ticket)
}

/// Serves everybody, and says in which order.
fn served(mut waiting: Vec<(String, Ticket)>) -> String {
    let mut order = String::new();
    while !waiting.is_empty() {
        let first = waiting.iter().position(|(_, ticket)| ticket.is_first()).unwrap();
        order.push_str(&waiting.remove(first).0);
    }
    order
}

#[test]
fn turns_go_round_between_those_who_wait() {
    let line = Arc::default();
    let waiting = ["a", "a", "a", "b", "b", "c"].map(|who| join(&line, who, true));
    assert_eq!(served(waiting.into()), "abcaba");
    assert!(line.queues().is_empty());
}

#[test]
fn who_goes_first_is_before_all_others() {
    let line = Arc::default();
    let mut waiting = vec![join(&line, "a", true), join(&line, "b", true)];
    assert!(line.is_waited_for(&key("m"), &flow("x", true)));
    assert!(!line.is_waited_for(&key("m"), &flow("x", false)));
    assert!(!line.is_waited_for(&key("other"), &flow("x", true)));
    waiting.push(join(&line, "x", false));
    waiting.push(join(&line, "x", false));
    assert_eq!(served(waiting), "xxab");
}

#[test]
fn a_queue_is_full_on_one_side_of_its_bound() {
    let line: Arc<Line> = Arc::default();
    let join = || line.join(None, &key("m"), &flow("a", true), 2);
    let (first, second) = (join().unwrap(), join().unwrap());
    assert_eq!(join().err(), Some(Full));
    drop(first);
    let third = join().unwrap();
    assert!(second.is_first() && !third.is_first());
}

#[test]
fn whoever_leaves_wakes_the_next_and_a_ticket_is_kept_for_its_own_limit() {
    let line: Arc<Line> = Arc::default();
    let (_, first) = join(&line, "a", true);
    let (_, second) = join(&line, "b", true);
    assert!(second.head().now_or_never().is_none());
    let place = first.place;
    let first = line.join(Some(first), &key("m"), &flow("a", true), 1).unwrap();
    assert_eq!(first.place, place);
    // To wait for something else gives the place up.
    let elsewhere = line.join(Some(first), &key("other"), &flow("a", true), 1).unwrap();
    assert!(second.head().now_or_never().is_some());
    assert!(elsewhere.head().now_or_never().is_some());
}
