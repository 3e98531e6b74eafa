//! Media of a run: what is large is kept once as bytes under its hash, beside the journal, and put
//! back only into the request that a model reads. An event holds the hash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaSource};
use largestack_types::scope::Scope;

/// Bytes of a part that stand in the journal itself.
pub(crate) const MOST_INLINE: usize = 8 << 10;

/// The bytes that a run's events refer to.
pub(crate) struct Shelf {
    scope: Scope,
    journal: Arc<dyn Journal>,
    /// What has been in a request before, in base64.
    known: Mutex<HashMap<Hash, Arc<str>>>,
}

pub(crate) fn media_of(body: &Body) -> &[Media] {
    match body {
        Body::Media(media) => std::slice::from_ref(media),
        Body::ToolResult(result) => &result.media,
        _ => &[],
    }
}

pub(crate) fn media_mut(body: &mut Body) -> &mut [Media] {
    match body {
        Body::Media(media) => std::slice::from_mut(media),
        Body::ToolResult(result) => &mut result.media,
        _ => &mut [],
    }
}

/// The bytes that a message names by hash.
pub(crate) fn hashes_of(message: &Message) -> impl Iterator<Item = Hash> {
    let media = message.parts.iter().flat_map(|part| media_of(&part.body));
    media.filter_map(|media| match media.source {
        MediaSource::Blob(hash) => Some(hash),
        _ => None,
    })
}

fn any(message: &Message, wanted: impl Fn(&MediaSource) -> bool) -> bool {
    message.parts.iter().any(|part| media_of(&part.body).iter().any(|media| wanted(&media.source)))
}

fn is_large(source: &MediaSource) -> bool {
    matches!(source, MediaSource::Base64(text) if text.len() / 4 * 3 > MOST_INLINE)
}

impl Shelf {
    pub(crate) fn new(scope: Scope, journal: Arc<dyn Journal>) -> Self {
        Self { scope, journal, known: Mutex::default() }
    }

    fn remember(&self, hash: Hash, text: Arc<str>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, text);
    }

    /// Bytes that are kept nowhere yet.
    pub(crate) fn know(&self, blobs: Vec<(Hash, Bytes)>) {
        for (hash, bytes) in blobs {
            self.remember(hash, STANDARD.encode(&bytes).into());
        }
    }

    /// Takes large media out of a message and gives their bytes, to be kept with the event. What is
    /// no base64 stays where it is: its provider may know better.
    pub(crate) fn take(&self, message: &mut Message) -> Vec<(Hash, Bytes)> {
        let mut taken = Vec::new();
        for media in message.parts.iter_mut().flat_map(|part| media_mut(&mut part.body)) {
            let MediaSource::Base64(text) = &media.source else { continue };
            if !is_large(&media.source) {
                continue;
            }
            let Ok(bytes) = STANDARD.decode(text.as_bytes()) else { continue };
            let hash = Hash::of(&bytes);
            self.remember(hash, Arc::clone(text));
            media.source = MediaSource::Blob(hash);
            taken.push((hash, bytes.into()));
        }
        taken
    }

    /// The same for a message that is shared: a copy where there is something to take.
    pub(crate) fn take_shared(&self, message: &mut Arc<Message>) -> Vec<(Hash, Bytes)> {
        if any(message, is_large) { self.take(Arc::make_mut(message)) } else { Vec::new() }
    }

    /// Whether messages hold media whose bytes are kept here.
    pub(crate) fn are_taken(messages: &[Arc<Message>]) -> bool {
        let is_kept = |source: &MediaSource| matches!(source, MediaSource::Blob(_));
        messages.iter().any(|message| any(message, is_kept))
    }

    /// The messages as a model reads them.
    pub(crate) async fn filled(
        &self,
        mut messages: Arc<Vec<Arc<Message>>>,
    ) -> Result<Arc<Vec<Arc<Message>>>> {
        let is_kept = |source: &MediaSource| matches!(source, MediaSource::Blob(_));
        for index in 0..messages.len() {
            let Some(message) = messages.get(index).filter(|message| any(message, is_kept)) else {
                continue;
            };
            let filled = Arc::new(self.fill(message).await?);
            if let Some(place) = Arc::make_mut(&mut messages).get_mut(index) {
                *place = filled;
            }
        }
        Ok(messages)
    }

    /// The media of a message, with their bytes.
    pub(crate) async fn media(&self, message: &Message) -> Result<Vec<Media>> {
        let filled = self.fill(message).await?;
        Ok(filled.parts.iter().flat_map(|part| media_of(&part.body)).cloned().collect())
    }

    async fn fill(&self, message: &Message) -> Result<Message> {
        let mut message = message.clone();
        for media in message.parts.iter_mut().flat_map(|part| media_mut(&mut part.body)) {
            if let MediaSource::Blob(hash) = media.source {
                media.source = MediaSource::Base64(self.bytes(hash).await?);
            }
        }
        Ok(message)
    }

    async fn bytes(&self, hash: Hash) -> Result<Arc<str>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(text) = known {
            return Ok(text);
        }
        let bytes = self.journal.blob(&self.scope, hash).await?.ok_or_else(|| {
            let detail = format!("the bytes of a part ({hash}) are missing");
            LargestackError::other(Code::Journal, detail)
        })?;
        let text: Arc<str> = STANDARD.encode(&bytes).into();
        self.remember(hash, Arc::clone(&text));
        Ok(text)
    }
}
