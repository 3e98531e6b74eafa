//! Many answers, one of which counts: by a vote, or by a judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_types::errors::Result;
use serde_json::{Value, json};

use super::{Member, object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// How many voices decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Majority {
    /// More than any other option has.
    Most,
    /// More than half of all.
    Half,
    /// All of them.
    All,
}

/// Agents side by side that each choose one of the `options` for the `task`, by a word of a schema.
/// The answer is an object: the `decision` (`null` where no option has enough voices), the `counts` by
/// option and the `votes` by name, each with its reason.
pub fn vote<N: Into<Arc<str>>>(
    name: impl Into<Arc<str>>,
    members: Vec<(N, AgentBuilder)>,
    (options, majority): (&[&str], Majority),
    runtime: &Runtime,
) -> Result<WorkflowBuilder> {
    let schema = object(&[("reason", text("Why.")), ("vote", one_of(options.iter().copied()))]);
    let mut builder = Workflow::builder(name).input("task").acyclic();
    let mut names: Vec<Arc<str>> = Vec::new();
    let prompt = format!("{{{{ task }}}}\n\nChoose one of: {}.", options.join(", "));
    for (name, agent) in members {
        let name: Arc<str> = name.into();
        let agent = typed(agent, "vote", &schema, runtime)?;
        builder = builder.agent(Arc::clone(&name), &agent, prompt.as_str());
        names.push(name);
    }
    let builder = builder.function("decision", counted(names.clone(), majority));
    Ok(names.into_iter().fold(builder, |builder, name| builder.then(name, "decision")))
}

fn counted(names: Vec<Arc<str>>, majority: Majority) -> Function {
    Function::new(move |context| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut votes = serde_json::Map::new();
        for name in &names {
            let said = context.state.get(&**name).cloned().unwrap_or_default();
            if let Some(vote) = said.get("vote").and_then(Value::as_str) {
                *counts.entry(vote.to_owned()).or_default() += 1;
            }
            votes.insert(name.to_string(), said);
        }
        let decision = decided(&counts, (names.len(), majority));
        let said = json!({ "decision": decision, "counts": counts, "votes": votes });
        async move { Ok(NodeOutput::from(said)) }
    })
}

/// The option with enough voices: of all who were asked, whether they answered or not.
fn decided(counts: &BTreeMap<String, usize>, (all, majority): (usize, Majority)) -> Option<&str> {
    let most = counts.values().copied().max()?;
    let mut first = counts.iter().filter(|(_, count)| **count == most);
    let (option, alone) = (first.next()?.0, first.next().is_none());
    let enough = match majority {
        Majority::Most => alone,
        Majority::Half => most * 2 > all,
        Majority::All => most == all,
    };
    enough.then_some(option)
}

/// Agents side by side that each answer the `task`, and a judge who says whose answer is the best: a
/// name of its schema. The answer is that member's, word for word.
pub fn best(
    name: impl Into<Arc<str>>,
    members: Vec<Member>,
    judge: AgentBuilder,
    runtime: &Runtime,
) -> Result<WorkflowBuilder> {
    let names = || members.iter().map(|member| &*member.name);
    let schema = object(&[("reason", text("Why.")), ("best", one_of(names()))]);
    let judge = typed(judge, "judgement", &schema, runtime)?;
    let mut prompt = "{{ task }}\n\nWhose answer is the best?".to_owned();
    for name in names() {
        // Writing to a string cannot fail.
        let _ = write!(prompt, "\n\n{name} has said:\n{{{{ {name} }}}}");
    }
    let mut builder = Workflow::builder(name).input("task").acyclic();
    for member in &members {
        builder = builder.agent(Arc::clone(&member.name), &member.agent, "{{ task }}");
    }
    builder = builder.agent("judge", &judge, prompt);
    for member in members {
        builder = builder.then(member.name, "judge");
    }
    let answer = Function::new(|context| {
        let best = context.state.pointer("/judge/best").and_then(Value::as_str);
        let answer = best.and_then(|best| context.state.get(best)).cloned();
        async move { Ok(NodeOutput::from(answer.unwrap_or_default())) }
    });
    Ok(builder.function("answer", answer).then("judge", "answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_needs_the_voices_that_were_asked_for() {
        let counts = |counts: &[(&str, usize)]| {
            counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
        };
        let decides = |of: &[(&str, usize)], majority| {
            decided(&counts(of), (5, majority)).map(ToOwned::to_owned)
        };
        let yes = Some("yes".to_owned());
        assert_eq!(decides(&[("yes", 2), ("no", 1)], Majority::Most), yes);
        assert_eq!(decides(&[("yes", 2), ("no", 2)], Majority::Most), None);
        assert_eq!(decides(&[("yes", 2)], Majority::Half), None, "two of five are no half");
        assert_eq!(decides(&[("yes", 3), ("no", 2)], Majority::Half), yes);
        assert_eq!(decides(&[("yes", 4)], Majority::All), None);
        assert_eq!(decides(&[("yes", 5)], Majority::All), yes);
        assert_eq!(decides(&[], Majority::Most), None);
    }
}
