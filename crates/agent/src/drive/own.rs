//! Whose words are the caller's own: values behind placeholders in them are given back in clear, and
//! no others.

use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_engine::event::Event;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::Part;

use super::Drive;

/// What a message says, part by part: a placeholder does not come about between two of them.
pub(super) fn words(message: &Message) -> String {
    let parts: Vec<&str> = message.parts.iter().filter_map(Part::as_text).collect();
    parts.join("\n")
}

impl Drive {
    /// What the caller said before in this session is the caller's own as well.
    pub(super) fn may_reveal(&mut self, history: &[Arc<Message>]) {
        let own = Label::from_origin(Origin::User);
        let said = history.iter().filter(|message| {
            let label = message.label().map(|label| label.origins);
            message.role == Role::User && label == Some(own.origins)
        });
        let said: Vec<_> = said.map(|message| words(message)).filter(|t| t.contains('<')).collect();
        let continues = self.session.is_some() || self.run.branch().is_some();
        if continues && !said.is_empty() {
            self.asked_text = format!("{}\n{}", self.asked_text, said.join("\n")).into();
        }
    }

    /// A fork is its forker's: where others have said what it shares, only the forker's own questions
    /// are theirs.
    pub(super) fn owned_by_the_forker(&mut self, events: &[Recorded]) {
        let forks = || {
            events.iter().filter_map(|recorded| match &*recorded.event {
                Event::Forked(forked) => Some(forked),
                _ => None,
            })
        };
        let Some(owner) = forks().next_back().map(|forked| Arc::clone(&forked.by)) else { return };
        let began = events.first().map(|first| &*first.event);
        let by_owner = matches!(began, Some(Event::RunStarted(s)) if s.principal == owner);
        if by_owner && forks().all(|forked| forked.by == owner) {
            return;
        }
        let question = match began {
            Some(Event::RunStarted(started)) if by_owner => Some(&started.input),
            _ => None,
        };
        let asked = forks().filter(|forked| forked.by == owner);
        let asked = question.into_iter().chain(asked.filter_map(|forked| forked.input.as_ref()));
        let said: Vec<String> = asked.map(|message| words(message)).collect();
        let said: Arc<str> = said.join("\n").into();
        (self.asked_text, self.forkers_own) = (Arc::clone(&said), Some(said));
    }
}
