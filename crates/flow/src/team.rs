//! Patterns by their names: who is in a team and which part each has, as a file or a form says it. What
//! comes of it is the workflow that the pattern's own function builds.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{Restarts, Supervision};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::builder::WorkflowBuilder;
use crate::patterns::{self, Action, Majority, Member};
use crate::tool::NodeTool;

mod on_error;

pub use on_error::OnError;

/// Somebody in a team: an agent that is not built yet, since some parts give it a shape for its
/// answers.
pub struct Seat {
    name: Arc<str>,
    about: Arc<str>,
    agent: AgentBuilder,
}

impl Seat {
    /// An agent under this name.
    pub fn new(name: impl Into<Arc<str>>, agent: AgentBuilder) -> Self {
        Self { name: name.into(), about: "".into(), agent }
    }

    /// With what it is for, as whoever picks it is told.
    #[must_use]
    pub fn about(mut self, about: impl Into<Arc<str>>) -> Self {
        self.about = about.into();
        self
    }

    fn member(self, runtime: &Runtime) -> Result<Member> {
        let agent = self.agent.build(runtime.clone())?;
        Ok(Member::new(&agent).named(self.name).about(self.about))
    }
}

/// Agents that work together in one of the known ways.
#[must_use]
pub struct Team {
    name: Arc<str>,
    pattern: Arc<str>,
    members: Vec<Seat>,
    roles: BTreeMap<Arc<str>, Seat>,
    hands: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    numbers: BTreeMap<Arc<str>, u32>,
    texts: BTreeMap<Arc<str>, Arc<str>>,
    options: Vec<Arc<str>>,
    watch: Supervision,
    tools: Vec<NodeTool>,
    on_error: OnError,
    instead: BTreeMap<Arc<str>, Seat>,
}

impl Team {
    /// A team under a pattern: one of [`Team::PATTERNS`].
    pub fn new(name: impl Into<Arc<str>>, pattern: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            pattern: pattern.into(),
            members: Vec::new(),
            roles: BTreeMap::new(),
            hands: BTreeMap::new(),
            numbers: BTreeMap::new(),
            texts: BTreeMap::new(),
            options: Vec::new(),
            watch: Supervision::new(Vec::<Arc<str>>::new(), Restarts::default(), 3),
            tools: Vec::new(),
            on_error: OnError::default(),
            instead: BTreeMap::new(),
        }
    }

    /// The patterns that there are, with the roles of each.
    pub const PATTERNS: &'static [(&'static str, &'static [&'static str])] = &[
        ("sequential", &[]),
        ("parallel", &[]),
        ("router", &["classifier", "otherwise"]),
        ("supervisor", &["manager"]),
        ("map_reduce", &["mapper", "reducer"]),
        ("debate", &["judge"]),
        ("swarm", &[]),
        ("reflexion", &["author", "critic"]),
        ("plan_execute", &["planner", "worker", "closer"]),
        ("vote", &[]),
        ("best", &["judge"]),
        ("supervised", &[]),
        ("structured_chat", &["actor"]),
    ];

    /// With somebody who works side by side with others, or in turn.
    pub fn member(mut self, seat: Seat) -> Self {
        self.members.push(seat);
        self
    }

    /// With somebody who has this part.
    pub fn role(mut self, role: impl Into<Arc<str>>, seat: Seat) -> Self {
        self.roles.insert(role.into(), seat);
        self
    }

    /// With those that a member of a swarm may hand the task to; everybody where nobody says.
    pub fn hands_to(mut self, member: impl Into<Arc<str>>, to: Vec<Arc<str>>) -> Self {
        self.hands.insert(member.into(), to);
        self
    }

    /// With a bound of the pattern: `rounds`, `handoffs`, `drafts`, `steps` or `at_once`.
    pub fn at_most(mut self, what: impl Into<Arc<str>>, number: u32) -> Self {
        self.numbers.insert(what.into(), number);
        self
    }

    /// With what the members of a `vote` choose from.
    pub fn among<W: Into<Arc<str>>>(mut self, options: impl IntoIterator<Item = W>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }

    /// With who begins again when a member of a `supervised` one fails; the nodes are its members,
    /// whatever stands there. One may begin again three times where nobody says.
    pub fn watched(mut self, watch: Supervision) -> Self {
        self.watch = watch;
        self
    }

    /// With a tool that a `structured_chat` acts by.
    pub fn acting_by(mut self, tool: NodeTool) -> Self {
        self.tools.push(tool);
        self
    }

    /// With a text of the pattern: `ask`, `sum_up` or `majority` (`most`, `half` or `all`).
    pub fn told(mut self, what: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        self.texts.insert(what.into(), text.into());
        self
    }

    /// With this for the failures of its members, of a `sequential` or `parallel` one.
    pub const fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// With somebody who is asked in the place of a member that has failed, of a `sequential` or
    /// `parallel` one.
    pub fn instead(mut self, of: impl Into<Arc<str>>, seat: Seat) -> Self {
        self.instead.insert(of.into(), seat);
        self
    }

    /// The workflow, which can be changed like any other.
    pub fn builder(mut self, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let name = Arc::clone(&self.name);
        let members = std::mem::take(&mut self.members);
        let tolerant = self.on_error != OnError::Fail || !self.instead.is_empty();
        if tolerant && !matches!(&*self.pattern, "sequential" | "parallel") {
            let pattern = &self.pattern;
            return Err(self.wrong(format_args!("`{pattern}` has its own way with failures")));
        }
        match &*Arc::clone(&self.pattern) {
            "sequential" => {
                let members = self.built(members, runtime)?;
                let names: Vec<Arc<str>> = members.iter().map(|m| Arc::clone(&m.name)).collect();
                let next = |at: usize| names.get(at + 1).cloned();
                self.tolerant(patterns::sequential(name, members), (&names, next), runtime)
            }
            "parallel" => {
                let members = self.built(members, runtime)?;
                let names: Vec<Arc<str>> = members.iter().map(|m| Arc::clone(&m.name)).collect();
                let next = |_| Some("answers".into());
                self.tolerant(patterns::parallel(name, members), (&names, next), runtime)
            }
            "router" => {
                let classifier = self.seat("classifier")?.agent;
                let otherwise = self.roles.remove("otherwise");
                let otherwise = otherwise.map(|seat| seat.member(runtime)).transpose()?;
                let members = self.built(members, runtime)?;
                patterns::router(name, classifier, (members, otherwise), runtime)
            }
            "supervisor" => {
                let manager = self.seat("manager")?.agent;
                let rounds = self.number("rounds", 10);
                let members = self.built(members, runtime)?;
                patterns::supervisor(name, manager, members, (rounds, runtime))
            }
            "debate" => {
                let judge = self.seat("judge")?.agent;
                let rounds = self.number("rounds", 3);
                let members = self.built(members, runtime)?;
                patterns::debate(name, members, judge, (rounds, runtime))
            }
            "swarm" => self.swarm(members, runtime),
            "map_reduce" => {
                let mapper = self.seat("mapper")?.member(runtime)?;
                let reducer = self.seat("reducer")?.member(runtime)?;
                let ask = self.text("ask", "Work on this:");
                let sum_up = self.text("sum_up", "Make one answer of these:");
                let most = self.number("at_once", 10);
                Ok(patterns::map_reduce(name, (mapper, &ask), (reducer, &sum_up), most))
            }
            "reflexion" => {
                let author = self.seat("author")?.member(runtime)?;
                let critic = self.seat("critic")?.agent;
                let drafts = self.number("drafts", 3);
                patterns::reflexion(name, author, critic, (drafts, runtime))
            }
            "plan_execute" => {
                let planner = self.seat("planner")?.agent;
                let worker = self.seat("worker")?.member(runtime)?;
                let closer = self.seat("closer")?.member(runtime)?;
                let steps = self.number("steps", 10);
                patterns::plan_and_execute(name, planner, (worker, closer), (steps, runtime))
            }
            "vote" => self.vote(members, runtime),
            "best" => {
                let judge = self.seat("judge")?.agent;
                let members = self.built(members, runtime)?;
                patterns::best(name, members, judge, runtime)
            }
            "supervised" => {
                let (members, watch) = (self.built(members, runtime)?, self.watch.clone());
                let watch = |nodes| Supervision { nodes, ..watch };
                Ok(patterns::supervised(name, members, watch))
            }
            "structured_chat" => {
                let actor = self.seat("actor")?.agent;
                let tools = std::mem::take(&mut self.tools);
                let tools = self.some(tools)?;
                let actions = tools.iter().map(Action::by).collect::<Result<_>>()?;
                let steps = self.number("steps", 10);
                patterns::structured_chat(name, actor, actions, (steps, runtime))
            }
            other => Err(self.wrong(format_args!("there is no pattern `{other}`"))),
        }
    }

    fn vote(&self, members: Vec<Seat>, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let majority = match &*self.text("majority", "most") {
            "most" => Majority::Most,
            "half" => Majority::Half,
            "all" => Majority::All,
            other => return Err(self.wrong(format_args!("there is no majority `{other}`"))),
        };
        if self.options.is_empty() {
            return Err(self.wrong("`vote` needs what is chosen from"));
        }
        let options: Vec<&str> = self.options.iter().map(|option| &**option).collect();
        let members = self.some(members)?.into_iter().map(|seat| (seat.name, seat.agent));
        patterns::vote(Arc::clone(&self.name), members.collect(), (&options, majority), runtime)
    }

    fn tolerant(
        &mut self,
        builder: WorkflowBuilder,
        (names, next): (&[Arc<str>], impl Fn(usize) -> Option<Arc<str>>),
        runtime: &Runtime,
    ) -> Result<WorkflowBuilder> {
        let mut instead = BTreeMap::new();
        for (of, seat) in std::mem::take(&mut self.instead) {
            if !names.contains(&of) {
                return Err(self.wrong(format_args!("somebody stands in for `{of}`, no member")));
            }
            instead.insert(of, seat.member(runtime)?);
        }
        Ok(on_error::apply(builder, (names, next), (self.on_error, &instead)))
    }

    fn swarm(&self, members: Vec<Seat>, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let names: Vec<Arc<str>> = members.iter().map(|seat| Arc::clone(&seat.name)).collect();
        let everybody: BTreeMap<Arc<str>, Vec<Arc<str>>> = names
            .iter()
            .map(|name| {
                let others = names.iter().filter(|other| *other != name);
                let others = || others.clone().cloned().collect();
                (Arc::clone(name), self.hands.get(name).cloned().unwrap_or_else(others))
            })
            .collect();
        let seats = self.some(members)?.into_iter().map(|seat| {
            let may = everybody.get(&seat.name).into_iter().flatten().map(|to| &**to);
            (seat.name, seat.agent, may.collect())
        });
        let handoffs = self.number("handoffs", 10);
        patterns::swarm(Arc::clone(&self.name), seats.collect(), (handoffs, runtime))
    }

    fn built(&self, members: Vec<Seat>, runtime: &Runtime) -> Result<Vec<Member>> {
        self.some(members)?.into_iter().map(|seat| seat.member(runtime)).collect()
    }

    /// Members, or tools, where there has to be one.
    fn some<T>(&self, members: Vec<T>) -> Result<Vec<T>> {
        if members.is_empty() {
            let what = if &*self.pattern == "structured_chat" { "tools" } else { "members" };
            return Err(self.wrong(format_args!("`{}` needs {what}", self.pattern)));
        }
        Ok(members)
    }

    fn seat(&mut self, role: &str) -> Result<Seat> {
        let seat = self.roles.remove(role);
        seat.ok_or_else(|| self.wrong(format_args!("`{}` needs a {role}", self.pattern)))
    }

    fn number(&self, what: &str, otherwise: u32) -> u32 {
        self.numbers.get(what).copied().unwrap_or(otherwise)
    }

    fn text(&self, what: &str, otherwise: &str) -> Arc<str> {
        self.texts.get(what).cloned().unwrap_or_else(|| otherwise.into())
    }

    fn wrong(&self, why: impl std::fmt::Display) -> LargestackError {
        LargestackError::other(Code::Config, format!("the team `{}`: {why}", self.name))
    }
}
