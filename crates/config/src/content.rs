//! `guardrails` of `agent.yaml` about the content of texts: what may be shown, rules, topics, lengths.

use std::collections::BTreeMap;

use largestack_guard::Mode;
use largestack_guard::content::{
    Content, ContentPolicy, LengthPolicy, Output, OutputAction, OutputPolicy, Place, RuleAction,
    RulePolicy, SelfHarmAction, SelfHarmPolicy, TopicPolicy, WholeAction, spotlight,
};

use largestack_guard::leak::{LeakAction, LeakPolicy};

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

const PLACES: &[(&str, Place)] = &[
    ("input", Place::Input),
    ("output", Place::Output),
    ("tool_arguments", Place::ToolArguments),
    ("tool_result", Place::ToolResult),
];

const ACTIONS: &[(&str, RuleAction)] =
    &[("warn", RuleAction::Warn), ("redact", RuleAction::Redact), ("block", RuleAction::Block)];

const OUTPUT: &[(&str, OutputAction)] =
    &[("warn", OutputAction::Warn), ("redact", OutputAction::Redact)];

const LEAKS: &[(&str, LeakAction)] = &[
    ("allow", LeakAction::Allow),
    ("warn", LeakAction::Warn),
    ("redact", LeakAction::Redact),
    ("block", LeakAction::Block),
];

const WHOLE: &[(&str, WholeAction)] = &[("warn", WholeAction::Warn), ("block", WholeAction::Block)];

const SELF_HARM: &[(&str, SelfHarmAction)] = &[
    ("allow", SelfHarmAction::Allow),
    ("warn", SelfHarmAction::Warn),
    ("help", SelfHarmAction::Help),
];

impl Show for Place {
    fn show(&self) -> String {
        let known = PLACES.iter().find(|(_, place)| place == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

impl Show for LeakAction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for RuleAction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for OutputAction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for WholeAction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for SelfHarmAction {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

/// What the section says of content; what is shown of it is what holds, within what its mode allows.
pub(crate) fn read(fields: &mut Fields<'_>, mode: Mode) -> ContentPolicy {
    let output = output(fields.section("output"), mode);
    let rules = rules(fields.section("rules"), mode);
    let topics = topics(fields.section("topics"), mode);
    let length = length(fields.section("length"), mode);
    let self_harm = self_harm(fields.section("self_harm"), mode);
    let prompt_leak = prompt_leak(fields.section("prompt_leak"), mode);
    let lit = |node: &Node| Ok(spotlight(value::boolean(node)?, mode));
    let spotlight = fields.get("spotlight", spotlight(false, mode), lit).value;
    ContentPolicy { output, rules, topics, length, self_harm, prompt_leak, spotlight }
}

fn output(mut fields: Fields<'_>, mode: Mode) -> OutputPolicy {
    let host = |node: &Node| {
        let name = word(node)?;
        let urls = Some(vec![name.clone()]);
        match Output::of(&OutputPolicy { urls, ..OutputPolicy::default() }) {
            Ok(_) => Ok(name),
            Err(wrong) => Err(Wrong::value(wrong.to_string())),
        }
    };
    let urls = fields.optional_list("urls", host);
    let controls = fields.get("controls", false, value::boolean).value;
    let html = fields.get("html", false, value::boolean).value;
    let unless_said = OutputAction::default().under(mode);
    let said = |node: &Node| value::choice(OUTPUT)(node).map(|action| action.under(mode));
    let action = fields.get("action", unless_said, said).value;
    fields.finish();
    OutputPolicy { urls, controls, html, action }
}

fn word(node: &Node) -> Result<String, Wrong> {
    value::some_text(node).map(|text| text.as_ref().to_owned())
}

fn rules(section: Fields<'_>, mode: Mode) -> BTreeMap<String, RulePolicy> {
    let prefix = section.key("");
    let (entries, report) = section.rest();
    let mut rules = BTreeMap::new();
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        let unless_said = RulePolicy::default();
        let action = |node: &Node| value::choice(ACTIONS)(node).map(|action| action.under(mode));
        let mut fields = Fields::of(entry.node, &path, report);
        let rule = RulePolicy {
            on: fields.list("on", unless_said.on, value::choice(PLACES)).value,
            pattern: fields.optional("pattern", word),
            words: fields.list("words", Vec::new(), word).value,
            action: fields.get("action", unless_said.action.under(mode), action).value,
            message: fields.optional("message", word),
        };
        fields.finish();
        let alone = [(entry.key.clone(), rule.clone())].into();
        let policy = ContentPolicy { rules: alone, ..ContentPolicy::default() };
        if let Err(wrong) = Content::of(&policy) {
            report.wrong(&entry.source, &path, Wrong::value(wrong.to_string()));
        }
        rules.insert(entry.key, rule);
    }
    rules
}

/// What is done about a text as a whole.
fn whole(fields: &mut Fields<'_>, mode: Mode) -> WholeAction {
    let said = |node: &Node| value::choice(WHOLE)(node).map(|action| action.under(mode));
    fields.get("action", WholeAction::default().under(mode), said).value
}

/// The words of topics by their names.
#[derive(Default)]
struct Named(BTreeMap<String, Vec<String>>);

impl Show for Named {
    fn show(&self) -> String {
        self.0.keys().cloned().collect::<Vec<_>>().show()
    }
}

fn topics(mut fields: Fields<'_>, mode: Mode) -> TopicPolicy {
    let named = |node: &Node| value::group(node).map(Named);
    let topics = TopicPolicy {
        allow: fields.optional_list("allow", word),
        deny: fields.list("deny", Vec::new(), word).value,
        words: fields.get("words", Named::default(), named).value.0,
        action: whole(&mut fields, mode),
    };
    let policy = ContentPolicy { topics, ..ContentPolicy::default() };
    if let Err(wrong) = Content::of(&policy) {
        let (path, source) = (fields.key(""), fields.source().clone());
        let wrong = Wrong::value(wrong.to_string());
        fields.report.wrong(&source, path.trim_end_matches('.'), wrong);
    }
    fields.finish();
    policy.topics
}

fn length(mut fields: Fields<'_>, mode: Mode) -> LengthPolicy {
    let length = LengthPolicy {
        input: fields.optional("input", value::whole(1, u32::MAX)),
        output: fields.optional("output", value::whole(1, u32::MAX)),
        action: whole(&mut fields, mode),
    };
    fields.finish();
    length
}

fn self_harm(mut fields: Fields<'_>, mode: Mode) -> SelfHarmPolicy {
    let texts = |node: &Node| {
        let texts: BTreeMap<String, String> = value::group(node)?;
        match texts.keys().find(|language| !SelfHarmPolicy::speaks(language)) {
            None => Ok(Told(texts)),
            Some(other) => Err(Wrong::value(format!("`{other}` is no language that is read"))),
        }
    };
    let action = |node: &Node| value::choice(SELF_HARM)(node).map(|action| action.under(mode));
    let policy = SelfHarmPolicy {
        action: fields.get("action", SelfHarmAction::default(), action).value,
        texts: fields.get("texts", Told::default(), texts).value.0,
    };
    fields.finish();
    policy
}

/// Shown is what holds, within what the mode allows.
fn prompt_leak(mut fields: Fields<'_>, mode: Mode) -> LeakPolicy {
    let held = LeakPolicy::default().under(mode);
    let said = |node: &Node| value::choice(LEAKS)(node).map(|action| action.under(mode));
    let action = fields.get("action", held.action, said).value;
    let words = |node: &Node| {
        let words = value::whole(LeakPolicy::FEWEST, 1000)(node)?;
        Ok(LeakPolicy { words, ..LeakPolicy::default() }.under(mode).words)
    };
    let words = fields.get("words", held.words, words).value;
    let canary = |node: &Node| {
        let canary = value::boolean(node)?;
        Ok(LeakPolicy { canary, ..LeakPolicy::default() }.under(mode).canary)
    };
    let canary = fields.get("canary", held.canary, canary).value;
    let allow = fields.list("allow", Vec::new(), word).value;
    fields.finish();
    LeakPolicy { action, words, canary, allow }
}

/// What is told by language.
#[derive(Default)]
struct Told(BTreeMap<String, String>);

impl Show for Told {
    fn show(&self) -> String {
        self.0.keys().cloned().collect::<Vec<_>>().show()
    }
}
