//! Questions that runs of typed agents wait for.

use std::sync::Arc;

use largestack_ports::approvals::{Answer, Approval, Token, Untrusted};
use largestack_types::errors::Result;
use largestack_types::id::{ApprovalId, RunId};
use largestack_types::scope::Scope;

use super::Agent;

impl<Deps: Send + Sync + 'static, Out: Send + 'static> Agent<Deps, Out> {
    /// The questions of this tenant that wait for an answer, newest first, at most so many.
    pub async fn pending(&self, scope: &Scope, most: usize) -> Result<Vec<Approval>> {
        self.inner.pending(scope, most).await
    }

    /// Those among the latest questions of this tenant that somebody has changed in the store, which
    /// [`Agent::pending`] leaves out: `LARGESTACK_APPROVAL_DENIED`.
    pub async fn untrusted(&self, scope: &Scope, most: usize) -> Result<Vec<Untrusted>> {
        self.inner.untrusted(scope, most).await
    }

    /// The questions that a run waits for, its own and those of the runs below it.
    pub async fn waiting(&self, scope: &Scope, run: RunId) -> Result<Vec<Approval>> {
        self.inner.waiting(scope, run).await
    }

    /// The run to resume once a question is decided: the one at the top of the tree that asks.
    pub async fn run_to_resume(&self, scope: &Scope, id: ApprovalId) -> Result<RunId> {
        self.inner.run_to_resume(scope, id).await
    }

    /// A question of this tenant with its answers.
    pub async fn question(&self, scope: &Scope, id: ApprovalId) -> Result<Option<Approval>> {
        self.inner.question(scope, id).await
    }

    /// Answers a question as the principal of the scope. Once it is decided, [`Agent::resume`] of
    /// [`Agent::run_to_resume`] goes on, in this process or in another.
    pub async fn decide(&self, scope: &Scope, id: ApprovalId, answer: Answer) -> Result<Approval> {
        self.inner.answer(scope, id, answer).await
    }

    /// Answers a question by a right that was handed on.
    pub async fn decide_by_token(
        &self,
        scope: &Scope,
        id: ApprovalId,
        token: Token,
        answer: Answer,
    ) -> Result<Approval> {
        self.inner.answer_by_token(scope, id, token, answer).await
    }

    /// Hands the right of the scope's principal to answer a question to somebody else, who answers
    /// once by the token.
    pub async fn delegate(
        &self,
        scope: &Scope,
        id: ApprovalId,
        to: impl Into<Arc<str>>,
    ) -> Result<Token> {
        self.inner.delegate(scope, id, to).await
    }
}
