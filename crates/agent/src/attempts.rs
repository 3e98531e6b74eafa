//! Agents that take over where one has failed: each in a run of its own, all of them within the
//! first one's budget, and every cause kept.

use std::sync::Arc;

use largestack_engine::Status;
use largestack_types::error::{Code, Coded as _, Kind};
use largestack_types::errors::{AllProvidersFailedError, LargestackError, Result};
use largestack_types::money::{Money, MoneyOverflow};
use largestack_types::scope::Scope;

use crate::agent::Agent;
use crate::drive::{Beginning, Drive};
use crate::event::RunEvent;
use crate::report::{Attempt, Report};

/// Whether another agent may try what failed so. What was forbidden stays so.
fn may_take_over(error: &LargestackError) -> bool {
    let code = error.code();
    let settled = matches!(code, Code::Budget | Code::InDoubt | Code::Journal | Code::Store);
    !settled && !matches!(code.kind(), Kind::Denied | Kind::Cancelled)
}

impl Agent {
    /// Runs it, and those that take over after it.
    pub(crate) async fn attempt(&self, scope: &Scope, asked: Beginning) -> Result<Report> {
        let (mut agent, mut next) = (self, asked.clone());
        let mut failed: Vec<Attempt> = Vec::new();
        let mut left = asked.options.adjusted.budget.or(limit_of(self));
        for other in self.0.fallbacks.iter().map(Some).chain([None]) {
            let core = Arc::clone(&agent.0);
            let mut report = Drive::begin(core, scope, next).await?.perform().await?;
            let error = report.error.clone().filter(|_| report.status == Status::Failed);
            let Some(error) = error else { return Ok(Report { attempts: failed, ..report }) };
            left = match left {
                None => None,
                Some(left) => Some(less(left, report.cost)?),
            };
            let may = may_take_over(&error) && left.is_none_or(|left| left > Money::ZERO);
            let name = Arc::clone(&agent.definition().agent);
            let Some(other) = other.filter(|_| may) else {
                if may_take_over(&error) && !failed.is_empty() {
                    let before = failed.iter().map(|a| (Arc::clone(&a.agent), a.error.clone()));
                    let attempts = before.chain([(name, error)]).collect();
                    report.error = Some(AllProvidersFailedError { attempts }.into());
                }
                return Ok(Report { attempts: failed, ..report });
            };
            let Report { run, usage, cost, .. } = report;
            failed.push(Attempt { run, agent: name, error, usage, cost });
            next = asked.clone();
            (next.options.id, next.options.adjusted.model) = (None, None);
            next.options.adjusted.budget = least(left, limit_of(other));
            if let Some(sink) = &asked.sink {
                let agent = Arc::clone(&other.definition().agent);
                let _ = sink.send(RunEvent::TookOver { agent }).await;
            }
            agent = other;
        }
        // The last one has nobody after it, and has returned.
        Err(LargestackError::other(Code::Unknown, "no agent was asked"))
    }
}

fn limit_of(agent: &Agent) -> Option<Money> {
    agent.definition().limits.budget
}

fn least(left: Option<Money>, own: Option<Money>) -> Option<Money> {
    match (left, own) {
        (Some(left), Some(own)) => Some(left.min(own)),
        (left, own) => left.or(own),
    }
}

fn less(left: Money, spent: Money) -> Result<Money> {
    let overflow = |error: MoneyOverflow| LargestackError::other(Code::Budget, error.to_string());
    left.checked_sub(spent).map_err(overflow)
}
