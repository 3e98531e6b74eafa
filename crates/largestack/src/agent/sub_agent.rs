//! A typed agent as a tool of others.

use std::marker::PhantomData;
use std::sync::Arc;

use largestack_agent::AgentTool;
use largestack_ports::BoxFuture;
use largestack_ports::context::RunContext;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolFor, ToolOptions, ToolOutput};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::tool::ToolSpec;

use super::{Agent, How};

/// An agent as a tool of agents whose runs are given the same. Its run is a run of its own under the
/// run that calls it: it books into that run's budget, ends with it, and is found again when that run
/// is taken up. An agent of another `Deps` takes it by `shared_tool`, and is given what the run was
/// given.
#[derive(Clone)]
pub struct SubAgent<Deps> {
    inner: AgentTool,
    deps: PhantomData<fn(Deps)>,
}

impl<Deps> SubAgent<Deps> {
    /// The same run in another way: with another timeout, say, or an approval.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        self.inner = self.inner.with_options(change);
        self
    }
}

impl<Deps: Send + Sync + 'static, Out: Send + 'static> Agent<Deps, Out> {
    /// This agent as a tool of others: they say what it is to do in one argument, `task`.
    pub fn as_tool(
        &self,
        name: impl Into<Arc<str>>,
        description: impl Into<Arc<str>>,
    ) -> SubAgent<Deps> {
        let mut inner = self.inner.as_tool(name, description);
        if !self.how.instruct.is_empty() {
            let how = Arc::clone(&self.how);
            inner = inner.instructed(Arc::new(move |context: &ToolContext| {
                let (how, run) = (Arc::clone(&how), RunContext::<Deps>::of_tool(context));
                Box::pin(async move {
                    let wrong = |failure: ToolFailure| {
                        LargestackError::other(Code::Input, failure.to_string())
                    };
                    how.instructions(run.map_err(wrong)?).await
                })
            }));
        }
        SubAgent { inner, deps: PhantomData }
    }
}

impl<Deps, Out> How<Deps, Out> {
    /// What this run is told beside what every run is told.
    async fn instructions(&self, run: RunContext<Deps>) -> Result<Option<Arc<str>>> {
        let mut texts: Vec<String> = Vec::new();
        for instruct in &self.instruct {
            texts.push(instruct(run.clone()).await?);
        }
        texts.retain(|text| !text.trim().is_empty());
        Ok((!texts.is_empty()).then(|| texts.join("\n\n").into()))
    }
}

impl<Deps: Send + Sync + 'static> Tool for SubAgent<Deps> {
    fn spec(&self) -> &ToolSpec {
        self.inner.spec()
    }

    fn options(&self) -> ToolOptions {
        self.inner.options()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, std::result::Result<ToolOutput, ToolFailure>> {
        self.inner.call(context, arguments)
    }
}

impl<Deps: Send + Sync + 'static> ToolFor<Deps> for SubAgent<Deps> {}
