//! Questions of a run to a person: put on a terminal where somebody sits at one, else said how they
//! are answered.

use std::sync::Arc;

use largestack_agent::Report;
use largestack_engine::Status;
use largestack_ports::approvals::{Answer, Approval, Choice, Standing};
use largestack_types::errors::Result;
use largestack_types::id::ApprovalId;

use crate::compose::{self, House};
use crate::follow::{Form, Going};
use crate::render::questions;
use crate::render::text::clean;
use crate::screen::Screen;

/// The questions that a run waits for, those of runs below it included.
pub(super) async fn of(house: &House, report: &Report) -> Result<Vec<Approval>> {
    if report.status == Status::Suspended {
        house.agent.waiting(&compose::scope(), report.run).await
    } else {
        Ok(Vec::new())
    }
}

/// Puts questions to whoever sits at the terminal; says whether one was decided, so that the run
/// can go on.
pub(super) async fn ask(
    house: &House,
    going: &Going<'_>,
    open: &[Approval],
    screen: &mut Screen,
) -> Result<bool> {
    if going.form != Form::Text || !screen.can_ask() {
        return Ok(false);
    }
    let scope = compose::scope();
    let mut decided = false;
    for approval in open.iter().filter(|approval| approval.is_for(scope.principal())) {
        let Some(answer) = put(approval, screen) else { continue };
        let answered = house.agent.answer(&scope, approval.question.id, answer).await?;
        decided |= answered.standing(compose::now()) != Standing::Open;
    }
    Ok(decided)
}

/// What somebody says to a question; nothing where they leave it.
pub(crate) fn put(approval: &Approval, screen: &mut Screen) -> Option<Answer> {
    let choices = &approval.question.terms.choices;
    screen.complain(&format!("\n{}", questions::asked(approval)));
    loop {
        let names = questions::choices(approval);
        let said = screen.ask(&format!("{names}, or Enter to leave it for later: "))?;
        match chosen(choices, &said) {
            Some(choice) if choice.approves => return Some(Answer::of(Arc::clone(&choice.name))),
            Some(choice) => {
                let note = screen.ask("Why, for the model (or Enter): ").unwrap_or_default();
                let note = (!note.is_empty()).then(|| note.into());
                return Some(Answer { note, ..Answer::of(Arc::clone(&choice.name)) });
            }
            None if said.is_empty() => return None,
            None => screen.complain("There is no such answer."),
        }
    }
}

/// The one choice that a word names, or begins.
fn chosen<'c>(choices: &'c [Choice], said: &str) -> Option<&'c Choice> {
    if said.is_empty() {
        return None;
    }
    let mut fitting = choices.iter().filter(|choice| choice.name.starts_with(said));
    let whole = choices.iter().find(|choice| &*choice.name == said);
    whole.or_else(|| fitting.next().filter(|_| fitting.next().is_none()))
}

/// Says how the questions that stay open are answered.
pub(super) fn advise(going: &Going<'_>, open: &[Approval], screen: &mut Screen) {
    if going.form != Form::Text {
        return;
    }
    let project = going.project();
    for approval in open {
        screen.complain(&advice(approval, &project));
    }
}

/// How a question that stays open is answered.
pub(crate) fn advice(approval: &Approval, project: &str) -> String {
    let id: ApprovalId = approval.question.id;
    let names = approval.question.terms.choices.iter().map(|choice| clean(&choice.name));
    let mut names = names.map(|name| format!("'{name}'"));
    let first = names.next().unwrap_or_default();
    let rest: Vec<String> = names.collect();
    let or = if rest.is_empty() { String::new() } else { format!("   (or {})", rest.join(", ")) };
    format!(
        "The run waits for a person's answer:\n  largestack approvals show {project} {id}\n  \
         largestack approvals answer {project} {id} --choice {first}{or}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_by_its_beginning_where_that_is_enough() {
        let named = |names: &[&str]| -> Vec<Choice> {
            names.iter().map(|name| Choice { name: (*name).into(), approves: true }).collect()
        };
        let choices = named(&["approve", "deny", "defer", "de"]);
        let name = |said: &str| chosen(&choices, said).map(|choice| choice.name.to_string());
        assert_eq!(name("a").as_deref(), Some("approve"));
        assert_eq!(name("de").as_deref(), Some("de"));
        assert_eq!(name("den").as_deref(), Some("deny"));
        for none in ["", "d", "x", "approved"] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
