//! Laws of a journal, whatever it is made of.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::Status;
use largestack_ports::journal::{Batch, CostBy, Journal, Lease};
use largestack_types::errors::{Code, Coded, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use crate::fixture::{block_on, event, event_saying, events, line, owner, run, summary, tenant};

type Any = Arc<dyn Journal>;

fn claim(journal: &Any, scope: &Scope, number: u128) -> Lease {
    block_on(journal.claim(scope, run(number), owner(1))).unwrap()
}

fn refused<T>(result: Result<T, LargestackError>) -> LargestackError {
    let error = result.map(|_| ()).expect_err("must be refused");
    assert_eq!(error.code(), Code::Conflict, "{error}");
    error
}

pub(crate) fn what_is_appended_is_read_back_in_order(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    journal.append(&lease, events(1, 3)).unwrap();
    journal.append(&lease, Batch::default()).unwrap();
    journal.append(&lease, Batch::of(event(4))).unwrap();
    let read = block_on(journal.read(&scope, run(1), 0)).unwrap();
    assert_eq!(read, events(1, 4).events);
    block_on(journal.durable()).unwrap();
    assert_eq!(block_on(journal.read(&scope, run(1), 2)).unwrap(), events(3, 4).events);
    assert_eq!(block_on(journal.read(&scope, run(1), 4)).unwrap(), []);
    assert_eq!(block_on(journal.read(&scope, run(2), 0)).unwrap(), []);
}

pub(crate) fn a_batch_that_does_not_follow_is_refused_whole(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    journal.append(&lease, events(1, 2)).unwrap();
    for wrong in [events(2, 3), events(4, 5)] {
        let ledger = vec![line("a", "m", 0, 1)];
        refused(journal.append(&lease, Batch { ledger, ..wrong }));
    }
    let jump = Batch { events: vec![event(3), event(5)], ..Batch::default() };
    refused(journal.append(&lease, jump));
    journal.append(&lease, events(3, 3)).unwrap();
    block_on(journal.durable()).unwrap();
    assert_eq!(block_on(journal.read(&scope, run(1), 0)).unwrap(), events(1, 3).events);
    assert_eq!(block_on(journal.costs(&scope, CostBy::Agent)).unwrap(), []);
}

pub(crate) fn a_run_has_one_holder_and_the_refusal_names_it(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    let error = refused(block_on(journal.claim(&scope, run(1), owner(2))));
    assert!(error.message().contains(&owner(1).to_string()), "{error}");
    block_on(journal.release(&lease)).unwrap();
    let next = block_on(journal.claim(&scope, run(1), owner(2))).unwrap();
    assert!(next.fence > lease.fence);
    refused(journal.append(&lease, events(1, 1)));
    journal.append(&next, events(1, 1)).unwrap();
    // A late release by the former holder changes nothing.
    block_on(journal.release(&lease)).unwrap();
    journal.append(&next, events(2, 2)).unwrap();
    refused(block_on(journal.claim(&scope, run(1), owner(1))));
}

pub(crate) fn claiming_again_makes_the_older_lease_useless(journal: &Any) {
    let scope = Scope::local();
    let first = claim(journal, &scope, 1);
    journal.append(&first, events(1, 1)).unwrap();
    let second = claim(journal, &scope, 1);
    assert!(second.fence > first.fence);
    refused(journal.append(&first, events(2, 2)));
    journal.append(&second, events(2, 2)).unwrap();
    assert_eq!(block_on(journal.read(&scope, run(1), 0)).unwrap().len(), 2);
}

pub(crate) fn costs_add_up_exactly(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    let lines = [("b", "m1", 0, 1), ("a", "m1", 1, 20), ("b", "m2", 1, 300), ("b", "m1", 2, -1)];
    for (agent, model, day, nanos) in lines {
        let ledger = vec![line(agent, model, day, nanos)];
        journal.append(&lease, Batch { ledger, ..Batch::default() }).unwrap();
    }
    block_on(journal.durable()).unwrap();
    let by = |by| {
        let rows = block_on(journal.costs(&scope, by)).unwrap();
        rows.into_iter().map(|row| (row.key, row.calls, row.cost.nanos())).collect::<Vec<_>>()
    };
    let row = |key: &str, calls, nanos| (key.to_owned(), calls, nanos);
    assert_eq!(by(CostBy::Agent), [row("a", 1, 20), row("b", 3, 300)]);
    assert_eq!(by(CostBy::Model), [row("m1", 3, 20), row("m2", 1, 300)]);
    let days = [row("1970-01-01", 1, 1), row("1970-01-02", 2, 320), row("1970-01-03", 1, -1)];
    assert_eq!(by(CostBy::Day), days);
    let rows = block_on(journal.costs(&scope, CostBy::Agent)).unwrap();
    let usage = rows.last().unwrap().usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(30), Some(6)));
    assert_eq!(usage.reasoning_tokens, None, "what nobody counted stays absent");
}

pub(crate) fn a_total_beyond_the_range_of_money_is_an_error(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    let largest = Batch { ledger: vec![line("a", "m", 0, i64::MAX)], ..Batch::default() };
    journal.append(&lease, largest).unwrap();
    let rows = block_on(journal.costs(&scope, CostBy::Agent)).unwrap();
    assert_eq!(rows.first().unwrap().cost, Money::MAX);
    let more = Batch { ledger: vec![line("a", "m", 0, 1)], ..Batch::default() };
    journal.append(&lease, more).unwrap();
    let error = block_on(journal.costs(&scope, CostBy::Agent)).unwrap_err();
    assert_eq!(error.code(), Code::Budget);
}

pub(crate) fn the_last_line_of_a_run_wins_and_lists_begin_with_the_newest(journal: &Any) {
    let scope = Scope::local();
    for number in [1, 3, 2] {
        let lease = claim(journal, &scope, number);
        for seq in [1, 2] {
            let mut summary = summary(number, seq);
            summary.status = if seq == 2 { Status::Completed } else { Status::Running };
            journal.append(&lease, Batch { summary: Some(summary), ..events(seq, seq) }).unwrap();
        }
    }
    let line = block_on(journal.run(&scope, run(2))).unwrap().unwrap();
    assert_eq!((line.seq, line.status), (2, Status::Completed));
    assert_eq!(block_on(journal.run(&scope, run(4))).unwrap(), None);
    let list = |limit| {
        let runs = block_on(journal.runs(&scope, limit)).unwrap();
        runs.into_iter().map(|line| line.run).collect::<Vec<_>>()
    };
    assert_eq!(list(10), [run(3), run(2), run(1)]);
    assert_eq!(list(2), [run(3), run(2)]);
    assert_eq!(list(0), []);
}

pub(crate) fn bytes_of_a_batch_are_found_by_their_hash(journal: &Any) {
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1);
    let bytes = Bytes::from(vec![7; 20_000]);
    let hash = Hash::of(&bytes);
    for seq in [1, 2] {
        let blobs = vec![(hash, bytes.clone())];
        journal.append(&lease, Batch { blobs, ..events(seq, seq) }).unwrap();
    }
    assert_eq!(block_on(journal.blob(&scope, hash)).unwrap(), Some(bytes));
    assert_eq!(block_on(journal.blob(&scope, Hash::of(b"other"))).unwrap(), None);
}

pub(crate) fn tenants_see_nothing_of_each_other(journal: &Any) {
    let (acme, other) = (tenant("acme"), tenant("other"));
    let ours = claim(journal, &acme, 1);
    let bytes = Bytes::from_static(b"acme's");
    let hash = Hash::of(&bytes);
    let batch = Batch {
        events: vec![event_saying(1, "acme's")],
        ledger: vec![line("a", "m", 0, 5)],
        blobs: vec![(hash, bytes)],
        summary: Some(summary(1, 1)),
        memory: None,
    };
    journal.append(&ours, batch).unwrap();
    block_on(journal.durable()).unwrap();
    assert_eq!(block_on(journal.read(&other, run(1), 0)).unwrap(), []);
    assert_eq!(block_on(journal.blob(&other, hash)).unwrap(), None);
    assert_eq!(block_on(journal.run(&other, run(1))).unwrap(), None);
    assert_eq!(block_on(journal.runs(&other, 10)).unwrap(), []);
    assert_eq!(block_on(journal.costs(&other, CostBy::Agent)).unwrap(), []);
    // The same id is another run there: claimed, written and kept apart.
    let theirs = block_on(journal.claim(&other, run(1), owner(2))).unwrap();
    journal.append(&theirs, Batch::of(event_saying(1, "other's"))).unwrap();
    let read = |scope| block_on(journal.read(scope, run(1), 0)).unwrap();
    assert_eq!(read(&acme), [event_saying(1, "acme's")]);
    assert_eq!(read(&other), [event_saying(1, "other's")]);
}
