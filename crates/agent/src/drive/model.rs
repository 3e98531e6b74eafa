//! Asking a model: drains its stream, passes deltas through the guard to the listener.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use largestack_guard::Holdback;
use largestack_guard::content::{Output, OutputFilter};
use largestack_guard::leak::{LeakAction, LeakFilter};
use largestack_ports::clock::Clock;
use largestack_ports::model::{Answer, CallContext, Model, ModelEvent, ReplyStream};
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::part::PartId;

use super::land::Landed;
use crate::event::RunEvent;
use crate::leak::{self, RunLeak};
use crate::media::Shelf;
use crate::protect::RunGuard;
use crate::stream::Sink;

/// Everything a model call needs; owns it all, so that the run stays free to fold.
pub(super) struct Asking {
    pub(super) model: Arc<dyn Model>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) context: CallContext,
    pub(super) sink: Option<Sink>,
    pub(super) guard: Arc<RunGuard>,
    /// What is taken out of its words, where something is.
    pub(super) said: Option<Output>,
    /// What of the instructions is taken out of them, where something is.
    pub(super) leak: Option<Arc<RunLeak>>,
    /// What is waited first, after a failure that may pass.
    pub(super) pause: Duration,
    /// The bytes of media.
    pub(super) shelf: Arc<Shelf>,
    /// Whether refusals and reasoning are not told, because they are judged with the text.
    pub(super) judged: bool,
    /// Where text waits for hooks: how many deltas were told without it.
    pub(super) hold: Option<Arc<AtomicU32>>,
    /// The input's text: its placeholders may be shown to whoever asked.
    pub(super) allowed: Arc<str>,
}

/// One channel of a streamed reply: each is guarded on its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Channel {
    Text,
    Reasoning,
    Refusal,
    Arguments(u32),
}

impl Channel {
    fn delta(self, text: String) -> Delta {
        match self {
            Self::Text => Delta::Text { text },
            Self::Reasoning => Delta::Reasoning { text },
            Self::Refusal => Delta::Refusal { text },
            Self::Arguments(index) => Delta::Arguments { index, text },
        }
    }
}

impl Asking {
    pub(super) async fn ask(self, call: Call) -> Landed {
        if !self.pause.is_zero() {
            self.clock.sleep(self.pause).await;
        }
        let from = self.clock.monotonic();
        let mut first_byte = None;
        let result = self.drain(call, from, &mut first_byte).await;
        let took = self.clock.monotonic().saturating_sub(from);
        let bill = if result.is_err() { self.context.slot.take_bill() } else { None };
        let bill = bill.map(Box::new);
        Landed::Model { effect: self.context.effect, result, took, first_byte, bill }
    }

    /// The part that findings of its stream are said to be in.
    const fn part(&self) -> PartId {
        PartId::at(self.context.effect, 0)
    }

    async fn drain(
        &self,
        call: Call,
        from: Duration,
        first_byte: &mut Option<Duration>,
    ) -> Result<Box<Answer>> {
        let mut call = call;
        if Shelf::are_taken(&call.messages) {
            // Boxed: a call without media need not hold room for them.
            call.messages = Box::pin(self.shelf.filled(call.messages)).await?;
        }
        let stream = self.model.call(&self.context, call).await?;
        match &self.sink {
            // Boxed: a run without a listener need not hold room for one.
            Some(sink) => Box::pin(self.aloud(stream, sink, from, first_byte)).await,
            None => self.quietly(stream, from, first_byte).await,
        }
    }

    async fn quietly(
        &self,
        mut stream: ReplyStream,
        from: Duration,
        first_byte: &mut Option<Duration>,
    ) -> Result<Box<Answer>> {
        while let Some(event) = stream.next().await {
            match event? {
                ModelEvent::Done(answer) => return Ok(answer),
                ModelEvent::Delta(_) => {
                    first_byte.get_or_insert_with(|| self.clock.monotonic().saturating_sub(from));
                }
                ModelEvent::Restarted { .. } | ModelEvent::Continued { .. } => {}
            }
        }
        Err(unanswered())
    }

    async fn aloud(
        &self,
        mut stream: ReplyStream,
        sink: &Sink,
        from: Duration,
        first_byte: &mut Option<Duration>,
    ) -> Result<Box<Answer>> {
        let mut speaker = Speaker::new(self, sink);
        while let Some(event) = stream.next().await {
            match event? {
                ModelEvent::Done(answer) => {
                    speaker.rest().await?;
                    return Ok(answer);
                }
                ModelEvent::Delta(delta) => {
                    first_byte.get_or_insert_with(|| self.clock.monotonic().saturating_sub(from));
                    speaker.say(delta).await?;
                }
                ModelEvent::Restarted { model } => speaker.start_over(model).await,
                ModelEvent::Continued { model } => speaker.go_on(model).await,
            }
        }
        Err(unanswered())
    }
}

fn unanswered() -> LargestackError {
    LargestackError::other(Code::Provider, "the model's stream ended without a reply")
}

impl Asking {
    /// Ends a stream in which the instructions have come out, where the policy blocks.
    fn refuse_leak(&self, channel: Channel, filter: &Filter) -> Result<()> {
        match &filter.leak {
            Some(leak) if leak.has_leaked() => self.refuse_leaked(channel),
            _ => Ok(()),
        }
    }

    fn refuse_leaked(&self, channel: Channel) -> Result<()> {
        let Some(leak) = &self.leak else { return Ok(()) };
        // Thoughts go on without them.
        if leak.action() != LeakAction::Block || channel == Channel::Reasoning {
            return Ok(());
        }
        self.guard.note(self.part(), [leak.record(self.part(), &leak::anywhere())]);
        Err(leak::blocked("the reply"))
    }
}

/// What a channel passes on its way out.
struct Filter {
    /// Of words; arguments are for a tool and not shown.
    said: Option<OutputFilter>,
    leak: Option<LeakFilter>,
    values: Holdback,
}

impl Filter {
    fn of(asking: &Asking, channel: Channel) -> Self {
        let shown = !matches!(channel, Channel::Arguments(_));
        let said = asking.said.as_ref().filter(|_| shown);
        let leak = asking.leak.as_ref().filter(|_| shown).and_then(|leak| leak.stream());
        Self { said: said.map(Output::stream), leak, values: asking.guard.holdback() }
    }
}

/// Tells a listener what a model says, after the guard.
struct Speaker<'a> {
    asking: &'a Asking,
    sink: &'a Sink,
    channels: HashMap<Channel, Filter>,
    offset: u32,
}

impl<'a> Speaker<'a> {
    fn new(asking: &'a Asking, sink: &'a Sink) -> Self {
        Self { asking, sink, channels: HashMap::new(), offset: 0 }
    }

    async fn say(&mut self, delta: Delta) -> Result<()> {
        let (channel, piece) = match delta {
            Delta::Text { .. } if self.asking.hold.is_some() => return Ok(()),
            Delta::Refusal { .. } | Delta::Reasoning { .. } if self.asking.judged => return Ok(()),
            Delta::Text { text } => (Channel::Text, text),
            Delta::Reasoning { text } => (Channel::Reasoning, text),
            Delta::Refusal { text } => (Channel::Refusal, text),
            Delta::Arguments { index, text } => (Channel::Arguments(index), text),
            other => {
                self.send(other).await;
                return Ok(());
            }
        };
        let asking = self.asking;
        let filter = self.channels.entry(channel).or_insert_with(|| Filter::of(asking, channel));
        let piece = match &mut filter.said {
            Some(said) => said.push(&piece),
            None => piece,
        };
        let piece = match &mut filter.leak {
            Some(leak) => leak.push(&piece),
            None => piece,
        };
        asking.refuse_leak(channel, filter)?;
        let text = asking
            .guard
            .release(asking.part(), &mut filter.values, &piece, &asking.allowed)
            .await?;
        self.send_text(channel, text).await;
        Ok(())
    }

    async fn rest(&mut self) -> Result<()> {
        let mut channels: Vec<_> = self.channels.drain().collect();
        channels.sort_by_key(|(channel, _)| match channel {
            Channel::Reasoning => 0,
            Channel::Text => 1,
            Channel::Refusal => 2,
            Channel::Arguments(index) => index.saturating_add(3),
        });
        for (channel, filter) in channels {
            let (guard, allowed) = (&self.asking.guard, &self.asking.allowed);
            let part = self.asking.part();
            let Filter { said, mut leak, mut values } = filter;
            let mut text = String::new();
            if let Some(said) = said {
                let rest = said.finish();
                let rest = leak.as_mut().map_or(rest.clone(), |leak| leak.push(&rest));
                text = guard.release(part, &mut values, &rest, allowed).await?;
            }
            if let Some(leak) = leak {
                let (rest, leaks) = leak.finish();
                if !leaks.is_empty() {
                    self.asking.refuse_leaked(channel)?;
                }
                text.push_str(&guard.release(part, &mut values, &rest, allowed).await?);
            }
            text.push_str(&guard.release_rest(part, values, allowed).await?);
            self.send_text(channel, text).await;
        }
        Ok(())
    }

    async fn start_over(&mut self, model: Arc<str>) {
        self.channels.clear();
        self.offset = 0;
        let effect = self.asking.context.effect;
        let _ = self.sink.send(RunEvent::AttemptAbandoned { effect, model }).await;
    }

    /// The words stand, and so does what the guard holds back of them.
    async fn go_on(&mut self, model: Arc<str>) {
        self.channels.retain(|channel, _| !matches!(channel, Channel::Arguments(_)));
        let effect = self.asking.context.effect;
        let _ = self.sink.send(RunEvent::Continued { effect, model }).await;
    }

    async fn send_text(&mut self, channel: Channel, text: String) {
        if !text.is_empty() {
            self.send(channel.delta(text)).await;
        }
    }

    async fn send(&mut self, delta: Delta) {
        let effect = self.asking.context.effect;
        let event = RunEvent::Delta { effect, offset: self.offset, delta };
        self.offset += 1;
        if let Some(told) = &self.asking.hold {
            told.store(self.offset, Ordering::SeqCst);
        }
        // A listener that went away is noticed by the driver.
        let _ = self.sink.send(event).await;
    }
}
