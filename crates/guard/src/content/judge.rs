//! Judges texts by rules, topics and lengths.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::rule::Rule;
use super::topic::Topics;
use super::{BadContent, ContentPolicy, LengthPolicy, Place, RuleAction, WholeAction};

/// What judges texts. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Content {
    rules: Arc<[Rule]>,
    topics: Option<Arc<Topics>>,
    lengths: LengthPolicy,
}

/// What was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The rule, `topic` or `length`.
    pub guard: Arc<str>,
    /// Where: bytes of the text.
    pub span: Range<usize>,
    /// What is done, by the name of the action.
    pub action: &'static str,
}

/// Why a text may not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule, `topic` or `length`.
    pub guard: Arc<str>,
    /// What whoever asked is told; nothing of the text.
    pub detail: String,
}

/// A text that was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged<'t> {
    /// The text without what was to be taken out. Borrowed if it is unchanged.
    pub text: Cow<'t, str>,
    /// What was found, in the order of the rules.
    pub found: Vec<Judgement>,
    /// Why it may not pass, where it may not.
    pub refused: Option<Refusal>,
}

impl Content {
    /// `None` where no rule, topic or length judges anything; an error says what of it cannot hold.
    pub fn of(policy: &ContentPolicy) -> Result<Option<Self>, BadContent> {
        let rules = policy.rules.iter().map(|(name, rule)| Rule::of(name, rule));
        let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
        let topics = Topics::of(&policy.topics)?.map(Arc::new);
        let content = Self { rules: rules.into(), topics, lengths: policy.length };
        Ok(Place::ALL.iter().any(|place| content.judges(*place)).then_some(content))
    }

    /// Whether texts of this kind are looked at.
    pub fn judges(&self, place: Place) -> bool {
        let topics = self.topics.as_ref().is_some_and(|topics| match place {
            Place::Input => true,
            Place::Output => topics.denies(),
            Place::ToolArguments | Place::ToolResult => false,
        });
        let length = self.lengths.of(place).is_some();
        topics || length || self.rules(place).next().is_some()
    }

    /// Whether an answer may be changed or refused, so that it is shown only when it is complete.
    pub fn holds_output(&self) -> bool {
        let only_warns = self.rules(Place::Output).all(|rule| rule.action == RuleAction::Warn);
        let blocks = |action| action == WholeAction::Block;
        let topics = self.topics.as_ref();
        let topics = topics.is_some_and(|topics| topics.denies() && blocks(topics.action));
        let length = self.lengths.output.is_some() && blocks(self.lengths.action);
        !only_warns || topics || length
    }

    fn rules(&self, place: Place) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.on.contains(&place))
    }

    /// Judges a text by the rules. What one blocks is taken out, too, so that it can be recorded that it was.
    pub fn judge<'t>(&self, place: Place, text: &'t str) -> Judged<'t> {
        let mut judged = Judged { text: Cow::Borrowed(text), found: Vec::new(), refused: None };
        let mut taken = Vec::new();
        for rule in self.rules(place) {
            let spans = rule.found(text);
            if !spans.is_empty() && rule.action == RuleAction::Block {
                judged.refuse(
                    &rule.name,
                    rule.message.as_deref().map_or_else(
                        || format!("{} is against the rule `{}`", place.words(), rule.name),
                        str::to_owned,
                    ),
                );
            }
            for span in spans {
                if rule.action != RuleAction::Warn {
                    taken.push((span.clone(), &*rule.name));
                }
                let (guard, action) = (Arc::clone(&rule.name), rule.action.name());
                judged.found.push(Judgement { guard, span, action });
            }
        }
        if !taken.is_empty() {
            judged.text = Cow::Owned(without(text, taken));
        }
        judged
    }

    /// Judges all the words of a message by how many they are and what they are about. Nothing is
    /// taken out of them.
    pub fn weigh<'t>(&self, place: Place, text: &'t str) -> Judged<'t> {
        let mut judged = Judged { text: Cow::Borrowed(text), found: Vec::new(), refused: None };
        if let Some(most) = self.lengths.of(place) {
            let length = text.chars().count();
            if length > most as usize {
                let words = place.words();
                let detail = format!("{words} has {length} characters, and may have {most}");
                judged.whole("length", self.lengths.action, text, detail);
            }
        }
        if let Some(topics) = &self.topics {
            if let Some(topic) = topics.denied(text) {
                let detail =
                    format!("{} is about `{topic}`, which is not talked about", place.words());
                judged.whole("topic", topics.action, text, detail);
            } else if place == Place::Input && !topics.allows(text) {
                let detail = "the question is about none of the topics that may be asked about";
                judged.whole("topic", topics.action, text, detail.to_owned());
            }
        }
        judged
    }
}

impl Judged<'_> {
    fn refuse(&mut self, guard: &Arc<str>, detail: String) {
        let guard = Arc::clone(guard);
        self.refused.get_or_insert(Refusal { guard, detail });
    }

    /// The text as a whole is not as it should be.
    fn whole(&mut self, guard: &str, action: WholeAction, text: &str, detail: String) {
        let guard = Arc::from(guard);
        if action == WholeAction::Block {
            self.refuse(&guard, detail);
        }
        self.found.push(Judgement { guard, span: 0..text.len(), action: action.name() });
    }
}

/// The text with a marker in the place of each of these; where two overlap, one for both.
fn without(text: &str, mut taken: Vec<(Range<usize>, &str)>) -> String {
    taken.sort_by_key(|(span, _)| (span.start, span.end));
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (span, name) in taken {
        if span.start >= done {
            out.push_str(text.get(done..span.start).unwrap_or_default());
            out.extend(["[", name, " removed]"]);
        }
        done = done.max(span.end);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
