//! What a model family can do, by name pattern, as data. A model without a row is trusted with
//! everything: its provider will say what it does not take.

use std::collections::BTreeMap;

use largestack_types::part::MediaKind;
use serde::{Deserialize, Serialize};

/// The output limit that is sent when a call states none, in tokens.
pub const DEFAULT_OUTPUT_TOKENS: u32 = 4_096;

/// How a model is brought to answer in a given shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structured {
    /// The provider enforces a JSON Schema.
    #[default]
    Schema,
    /// The answer is the arguments of a tool that has to be called.
    Tool,
    /// The provider enforces JSON; the schema is in the instructions.
    JsonObject,
    /// The schema is in the instructions, and nobody enforces anything.
    Prompt,
}

impl Structured {
    /// Whether the provider itself is told of it.
    pub const fn is_native(self) -> bool {
        matches!(self, Self::Schema | Self::JsonObject)
    }
}

/// Whether a model goes on from a beginning of its own reply: the last message of the request is
/// an assistant's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prefill {
    /// It refuses it, or answers as if it were somebody else's.
    #[default]
    #[serde(rename = "none")]
    No,
    /// It goes on.
    Plain,
    /// It goes on where the message has `"prefix": true`, and sends the beginning again before
    /// what is new (Mistral).
    Prefix,
}

/// How a model is told how hard to think, where the protocol has several ways (Anthropic's).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// By a budget of tokens.
    #[default]
    Budget,
    /// By a budget of tokens, and by an effort for the whole answer: low, medium or high.
    BudgetAndEffort,
    /// As much as it finds fit for an effort: low, medium, high or max; a budget is taken, too.
    Adaptive,
    /// As much as it finds fit for an effort, xhigh being one; no budgets; thinks unless told not
    /// to.
    AdaptiveOnly,
}

/// What a model family can do.
#[expect(clippy::struct_excessive_bools, reason = "a capability is there or not, each by its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// Tokens of input and output together; `None` when unknown.
    pub context_tokens: Option<u64>,
    /// The most tokens it generates; `None` when unknown.
    pub max_output_tokens: Option<u32>,
    /// The output limit that is sent when a call states none.
    pub default_output_tokens: u32,
    /// How it is brought to answer in a given shape.
    pub structured: Structured,
    /// Whether the provider enforces a shape in a call that offers tools, too.
    pub shape_beside_tools: bool,
    /// Whether it can be made to call a tool.
    pub forced_tool: bool,
    /// Whether it calls tools.
    pub tools: bool,
    /// Whether it reads images.
    pub images: bool,
    /// Whether it hears sound.
    pub audio: bool,
    /// Whether it reads documents such as PDF.
    pub documents: bool,
    /// Whether it watches videos.
    pub video: bool,
    /// Whether it takes a reasoning effort.
    pub reasoning: bool,
    /// How it is told how hard to think, where the protocol has several ways.
    pub thinking: Thinking,
    /// Whether instructions may stand between the turns, where the protocol has to know.
    pub system_turns: bool,
    /// Whether it takes temperature, nucleus sampling and stop sequences.
    pub sampling: bool,
    /// Whether the result of a tool may hold media; elsewhere they stand behind it.
    pub tool_media: bool,
    /// The fewest tokens it can be told to think, for models whose thinking is limited in tokens;
    /// `None` where it is asked for in steps.
    pub least_reasoning_tokens: Option<u32>,
    /// The most tokens one image can cost.
    pub image_tokens: u64,
    /// Whether it goes on from a beginning of its own reply.
    pub prefill: Prefill,
    /// How its maker turns text into tokens, where the tables are public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// A table of tokens that is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// That of `gpt-4` and `gpt-3.5-turbo`.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
    /// That of OpenAI's models since `gpt-4o`.
    #[serde(rename = "o200k_base")]
    O200kBase,
}

impl Encoding {
    /// Its name among tokenisers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase => "o200k_base",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Cl100kBase, Self::O200kBase].into_iter().find(|encoding| encoding.name() == name)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            context_tokens: None,
            max_output_tokens: None,
            default_output_tokens: DEFAULT_OUTPUT_TOKENS,
            structured: Structured::Schema,
            shape_beside_tools: true,
            forced_tool: true,
            tools: true,
            images: true,
            audio: true,
            documents: true,
            video: true,
            reasoning: true,
            thinking: Thinking::Budget,
            system_turns: false,
            sampling: true,
            tool_media: true,
            least_reasoning_tokens: None,
            // The dearest image known: eight tiles of gpt-4o-mini (see `profiles.toml`).
            image_tokens: 50_000,
            // Trust ends here: whoever takes the beginning for a finished turn begins again.
            prefill: Prefill::No,
            encoding: None,
        }
    }
}

impl Profile {
    /// Whether it takes this kind of medium.
    pub const fn takes(&self, kind: MediaKind) -> bool {
        match kind {
            MediaKind::Image => self.images,
            MediaKind::Audio => self.audio,
            MediaKind::Video => self.video,
            MediaKind::Document => self.documents,
        }
    }

    /// The output limit to send: what was asked for, else the default, but never more than the
    /// model can.
    pub fn output_limit(&self, asked: Option<u32>) -> u32 {
        let limit = asked.unwrap_or(self.default_output_tokens);
        self.max_output_tokens.map_or(limit, |most| limit.min(most))
    }
}

/// Profiles by model name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// The table that comes with the crate.
    pub fn builtin() -> &'static Self {
        static TABLE: std::sync::LazyLock<Profiles> =
            std::sync::LazyLock::new(|| crate::table::embedded(include_str!("profiles.toml")));
        &TABLE
    }

    /// The profile of a model: the row with the longest name that begins the last segment of the
    /// model's name in lower case (`openai/gpt-4o-2024-08-06` is `gpt-4o`) or what stands behind a
    /// dot in it (`us.anthropic.claude-sonnet-4-6` is `claude-sonnet-4-6`), else the default.
    pub fn of(&self, model: &str) -> Profile {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let dots = name.match_indices('.').map(|(at, _)| at + 1);
        let names: Vec<&str> =
            std::iter::once(0).chain(dots).filter_map(|at| name.get(at..)).collect();
        self.0
            .iter()
            .filter(|(prefix, _)| names.iter().any(|name| name.starts_with(prefix.as_str())))
            .max_by_key(|(prefix, _)| prefix.len())
            .map_or_else(Profile::default, |(_, profile)| *profile)
    }

    /// The names in the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_wins_and_an_unknown_model_is_trusted() {
        let profiles = Profiles::builtin();
        assert!(
            profiles.of("gpt-4o-mini-2024-07-18").image_tokens > profiles.of("gpt-4o").image_tokens
        );
        assert!(profiles.of("openai/o3").reasoning && !profiles.of("openai/o3").sampling);
        assert_eq!(profiles.of("somebody/new-model"), Profile::default());
        assert_eq!(profiles.of("GPT-4.1"), profiles.of("gpt-4.1"));
        assert_eq!(profiles.of("us.openai.gpt-4o-mini"), profiles.of("gpt-4o-mini"));
    }

    #[test]
    fn the_output_limit_is_asked_or_default_and_within_what_the_model_can() {
        let profile = Profile { max_output_tokens: Some(8_192), ..Profile::default() };
        assert_eq!(profile.output_limit(None), 4_096);
        assert_eq!(profile.output_limit(Some(8_192)), 8_192);
        assert_eq!(profile.output_limit(Some(8_193)), 8_192);
        assert_eq!(Profile::default().output_limit(Some(1 << 20)), 1 << 20);
    }
}
