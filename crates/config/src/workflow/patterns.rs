//! The known ways for agents to work together, as a table: a new one needs a row here and its builder.

use super::kinds::Kind;
use super::state::TASK;

/// One way for agents to work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Parts that one agent has each.
    pub roles: &'static [Role],
    /// How many agents work side by side or in turn at least; `None` where there are only roles.
    pub members: Option<usize>,
    /// Whether it is said who hands on to whom.
    pub hands: bool,
    /// Bounds, with what they are where nobody says.
    pub numbers: &'static [(&'static str, u32)],
    /// Texts, with what they are where nobody says.
    pub texts: &'static [(&'static str, &'static str)],
    /// Lists of words, with how many there are at least.
    pub words: &'static [(&'static str, usize)],
    /// Choices between words; the first is what holds where nobody says.
    pub choices: &'static [(&'static str, &'static [&'static str])],
    /// What becomes of it when a member fails.
    pub failures: Failures,
    /// Whether it acts by the tools of the file.
    pub acts: bool,
    /// The key that a run is given, and what it takes.
    pub input: (&'static str, Kind),
}

/// What becomes of a pattern when a member fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// It has its own way with them.
    Own,
    /// The file says it: `on_error` and `instead`.
    Said,
    /// Its members are watched: the file says who begins again, `supervise`.
    Watched,
}

/// A part that one agent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The key that names the agent.
    pub key: &'static str,
    /// Who has it where nobody says.
    pub otherwise: Otherwise,
}

/// Who has a part where nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Somebody has to be named.
    Required,
    /// Nobody.
    Nobody,
    /// An agent with these instructions and the project's model.
    Told(&'static str),
}

const fn role(key: &'static str, otherwise: Otherwise) -> Role {
    Role { key, otherwise }
}

/// A pattern of members who are given the task.
pub(super) const MEMBERS: Pattern = Pattern {
    name: "",
    about: "",
    roles: &[],
    members: Some(1),
    hands: false,
    numbers: &[],
    texts: &[],
    words: &[],
    choices: &[],
    failures: Failures::Own,
    acts: false,
    input: (TASK, Kind::Any),
};

/// Every pattern that a file can name.
pub const PATTERNS: &[Pattern] = &[
    Pattern {
        name: "sequential",
        about: "one after the other, each told what came before",
        failures: Failures::Said,
        ..MEMBERS
    },
    Pattern {
        name: "parallel",
        about: "side by side, answers by name",
        failures: Failures::Said,
        ..MEMBERS
    },
    Pattern {
        name: "router",
        about: "a model picks one of the members, or nobody",
        roles: &[
            role("classifier", Otherwise::Told("You decide who is to deal with a request.")),
            role("otherwise", Otherwise::Nobody),
        ],
        ..MEMBERS
    },
    Pattern {
        name: "supervisor",
        about: "a manager gives work to the members until it has the answer",
        roles: &[role(
            "manager",
            Otherwise::Told("You lead a team: you give work to its members and finish the task."),
        )],
        numbers: &[("rounds", 10)],
        ..MEMBERS
    },
    Pattern {
        name: "map_reduce",
        about: "one agent for each item of a list, and one that makes an answer of it all",
        roles: &[role("mapper", Otherwise::Required), role("reducer", Otherwise::Required)],
        members: None,
        numbers: &[("at_once", 10)],
        texts: &[("ask", "Work on this:"), ("sum_up", "Make one answer of these:")],
        input: ("items", Kind::List),
        ..MEMBERS
    },
    Pattern {
        name: "debate",
        about: "the members argue in rounds, and a judge says when it is settled",
        roles: &[role(
            "judge",
            Otherwise::Told("You judge a debate by its arguments, not by who is louder."),
        )],
        members: Some(2),
        numbers: &[("rounds", 3)],
        ..MEMBERS
    },
    Pattern {
        name: "swarm",
        about: "the members hand the task on to those that they may hand it to",
        members: Some(2),
        hands: true,
        numbers: &[("handoffs", 10)],
        ..MEMBERS
    },
    Pattern {
        name: "reflexion",
        about: "an author, and a critic until it approves",
        roles: &[
            role("author", Otherwise::Required),
            role("critic", Otherwise::Told("You read drafts and say what is to be done better.")),
        ],
        members: None,
        numbers: &[("drafts", 3)],
        ..MEMBERS
    },
    Pattern {
        name: "plan_execute",
        about: "a plan is a list; its steps are done one by one",
        roles: &[
            role("planner", Otherwise::Told("You make a short plan of a task.")),
            role("worker", Otherwise::Required),
            role("closer", Otherwise::Told("You make the answer of what was done.")),
        ],
        members: None,
        numbers: &[("steps", 10)],
        ..MEMBERS
    },
    Pattern {
        name: "vote",
        about: "the members each choose one of some words; a majority decides, or nothing does",
        members: Some(2),
        words: &[("options", 2)],
        choices: &[("majority", &["most", "half", "all"])],
        ..MEMBERS
    },
    Pattern {
        name: "best",
        about: "the members each answer, and a judge names whose answer it is",
        roles: &[role("judge", Otherwise::Told("You judge answers by what they say."))],
        members: Some(2),
        ..MEMBERS
    },
    Pattern {
        name: "supervised",
        about: "side by side, watched together: who begins again when one fails, and how often",
        failures: Failures::Watched,
        ..MEMBERS
    },
    Pattern {
        name: "structured_chat",
        about: "a model without tools acts by answers that fit a schema",
        roles: &[role("actor", Otherwise::Required)],
        members: None,
        numbers: &[("steps", 10)],
        acts: true,
        ..MEMBERS
    },
];
