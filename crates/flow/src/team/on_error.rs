//! What becomes of a team when a member fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::graph::{Edge, OnFailure, Retry, Writes};

use crate::builder::WorkflowBuilder;
use crate::patterns::Member;

/// What becomes of a team when a member fails. One that has somebody in its place is replaced before
/// any of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It fails; those under way are cut off.
    #[default]
    Fail,
    /// It goes on without the member, and is `incomplete`.
    Skip,
    /// The member is tried so often, whatever the failure; then the team fails.
    Retry(u32),
}

/// Says of each member what becomes of its failure. `next` is what follows a member, by its place.
pub(super) fn apply(
    mut builder: WorkflowBuilder,
    (names, next): (&[Arc<str>], impl Fn(usize) -> Option<Arc<str>>),
    (on_error, instead): (OnError, &BTreeMap<Arc<str>, Member>),
) -> WorkflowBuilder {
    for (at, name) in names.iter().enumerate() {
        builder = builder.change(name, |node| match on_error {
            OnError::Fail => {}
            OnError::Skip => node.on_failure = OnFailure::Skip,
            OnError::Retry(tries) => {
                node.retry = Retry { tries, whatever: true, ..Retry::default() };
            }
        });
        if let Some(member) = instead.get(name) {
            builder = stand_in(builder, (name, member), next(at));
        }
    }
    builder
}

/// Somebody who is asked what a member was asked, and says it in its place.
fn stand_in(
    mut builder: WorkflowBuilder,
    (of, member): (&Arc<str>, &Member),
    next: Option<Arc<str>>,
) -> WorkflowBuilder {
    let name: Arc<str> = format!("{of}-instead").into();
    let prompt = builder.prompt_of(of);
    builder = builder
        .change(of, |node| node.on_failure = OnFailure::Route)
        .agent_with(Arc::clone(&name), &member.agent, prompt, |node| {
            node.with(|node| node.writes = Writes::Key(Arc::clone(of)))
        })
        .edge(Edge::new(Arc::clone(of), Arc::clone(&name)).on_failure());
    match next {
        Some(next) => builder.then(name, next),
        None => builder.answer(Arc::clone(of)),
    }
}
