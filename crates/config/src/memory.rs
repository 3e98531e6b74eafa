//! `memory` of an agent: how much of a session a run is told, and how long sessions are kept.

use std::time::Duration;

use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// What is done about a conversation that grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recall {
    /// All of it is told.
    #[default]
    Buffer,
    /// The last messages are told.
    Window,
    /// The last tokens are told.
    Tokens,
    /// The older part is summed up.
    Summary,
}

const RECALL: &[(&str, Recall)] = &[
    ("buffer", Recall::Buffer),
    ("window", Recall::Window),
    ("tokens", Recall::Tokens),
    ("summary", Recall::Summary),
];

impl Show for Recall {
    fn show(&self) -> String {
        let known = RECALL.iter().find(|(_, value)| value == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

/// Messages of a window when nobody says.
const DEFAULT_MESSAGES: u32 = 20;
/// Tokens when nobody says.
const DEFAULT_TOKENS: u32 = 4_000;
/// The fewest tokens that can be asked for: less holds no exchange.
const LEAST_TOKENS: u32 = 100;
/// How long a run waits for its turn in a session when nobody says.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// How much of a session a run is told, and how long sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What is done about what is too much.
    pub recall: Recall,
    /// No more messages than this.
    pub messages: Option<u32>,
    /// No more tokens than this.
    pub tokens: Option<u32>,
    /// How long a session is kept after something was last said; `None` for ever.
    pub ttl: Option<Duration>,
    /// How long a run waits while another one speaks in its session.
    pub wait: Duration,
}

/// `memory` of an agent.
pub(crate) fn read(mut fields: Fields<'_>) -> Memory {
    let recall = fields.get("strategy", Recall::default(), value::choice(RECALL)).value;
    let (messages, tokens) = match recall {
        Recall::Buffer => (None, None),
        Recall::Window => (Some(DEFAULT_MESSAGES), None),
        Recall::Tokens | Recall::Summary => (None, Some(DEFAULT_TOKENS)),
    };
    let messages = fields.get("messages", messages, value::or_none(value::whole(2, u32::MAX)));
    let tokens = fields.get("tokens", tokens, value::or_none(value::whole(LEAST_TOKENS, u32::MAX)));
    let memory = Memory {
        recall,
        messages: messages.value,
        tokens: tokens.value,
        ttl: fields.get("ttl", None, value::or_none(value::duration)).value,
        wait: fields.get("wait", DEFAULT_WAIT, value::duration).value,
    };
    let said = [("messages", &messages.source), ("tokens", &tokens.source)];
    let stray = said.into_iter().find(|(_, source)| **source != Source::Default);
    let bounded = memory.messages.is_some() || memory.tokens.is_some();
    if let Some((key, source)) = stray.filter(|_| recall == Recall::Buffer && bounded) {
        let detail = "a buffer tells everything; another `strategy` has bounds";
        let key = fields.key(key);
        fields.report.wrong(source, &key, Wrong::value(detail));
    }
    if recall != Recall::Buffer && !bounded {
        let key = fields.key("strategy");
        let detail = "this strategy needs `messages` or `tokens`";
        let source = stray.map_or(Source::Default, |(_, source)| source.clone());
        fields.report.wrong(&source, &key, Wrong::value(detail));
    }
    fields.finish();
    memory
}
