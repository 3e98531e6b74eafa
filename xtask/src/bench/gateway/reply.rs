//! Replies in the form that the client asked in: put together by hand, as what a server writes is
//! not what is measured here.

use bytes::Bytes;
use largestack_ports::model::ModelEvent;
use largestack_types::delta::Delta;
use largestack_types::part::Part;
use largestack_types::reply::Reply;
use largestack_types::usage::Usage;

use super::script;

/// Bytes around the words of a reply or piece.
const AROUND: usize = 320;

/// A reply or piece that is being written.
struct Writing(Vec<u8>);

impl Writing {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A string; what has nothing to escape, as nearly everything, is copied whole.
    fn words(&mut self, text: &str) -> &mut Self {
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if text.bytes().fold(false, |any, byte| any | special(byte)) {
            // A string has no serialiser that fails.
            let _ = serde_json::to_writer(&mut self.0, text);
            return self;
        }
        self.raw("\"").raw(text).raw("\"")
    }

    fn count(&mut self, count: u64) -> &mut Self {
        let _ = serde_json::to_writer(&mut self.0, &count);
        self
    }

    fn usage(&mut self, usage: &Usage) -> &mut Self {
        let (input, output) = (usage.input_tokens.unwrap_or(0), usage.output_tokens.unwrap_or(0));
        self.raw(r#","usage":{"prompt_tokens":"#).count(input);
        self.raw(r#","completion_tokens":"#).count(output);
        self.raw(r#","total_tokens":"#).count(input + output).raw("}")
    }
}

/// A whole reply.
pub(super) fn whole(reply: &Reply) -> Vec<u8> {
    let text = reply.parts.iter().find_map(Part::as_text).unwrap_or_default();
    let mut out = Writing(Vec::with_capacity(text.len() + AROUND));
    out.raw(r#"{"id":"#).words(reply.id.as_deref().unwrap_or_default());
    out.raw(r#","object":"chat.completion","model":"#);
    out.words(reply.model.as_deref().unwrap_or(script::MODEL));
    out.raw(r#","choices":[{"index":0,"message":{"role":"assistant","content":"#).words(text);
    out.raw(r#"},"finish_reason":"#).words(reply.finish_reason.name()).raw("}]");
    out.usage(&reply.usage).raw("}");
    out.0
}

/// A piece of a streamed one.
pub(super) fn piece(event: &ModelEvent) -> Bytes {
    let mut out = Writing(Vec::with_capacity(AROUND));
    out.raw(r#"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","model":"#);
    out.words(script::MODEL).raw(r#","choices":[{"index":0,"delta":{"#);
    match event {
        ModelEvent::Delta(Delta::Text { text }) => {
            out.raw(r#""content":"#).words(text).raw("},\"finish_reason\":null}]}\n\n");
        }
        ModelEvent::Done(answer) => {
            let reply = &answer.reply;
            out.raw(r#"},"finish_reason":"#).words(reply.finish_reason.name()).raw("}]");
            out.usage(&reply.usage).raw("}\n\ndata: [DONE]\n\n");
        }
        _ => return Bytes::new(),
    }
    out.0.into()
}

#[cfg(test)]
mod tests {
    use largestack_types::label::{Label, Origin};
    use largestack_types::part::{Body, PartId};
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_written_by_hand_is_json() {
        let text = Body::Text("a \"b\"\n".into());
        let part = Part::new(PartId::new(0, 0), Label::from_origin(Origin::Agent), text);
        let reply = Reply { parts: vec![part], ..Reply::default() };
        let read: Value = serde_json::from_slice(&whole(&reply)).unwrap();
        assert_eq!(read["choices"][0]["message"]["content"], "a \"b\"\n");
        assert_eq!(read["usage"]["total_tokens"], 0);
        let delta = ModelEvent::Delta(Delta::Text { text: "\\".into() });
        let sent = piece(&delta);
        let sent = std::str::from_utf8(&sent).unwrap();
        let read: Value = serde_json::from_str(sent.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(read["choices"][0]["delta"]["content"], "\\");
    }
}
