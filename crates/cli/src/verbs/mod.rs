//! The verbs, one file each: what a verb takes, and what it does. How results look is
//! [`crate::render`]'s.

mod approvals;
mod cancel;
mod check;
mod completions;
mod config;
mod cost;
mod diff;
mod doctor;
pub(crate) mod doubts;
mod enqueue;
mod explain;
mod fork;
mod graph;
mod guard;
mod kill;
mod man;
mod new;
mod policy;
mod prices;
mod providers;
mod prune;
mod queue;
mod redteam;
mod replay;
mod resume;
mod run;
mod schema;
mod secret;
mod sessions;
mod signal;
mod target;
mod test;
mod trace;
mod version;
mod wire;
mod worker;

pub(crate) use run::question;

use clap::Subcommand;

use crate::args::{Arguments, Global};
use crate::failure::Outcome;
use crate::screen::Screen;

/// The verbs, and what each is said to do, which the first page of help needs alone.
macro_rules! verbs {
    ($($(#[doc = $about:literal])+ $(#[command($kind:ident)])? $verb:ident($takes:ty),)+) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Verb {
            $($(#[doc = $about])+ $(#[command($kind)])? $verb($takes),)+
        }

        /// Every verb in capitals, and what it does.
        pub(crate) const LISTED: &[(&str, &str)] =
            &[$((stringify!($verb), concat!($($about),+))),+];
    };
}

verbs! {
    /// Run an agent or a workflow: ask it, see it answer, with sources
    Run(run::Run),
    /// List runs, or show what happened in one
    Trace(trace::Trace),
    /// Fold a run's journal and show the state after each event
    Replay(replay::Replay),
    /// Give a run's beginning another future: another model, question or instructions
    Fork(fork::Fork),
    /// Compare two runs: where they part, and what each did, step by step
    Diff(diff::Diff),
    /// Draw a workflow, or a run of one with where each node stands
    Graph(graph::Graph),
    /// Go on with a run that was cut off or waits; without a run: lift the kill switch
    Resume(resume::Resume),
    /// Send an event to a run that waits for one, or will
    Signal(signal::Signal),
    /// End a run, whoever has it
    Cancel(cancel::Cancel),
    /// Ask an agent or a workflow something that some worker does
    Enqueue(enqueue::Enqueue),
    /// Do the runs that were enqueued, until it is told to end
    Worker(worker::Worker),
    /// What waits for a worker, and what was set aside
    Queue(queue::Queue),
    /// Conversations: list, show, export, take in and forget them
    Sessions(sessions::Sessions),
    /// List, show and answer the questions that runs wait for
    Approvals(approvals::Approvals),
    /// Remove runs that need not be kept, or keep less of them; never what is open or driven
    Prune(prune::Prune),
    /// Throw the kill switch: calls in flight stop, new ones are refused
    Kill(kill::Kill),
    /// What was spent, by agent, model or day
    Cost(cost::Cost),
    /// What calls cost: the price book and the project's own prices
    Prices(prices::Prices),
    /// The providers, what is proven of each, and whether one answers
    Providers(providers::Providers),
    /// Keep keys of providers that stand in no variable
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Check what works here, what does not, and what to do about it
    Doctor(doctor::Doctor),
    /// Check the agents and workflows of a project: everything that is wrong, and where
    Check(check::Check),
    /// Test an agent with the cases of its tests.yaml
    Test(test::Test),
    /// Say what the guards find in texts, and why
    #[command(subcommand)]
    Guard(guard::Guard),
    /// Try what an agent's policies say of calls
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Attack an agent, with a model that obeys every attack it can read
    Redteam(redteam::Redteam),
    /// Which of OWASP's risks were tried here, and what came of it
    Owasp(redteam::Owasp),
    /// Explain the configuration, or write an agent's file out in one piece
    #[command(subcommand)]
    Config(config::Config),
    /// Read and write provider protocols: for debugging and for comparing clients
    #[command(subcommand)]
    Wire(wire::Wire),
    /// Print the JSON Schema of a configuration file, for editors
    Schema(schema::Schema),
    /// Make a new project
    New(new::New),
    /// Explain an error code
    Explain(explain::Explain),
    /// Say which version this is
    Version(version::Version),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print or write the manual pages
    Man(man::Man),
}

/// How results and errors are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// As text; errors on standard error.
    Text,
    /// As one JSON document.
    Document,
    /// As lines of JSON.
    Lines,
}

impl Verb {
    /// How results and errors are said.
    pub(crate) fn speech(&self) -> Speech {
        let json = match self {
            Self::Run(run) => return run.output.speech(),
            Self::Resume(resume) => return resume.output.speech(),
            Self::Worker(worker) => {
                return if worker.json { Speech::Lines } else { Speech::Text };
            }
            Self::Signal(signal) => signal.json,
            Self::Cancel(cancel) => cancel.json,
            Self::Enqueue(enqueue) => enqueue.json,
            Self::Queue(queue) => queue.json,
            Self::Trace(trace) => trace.json,
            Self::Replay(replay) => replay.json,
            Self::Fork(fork) => return fork.output.speech(),
            Self::Diff(diff) => diff.json,
            Self::Sessions(sessions) => sessions.json(),
            Self::Approvals(approvals) => approvals.json(),
            Self::Prune(prune) => prune.json,
            Self::Kill(kill) => kill.json,
            Self::Cost(cost) => cost.json(),
            Self::Prices(prices) => prices.json,
            Self::Providers(providers) => providers.json(),
            Self::Secret(secret) => secret.json(),
            Self::Doctor(doctor) => doctor.json,
            Self::Config(config::Config::Explain(explain)) => explain.json,
            Self::Check(check) => check.json,
            Self::Test(test) => test.json,
            Self::Guard(guard) => return guard.speech(),
            Self::Policy(policy) => policy.json(),
            Self::Redteam(redteam) => redteam.json,
            Self::Owasp(owasp) => owasp.json,
            Self::Wire(_) | Self::Schema(_) => true,
            Self::New(new) => new.json,
            Self::Explain(explain) => explain.json,
            Self::Version(version) => version.json,
            Self::Config(config::Config::Export(_))
            | Self::Graph(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        };
        if json { Speech::Document } else { Speech::Text }
    }
}

/// Does what was typed.
pub(crate) fn perform(arguments: Arguments, screen: &mut Screen) -> Outcome {
    let global: &Global = &arguments.global;
    match arguments.verb {
        Verb::Run(verb) => verb.perform(global, screen),
        Verb::Trace(verb) => verb.perform(global, screen),
        Verb::Replay(verb) => verb.perform(global, screen),
        Verb::Fork(verb) => verb.perform(global, screen),
        Verb::Diff(verb) => verb.perform(global, screen),
        Verb::Graph(verb) => verb.perform(global, screen),
        Verb::Resume(verb) => verb.perform(global, screen),
        Verb::Signal(verb) => verb.perform(global, screen),
        Verb::Cancel(verb) => verb.perform(global, screen),
        Verb::Enqueue(verb) => verb.perform(global, screen),
        Verb::Worker(verb) => verb.perform(global, screen),
        Verb::Queue(verb) => verb.perform(global, screen),
        Verb::Sessions(verb) => verb.perform(global, screen),
        Verb::Approvals(verb) => verb.perform(global, screen),
        Verb::Prune(verb) => verb.perform(global, screen),
        Verb::Kill(verb) => verb.perform(global, screen),
        Verb::Cost(verb) => verb.perform(global, screen),
        Verb::Prices(verb) => verb.perform(screen),
        Verb::Providers(verb) => verb.perform(global, screen),
        Verb::Secret(verb) => verb.perform(global, screen),
        Verb::Doctor(verb) => verb.perform(global, screen),
        Verb::Config(config::Config::Explain(verb)) => verb.perform(global, screen),
        Verb::Config(config::Config::Export(verb)) => verb.perform(screen),
        Verb::Check(verb) => verb.perform(global, screen),
        Verb::Test(verb) => verb.perform(global, screen),
        Verb::Guard(verb) => verb.perform(screen),
        Verb::Policy(verb) => verb.perform(global, screen),
        Verb::Redteam(verb) => verb.perform(global, screen),
        Verb::Owasp(verb) => verb.perform(global, screen),
        Verb::Wire(verb) => verb.perform(screen),
        Verb::Schema(verb) => verb.perform(screen),
        Verb::New(verb) => verb.perform(screen),
        Verb::Explain(verb) => verb.perform(screen),
        Verb::Version(verb) => verb.perform(screen),
        Verb::Completions(verb) => verb.perform(screen),
        Verb::Man(verb) => verb.perform(screen),
    }
}
