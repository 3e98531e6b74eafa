//! What happens in a workflow's run, while it happens: a line for each node on the terminal, or every
//! event as a line of JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::graph::{Fact, Graph, How, NodeFailed, NodeFinished, Work};
use largestack_engine::{Envelope, Event, Recorded};
use largestack_flow::FlowEvent;
use largestack_types::errors::Coded as _;
use largestack_types::id::{EffectId, RunId};

use crate::compose;
use crate::failure::{Failure, Outcome};
use crate::follow;
use crate::render::amount::{lasted, tokens};
use crate::render::style::{BAD, FAINT, GOOD, STRONG, WARN, painted};
use crate::render::text::{clean, one_line};
use crate::screen::Screen;

/// Characters of an error that a line shows.
const SHOWN: usize = 160;

/// A line of JSON for an event; what runs below say carries their id.
pub(super) fn lines(run: RunId, event: &FlowEvent, screen: &mut Screen) -> Outcome<()> {
    match event {
        FlowEvent::Fact(recorded) => {
            let tenant = compose::scope();
            let sealed = Envelope::seal(tenant.tenant(), run, recorded);
            screen.json_line(&sealed.map_err(|error| Failure::unwritable(&error))?)
        }
        FlowEvent::Agent { run, event, .. } => follow::line(*run, event, screen),
        FlowEvent::Below { run, event, .. } => lines(*run, event, screen),
    }
}

/// The nodes of a run that goes on, by their tasks.
pub(super) struct Shown {
    /// By run: the names of tasks that have begun.
    begun: BTreeMap<(RunId, EffectId), Arc<str>>,
    run: RunId,
    /// Nodes of which it is not worth saying that they are done.
    silent: Vec<Arc<str>>,
}

impl Shown {
    pub(super) fn of(run: RunId, graph: &Arc<Graph>) -> Self {
        let silent = graph.nodes.iter().filter(|node| matches!(node.work, Work::Pass));
        let silent = silent.map(|node| Arc::clone(&node.name)).collect();
        Self { begun: BTreeMap::new(), run, silent }
    }

    /// A remark about a node that begins, ends or fails.
    pub(super) fn node(&mut self, event: &FlowEvent, screen: &mut Screen) {
        let (mut run, mut path, mut event) = (self.run, Vec::new(), event);
        while let FlowEvent::Below { node, run: below, event: inner, .. } = event {
            path.push(Arc::clone(node));
            (run, event) = (*below, inner);
        }
        let FlowEvent::Fact(recorded) = event else { return };
        if let Some(line) = self.line((run, &path), recorded, screen.shows_progress()) {
            screen.note(&line);
        }
    }

    fn line(
        &mut self,
        (run, path): (RunId, &[Arc<str>]),
        recorded: &Recorded,
        watched: bool,
    ) -> Option<String> {
        let Event::Graph(fact) = &*recorded.event else { return None };
        let named = |name: &str| {
            let path: Vec<&str> = path.iter().map(|node| &**node).chain([name]).collect();
            painted(STRONG, clean(&path.join("/")))
        };
        match fact {
            Fact::NodeStarted(started) => {
                self.begun.insert((run, started.effect), Arc::clone(&started.node));
                let again = if started.attempt > 1 {
                    format!(" (try {})", started.attempt)
                } else {
                    String::new()
                };
                watched.then(|| format!("{} {}{again}", painted(FAINT, "▸"), named(&started.node)))
            }
            Fact::NodeFinished(done) => {
                let node = self.begun.remove(&(run, done.effect))?;
                if self.silent.contains(&node) {
                    return None;
                }
                Some(format!("{} {}{}", painted(GOOD, "✓"), named(&node), finished(done)))
            }
            Fact::NodeFailed(failed) => {
                let node = self.begun.get(&(run, failed.effect)).cloned()?;
                Some(format!("{} {}{}", sign(failed), named(&node), why(failed)))
            }
            _ => None,
        }
    }
}

fn finished(done: &NodeFinished) -> String {
    let mut facts = vec![lasted(std::time::Duration::from_micros(done.duration_us))];
    if let Some(child) = &done.child {
        facts.extend([tokens(&child.usage), child.cost.to_string()]);
    }
    let choice = done.choice.as_ref();
    let choice = choice.map_or_else(String::new, |choice| format!(" → {}", clean(choice)));
    let short = done.cut_short.map_or_else(String::new, |reason| {
        format!(" {}", painted(WARN, format!("cut short ({reason})")))
    });
    format!("{choice}{short} {}", painted(FAINT, facts.join(" · ")))
}

fn sign(failed: &NodeFailed) -> String {
    match failed.how {
        How::Cancelled => painted(WARN, "–"),
        _ if failed.retry_at.is_some() => painted(WARN, "↻"),
        _ => painted(BAD, "✗"),
    }
}

fn why(failed: &NodeFailed) -> String {
    let again = if failed.retry_at.is_some() { ", tried again" } else { "" };
    let message = one_line(&failed.error.message(), SHOWN);
    format!(" {message} {}{again}", painted(FAINT, failed.error.code().name()))
}
