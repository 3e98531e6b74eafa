//! Questions of a workflow's run to people, its own and those of the runs below it.

use largestack_engine::Status;
use largestack_flow::FlowReport;
use largestack_ports::approvals::{Answer, Approval, Right, Standing};
use largestack_types::errors::Result;

use crate::compose::{self, FlowHouse};
use crate::follow::Form;
use crate::screen::Screen;
use crate::verbs::question;

/// Questions among which those of a run are looked up.
const RECENT: usize = 1_000;

/// The questions that a suspended run waits for.
pub(super) async fn of(house: &FlowHouse, report: &FlowReport) -> Result<Vec<Approval>> {
    let Some(approvals) = house.approvals.as_ref().filter(|_| report.status == Status::Suspended)
    else {
        return Ok(Vec::new());
    };
    let (scope, now) = (compose::scope(), compose::now());
    let mut open = Vec::new();
    for approval in approvals.list(&scope, RECENT).await?.questions {
        if approval.standing(now) != Standing::Open {
            continue;
        }
        let asks = house.journal.run(&scope, approval.question.run).await?;
        if asks.is_some_and(|run| run.root == report.run) {
            open.push(approval);
        }
    }
    open.reverse();
    Ok(open)
}

/// Puts questions to whoever sits at the terminal; says whether one was decided, so that the run
/// can go on.
pub(super) async fn ask(
    house: &FlowHouse,
    (form, open): (Form, &[Approval]),
    screen: &mut Screen,
) -> Result<bool> {
    let Some(approvals) = house.approvals.as_ref() else { return Ok(false) };
    if form != Form::Text || !screen.can_ask() {
        return Ok(false);
    }
    let scope = compose::scope();
    let mut decided = false;
    for approval in open.iter().filter(|approval| approval.is_for(scope.principal())) {
        let Some(answer): Option<Answer> = question::put(approval, screen) else { continue };
        let right = Right::Principal(scope.principal().into());
        let answered = approvals.answer(&scope, approval.question.id, right, answer).await?;
        decided |= answered.standing(compose::now()) != Standing::Open;
    }
    Ok(decided)
}

/// Says how the questions that stay open are answered.
pub(super) fn advise(open: &[Approval], project: &str, screen: &mut Screen) {
    for approval in open {
        screen.complain(&question::advice(approval, project));
    }
}
