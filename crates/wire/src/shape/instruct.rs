//! The schema in the instructions, for models that can be told it in no other way.

use std::sync::Arc;

use largestack_types::call::OutputSchema;
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId};

/// The first message as it was, and as it is sent.
type Held = (Option<Arc<Message>>, Arc<Message>);

/// The conversation with the schema at the end of its instructions. What is held from the call
/// before is used again, so that the beginning of a request stays the same.
pub(super) fn shaped(
    messages: &Arc<Vec<Arc<Message>>>,
    output: &OutputSchema,
    held: Option<Held>,
) -> (Arc<Vec<Arc<Message>>>, Held) {
    let system = messages.first().filter(|first| first.role == Role::System);
    let same = held.filter(|(before, _)| match (before, system) {
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        (None, None) => true,
        _ => false,
    });
    let held = same.unwrap_or_else(|| (system.cloned(), Arc::new(instructions(system, output))));
    let rest = messages.iter().skip(usize::from(system.is_some()));
    let all = std::iter::once(&held.1).chain(rest).cloned().collect();
    (Arc::new(all), held)
}

fn instructions(system: Option<&Arc<Message>>, output: &OutputSchema) -> Message {
    let mut message = system
        .map_or_else(|| Message::new(Role::System, Vec::new()), |system| Message::clone(system));
    let begin = if message.parts.is_empty() { "" } else { "\n\n" };
    let text = format!(
        "{begin}When you give your final answer, answer with one JSON value that fits this JSON \
         Schema, and with nothing else: no other words, no code fence.\n{}",
        output.schema.as_str()
    );
    let label = Label::from_origin(Origin::Operator);
    let id = PartId::at(EffectId::INPUT, u32::MAX);
    // Wires differ in how they join parts; one part is one text for all of them.
    match message.parts.last_mut().map(|part| &mut part.body) {
        Some(Body::Text(words)) => *words = format!("{words}{text}").into(),
        _ => message.parts.push(Part { id, label, body: Body::Text(text.into()), native: None }),
    }
    message
}
