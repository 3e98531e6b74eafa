//! Questions to people: as one JSON document, as a line of a list, and whole.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_ports::approvals::{Approval, Standing, Vote};
use largestack_types::json::Json;
use largestack_types::time::Timestamp;
use serde::Serialize;

use super::amount::moment;
use super::table::{Flush, Table};
use super::text::{clean, one_line};

/// Characters of arguments in a list.
const SHOWN: usize = 60;

/// A question and how it stands.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionDocument {
    question: String,
    run: String,
    effect: String,
    agent: Arc<str>,
    principal: Arc<str>,
    tool: Arc<str>,
    arguments: Json,
    reason: Arc<str>,
    asked: String,
    expires: String,
    approvers: Vec<Arc<str>>,
    quorum: u32,
    choices: Vec<ChoiceDocument>,
    editable: bool,
    standing: &'static str,
    choice: Option<Arc<str>>,
    decided_by: Vec<Arc<str>>,
    votes: Vec<VoteDocument>,
}

#[derive(Debug, Serialize)]
struct ChoiceDocument {
    name: Arc<str>,
    runs: bool,
}

#[derive(Debug, Serialize)]
struct VoteDocument {
    by: Arc<str>,
    in_place_of: Option<Arc<str>>,
    choice: Arc<str>,
    arguments: Option<Json>,
    reason: Option<Arc<str>>,
    at: String,
}

impl VoteDocument {
    fn of(vote: &Vote) -> Self {
        Self {
            by: Arc::clone(&vote.by),
            in_place_of: vote.in_place_of.clone(),
            choice: Arc::clone(&vote.answer.choice),
            arguments: vote.answer.arguments.clone(),
            reason: vote.answer.note.clone(),
            at: vote.at.to_string(),
        }
    }
}

/// How a question stands, in a word.
pub(crate) const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Decided { approved: true, .. } => "approved",
        Standing::Decided { approved: false, .. } => "denied",
        Standing::Expired => "expired",
        Standing::Withdrawn => "withdrawn",
    }
}

impl QuestionDocument {
    /// The document of a question at this moment.
    pub(crate) fn of(approval: &Approval, now: Timestamp) -> Self {
        let (question, standing) = (&approval.question, approval.standing(now));
        let choices = question.terms.choices.iter();
        let (choice, decided_by) = match &standing {
            Standing::Decided { choice, by, .. } => (Some(Arc::clone(choice)), by.clone()),
            _ => (None, Vec::new()),
        };
        Self {
            question: question.id.to_string(),
            run: question.run.to_string(),
            effect: question.effect.to_string(),
            agent: Arc::clone(&question.agent),
            principal: Arc::clone(&question.principal),
            tool: Arc::clone(&question.tool),
            arguments: question.arguments.clone(),
            reason: Arc::clone(&question.reason),
            asked: question.asked.to_string(),
            expires: question.expires().to_string(),
            approvers: question.terms.approvers.clone(),
            quorum: question.terms.quorum,
            choices: choices
                .map(|choice| ChoiceDocument {
                    name: Arc::clone(&choice.name),
                    runs: choice.approves,
                })
                .collect(),
            editable: question.terms.editable,
            standing: word(&standing),
            choice,
            decided_by,
            votes: approval.votes.iter().map(VoteDocument::of).collect(),
        }
    }
}

/// Questions as a table, one a line.
pub(crate) fn list(questions: &[Approval], now: Timestamp) -> String {
    let mut table = Table::new(&[
        ("question", Flush::Left),
        ("asked (UTC)", Flush::Left),
        ("stands", Flush::Left),
        ("answers", Flush::Right),
        ("agent", Flush::Left),
        ("tool", Flush::Left),
        ("with", Flush::Left),
    ]);
    for approval in questions {
        let question = &approval.question;
        table.row(vec![
            question.id.to_string(),
            moment(question.asked),
            word(&approval.standing(now)).to_owned(),
            format!("{}/{}", approval.votes.len(), question.terms.quorum),
            one_line(&question.agent, 24),
            one_line(&question.tool, 24),
            one_line(question.arguments.as_str(), SHOWN),
        ]);
    }
    table.lines(|_, _, cell| cell)
}

/// The names of the answers that may be given, `|` between them.
pub(crate) fn choices(approval: &Approval) -> String {
    let names = approval.question.terms.choices.iter().map(|choice| clean(&choice.name));
    names.collect::<Vec<_>>().join("|")
}

/// Adds to a text.
fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}

/// What is asked: which tool, with what, why.
pub(crate) fn asked(approval: &Approval) -> String {
    let question = &approval.question;
    let mut text =
        format!("{} would be called: {}\n", clean(&question.tool), clean(&question.reason));
    let value: Result<serde_json::Value, _> = question.arguments.to();
    match value.as_ref().ok().and_then(serde_json::Value::as_object) {
        Some(arguments) => {
            for (name, value) in arguments {
                let shown = match value {
                    serde_json::Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                let shown = clean(&shown).replace('\n', "\n    ");
                put(&mut text, format_args!("  {}: {shown}\n", clean(name)));
            }
        }
        None => put(&mut text, format_args!("  {}\n", clean(question.arguments.as_str()))),
    }
    text
}

/// A question whole.
pub(crate) fn whole(approval: &Approval, now: Timestamp) -> String {
    let question = &approval.question;
    let standing = approval.standing(now);
    let who = match question.terms.approvers.as_slice() {
        [] => "anybody".to_owned(),
        named => clean(&named.join(", ")).into_owned(),
    };
    let editable = if question.terms.editable { ", arguments may be changed" } else { "" };
    let mut text = asked(approval);
    put(
        &mut text,
        format_args!(
            "\n{}  {}\nasked      {} UTC by {} for {}, {}\nexpires    {} UTC\nanswers    {} of {} by {who}: {}{editable}\n",
            question.id,
            word(&standing),
            moment(question.asked),
            clean(&question.agent),
            clean(&question.principal),
            question.run,
            moment(question.expires()),
            approval.votes.len(),
            question.terms.quorum,
            choices(approval),
        ),
    );
    for vote in &approval.votes {
        let place = vote.in_place_of.as_ref();
        let place = place.map_or_else(String::new, |of| format!(" in place of {}", clean(of)));
        let note = vote.answer.note.as_ref();
        let note = note.map_or_else(String::new, |note| format!(": {}", one_line(note, 200)));
        put(
            &mut text,
            format_args!(
                "           {} UTC {} by {}{place}{note}\n",
                moment(vote.at),
                clean(&vote.answer.choice),
                clean(&vote.by),
            ),
        );
    }
    text
}
