//! How providers differ inside one protocol. A closed enum: each variant is one observed
//! behaviour, one branch in one wire and one test. A provider with more than three of them
//! deserves a wire of its own that wraps another.

use serde::{Deserialize, Serialize};

/// A way in which a provider differs from the protocol it otherwise speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quirk {
    /// The output limit is `max_completion_tokens`: OpenAI's reasoning models refuse `max_tokens`
    /// with `unsupported_parameter`, and its reference calls it deprecated for the others.
    MaxCompletionTokens,
    /// Instructions for reasoning models have the role `developer`, which OpenAI put in the place
    /// of `system` with o1; most compatible servers refuse the word.
    DeveloperRole,
    /// Reasoning goes back as `reasoning_content`. DeepSeek refuses a tool turn whose assistant
    /// message lost it.
    ReasoningContentBack,
    /// Reasoning goes back as `reasoning`: Cerebras, Ollama and vLLM feed it to the template of
    /// models that keep their thoughts between tool calls.
    ReasoningBack,
    /// Reasoning goes back as the untouched `reasoning_details` list: OpenRouter hands signatures
    /// and encrypted blocks on to the provider behind it, which refuses altered ones.
    ReasoningDetailsBack,
    /// An assistant's `content` is a list in which `thinking` chunks stand before `text` chunks,
    /// as Mistral's reasoning models send it and want it back.
    ThinkingChunks,
    /// Mistral's form of tool calls: ids have exactly nine letters or digits, any other is refused,
    /// so that ids of other providers are replaced by a hash of them; a call that goes back says
    /// its place in the list, as its reply did; and that one has to be made is called `any`.
    NineCharCallIds,
    /// The seed is called `random_seed` (Mistral), and an unknown `seed` is refused.
    RandomSeed,
    /// Structured output is `{"type": "json_object"}` only: DeepSeek refuses `json_schema`.
    JsonObjectOnly,
    /// Videos are `video_url` parts (OpenRouter); elsewhere there is no such part.
    VideoUrl,
    /// `top_k` is taken beside `top_p` (Together, Fireworks, OpenRouter and most open servers);
    /// OpenAI itself refuses the word.
    TopK,
    /// The data of a `file` part may be an address (OpenRouter); elsewhere it must be the bytes.
    DocumentUrl,
}

/// A request field that a provider may lack. Data, not a quirk: what a call asks of it is left
/// out and reported, or refused where the call would mean something else without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Field {
    /// Tools and the choice of them. Refused.
    Tools,
    /// A schema for the answer: its shape comes about in another way ([`crate::shape`]).
    OutputSchema,
    /// A schema for the answer in a call that offers tools, too.
    SchemaBesideTools,
    /// A choice of tools that has to be made: the model may only be offered them.
    ForcedTool,
    /// The sampler's seed.
    Seed,
    /// Stop sequences.
    Stop,
    /// Whether several tools may be called at once.
    ParallelToolCalls,
    /// How hard to think.
    ReasoningEffort,
    /// The caller's own words for the provider's records.
    Metadata,
    /// `stream_options`; such a provider reports usage without being asked.
    StreamOptions,
}
