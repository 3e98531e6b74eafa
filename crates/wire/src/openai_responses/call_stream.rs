//! The arguments of one call under way. A function's are JSON as they come; a custom tool's are
//! free text, which becomes a JSON string.

use std::borrow::Cow;

use crate::escape::write_str;
use crate::event::WireEvent;

/// The arguments as far as they came.
#[derive(Debug, Default)]
pub(super) struct Input {
    custom: bool,
    /// Bytes of the provider's text that were handed on.
    sent: usize,
    open: bool,
}

impl Input {
    pub(super) fn new(custom: bool) -> Self {
        Self { custom, ..Self::default() }
    }

    /// More of the text.
    pub(super) fn add(
        &mut self,
        part: u32,
        text: Cow<'_, str>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) {
        if text.is_empty() {
            return;
        }
        self.sent += text.len();
        if !self.custom {
            emit(WireEvent::Arguments { part, text });
            return;
        }
        let mut quoted = Vec::with_capacity(text.len() + 2);
        write_str(&mut quoted, &text);
        let quoted = String::from_utf8_lossy(&quoted);
        let from = usize::from(std::mem::replace(&mut self.open, true));
        let inside = quoted.get(from..quoted.len().saturating_sub(1)).unwrap_or_default();
        emit(WireEvent::Arguments { part, text: Cow::Borrowed(inside) });
    }

    /// The whole text is known: what is missing of it, and its end.
    pub(super) fn finish(&mut self, part: u32, whole: &str, emit: &mut dyn FnMut(WireEvent<'_>)) {
        if let Some(rest) = whole.get(self.sent..) {
            self.add(part, Cow::Borrowed(rest), emit);
        }
        if self.custom {
            let end = if self.open { "\"" } else { "\"\"" };
            emit(WireEvent::Arguments { part, text: Cow::Borrowed(end) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_one_json_string_in_any_pieces() {
        for pieces in [&["say \"hi\"\n", "é"][..], &[][..], &["say \"hi\"\né"][..]] {
            let mut input = Input::new(true);
            let mut out = String::new();
            let mut take = |event: WireEvent<'_>| {
                if let WireEvent::Arguments { text, .. } = event {
                    out.push_str(&text);
                }
            };
            for piece in pieces {
                input.add(0, Cow::Borrowed(piece), &mut take);
            }
            input.finish(0, "say \"hi\"\né", &mut take);
            assert_eq!(out, r#""say \"hi\"\né""#);
        }
    }
}
