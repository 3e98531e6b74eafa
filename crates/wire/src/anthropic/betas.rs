//! The header `anthropic-beta`: what the row says, what the call's `extra` says, and what the
//! request itself needs.

use std::borrow::Cow;

use largestack_types::call::Call;
use largestack_types::part::{Body, Media, MediaSource, Part};

use super::native::Beside;
use crate::json::{List, Str, lenient};
use crate::wire::Headers;

/// The field of `extra`, and of a body at Bedrock.
pub(super) const FIELD: &str = "anthropic_beta";
const HEADER: &str = "anthropic-beta";
/// Files by id (platform.claude.com/docs/en/build-with-claude/files).
const FILES: &str = "files-api-2025-04-14";

/// Completes the header; without anything to say there is none.
pub(super) fn add(headers: &mut Headers, call: &Call) {
    let extra = call.settings.extra.as_ref().map(|extra| Beside::read(extra.as_str()));
    let asked = extra.and_then(|extra| extra.get(FIELD)).map(|raw| listed(raw.get()));
    let files = names_a_file(call).then(|| FILES.to_owned());
    let mut words: Vec<String> = Vec::new();
    let row = headers.iter().position(|(name, _)| name == HEADER);
    let row = row.map(|at| headers.remove(at).1);
    let row = row.iter().flat_map(|value| value.split(',')).map(|word| word.trim().to_owned());
    for word in row.chain(asked.into_iter().flatten()).chain(files) {
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        headers.push((Cow::Borrowed(HEADER), words.join(",").into()));
    }
}

/// A list of words, or one string of them with commas.
fn listed(raw: &str) -> Vec<String> {
    let List(words) = lenient::<List<Str<'_>>>(raw);
    let one = lenient::<Str<'_>>(raw).or_empty();
    let one = one.split(',').map(|word| word.trim().to_owned());
    words.into_iter().map(|word| word.or_empty().into_owned()).chain(one).collect()
}

fn names_a_file(call: &Call) -> bool {
    let uploaded = |media: &Media| matches!(media.source, MediaSource::ProviderFile(_));
    let part = |part: &Part| match &part.body {
        Body::Media(media) => uploaded(media),
        Body::ToolResult(result) => result.media.iter().any(uploaded),
        _ => false,
    };
    call.messages.iter().any(|message| message.parts.iter().any(part))
}
