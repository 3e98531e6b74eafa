//! Agents that are watched: when one fails, some of them begin again, so often and no more often.

use std::sync::Arc;

use largestack_engine::graph::Supervision;

use super::{Member, parallel};
use crate::builder::WorkflowBuilder;

/// Agents side by side that are watched together, each told the `task`; the answer is an object of
/// what each says, by name. Which of them begin again when one fails, how often and within what time
/// is said by `watch` of the names of the members. One failure more and the run fails with it, and
/// those under way are cut off.
pub fn supervised<M: Into<Member>>(
    name: impl Into<Arc<str>>,
    members: impl IntoIterator<Item = M>,
    watch: impl FnOnce(Vec<Arc<str>>) -> Supervision,
) -> WorkflowBuilder {
    let members: Vec<Member> = members.into_iter().map(Into::into).collect();
    let names = members.iter().map(|member| Arc::clone(&member.name)).collect();
    parallel(name, members).supervise(watch(names))
}
