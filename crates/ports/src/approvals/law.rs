//! Which answers are taken, and what follows from them: the same wherever they are kept.

use std::sync::Arc;

use largestack_types::error::{Code, Coded};
use largestack_types::id::ApprovalId;
use largestack_types::time::Timestamp;

use super::{Answer, Approval, Standing, Vote};

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has been answered.
    #[error("{0} has been answered")]
    Answered(ApprovalId),
    /// Its time is over.
    #[error("{0} has expired")]
    Expired(ApprovalId),
    /// The run that asked has ended.
    #[error("nobody waits for {0} any more: its run has ended")]
    Over(ApprovalId),
    /// This principal has answered already.
    #[error("{by} has answered {id} already")]
    Twice {
        /// The question.
        id: ApprovalId,
        /// Who.
        by: Arc<str>,
    },
    /// The question is not for this principal.
    #[error("{id} is not for {by} to answer")]
    NotForYou {
        /// The question.
        id: ApprovalId,
        /// Who.
        by: Arc<str>,
    },
    /// The token is none, or has been used.
    #[error("the token gives no right to answer {0}")]
    NoRight(ApprovalId),
    /// What is kept is not what was written.
    #[error("{0} is not as it was kept: somebody has changed it")]
    Forged(ApprovalId),
    /// The question has no such answer.
    #[error("{id} has no answer `{choice}`: there are {known}")]
    NoSuchChoice {
        /// The question.
        id: ApprovalId,
        /// What was said.
        choice: Arc<str>,
        /// What there is.
        known: String,
    },
    /// The arguments may not be changed.
    #[error("the arguments of {0} may not be changed")]
    NotEditable(ApprovalId),
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Self::Answered(_) | Self::Expired(_) | Self::Over(_) | Self::Twice { .. } => {
                Code::Approval
            }
            Self::NotForYou { .. } | Self::NoRight(_) | Self::Forged(_) => Code::ApprovalDenied,
            Self::NoSuchChoice { .. } | Self::NotEditable(_) => Code::Input,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

impl Approval {
    /// Where the question stands at this moment.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let approves = |vote: &Vote| self.approves(&vote.answer).unwrap_or(false);
        if let Some(no) = self.votes.iter().find(|vote| !approves(vote)) {
            return Standing::Decided {
                approved: false,
                choice: Arc::clone(&no.answer.choice),
                by: vec![Arc::clone(&no.by)],
                arguments: None,
                note: no.answer.note.clone(),
            };
        }
        for vote in &self.votes {
            let same = |other: &&Vote| {
                other.answer.choice == vote.answer.choice
                    && other.answer.arguments == vote.answer.arguments
            };
            let by: Vec<Arc<str>> =
                self.votes.iter().filter(same).map(|vote| Arc::clone(&vote.by)).collect();
            if by.len() >= self.question.terms.quorum.max(1) as usize {
                return Standing::Decided {
                    approved: true,
                    choice: Arc::clone(&vote.answer.choice),
                    by,
                    arguments: vote.answer.arguments.clone(),
                    note: vote.answer.note.clone(),
                };
            }
        }
        if self.over {
            return Standing::Withdrawn;
        }
        if now >= self.question.expires() { Standing::Expired } else { Standing::Open }
    }

    fn approves(&self, answer: &Answer) -> Option<bool> {
        let choices = &self.question.terms.choices;
        choices.iter().find(|choice| choice.name == answer.choice).map(|choice| choice.approves)
    }

    /// Whether this principal may answer, by being named or because nobody is.
    pub fn is_for(&self, principal: &str) -> bool {
        let approvers = &self.question.terms.approvers;
        approvers.is_empty() || approvers.iter().any(|approver| **approver == *principal)
    }

    /// Takes an answer, once for each right to answer.
    pub fn take(&mut self, vote: Vote) -> Result<(), Refused> {
        let id = self.question.id;
        if !self.is_for(vote.holder()) {
            return Err(Refused::NotForYou { id, by: Arc::clone(vote.holder()) });
        }
        match self.standing(vote.at) {
            Standing::Open => {}
            Standing::Decided { .. } => return Err(Refused::Answered(id)),
            Standing::Expired => return Err(Refused::Expired(id)),
            Standing::Withdrawn => return Err(Refused::Over(id)),
        }
        if self.votes.iter().any(|before| before.holder() == vote.holder()) {
            return Err(Refused::Twice { id, by: Arc::clone(vote.holder()) });
        }
        if self.approves(&vote.answer).is_none() {
            let known: Vec<&str> =
                self.question.terms.choices.iter().map(|choice| &*choice.name).collect();
            let (choice, known) = (Arc::clone(&vote.answer.choice), known.join(", "));
            return Err(Refused::NoSuchChoice { id, choice, known });
        }
        if vote.answer.arguments.is_some() && !self.question.terms.editable {
            return Err(Refused::NotEditable(id));
        }
        self.votes.push(vote);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::approvals::{APPROVE, Choice, DENY, Question, Terms};
    use largestack_types::id::{EffectId, RunId};
    use largestack_types::json::Json;

    fn asked(terms: Terms) -> Approval {
        let (run, effect) = (RunId::from_u128(7), EffectId::new(2));
        let question = Question {
            id: Question::id_of(run, effect, "pay", &Json::empty_object()),
            run,
            effect,
            agent: "a".into(),
            principal: "ann".into(),
            tool: "pay".into(),
            arguments: Json::empty_object(),
            reason: "it pays".into(),
            terms,
            asked: Timestamp::from_micros(0),
        };
        Approval { question, votes: Vec::new(), over: false }
    }

    fn take(
        approval: &mut Approval,
        by: &str,
        answer: Answer,
        at: Timestamp,
    ) -> Result<(), Refused> {
        approval.take(Vote { by: by.into(), in_place_of: None, answer, at })
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn approved(approval: &Approval) -> Option<bool> {
        match approval.standing(at(1)) {
            Standing::Decided { approved, .. } => Some(approved),
            _ => None,
        }
    }

    #[test]
    fn a_quorum_agrees_on_one_answer_and_one_no_is_enough_against_it() {
        let mut approval = asked(Terms { quorum: 2, editable: true, ..Terms::default() });
        let edited = Answer { arguments: Some(Json::empty_object()), ..Answer::of(APPROVE) };
        take(&mut approval, "ann", Answer::of(APPROVE), at(0)).unwrap();
        take(&mut approval, "bob", edited.clone(), at(0)).unwrap();
        assert_eq!(approved(&approval), None, "they do not agree");
        let twice = take(&mut approval, "ann", edited.clone(), at(0)).unwrap_err();
        assert_eq!(twice.code(), Code::Approval);
        let mut denied = approval.clone();
        take(&mut approval, "cid", edited, at(0)).unwrap();
        assert_eq!(approved(&approval), Some(true));
        take(&mut denied, "cid", Answer::of(DENY), at(0)).unwrap();
        assert_eq!(approved(&denied), Some(false));
        assert_eq!(
            take(&mut denied, "dan", Answer::of(APPROVE), at(0)),
            Err(Refused::Answered(denied.question.id))
        );
    }

    #[test]
    fn a_question_stands_until_it_expires_and_what_was_decided_before_stays() {
        let terms = Terms { expires_after: Duration::from_secs(10), ..Terms::default() };
        let mut approval = asked(terms);
        assert_eq!(approval.standing(at(9)), Standing::Open);
        assert_eq!(approval.standing(at(10)), Standing::Expired);
        let late = take(&mut approval, "ann", Answer::of(APPROVE), at(10)).unwrap_err();
        assert_eq!(late, Refused::Expired(approval.question.id));
        take(&mut approval, "ann", Answer::of(APPROVE), at(9)).unwrap();
        assert!(matches!(approval.standing(at(11)), Standing::Decided { approved: true, .. }));
    }

    #[test]
    fn nobody_answers_a_run_that_has_ended_and_what_was_decided_before_stays() {
        let mut approval = asked(Terms::default());
        let mut decided = approval.clone();
        take(&mut decided, "ann", Answer::of(APPROVE), at(0)).unwrap();
        (approval.over, decided.over) = (true, true);
        assert_eq!(approval.standing(at(1)), Standing::Withdrawn);
        let late = take(&mut approval, "ann", Answer::of(APPROVE), at(1)).unwrap_err();
        assert_eq!((late.code(), late), (Code::Approval, Refused::Over(approval.question.id)));
        assert_eq!(approved(&decided), Some(true));
    }

    #[test]
    fn only_the_choices_there_are_count_and_arguments_change_only_where_they_may() {
        let own = Choice { name: "escalate".into(), approves: false };
        let mut approval = asked(Terms { choices: vec![own], ..Terms::default() });
        let wrong = take(&mut approval, "ann", Answer::of(APPROVE), at(0)).unwrap_err();
        assert!(wrong.to_string().contains("there are escalate"), "{wrong}");
        let edit = Answer { arguments: Some(Json::empty_object()), ..Answer::of("escalate") };
        let wrong = take(&mut approval, "ann", edit, at(0)).unwrap_err();
        assert_eq!(wrong.code(), Code::Input);
        take(&mut approval, "ann", Answer::of("escalate"), at(0)).unwrap();
        assert_eq!(approved(&approval), Some(false));
    }

    #[test]
    fn the_same_call_asks_the_same_question_and_other_arguments_ask_another() {
        let (run, effect) = (RunId::from_u128(7), EffectId::new(2));
        let id = |tool, arguments: &str| {
            Question::id_of(run, effect, tool, &Json::parse(arguments).unwrap())
        };
        assert_eq!(id("pay", "{}"), id("pay", "{}"));
        assert_ne!(id("pay", "{}"), id("pay", r#"{"n":1}"#));
        assert_ne!(id("pay", "{}"), id("send", "{}"));
    }

    #[test]
    fn terms_that_no_answer_could_meet_are_named() {
        assert_eq!(Terms::default().problem(), None);
        let named = |names: &[&str], quorum| Terms {
            approvers: names.iter().map(|name| Arc::from(*name)).collect(),
            quorum,
            ..Terms::default()
        };
        assert_eq!(named(&["ann", "bob"], 2).problem(), None);
        let choices = |all: &[(&str, bool)]| Terms {
            choices: all
                .iter()
                .map(|(name, approves)| Choice { name: Arc::from(*name), approves: *approves })
                .collect(),
            ..Terms::default()
        };
        assert_eq!(choices(&[("pay", true)]).problem(), None);
        for (wrong, says) in [
            (named(&["ann", "bob"], 3), "only 2 may answer"),
            (named(&["ann", "ann"], 2), "only 1 may answer"),
            (named(&[], 0), "at least 1"),
            (choices(&[]), "no choice"),
            (choices(&[("wait", false)]), "no choice lets"),
            (choices(&[("pay", true), ("pay", false)]), "stands twice"),
            (choices(&[("", true)]), "no name"),
            (Terms { expires_after: Duration::ZERO, ..Terms::default() }, "longer than nothing"),
        ] {
            assert!(wrong.problem().unwrap().contains(says), "{wrong:?}");
        }
    }
}
