//! Agents whose dependencies and answers have types. A thin layer: a typed agent is a dynamic one
//! with a schema for its answers, and what it was told in types becomes stages and options there.

use std::fmt;
use std::sync::Arc;

use largestack_agent::{
    Agent as Dynamic, Fork, Input, Report, ResumeOptions, RunHandle, RunOptions, Runs,
};
use largestack_ports::context::{RunContext, SoFar};
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

mod answer;
mod approvals;
mod builder;
mod check;
mod data;
mod sub_agent;

pub use answer::{Answer, AnswerStream, OneOf};
pub use builder::AgentBuilder;
pub use check::Retry;
pub use sub_agent::SubAgent;

/// An agent whose runs are given `Deps` and answer with an `Out`. Immutable and without state:
/// cheap to clone, and safe to share by any number of runs at once.
///
/// ```
/// use largestack::{Agent, Retry, RunContext, Scope, tool};
/// use largestack_testkit::{TestModel, Turn};
///
/// struct Shop { country: &'static str }
///
/// /// What it costs to send a parcel there.
/// #[tool(idempotent)]
/// fn postage(shop: RunContext<Shop>, kilos: u32) -> u32 {
///     if shop.country == "DE" { 4 * kilos } else { 9 * kilos }
/// }
///
/// #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// struct Offer { euros: u32, #[schemars(length(min = 1))] why: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> largestack::Result<()> {
/// # let model = TestModel::new([
/// #     Turn::tool("postage", r#"{"kilos":2}"#),
/// #     Turn::text(r#"{"euros":800,"why":"Two kilos."}"#),
/// #     Turn::text(r#"{"euros":8,"why":"Two kilos."}"#),
/// # ]);
/// let agent = Agent::with_deps::<Shop>("postage")
///     .model("openai/gpt-4o-mini")
///     .instructions("Say what sending a parcel costs.")
///     .instruct(|shop| format!("The shop is in {}.", shop.country))
///     .tool(postage())
///     .output::<Offer>()
///     .check(|_, offer| if offer.euros < 100 { Ok(()) } else { Err(Retry::with("Too dear.")) })
///     .build(largestack::local_with(model)?)?;
/// let answer = agent.run_for(&Scope::local(), "Two kilos?", Shop { country: "DE" }).await?;
/// assert_eq!(answer.output.euros, 8);
/// # Ok(())
/// # }
/// ```
pub struct Agent<Deps = (), Out = String> {
    inner: Dynamic,
    how: Arc<How<Deps, Out>>,
}

/// What only the typed layer knows.
struct How<Deps, Out> {
    instruct: Vec<Instruct<Deps>>,
    read: fn(&Report) -> Result<Out>,
    wrapped: bool,
}

/// Instructions that are made for each run.
type Instruct<Deps> = Box<
    dyn Fn(RunContext<Deps>) -> largestack_ports::BoxFuture<'static, Result<String>> + Send + Sync,
>;

impl<Deps, Out> Clone for Agent<Deps, Out> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), how: Arc::clone(&self.how) }
    }
}

impl<Deps, Out> fmt::Debug for Agent<Deps, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.inner.definition().agent)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Begins to describe an agent that is given nothing and answers in words.
    pub fn builder(name: impl Into<Arc<str>>) -> AgentBuilder {
        AgentBuilder::new(name)
    }

    /// Begins to describe an agent whose runs are given `Deps`.
    pub fn with_deps<Deps: Send + Sync + 'static>(name: impl Into<Arc<str>>) -> AgentBuilder<Deps> {
        AgentBuilder::new(name)
    }
}

impl<Deps: Send + Sync + 'static, Out: Send + 'static> Agent<Deps, Out> {
    /// Runs it to its answer. An error where there is none: the run failed, was cancelled, waits
    /// for somebody or ended without an answer that fits.
    pub async fn run(&self, scope: &Scope, input: impl Into<Input>) -> Result<Answer<Out>>
    where
        Deps: Default,
    {
        self.run_for(scope, input, Deps::default()).await
    }

    /// The same with what this run is given.
    pub async fn run_for(
        &self,
        scope: &Scope,
        input: impl Into<Input>,
        deps: impl Into<Arc<Deps>>,
    ) -> Result<Answer<Out>> {
        self.run_with(scope, input, deps, RunOptions::default()).await
    }

    /// The same with options of this run. Its `deps` are the argument's.
    pub async fn run_with(
        &self,
        scope: &Scope,
        input: impl Into<Input>,
        deps: impl Into<Arc<Deps>>,
        options: RunOptions,
    ) -> Result<Answer<Out>> {
        self.answer(self.report(scope, input, deps, options).await?)
    }

    /// Runs it as far as it comes and says how that is: also what waits or was cut short.
    pub async fn report(
        &self,
        scope: &Scope,
        input: impl Into<Input>,
        deps: impl Into<Arc<Deps>>,
        options: RunOptions,
    ) -> Result<Report> {
        let options = self.prepared(scope, deps.into(), options).await?;
        self.inner.run_with(scope, input, options).await
    }

    /// Runs it and tells what happens on the way. Dropping the stream cancels the run.
    pub async fn stream(
        &self,
        scope: &Scope,
        input: impl Into<Input>,
        deps: impl Into<Arc<Deps>>,
        options: RunOptions,
    ) -> Result<AnswerStream<Out>> {
        let options = self.prepared(scope, deps.into(), options).await?;
        let (read, wrapped) = (self.how.read, self.how.wrapped);
        Ok(AnswerStream::new(self.inner.stream(scope, input, options), read, wrapped))
    }

    /// Starts a run that goes on by itself: whoever follows it may come and go, and only
    /// cancelling it ends it. [`Agent::answer`] reads what it came to.
    pub async fn start(
        &self,
        runs: &Runs,
        scope: &Scope,
        input: impl Into<Input>,
        deps: impl Into<Arc<Deps>>,
        options: RunOptions,
    ) -> Result<RunHandle> {
        let options = self.prepared(scope, deps.into(), options).await?;
        runs.start(&self.inner, scope, input, options).await
    }

    /// Takes up a run that was cut off or waits, and runs it to its answer.
    pub async fn resume(
        &self,
        scope: &Scope,
        run: RunId,
        deps: impl Into<Arc<Deps>>,
        options: ResumeOptions,
    ) -> Result<Answer<Out>> {
        let deps: Arc<Deps> = deps.into();
        let options = ResumeOptions { deps, ..options };
        self.answer(self.inner.resume(scope, run, options).await?)
    }

    /// Makes a run that has the events of another one up to [`Fork::at`], and then a future of its own:
    /// [`Agent::resume`] goes on with it. That run is left as it is.
    pub async fn fork(&self, scope: &Scope, run: RunId, fork: Fork) -> Result<RunId> {
        self.inner.fork(scope, run, fork).await
    }

    /// The answer that a report holds.
    pub fn answer(&self, report: Report) -> Result<Answer<Out>> {
        Answer::of(report, self.how.read)
    }

    /// The agent without its types.
    pub fn dynamic(&self) -> &Dynamic {
        &self.inner
    }

    /// The options with what this run is given and told.
    async fn prepared(
        &self,
        scope: &Scope,
        deps: Arc<Deps>,
        mut options: RunOptions,
    ) -> Result<RunOptions> {
        let mut texts: Vec<String> = Vec::new();
        for instruct in &self.how.instruct {
            let context = RunContext {
                deps: Arc::clone(&deps),
                scope: scope.clone(),
                run: options.id.unwrap_or(RunId::from_u128(0)),
                retries: 0,
                so_far: SoFar::default(),
            };
            texts.push(instruct(context).await?);
        }
        texts.extend(options.instructions.take().map(|text| text.as_ref().to_owned()));
        texts.retain(|text| !text.trim().is_empty());
        options.instructions = (!texts.is_empty()).then(|| texts.join("\n\n").into());
        options.deps = deps;
        Ok(options)
    }
}
