//! Making a model's reply part of a run: ids and labels, assigned before the reply is recorded.

use largestack_types::id::{CallId, EffectId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId};

use super::Run;

impl Run {
    /// Numbers the parts of a reply as what `effect` produced, gives every tool call its own id
    /// and labels all of it with the join of everything in the request, and with the web where the
    /// provider has looked something up on the way: the model had read it before it went on.
    pub fn adopt(&self, effect: EffectId, parts: Vec<Part>) -> Message {
        let mut label = self.label.join(Label::from_origin(Origin::Agent));
        if parts.iter().any(is_from_outside) {
            label = label.join(Label::from_origin(Origin::Web));
        }
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

/// Whether a part says that the provider has read what nobody here has seen.
const fn is_from_outside(part: &Part) -> bool {
    matches!(part.body, Body::ServerTool(_) | Body::Unknown(_) | Body::Citation(_))
}
