//! Which tool call a piece of a stream belongs to. The protocol says the index tells; servers
//! leave it out, repeat it for every call, or repeat id and name with every piece.

use super::decode::Blocks;
use super::reply::{Extra, ToolCall};
use crate::event::{Place, WireEvent};

/// The tool calls of one reply under way.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    open: Vec<Open>,
    /// Calls of a body so far.
    whole: usize,
}

#[derive(Debug)]
struct Open {
    part: u32,
    index: Option<u64>,
    id: String,
    named: bool,
    arguments: Balance,
}

impl ToolCalls {
    /// Takes a call of a body, or a piece of one where `joins`.
    pub(super) fn take(
        &mut self,
        call: ToolCall<'_>,
        joins: bool,
        blocks: &mut Blocks,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) {
        let ToolCall { index, id, function, custom, extras } = call;
        let id = id.or_empty();
        let (mut name, mut arguments) = (function.0.name.or_empty(), function.0.arguments.0);
        if name.is_empty() && arguments.is_empty() {
            (name, arguments) = (custom.0.name.or_empty(), custom.0.arguments.0);
        }
        if !joins {
            // A body says each call once.
            let part = blocks.next();
            emit(WireEvent::ToolCall { part, id, name });
            if !arguments.is_empty() {
                emit(WireEvent::Arguments { part, text: arguments });
            }
            keep(self.whole, extras, emit);
            self.whole += 1;
            return;
        }
        let known = self.find(index.0, &id, !name.is_empty());
        let place = known.unwrap_or_else(|| {
            self.open.push(Open {
                part: blocks.next(),
                index: index.0,
                id: String::new(),
                named: false,
                arguments: Balance::default(),
            });
            self.open.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        let open = &mut self.open[place];
        let news = known.is_none()
            || (open.id.is_empty() && !id.is_empty())
            || (!open.named && !name.is_empty());
        if open.id.is_empty() {
            open.id.push_str(&id);
        }
        open.named |= !name.is_empty();
        open.arguments.add(&arguments);
        let part = open.part;
        if news {
            emit(WireEvent::ToolCall { part, id, name });
        }
        if !arguments.is_empty() {
            emit(WireEvent::Arguments { part, text: arguments });
        }
        keep(place, extras, emit);
    }

    /// The open call that a piece continues.
    fn find(&self, index: Option<u64>, id: &str, has_name: bool) -> Option<usize> {
        let Some(index) = index else {
            let by_id = || self.open.iter().rposition(|open| !id.is_empty() && open.id == id);
            let unnamed = |open: &Open| !open.named && (open.id.is_empty() || id.is_empty());
            let last = self.open.len().checked_sub(1);
            let goes_on = |place: &usize| {
                self.open
                    .get(*place)
                    .is_some_and(|open| (!has_name && id.is_empty()) || unnamed(open))
            };
            return by_id().or_else(|| last.filter(goes_on));
        };
        let place = self.open.iter().rposition(|open| open.index == Some(index))?;
        let open = self.open.get(place)?;
        let other_id = !id.is_empty() && !open.id.is_empty() && open.id != id;
        // A second whole call under the same index and without an id of its own.
        let again = has_name && open.named && open.arguments.is_complete() && id.is_empty();
        (!other_id && !again).then_some(place)
    }
}

fn keep(place: usize, extras: Vec<Extra<'_>>, emit: &mut dyn FnMut(WireEvent<'_>)) {
    for (key, value) in extras {
        let key = format!("{place}.{key}").into();
        emit(WireEvent::Extra { place: Place::ToolCall, key, value });
    }
}

/// Whether the pieces of an object have come to its closing brace.
#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn is_complete(self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_complete_at_its_closing_brace_in_any_pieces() {
        let complete = |pieces: &[&str]| {
            let mut balance = Balance::default();
            for piece in pieces {
                balance.add(piece);
            }
            balance.is_complete()
        };
        assert!(complete(&["{", "\"a\":", "\"}\"", "}"]));
        assert!(complete(&[r#"{"a":"\"#, r#"""#, r#""}"#]));
        assert!(!complete(&[r#"{"a":"}"#]));
        assert!(!complete(&[r#"{"a":{}"#]));
        assert!(!complete(&[]));
    }
}
