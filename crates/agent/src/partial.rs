//! An answer while it is being written: a run's stream, read as values that grow.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_engine::output;
use largestack_types::delta::Delta;
use largestack_types::id::EffectId;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::RunEvent;
use crate::stream::RunStream;

/// A text is read again when it has grown by this share, so that a long answer is read a bounded
/// number of times over.
const SHARE: usize = 32;

/// The values of [`RunStream::partial`]. The stream stays whose it was: what the run came to is
/// there when this ends.
#[must_use = "a run goes on only while its stream is polled"]
#[derive(Debug)]
pub struct Partial<'a, T> {
    stream: &'a mut RunStream,
    effect: Option<EffectId>,
    text: String,
    /// Bytes that were read last.
    read: usize,
    last: Option<Value>,
    /// Whether the answer stands in an object under one name.
    inside: Option<&'static str>,
    what: PhantomData<fn() -> T>,
}

impl<'a, T: DeserializeOwned> Partial<'a, T> {
    pub(crate) fn new(stream: &'a mut RunStream) -> Self {
        Self {
            stream,
            effect: None,
            text: String::new(),
            read: 0,
            last: None,
            inside: None,
            what: PhantomData,
        }
    }

    /// The same for an agent whose answers are no objects, which stand under one name in one.
    pub fn unwrapped(mut self) -> Self {
        self.inside = Some(output::ROOT_KEY);
        self
    }

    /// What the text says by now, if that is something new and a `T` can be made of it.
    fn value(&mut self, at_the_end: bool) -> Option<T> {
        let due = self.read + (self.read / SHARE).max(1);
        if self.text.len() < due && !(at_the_end && self.text.len() > self.read) {
            return None;
        }
        self.read = self.text.len();
        let mut value = output::partial(&self.text)?;
        if let Some(key) = self.inside {
            value = value.get_mut(key)?.take();
        }
        if self.last.as_ref() == Some(&value) {
            return None;
        }
        let typed = serde_json::from_value(value.clone()).ok();
        self.last = Some(value);
        typed
    }

    fn hear(&mut self, event: &RunEvent) -> Option<T> {
        match event {
            RunEvent::Delta { effect, delta: Delta::Text { text }, .. } => {
                if self.effect != Some(*effect) {
                    self.start(Some(*effect));
                }
                self.text.push_str(text);
                self.value(false)
            }
            RunEvent::AttemptAbandoned { effect, .. } if self.effect == Some(*effect) => {
                self.start(None);
                None
            }
            RunEvent::Fact(_) => self.value(true),
            _ => None,
        }
    }

    fn start(&mut self, effect: Option<EffectId>) {
        self.effect = effect;
        self.text.clear();
        self.read = 0;
    }
}

impl<T: DeserializeOwned> Stream for Partial<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match futures::ready!(Pin::new(&mut *self.stream).poll_next(cx)) {
                Some(event) => {
                    if let Some(value) = self.hear(&event) {
                        return Poll::Ready(Some(value));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
