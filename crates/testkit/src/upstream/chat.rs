//! A reply in OpenAI's chat form, whole or as the events that stream it
//! (`chat.completion` and `chat.completion.chunk`).

use serde_json::{Value, json};

/// What a provider says.
#[derive(Clone, Debug)]
pub struct ChatReply {
    text: Option<String>,
    tool_calls: Vec<(String, String, String)>,
    pieces: usize,
    usage: Option<(u64, u64)>,
    finish: &'static str,
    model: Option<String>,
    malformed_frame: bool,
    repeats_end: bool,
    /// Whether the content type follows what was asked.
    pub(super) typed: bool,
}

impl ChatReply {
    fn empty() -> Self {
        Self {
            text: None,
            tool_calls: Vec::new(),
            pieces: 3,
            usage: Some((10, 5)),
            finish: "stop",
            model: None,
            malformed_frame: false,
            repeats_end: false,
            typed: true,
        }
    }

    /// Says something. Usage is 10 tokens in and 5 out unless it is stated.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::empty() }
    }

    /// Calls a tool.
    pub fn tool(name: &str, arguments: &str) -> Self {
        Self::empty().and_tool(name, arguments)
    }

    /// And calls another tool.
    #[must_use]
    pub fn and_tool(mut self, name: &str, arguments: &str) -> Self {
        let id = format!("call_{}", self.tool_calls.len());
        self.tool_calls.push((id, name.to_owned(), arguments.to_owned()));
        self.finish = "tool_calls";
        self
    }

    /// States the tokens.
    #[must_use]
    pub fn usage(mut self, input: u64, output: u64) -> Self {
        self.usage = Some((input, output));
        self
    }

    /// Says nothing of tokens.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// States why it stops, in the provider's word.
    #[must_use]
    pub fn finish(mut self, reason: &'static str) -> Self {
        self.finish = reason;
        self
    }

    /// Names the model that answers, where it is not the one asked for.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Streams texts and arguments in this many pieces.
    #[must_use]
    pub fn pieces(mut self, pieces: usize) -> Self {
        self.pieces = pieces.max(1);
        self
    }

    /// Streams half a JSON document among the good events.
    #[must_use]
    pub fn with_malformed_frame(mut self) -> Self {
        self.malformed_frame = true;
        self
    }

    /// Streams the event that ends the reply twice.
    #[must_use]
    pub fn with_repeated_end(mut self) -> Self {
        self.repeats_end = true;
        self
    }

    fn usage_json(&self) -> Value {
        self.usage.map_or(Value::Null, |(input, output)| {
            json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input + output,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            })
        })
    }

    /// The whole body.
    pub fn whole(&self, model: &str) -> String {
        let mut message = json!({"role": "assistant", "content": self.text, "refusal": null});
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.iter().map(|(id, name, arguments)| {
                let function = json!({"name": name, "arguments": arguments});
                json!({"id": id, "type": "function", "function": function})
            });
            if let Some(message) = message.as_object_mut() {
                message.insert("tool_calls".to_owned(), calls.collect());
            }
        }
        let choice = json!({
            "index": 0, "message": message, "logprobs": null, "finish_reason": self.finish,
        });
        let mut reply = json!({
            "id": "chatcmpl-test", "object": "chat.completion", "created": 1_700_000_000,
            "model": self.model.as_deref().unwrap_or(model), "choices": [choice],
        });
        if let (Some(reply), Some(_)) = (reply.as_object_mut(), self.usage) {
            reply.insert("usage".to_owned(), self.usage_json());
        }
        reply.to_string()
    }

    /// The stream of events, `[DONE]` included.
    pub fn events(&self, model: &str) -> String {
        let mut frames: Vec<String> = Vec::new();
        let chunk = |choices: Value, usage: Value| {
            json!({
                "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_700_000_000,
                "model": self.model.as_deref().unwrap_or(model), "choices": choices, "usage": usage,
            })
            .to_string()
        };
        let delta = |delta: Value| {
            let choice =
                json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null});
            chunk(json!([choice]), Value::Null)
        };
        frames.push(delta(json!({"role": "assistant", "content": ""})));
        for piece in self.text.iter().flat_map(|text| pieces(text, self.pieces)) {
            frames.push(delta(json!({"content": piece})));
        }
        for (index, (id, name, arguments)) in self.tool_calls.iter().enumerate() {
            let function = json!({"name": name, "arguments": ""});
            let call = json!({"index": index, "id": id, "type": "function", "function": function});
            frames.push(delta(json!({"tool_calls": [call]})));
            for piece in pieces(arguments, self.pieces) {
                let call = json!({"index": index, "function": {"arguments": piece}});
                frames.push(delta(json!({"tool_calls": [call]})));
            }
        }
        if self.malformed_frame {
            frames.insert(frames.len() / 2, r#"{"id":"chatcmpl-test","choices":[{"del"#.to_owned());
        }
        let end = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": self.finish});
        let end = chunk(json!([end]), Value::Null);
        frames.extend(std::iter::repeat_n(end, 1 + usize::from(self.repeats_end)));
        if self.usage.is_some() {
            frames.push(chunk(json!([]), self.usage_json()));
        }
        frames.push("[DONE]".to_owned());
        let lines: Vec<[&str; 3]> =
            frames.iter().map(|frame| ["data: ", frame.as_str(), "\n\n"]).collect();
        lines.concat().concat()
    }
}

fn pieces(text: &str, count: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let size = characters.len().div_ceil(count).max(1);
    characters.chunks(size).map(|piece| piece.iter().collect()).collect()
}
