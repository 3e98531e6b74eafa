//! What a run keeps between its calls: the encoder's session, and how many tokens its messages
//! can be at the most. Both grow by what is new, however long the conversation is.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::Message;
use largestack_types::tool::ToolSpec;
use largestack_wire::profile::Profile;
use largestack_wire::{Session, tokens};

use crate::layers::cache::Hashed;
use crate::route::Counter;

/// What a run keeps. A pure cache: dropping it changes no number and no byte.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) session: Session,
    pub(crate) hashed: Hashed,
    profile: Option<Profile>,
    encoding: Option<Arc<str>>,
    /// Messages by identity, with the sum of the bounds up to each and whether there were media.
    messages: Vec<(Arc<Message>, u64, bool)>,
    tools: Option<(Arc<[ToolSpec]>, u64)>,
}

impl Kept {
    /// What [`tokens::upper_bound`] and [`tokens::has_media`] say of the call; the bound is lower
    /// where somebody counts its words.
    pub(crate) fn input_bound(
        &mut self,
        call: &Call,
        profile: &Profile,
        counter: Option<&Counter>,
    ) -> (u64, bool) {
        let encoding = counter.map(Counter::encoding);
        if self.profile.as_ref() != Some(profile) || self.encoding.as_ref() != encoding {
            self.profile = Some(*profile);
            self.encoding = encoding.cloned();
            self.messages.clear();
        }
        let count = |text: &str| counter.and_then(|counter| counter.count(text));
        // An equal pointer is the same message: the one that is held cannot have been freed.
        let pairs = self.messages.iter().zip(call.messages.iter());
        let same = pairs.take_while(|((held, ..), given)| Arc::ptr_eq(held, given)).count();
        self.messages.truncate(same);
        let (mut sum, mut media) = self.messages.last().map_or((0, false), |held| (held.1, held.2));
        for message in call.messages.iter().skip(same) {
            sum = sum.saturating_add(tokens::message_bound_by(message, profile, &count));
            media |= tokens::message_has_media(message);
            self.messages.push((message.clone(), sum, media));
        }
        let rest = self.tools(&call.tools) + tokens::shape_bound(call) + tokens::PER_CALL;
        (tokens::total(std::iter::once(sum), rest, profile), media)
    }

    fn tools(&mut self, tools: &Arc<[ToolSpec]>) -> u64 {
        match &self.tools {
            Some((held, bound)) if Arc::ptr_eq(held, tools) => *bound,
            _ => {
                let bound = tokens::tools_bound(tools);
                self.tools = Some((tools.clone(), bound));
                bound
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use largestack_testkit::question;
    use largestack_types::json::Json;
    use largestack_types::label::{Label, Origin};
    use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part, PartId};
    use proptest::prelude::*;

    use super::*;

    fn tool(description: &str) -> ToolSpec {
        ToolSpec {
            name: "search".into(),
            description: description.into(),
            parameters: Json::empty_object(),
            idempotent: true,
            origin: Origin::Tool,
            native: None,
            server: false,
        }
    }

    proptest! {
        #[test]
        fn kept_bounds_are_those_of_the_whole_after_any_edit_of_the_history(
            edits in proptest::collection::vec((0_usize..6, "[a-zö]{0,9}", any::<bool>()), 1..12),
        ) {
            let mut kept = Kept::default();
            let mut call = question("openai/gpt-4o-mini", "hello", false);
            let mut messages: Vec<_> = call.messages.to_vec();
            let profiles = [Profile::default(), Profile { context_tokens: Some(99), ..Profile::default() }];
            for (length, text, other) in edits {
                messages.truncate(length);
                let mut message = Message::user(PartId::new(0, 0), text.as_str());
                if text.len() == 9 {
                    let source = MediaSource::Url(text.as_str().into());
                    let (kind, mime) = (MediaKind::Image, "image/png".into());
                    let body = Body::Media(Media { kind, mime, source, name: None });
                    let label = Label::default();
                    message.parts.push(Part { id: PartId::new(0, 1), label, body, native: None });
                }
                messages.push(Arc::new(message));
                call.messages = Arc::new(messages.clone());
                if other {
                    call.tools = Arc::new([tool(&text)]);
                }
                let profile = profiles[usize::from(other)];
                let whole = tokens::upper_bound(&call, &profile);
                prop_assert_eq!(kept.input_bound(&call, &profile, None), (whole, tokens::has_media(&call)));
            }
        }
    }
}
