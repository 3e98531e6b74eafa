//! Making a model's reply part of a run: ids and labels, assigned before the reply is recorded.

use largestack_types::id::{CallId, EffectId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId};

use super::Run;

impl Run {
    /// Numbers the parts of a reply as what `effect` produced, gives every tool call its own id
    /// and labels all of it with the join of everything in the request.
    pub fn adopt(&self, effect: EffectId, parts: Vec<Part>) -> Message {
        let label = self.label.join(Label::from_origin(Origin::Agent));
        let mut next_call = self.next;
        let parts = (0..)
            .zip(parts)
            .map(|(index, mut part)| {
                part.id = PartId::at(effect, index);
                part.label = label;
                if let Body::ToolCall(call) = &mut part.body {
                    call.call = CallId::of(EffectId::new(next_call));
                    next_call += 1;
                }
                part
            })
            .collect();
        Message { role: Role::Assistant, parts, native: None }
    }
}
