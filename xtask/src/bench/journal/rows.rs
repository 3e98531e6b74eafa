//! The events that are written: the reply of a model, some 550 bytes as JSON.

use std::sync::Arc;

use largestack_engine::event::{CallRecord, ModelReplied};
use largestack_engine::{Event, Recorded};
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use largestack_types::reply::FinishReason;
use largestack_types::time::Timestamp;

/// The moment of the first event, in microseconds.
const START: i64 = 1_767_225_600_000_000;

/// As many events as asked for, numbered from 1.
pub(super) fn events(count: u32) -> Vec<Recorded> {
    let words = "The buyer has thirty days from delivery, and the shop pays the postage. ";
    let text: Arc<str> = words.repeat(4).into();
    (1..=count)
        .map(|number| {
            let effect = EffectId::new(number);
            let label = Label::from_origin(Origin::Agent);
            let id = PartId::at(effect, 0);
            let message = Message::of_text(Role::Assistant, id, label, Arc::clone(&text));
            let reply = ModelReplied {
                effect,
                message: Arc::new(message),
                finish_reason: FinishReason::Stop,
                call: CallRecord::default(),
            };
            Recorded {
                seq: u64::from(number),
                at: Timestamp::from_micros(START + i64::from(number)),
                event: Arc::new(Event::ModelReplied(reply)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_without_gaps_and_of_a_usual_size() {
        let events = events(3);
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, [1, 2, 3]);
        let size = events[0].event.data().unwrap().len();
        assert!((500..700).contains(&size), "{size}");
    }
}
