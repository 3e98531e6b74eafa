//! An upper bound of the tokens of a request, to reserve money by before anybody has counted.
//!
//! Every tokeniser in use is byte-level BPE or falls back to bytes, so that no token stands for
//! less than one byte: the words of a message are at most as many tokens as UTF-8 bytes. What the
//! provider adds around them (role markers, separators, instructions of its own for tools) is
//! covered by a fixed amount for each call, message, part, tool and set of tools, above what any
//! known provider counted. Media are not words: an image counts as the dearest its model family knows,
//! anything else as four tokens a byte of its base64, or the whole context where nobody knows its
//! size. And no request that is accepted has more tokens than the context holds.

use largestack_types::call::Call;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part};
use largestack_types::tool::ToolSpec;

use crate::profile::Profile;

/// Tokens around a request: what the template says before and after, such as the date and the
/// channels of `gpt-oss`.
pub const PER_CALL: u64 = 256;
/// Tokens that a provider adds as soon as there are tools: Anthropic's models get up to 530 tokens
/// of instructions for their use.
pub const PER_TOOLSET: u64 = 1_024;
/// Tokens around a message.
pub const PER_MESSAGE: u64 = 16;
/// Tokens around a part: separators, the markers of a call or result.
pub const PER_PART: u64 = 32;
/// Tokens around a tool.
pub const PER_TOOL: u64 = 64;
/// A medium of unknown size, where the context is unknown, too.
const UNKNOWN: u64 = 2_000_000;

/// No more tokens than this go in.
pub fn upper_bound(call: &Call, profile: &Profile) -> u64 {
    let messages = call.messages.iter().map(|message| message_bound(message, profile));
    total(messages, tools_bound(&call.tools) + shape_bound(call) + PER_CALL, profile)
}

/// No more tokens than this for the shape of the answer, in whichever way a model is told of it: a
/// dialect can say the same in more words, a tool makes a set of tools, and instructions are read.
pub fn shape_bound(call: &Call) -> u64 {
    let output = call.settings.output_schema.as_ref();
    output.map_or(0, |output| {
        let schema = bytes(output.schema.as_str()).saturating_mul(3);
        schema + bytes(&output.name) + PER_TOOLSET + PER_CALL
    })
}

/// The bound of a call from the bounds of its messages, which never change, and of the rest.
pub fn total(messages: impl Iterator<Item = u64>, rest: u64, profile: &Profile) -> u64 {
    let sum = messages.fold(rest, u64::saturating_add);
    profile.context_tokens.map_or(sum, |most| sum.min(most))
}

/// No more tokens than this for a message.
pub fn message_bound(message: &Message, profile: &Profile) -> u64 {
    message_bound_by(message, profile, &|_| None)
}

/// The same where somebody counts words; a text that is not counted has as many as bytes.
pub fn message_bound_by(
    message: &Message,
    profile: &Profile,
    count: &dyn Fn(&str) -> Option<u64>,
) -> u64 {
    let words = |text: &str| count(text).map_or(bytes(text), |count| count.min(bytes(text)));
    let parts = message.parts.iter().map(|part| part_bound(part, profile, &words));
    parts.fold(PER_MESSAGE, u64::saturating_add)
}

/// Bytes of text that make one token in an estimate: English has about four, most other scripts
/// three.
const BYTES_PER_TOKEN: u64 = 4;
/// Tokens of an image in an estimate: what most models make of one of a thousand pixels' width.
const IMAGE: u64 = 1_000;

/// About as many tokens go in. For showing: whoever reserves money needs [`upper_bound`].
pub fn estimate(call: &Call, profile: &Profile) -> u64 {
    let (mut words, mut media) = (0_u64, 0_u64);
    for part in call.messages.iter().flat_map(|message| &message.parts) {
        let (text, held): (u64, &[Media]) = match &part.body {
            Body::Text(text) | Body::Refusal(text) => (bytes(text), &[]),
            Body::Reasoning(thought) => (bytes(&thought.text), &[]),
            Body::ToolCall(call) => (bytes(&call.name) + bytes(call.arguments.as_str()), &[]),
            Body::ToolResult(result) => (bytes(&result.text), &result.media),
            Body::Media(one) => (0, std::slice::from_ref(one)),
            _ => (0, &[]),
        };
        words = words.saturating_add(text);
        for one in held {
            let tokens = match one.kind {
                MediaKind::Image => IMAGE.min(profile.image_tokens),
                _ => media_bound(one, profile),
            };
            media = media.saturating_add(tokens);
        }
    }
    let tools = call.tools.iter();
    let tools: u64 = tools.map(|t| bytes(&t.description) + bytes(t.parameters.as_str())).sum();
    let sum = (words.saturating_add(tools) / BYTES_PER_TOKEN).saturating_add(media);
    sum.clamp(1, upper_bound(call, profile).max(1))
}

/// Whether a call holds sound, images or other media, which may have prices of their own.
pub fn has_media(call: &Call) -> bool {
    call.messages.iter().any(|message| message_has_media(message))
}

/// The same for one message.
pub fn message_has_media(message: &Message) -> bool {
    message.parts.iter().any(|part| match &part.body {
        Body::Media(_) => true,
        Body::ToolResult(result) => !result.media.is_empty(),
        _ => false,
    })
}

/// No more tokens than this for the tools on offer.
pub fn tools_bound(tools: &[ToolSpec]) -> u64 {
    let tool = |tool: &ToolSpec| {
        bytes(&tool.name) + bytes(&tool.description) + bytes(tool.parameters.as_str()) + PER_TOOL
    };
    let some = if tools.is_empty() { 0 } else { PER_TOOLSET };
    tools.iter().map(tool).fold(some, u64::saturating_add)
}

fn part_bound(part: &Part, profile: &Profile, words: &dyn Fn(&str) -> u64) -> u64 {
    let media = |list: &[Media]| {
        list.iter().map(|media| media_bound(media, profile)).fold(0, u64::saturating_add)
    };
    let inside = match &part.body {
        Body::Text(text) | Body::Refusal(text) => words(text),
        Body::Reasoning(thought) => {
            let raw = thought.raw.as_ref().map_or(0, |raw| bytes(raw.as_str()));
            let signature = thought.signature.as_deref().map_or(0, bytes);
            words(&thought.text) + raw + signature
        }
        Body::ToolCall(call) => {
            bytes(&call.name) + bytes(&call.provider_id) + bytes(call.arguments.as_str())
        }
        Body::ToolResult(result) => {
            let said = words(&result.text) + bytes(&result.name) + bytes(&result.provider_id);
            said.saturating_add(media(&result.media))
        }
        Body::Media(one) => media_bound(one, profile),
        Body::Citation(cited) => {
            let quote = cited.quote.as_deref().map_or(0, bytes);
            bytes(&cited.source) + cited.title.as_deref().map_or(0, bytes) + quote
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => bytes(raw.as_str()),
        // A kind of part that came after this: nothing is known of its size.
        _ => profile.context_tokens.unwrap_or(UNKNOWN),
    };
    inside.saturating_add(PER_PART)
}

fn media_bound(media: &Media, profile: &Profile) -> u64 {
    match (media.kind, &media.source) {
        (MediaKind::Image, _) => profile.image_tokens,
        (_, MediaSource::Base64(data)) => bytes(data).saturating_mul(4),
        _ => profile.context_tokens.unwrap_or(UNKNOWN),
    }
}

const fn bytes(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::label::Label;
    use largestack_types::message::Role;
    use largestack_types::part::PartId;

    #[test]
    fn words_count_as_their_bytes_and_a_fixed_amount_around_them() {
        let message = Message::user(PartId::default(), "größer");
        assert_eq!(message_bound(&message, &Profile::default()), 8 + PER_PART + PER_MESSAGE);
        let empty = Message { role: Role::User, parts: vec![], native: None };
        assert_eq!(message_bound(&empty, &Profile::default()), PER_MESSAGE);
    }

    #[test]
    fn the_context_is_the_most_there_can_be() {
        let profile = Profile { context_tokens: Some(100), ..Profile::default() };
        assert_eq!(total([60, 39].into_iter(), 1, &profile), 100);
        assert_eq!(total([60, 40].into_iter(), 1, &profile), 100);
        assert_eq!(total([60, 38].into_iter(), 1, &profile), 99);
        assert_eq!(total([u64::MAX].into_iter(), 1, &Profile::default()), u64::MAX);
    }

    #[test]
    fn an_image_counts_as_the_dearest_of_its_family_and_a_film_by_address_as_everything() {
        let media = |kind, source| Part {
            id: PartId::default(),
            label: Label::default(),
            body: Body::Media(Media { kind, mime: "x/y".into(), source, name: None }),
            native: None,
        };
        let profile =
            Profile { context_tokens: Some(1_000), image_tokens: 77, ..Profile::default() };
        let image = media(MediaKind::Image, MediaSource::Url("u".into()));
        assert_eq!(part_bound(&image, &profile, &bytes), 77 + PER_PART);
        let film = media(MediaKind::Video, MediaSource::Url("u".into()));
        assert_eq!(part_bound(&film, &profile, &bytes), 1_000 + PER_PART);
        let sound = media(MediaKind::Audio, MediaSource::Base64("AAAA".into()));
        assert_eq!(part_bound(&sound, &profile, &bytes), 16 + PER_PART);
    }
}
