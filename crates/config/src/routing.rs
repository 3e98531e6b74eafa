//! Who answers in whose place: fallbacks of an agent.

use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// When a reply breaks off after a part of it was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBreak {
    /// The next model goes on behind it.
    #[default]
    Continue,
    /// The next model begins again.
    Restart,
    /// What was delivered is the reply, marked as broken off.
    Surface,
    /// The call fails.
    Fail,
}

/// A complete reply after which the next model is asked all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadContent {
    /// It says nothing.
    Empty,
    /// The model declined.
    Refusal,
    /// It does not fit the schema that was asked for.
    InvalidOutput,
}

/// When the next model of an agent's list takes over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fallback {
    /// When a reply breaks off after a part of it was delivered.
    pub on_break: OnBreak,
    /// Where the next model cannot go on behind it; never `Continue`.
    pub cannot_continue: OnBreak,
    /// Complete replies that do not count.
    pub on_content: Vec<BadContent>,
    /// A model that may cost more than this many times the first one is passed over.
    pub max_price_factor: Option<f64>,
}

const ON_BREAK: &[(&str, OnBreak)] = &[
    ("continue", OnBreak::Continue),
    ("restart", OnBreak::Restart),
    ("surface", OnBreak::Surface),
    ("fail", OnBreak::Fail),
];
const CANNOT_CONTINUE: &[(&str, OnBreak)] =
    &[("restart", OnBreak::Restart), ("surface", OnBreak::Surface), ("fail", OnBreak::Fail)];
const BAD_CONTENT: &[(&str, BadContent)] = &[
    ("empty", BadContent::Empty),
    ("refusal", BadContent::Refusal),
    ("invalid-output", BadContent::InvalidOutput),
];

fn name<T: PartialEq>(names: &[(&'static str, T)], of: &T) -> String {
    let known = names.iter().find(|(_, value)| value == of);
    known.map_or("", |(name, _)| name).to_owned()
}

impl Show for OnBreak {
    fn show(&self) -> String {
        name(ON_BREAK, self)
    }
}

impl Show for BadContent {
    fn show(&self) -> String {
        name(BAD_CONTENT, self)
    }
}

/// `fallback` of an agent.
pub(crate) fn fallback(mut fields: Fields<'_>) -> Fallback {
    let factor = value::or_none(value::number(0.0, 1_000.0));
    let fallback = Fallback {
        on_break: fields.get("on_break", OnBreak::Continue, value::choice(ON_BREAK)).value,
        cannot_continue: fields
            .get("cannot_continue", OnBreak::Restart, value::choice(CANNOT_CONTINUE))
            .value,
        on_content: fields.list("on_content", Vec::new(), value::choice(BAD_CONTENT)).value,
        max_price_factor: fields.get("max_price_factor", None, factor).value,
    };
    fields.finish();
    fallback
}
