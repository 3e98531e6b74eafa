//! Steps as the lines of a tree.

use std::time::Duration;

use largestack_engine::event::Considered;
use largestack_types::policy::Reason;

use super::media::MediaStep;
use super::{ModelStep, Step, ToolStep, What};
use crate::render::amount::{grouped, lasted, tokens};
use crate::render::problem::Problem;
use crate::render::style::{BAD, FAINT, GOOD, STRONG, WARN, painted};
use crate::render::text::{clean, counted, one_line};
use crate::render::tree::{Node, lines};

/// Characters of a text that a timeline shows unless the whole is asked for.
const SHOWN: usize = 160;

/// The steps as a tree; `whole` shows texts uncut.
pub(crate) fn draw(steps: &[Step], whole: bool) -> String {
    some(steps, |_| true, whole)
}

/// Of the steps those that ended after this event; what has no end yet is left for later.
pub(crate) fn draw_after(steps: &[Step], after: u64, whole: bool) -> String {
    some(steps, |step| step.seq > after && !matches!(step.what, What::Unfinished { .. }), whole)
}

fn some(steps: &[Step], wanted: impl Fn(&Step) -> bool, whole: bool) -> String {
    lines(&nodes(steps, &wanted, whole))
}

fn nodes(steps: &[Step], wanted: &dyn Fn(&Step) -> bool, whole: bool) -> Vec<Node> {
    let start = steps.first().map(|step| step.moment).unwrap_or_default();
    steps
        .iter()
        .filter(|step| wanted(step))
        .map(|step| {
            let after = format!("+{}", lasted(step.moment.since(start)));
            let mut node = Drawing { whole }.node(step, &painted(FAINT, after));
            node.children.extend(self::below(step, whole));
            node.children.extend(step.findings.iter().map(|finding| {
                let what = format!(
                    "guard: {} in {} at {}..{}: {}",
                    finding.kind, finding.part, finding.start, finding.end, finding.action
                );
                Node::leaf(painted(WARN, clean(&what)))
            }));
            node
        })
        .collect()
}

/// What happened in the run that a step started.
fn below(step: &Step, whole: bool) -> Vec<Node> {
    let run = step.run_below();
    let steps = nodes(&step.below, &|_| true, whole);
    match run.filter(|_| !steps.is_empty()) {
        Some(run) => vec![Node::with(painted(FAINT, run), steps)],
        None => Vec::new(),
    }
}

#[derive(Clone, Copy)]
struct Drawing {
    whole: bool,
}

impl Drawing {
    fn text(self, text: &str) -> String {
        if self.whole { clean(text.trim_end()).into_owned() } else { one_line(text, SHOWN) }
    }

    fn node(self, step: &Step, after: &str) -> Node {
        let effect = step.effect.as_deref().unwrap_or_default();
        match &step.what {
            What::Asked { text, media } => {
                let text = Node::leaf(self.text(text));
                let children = std::iter::once(text).chain(shown(media)).collect();
                Node::with(format!("{} {after}", strong("asked")), children)
            }
            What::Model(model) => self.model(model, effect, after),
            What::Tool(tool) => self.tool(tool, effect, after),
            What::Given { workflow, input } => {
                let children = vec![Node::leaf(self.text(input))];
                Node::with(format!("{} {} {after}", strong("given"), clean(workflow)), children)
            }
            What::Node(step) => {
                let said = Some(&step.output).filter(|output| !output.trim().is_empty());
                let said = said.map(|output| Node::leaf(format!("says: {}", self.text(output))));
                let children = said.into_iter().chain(step.error.iter().map(|e| self.error(e)));
                Node::with(step.line(effect, after), children.collect())
            }
            What::Unfinished { attempt, tool } => {
                let name = tool.as_deref().unwrap_or("model");
                let state = painted(WARN, "no outcome yet");
                let attempt = nth(*attempt);
                Node::leaf(format!("{effect} {} {state}{attempt} {after}", strong(&clean(name))))
            }
            What::Finished { status, finish_reason, error } => {
                let style = if error.is_some() { BAD } else { GOOD };
                let children = error.iter().map(|error| self.error(error)).collect();
                let ended = painted(style, format!("{status} ({finish_reason})"));
                Node::with(format!("{} {ended} {after}", strong("ended")), children)
            }
            What::Limit { limit, error } => {
                let head = format!("{} {after}", painted(WARN, format!("limit {limit} reached")));
                Node::with(head, vec![self.error(error)])
            }
            other => Node::leaf(format!("{} {after}", self.aside(other, effect))),
        }
    }

    fn aside(self, what: &What, effect: &str) -> String {
        match what {
            What::Resumed { owner } => format!("{} by {owner}", strong("resumed")),
            What::Forked { of, at, by, text } => {
                let text = text.as_ref().map(|text| format!(": {}", self.text(text)));
                let text = text.unwrap_or_default();
                format!("{} from {of} at {at} by {}{text}", strong("forked"), clean(by))
            }
            What::Compacted { events } => {
                let events = counted(*events, "event");
                format!("{}: {events} stood here and were given up", strong("compacted"))
            }
            What::TookOver { agent } => format!("{} takes over", strong(&clean(agent))),
            What::Decided { decision, by } => {
                format!("{effect} {} {decision} by {}", strong("decided"), clean(by))
            }
            What::Policy { tool, decision, reasons } => {
                let said = |reason: &Reason| {
                    format!("{} ({})", self.text(&reason.why), clean(&reason.policy))
                };
                let why: Vec<String> = reasons.iter().map(said).collect();
                format!(
                    "{effect} {} {} {decision}: {}",
                    strong("policy"),
                    clean(tool),
                    why.join("; ")
                )
            }
            What::ApprovalRequested { approval, reason } => {
                let (asked, reason) = (strong("approval asked"), self.text(reason));
                format!("{effect} {asked} {approval}: {reason}")
            }
            What::ApprovalAnswered { approval, approved, choice, by } => {
                let answer = if *approved { "approved" } else { "denied" };
                let said =
                    if choice.is_empty() { String::new() } else { format!(" ({})", clean(choice)) };
                format!("{effect} {} {approval}{said} by {}", strong(answer), clean(by))
            }
            What::Steered { stage, feedback } => {
                let (back, feedback) = (strong("sent back"), self.text(feedback));
                format!("{effect} {back} by {}: {feedback}", clean(stage))
            }
            What::Hooked { hook, at, verdict } => {
                let (place, verdict) = (strong(at), self.text(verdict));
                format!("{effect} {place} {} {verdict}", clean(hook))
            }
            What::Checked { problems, .. } if problems.is_empty() => {
                format!("{effect} {}", strong("answer fits"))
            }
            What::Checked { problems, sent_back } => {
                let done = if *sent_back { "answer sent back" } else { "answer refused" };
                format!("{effect} {}: {}", painted(WARN, done), self.text(&problems.join("; ")))
            }
            What::Cancel { reason, by, note } => {
                let note =
                    if note.is_empty() { String::new() } else { format!(": {}", self.text(note)) };
                format!("{} ({reason}) by {}{note}", painted(WARN, "cancel asked"), clean(by))
            }
            What::Sleeps { until } => format!("{effect} {} until {until}", strong("sleeps")),
            What::Listens { event, until } => {
                let until =
                    until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
                format!("{effect} {} for the event {}{until}", strong("waits"), clean(event))
            }
            What::Received { event, by, data } => {
                let (event, by) = (clean(event), clean(by));
                format!("{} {event} from {by}: {}", strong("event"), self.text(data))
            }
            What::Other { event } => (*event).to_owned(),
            _ => String::new(),
        }
    }

    fn model(self, model: &ModelStep, effect: &str, after: &str) -> Node {
        let name = match (&model.provider, &model.model) {
            (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => {
                format!(" {provider}/{model}")
            }
            (_, Some(model)) => format!(" {model}"),
            (Some(provider), None) => format!(" {provider}"),
            (None, None) => String::new(),
        };
        let mut facts = vec![lasted(Duration::from_micros(model.duration_us))];
        if let Some(first) = model.first_byte_us {
            facts.push(format!("first byte {}", lasted(Duration::from_micros(first))));
        }
        facts.extend([tokens(&model.usage), format!("${}", model.cost_usd)]);
        facts.extend(model.finish_reason.map(str::to_owned));
        facts.extend(model.flags.iter().map(ToString::to_string));
        let facts = painted(FAINT, facts.join(", "));
        let head = strong("model");
        let head = format!("{effect} {head}{}{} {facts} {after}", clean(&name), nth(model.attempt));
        let mut children = Vec::new();
        if let Some(routed) = &model.routed {
            let why = |c: &Considered| format!("{} ({})", clean(&c.model), clean(&c.why));
            let considered: Vec<String> = routed.considered.iter().map(why).collect();
            let (pool, strategy) = (clean(&routed.pool), clean(&routed.strategy));
            let line = format!("{pool} by {strategy}: {}", considered.join("; "));
            children.push(Node::leaf(painted(FAINT, line)));
        }
        for (model, error) in &model.failed_attempts {
            let failed = format!("tried {}: {}", clean(model), self.text(&error.message));
            children.push(Node::leaf(painted(WARN, failed)));
        }
        if !model.reasoning.is_empty() {
            let thought = format!("thinks: {}", self.text(&model.reasoning));
            children.push(Node::leaf(painted(FAINT, thought)));
        }
        if !model.text.trim().is_empty() {
            children.push(Node::leaf(format!("says: {}", self.text(&model.text))));
        }
        children.extend(shown(&model.media));
        for call in &model.calls {
            let arguments = self.text(&call.arguments);
            let call = format!("calls {} {arguments} as {}", clean(&call.name), call.effect);
            children.push(Node::leaf(call));
        }
        children.extend(model.error.iter().map(|error| self.error(error)));
        Node::with(head, children)
    }

    fn tool(self, tool: &ToolStep, effect: &str, after: &str) -> Node {
        let style = if tool.outcome == "returned" { GOOD } else { BAD };
        let outcome = painted(style, &tool.outcome);
        let lasting = painted(FAINT, lasted(Duration::from_micros(tool.duration_us)));
        let (kind, name, attempt) = (strong("tool"), clean(&tool.name), nth(tool.attempt));
        let head = format!("{effect} {kind} {name} {outcome}{attempt} {lasting} {after}");
        let mut children = Vec::new();
        if let Some(arguments) = &tool.arguments {
            children.push(Node::leaf(format!("arguments: {}", self.text(arguments))));
        }
        let size = grouped(tool.result.chars().count() as u64);
        let sources = match tool.citations {
            0 => String::new(),
            some => format!(", {}", counted(some as u64, "source")),
        };
        let handle = tool.handle.as_deref().map_or_else(String::new, |h| format!(", whole at {h}"));
        let about = painted(FAINT, format!("({size} characters{sources}{})", clean(&handle)));
        children.extend(tool.asked.iter().map(|asked| {
            Node::leaf(format!("asked {} for ${}", clean(&asked.model), asked.cost_usd))
        }));
        children.push(Node::leaf(format!("result {about}: {}", self.text(&tool.result))));
        children.extend(shown(&tool.media));
        children.extend(tool.error.iter().map(|error| self.error(error)));
        Node::with(head, children)
    }

    fn error(self, error: &Problem) -> Node {
        let children = vec![Node::leaf(format!("suggestion: {}", clean(&error.suggestion)))];
        Node::with(painted(BAD, format!("{}: {}", error.code, self.text(&error.message))), children)
    }
}

fn shown(media: &[MediaStep]) -> impl Iterator<Item = Node> {
    media.iter().map(|media| Node::leaf(media.line()))
}

fn strong(text: &str) -> String {
    painted(STRONG, text)
}

fn nth(attempt: u32) -> String {
    if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() }
}
