//! What a recorded exchange shows of a provider, when every law held for it.

use std::collections::BTreeSet;

use largestack_types::call::Call;
use largestack_types::part::Body;
use largestack_types::reply::Reply;
use largestack_wire::Mode;

/// The capabilities that an exchange shows.
pub(super) type Seen = BTreeSet<&'static str>;

/// Of a request that was read and a reply that was decoded.
pub(super) fn of(call: Option<&Call>, reply: Option<&Reply>, mode: Mode) -> Seen {
    let mut seen = Seen::new();
    let Some(reply) = reply else {
        seen.insert("errors");
        return seen;
    };
    seen.insert(if mode == Mode::Stream { "stream" } else { "whole" });
    let spoken = reply.parts.iter().map(|part| &part.body);
    for body in spoken {
        match body {
            Body::ToolCall(_) => seen.insert("tools"),
            Body::Reasoning(_) => seen.insert("reasoning"),
            _ => false,
        };
    }
    let Some(call) = call else { return seen };
    if call.settings.output_schema.is_some() {
        seen.insert("schema");
    }
    let sent = call.messages.iter().flat_map(|message| &message.parts);
    if sent.into_iter().any(|part| matches!(part.body, Body::Media(_))) {
        seen.insert("media");
    }
    seen
}
