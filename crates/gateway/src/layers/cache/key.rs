//! Under which key a reply is kept: the hash of the whole call as the caller made it, before any
//! protocol spells it, with the tenant and the version of the policies it was made under.
//!
//! Everything counts but this: whether somebody listens, the ids that runs give to parts and tool
//! calls (they become numbers in their order), the labels of parts, which never leave the process,
//! and the origin and idempotence of a tool, which no model is told.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::hash::Hash;
use largestack_types::id::CallId;
use largestack_types::label::{Label, Origin};
use largestack_types::message::Message;
use largestack_types::part::{Body, PartId};
use largestack_types::scope::TenantId;
use largestack_types::tool::ToolSpec;

/// Changes whenever the same call comes to another key: what was kept before is not found.
const VERSION: &[u8] = b"1";

/// What a run keeps of its hashed history, so that a turn hashes only what is new. A pure cache.
#[derive(Default)]
pub(crate) struct Hashed {
    /// Messages by identity, with the hash of the conversation up to each and the number of calls
    /// in it.
    messages: Vec<(Arc<Message>, Hash, usize)>,
    calls: Vec<(CallId, Arc<str>)>,
    tools: Option<(Arc<[ToolSpec]>, Hash)>,
}

impl Hashed {
    /// The key of a call; `None` for one that cannot be written down.
    pub(crate) fn key(&mut self, tenant: &TenantId, policy: &str, call: &Call) -> Option<Hash> {
        let messages = self.conversation(&call.messages)?;
        let tools = self.tools(&call.tools)?;
        let choice = serde_json::to_vec(&call.tool_choice).ok()?;
        let settings = serde_json::to_vec(&*call.settings).ok()?;
        Some(Hash::of_all([
            VERSION,
            tenant.as_str().as_bytes(),
            policy.as_bytes(),
            call.model.as_bytes(),
            messages.as_bytes(),
            tools.as_bytes(),
            &choice,
            &settings,
        ]))
    }

    fn conversation(&mut self, messages: &[Arc<Message>]) -> Option<Hash> {
        // An equal pointer is the same message: the one that is held cannot have been freed.
        let pairs = self.messages.iter().zip(messages);
        let same = pairs.take_while(|((held, ..), given)| Arc::ptr_eq(held, given)).count();
        self.messages.truncate(same);
        let last = self.messages.last();
        let (mut hash, calls) = last.map_or((Hash::of(b""), 0), |(_, hash, calls)| (*hash, *calls));
        self.calls.truncate(calls);
        for message in messages.iter().skip(same) {
            let text = self.canonical(message)?;
            hash = Hash::of_all([hash.as_bytes().as_slice(), &text]);
            self.messages.push((message.clone(), hash, self.calls.len()));
        }
        Some(hash)
    }

    /// A message without what belongs to its run only.
    fn canonical(&mut self, message: &Message) -> Option<Vec<u8>> {
        let mut message = message.clone();
        for part in &mut message.parts {
            part.id = PartId::default();
            part.label = Label::from_origin(Origin::Agent);
            match &mut part.body {
                Body::ToolCall(call) => {
                    call.provider_id = self.number(call.call, &call.provider_id);
                    call.call = CallId::default();
                }
                Body::ToolResult(result) => {
                    result.provider_id = self.number(result.call, &result.provider_id);
                    result.call = CallId::default();
                }
                _ => {}
            }
        }
        serde_json::to_vec(&message).ok()
    }

    fn number(&mut self, call: CallId, provider_id: &Arc<str>) -> Arc<str> {
        let is = |(held, id): &(CallId, Arc<str>)| *held == call && id == provider_id;
        let known = self.calls.iter().rposition(is).unwrap_or_else(|| {
            self.calls.push((call, provider_id.clone()));
            self.calls.len() - 1
        });
        known.to_string().into()
    }

    fn tools(&mut self, tools: &Arc<[ToolSpec]>) -> Option<Hash> {
        if let Some((held, hash)) = &self.tools
            && Arc::ptr_eq(held, tools)
        {
            return Some(*hash);
        }
        let told =
            |tool: &ToolSpec| ToolSpec { idempotent: false, origin: Origin::Tool, ..tool.clone() };
        let told: Vec<ToolSpec> = tools.iter().map(told).collect();
        let hash = Hash::of(&serde_json::to_vec(&told).ok()?);
        self.tools = Some((tools.clone(), hash));
        Some(hash)
    }
}

#[cfg(test)]
mod tests;
