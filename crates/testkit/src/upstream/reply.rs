//! What a provider is told to say, in no protocol's form: each of them spells it in its own way,
//! whole or as the events that stream it.

use bytes::Bytes;

use super::protocol::Protocol;

/// What a provider says.
#[derive(Clone, Debug)]
pub struct ChatReply {
    pub(super) reasoning: Option<String>,
    pub(super) seal: Option<String>,
    pub(super) text: Option<String>,
    pub(super) source: Option<Source>,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) pieces: usize,
    pub(super) usage: Option<Tokens>,
    pub(super) finish: &'static str,
    model: Option<String>,
    pub(super) mishap: Option<Mishap>,
    /// Whether the content type follows what was asked.
    pub(super) typed: bool,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON.
    pub(super) arguments: String,
}

impl ToolCall {
    /// The arguments where a protocol writes them as JSON and not as a text of it.
    pub(super) fn input(&self) -> serde_json::Value {
        serde_json::from_str(&self.arguments).unwrap_or_else(|_| serde_json::json!({}))
    }
}

/// Where the words come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) url: String,
    pub(super) title: String,
}

/// Tokens as OpenAI counts them: what was cached is part of the input, what was thought of the
/// output.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
    pub(super) thought: u64,
}

/// What goes wrong inside of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    MalformedFrame,
    RepeatedEnd,
    /// The provider fails when half is said.
    Failure,
}

impl ChatReply {
    fn empty() -> Self {
        Self {
            reasoning: None,
            seal: None,
            text: None,
            source: None,
            tool_calls: Vec::new(),
            pieces: 3,
            usage: Some(Tokens { input: 10, output: 5, ..Tokens::default() }),
            finish: "stop",
            model: None,
            mishap: None,
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
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        self.tool_calls.push(ToolCall { id, name, arguments });
        self.finish = "tool_calls";
        self
    }

    /// Says something before it calls tools.
    #[must_use]
    pub fn says(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Thinks aloud before it says anything, and seals it where the protocol has seals.
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>, seal: impl Into<String>) -> Self {
        (self.reasoning, self.seal) = (Some(text.into()), Some(seal.into()));
        self
    }

    /// Names a page as the source of its words.
    #[must_use]
    pub fn cites(mut self, url: impl Into<String>, title: impl Into<String>) -> Self {
        self.source = Some(Source { url: url.into(), title: title.into() });
        self
    }

    /// States the tokens.
    #[must_use]
    pub fn usage(mut self, input: u64, output: u64) -> Self {
        self.usage = Some(Tokens { input, output, ..Tokens::default() });
        self
    }

    /// States how many of the tokens were read from the provider's cache, and how many were
    /// spent on thinking.
    #[must_use]
    pub fn usage_details(mut self, cached: u64, thought: u64) -> Self {
        self.usage = self.usage.map(|usage| Tokens { cached, thought, ..usage });
        self
    }

    /// Says nothing of tokens.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// States why it stops, in OpenAI's word: `stop`, `length`, `tool_calls`, `content_filter`.
    /// Other protocols use their own word for it.
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

    /// Streams half an event among the good ones.
    #[must_use]
    pub fn with_malformed_frame(mut self) -> Self {
        self.mishap = Some(Mishap::MalformedFrame);
        self
    }

    /// Streams each event that ends the reply twice.
    #[must_use]
    pub fn with_repeated_end(mut self) -> Self {
        self.mishap = Some(Mishap::RepeatedEnd);
        self
    }

    /// Streams half of it and then the event by which the provider says that it failed.
    #[must_use]
    pub fn with_failure_inside(mut self) -> Self {
        self.mishap = Some(Mishap::Failure);
        self
    }

    /// The whole body in OpenAI's chat form.
    pub fn whole(&self, model: &str) -> String {
        Protocol::OpenAiChat.whole(self, model)
    }

    /// The stream of events in OpenAI's chat form, `[DONE]` included.
    pub fn events(&self, model: &str) -> String {
        let (body, _) = Protocol::OpenAiChat.streamed(self, model);
        String::from_utf8_lossy(&body).into_owned()
    }

    /// The body in the form of a wire, whole or streamed, as it is sent.
    pub fn body(&self, wire: &str, stream: bool, model: &str) -> Bytes {
        let protocol = Protocol::of_wire(wire);
        if stream { protocol.streamed(self, model).0 } else { protocol.whole(self, model).into() }
    }

    pub(super) fn model_or<'m>(&'m self, asked: &'m str) -> &'m str {
        self.model.as_deref().unwrap_or(asked)
    }

    /// A text in as many pieces as it is streamed in.
    pub(super) fn cut(&self, text: &str) -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        let size = characters.len().div_ceil(self.pieces).max(1);
        characters.chunks(size).map(|piece| piece.iter().collect()).collect()
    }
}
