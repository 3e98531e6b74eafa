//! Media in a run, as a timeline tells of them: what they are and how large, never their bytes.

use std::sync::Arc;

use largestack_types::hash::Hash;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaSource};
use serde::Serialize;

use super::{Step, What, written};
use crate::render::amount::bytes;
use crate::render::text::clean;

/// A medium that was asked with, shown or returned.
#[derive(Debug, Serialize)]
pub(crate) struct MediaStep {
    media_kind: String,
    media_type: Arc<str>,
    name: Option<Arc<str>>,
    /// How large it is; unknown of what only the provider has.
    bytes: Option<u64>,
    /// Where it is, when it is not kept here.
    at: Option<Arc<str>>,
    #[serde(skip)]
    hash: Option<Hash>,
}

/// Bytes that base64 of this form stands for.
fn decoded(text: &str) -> u64 {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    ((text.len() / 4 * 3).saturating_sub(padding)) as u64
}

impl MediaStep {
    fn of(media: &Media) -> Self {
        let (bytes, at, hash) = match &media.source {
            MediaSource::Base64(text) => (Some(decoded(text)), None, None),
            MediaSource::Url(place) | MediaSource::ProviderFile(place) => {
                (None, Some(Arc::clone(place)), None)
            }
            MediaSource::Blob(hash) => (None, None, Some(*hash)),
        };
        let (name, media_type) = (media.name.clone(), Arc::clone(&media.mime));
        Self { media_kind: written(&media.kind), media_type, name, bytes, at, hash }
    }

    /// All media of a message.
    pub(super) fn all(message: &Message) -> Vec<Self> {
        let media = message.parts.iter().flat_map(|part| match &part.body {
            Body::Media(media) => std::slice::from_ref(media),
            Body::ToolResult(result) => &result.media,
            _ => &[],
        });
        media.map(Self::of).collect()
    }

    /// One line about it.
    pub(super) fn line(&self) -> String {
        let size = self.bytes.map(bytes);
        let name = self.name.as_deref().map(|name| clean(name).into_owned());
        let at = self.at.as_deref().map(|at| format!("at {}", clean(at)));
        let facts = [Some(clean(&self.media_type).into_owned()), size, name, at];
        format!(
            "{}: {}",
            self.media_kind,
            facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    }
}

impl Step {
    fn media(&mut self) -> &mut [MediaStep] {
        match &mut self.what {
            What::Asked { media, .. } => media,
            What::Model(model) => &mut model.media,
            What::Tool(tool) => &mut tool.media,
            _ => &mut [],
        }
    }

    /// The hashes of what it refers to and does not hold.
    pub(crate) fn kept(&mut self) -> Vec<Hash> {
        self.media().iter().filter_map(|media| media.hash).collect()
    }

    /// Says how large what has this hash is.
    pub(crate) fn sized(&mut self, hash: Hash, bytes: u64) {
        for media in self.media().iter_mut().filter(|media| media.hash == Some(hash)) {
            media.bytes = Some(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_large_as_what_it_stands_for() {
        for (text, bytes) in [("", 0), ("aGVsbG8=", 5), ("aGVsbG8h", 6), ("aA==", 1)] {
            assert_eq!(decoded(text), bytes, "{text}");
        }
    }
}
