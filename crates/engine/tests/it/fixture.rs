//! A journal of each released format is kept and must still fold.

use std::sync::Arc;

use largestack_engine::{Envelope, Recorded, Run, Status};
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;

use crate::laws::script;
use crate::world::{World, definition};

/// What this build writes for the scripted run: the generator of the fixture.
fn written() -> String {
    let whole = World::new(definition(), script()).ended();
    let tenant = TenantId::new("local").unwrap();
    let line = |(seq, event): (u64, &largestack_engine::Event)| {
        let micros = 1_767_225_600_000_000 + i64::try_from(seq).unwrap() * 1_000;
        let at = Timestamp::from_micros(micros);
        let recorded = Recorded { seq, at, event: Arc::new(event.clone()) };
        let envelope = Envelope::seal(&tenant, whole.run.id(), &recorded).unwrap();
        serde_json::to_string(&envelope).unwrap() + "\n"
    };
    (1..).zip(&whole.journal).map(line).collect()
}

#[test]
fn version_1_is_written_as_it_was_released() {
    // When this fails the format has changed: raise `VERSION`, bring version 1 up to date in
    // `Envelope::open`, and keep this fixture as it is beside one of the new version.
    assert_eq!(largestack_engine::event::VERSION, 1);
    assert_eq!(written(), include_str!("fixtures/journal-v1.jsonl"));
}

#[test]
fn the_journal_of_version_1_still_folds() {
    let text = include_str!("fixtures/journal-v1.jsonl");
    let envelopes: Vec<Envelope> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(envelopes.len() > 10);
    let mut run = Run::new(envelopes[0].run, Arc::new(definition()));
    for envelope in &envelopes {
        run.apply(&envelope.open().unwrap().event).unwrap();
    }
    assert_eq!(run.status(), Status::Completed);
    assert_eq!(run.turns(), 3);
    assert_eq!(run.output().unwrap().text(), "done");
}
