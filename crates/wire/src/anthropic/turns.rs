//! The conversation as the body has it: instructions under `system`, then turns of user and
//! assistant. What is written stays open (the last block lacks its brace, the last turn its
//! bracket), so that a further message can join the turn it belongs to and nothing that was
//! written before ever changes.

use std::sync::Arc;

use largestack_types::call::PromptCache;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};

use super::content::{self, Context, Side};
use super::host::Host;
use super::native::{Beside, is_ours};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;

/// The messages of one call.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    messages: &'a [Arc<Message>],
    cache: Option<PromptCache>,
    context: Context<'a>,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Under `system`.
    System,
    /// Among the turns.
    Turn(Side),
}

impl<'a> Turns<'a> {
    pub(super) const fn new(
        host: Host,
        messages: &'a [Arc<Message>],
        target: &'a Target,
        cache: Option<PromptCache>,
    ) -> Self {
        let context = Context { host, target, marks: cache.is_none() };
        Self { messages, cache, context }
    }

    /// Appends message number `index`; depends on the messages up to it only.
    pub(super) fn write(&self, out: &mut Vec<u8>, index: usize) -> Result<(), EncodeError> {
        let Some(message) = self.messages.get(index) else { return Ok(()) };
        let place = self.place(index);
        if !self.is_written(index) {
            return Ok(());
        }
        let before = self.before(index);
        let joins = before.is_some_and(|before| self.joins(before, index));
        if !joins {
            self.open(out, before, index, place);
        }
        if self.is_bare(index, place) {
            if joins {
                out.extend_from_slice(b"\\n\\n");
            }
            for text in message.parts.iter().filter_map(Part::as_text) {
                write_inside(out, text);
            }
            return Ok(());
        }
        let side = match place {
            Place::System => Side::System,
            Place::Turn(side) => side,
        };
        let wrapped = message.role == Role::System && side == Side::User;
        for part in message.parts.iter().filter(|part| content::is_written(part, side)) {
            match &part.body {
                Body::Text(text) if wrapped => {
                    content::text(out, &format!("<system>{text}</system>"));
                }
                _ => content::part(out, part, &self.context)?,
            }
        }
        Ok(())
    }

    /// Closes what the last message left open.
    pub(super) fn end(&self, out: &mut Vec<u8>) {
        let last = self.before(self.messages.len());
        let turns = last.is_some_and(|last| matches!(self.place(last), Place::Turn(_)));
        if let Some(last) = last {
            self.trim(out, last);
            if turns && self.takes_mark(last) {
                self.mark(out);
            }
            self.close(out, last);
        }
        out.extend_from_slice(if turns { b"]" } else { b",\"messages\":[]" });
    }

    /// Takes white space from the end of a beginning that the model is to go on from: the API
    /// refuses it there.
    fn trim(&self, out: &mut Vec<u8>, last: usize) {
        let part = self.messages.get(last).and_then(|message| message.parts.last());
        let Some(Body::Text(text)) = part.filter(|part| part.native.is_none()).map(|p| &p.body)
        else {
            return;
        };
        if self.place(last) == Place::Turn(Side::Assistant) && text.ends_with(char::is_whitespace) {
            let mut written = Vec::new();
            write_str(&mut written, text);
            if out.ends_with(&written) {
                out.truncate(out.len() - written.len());
                write_str(out, text.trim_end());
            }
        }
    }

    /// Begins `system` or a turn, and ends what stood before.
    fn open(&self, out: &mut Vec<u8>, before: Option<usize>, index: usize, place: Place) {
        if let Some(before) = before {
            self.close(out, before);
        }
        let Place::Turn(side) = place else {
            out.extend_from_slice(b",\"system\":");
            out.push(if self.is_bare(index, place) { b'"' } else { b'[' });
            return;
        };
        match before.map(|before| self.place(before)) {
            Some(Place::Turn(_)) => out.push(b','),
            _ => out.extend_from_slice(b",\"messages\":["),
        }
        out.extend_from_slice(b"{\"role\":\"");
        out.extend_from_slice(side.role().as_bytes());
        out.push(b'"');
        let native = self.messages.get(index).and_then(|message| message.native.as_ref());
        Beside::of(native).write(out, &["role", "content"], self.context.marks);
        out.extend_from_slice(b",\"content\":");
        out.push(if self.is_bare(index, place) { b'"' } else { b'[' });
    }

    fn close(&self, out: &mut Vec<u8>, index: usize) {
        let place = self.place(index);
        if self.is_bare(index, place) {
            out.push(b'"');
        } else {
            // An open block lacks its brace; a list that is still empty holds none.
            if !out.ends_with(b"[") {
                if place == Place::System {
                    self.mark(out);
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        if place != Place::System {
            out.push(b'}');
        }
    }

    /// Marks the end of a prefix that the provider should keep.
    fn mark(&self, out: &mut Vec<u8>) {
        if let Some(cache) = self.cache {
            out.extend_from_slice(b",\"cache_control\":");
            out.extend_from_slice(mark(cache).as_bytes());
        }
    }

    /// Whether the last block of a turn may bear a mark: blocks of the assistant do not need one,
    /// as the turn behind them has its own.
    fn takes_mark(&self, index: usize) -> bool {
        let Place::Turn(side) = self.place(index) else { return false };
        let parts = self.messages.get(index).map_or(&[][..], |message| &message.parts);
        let last = parts.iter().rev().find(|part| content::is_written(part, side));
        side != Side::Assistant
            && !self.is_bare(index, Place::Turn(side))
            && last.is_some_and(|part| match &part.body {
                Body::Text(text) => !text.is_empty(),
                Body::Media(_) | Body::ToolResult(_) => true,
                _ => false,
            })
    }

    fn place(&self, index: usize) -> Place {
        let Some(message) = self.messages.get(index) else { return Place::Turn(Side::User) };
        match message.role {
            Role::User | Role::Tool => Place::Turn(Side::User),
            Role::Assistant => Place::Turn(Side::Assistant),
            Role::System if is_inline(message) => Place::Turn(Side::System),
            Role::System => {
                let before = self.messages.get(..index).unwrap_or_default();
                let leads = before.iter().all(|m| m.role == Role::System && !is_inline(m));
                match leads {
                    true => Place::System,
                    false if self.context.target.profile.system_turns => Place::Turn(Side::System),
                    false => Place::Turn(Side::User),
                }
            }
        }
    }

    /// Whether a message leaves anything in the body.
    fn is_written(&self, index: usize) -> bool {
        let side = match self.place(index) {
            Place::System => Side::System,
            Place::Turn(side) => side,
        };
        self.messages.get(index).is_some_and(|message| {
            is_ours(message.native.as_ref())
                || message.parts.iter().any(|part| content::is_written(part, side))
        })
    }

    /// The last message before this one that left something.
    fn before(&self, index: usize) -> Option<usize> {
        (0..index).rev().find(|before| self.is_written(*before))
    }

    /// Whether a message goes on in the list that an earlier one began.
    fn joins(&self, before: usize, index: usize) -> bool {
        let place = self.place(index);
        let own = self.messages.get(index).is_some_and(|m| is_ours(m.native.as_ref()));
        match place {
            Place::System => self.place(before) == place,
            Place::Turn(_) => self.place(before) == place && !own && !self.is_bare(before, place),
        }
    }

    /// Whether a content is a string and not a list. Instructions are what their first message is.
    fn is_bare(&self, index: usize, place: Place) -> bool {
        let index = match place {
            Place::System => (0..index).find(|first| self.is_written(*first)).unwrap_or(index),
            Place::Turn(_) => index,
        };
        self.messages.get(index).is_some_and(|message| {
            Beside::of(message.native.as_ref()).word("content").as_deref() == Some("text")
                && message.parts.iter().all(|part| matches!(part.body, Body::Text(_)))
        })
    }
}

/// Whether instructions stood among the turns.
fn is_inline(message: &Message) -> bool {
    Beside::of(message.native.as_ref()).word("role").as_deref() == Some("system")
}

/// The mark of a prefix that is kept this long.
pub(super) const fn mark(cache: PromptCache) -> &'static str {
    match cache {
        PromptCache::FiveMinutes => "{\"type\":\"ephemeral\"}",
        PromptCache::OneHour => "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}",
    }
}

/// A string without its quotes.
fn write_inside(out: &mut Vec<u8>, text: &str) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    write_str(&mut quoted, text);
    out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default());
}
