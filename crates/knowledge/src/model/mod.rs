//! `offline/extractive`: a model that needs no provider. It plans its searches, reads what the tools return and answers with the
//! sentences that say what was asked, or says that the documents do not answer. It writes no sentence of its own beyond that.

mod plan;
mod reading;
mod reply;

use largestack_ports::BoxFuture;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};

use crate::answer::{self, Weights};
use plan::Step;
pub use reading::Reading;
use reply::Draft;

/// The model's name, as agents name it.
pub const NAME: &str = "offline/extractive";

/// What it is, in one line.
pub const DESCRIPTION: &str = "offline/extractive: no language model; it quotes the best sentences of the documents it finds, or says that they do not answer";

/// The model. It keeps nothing between calls and costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Extractive {
    weights: Weights,
}

impl Extractive {
    /// With other numbers than the default ones.
    pub fn with_weights(weights: Weights) -> Self {
        Self { weights }
    }

    fn draft(&self, call: &Call) -> Draft {
        match plan::next(call) {
            Step::Search(calls) => Draft::calls(calls),
            Step::Say(text) => Draft::text(text),
            Step::Answer { question, reading } => {
                let found =
                    answer::find(&question, &reading.passages, &reading.corpus, &self.weights);
                Draft::answer(answer::compose(&found), &reading.failures)
            }
        }
    }
}

impl Model for Extractive {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let stream = if call.settings.output_schema.is_some() {
            let detail = format!("{NAME} quotes text and cannot fill a schema");
            Err(LargestackError::with_advice(
                Code::Output,
                detail,
                "Use another model for structured output",
            ))
        } else {
            Ok(self.draft(&call).into_stream(&call))
        };
        Box::pin(std::future::ready(stream))
    }
}

#[cfg(test)]
mod tests;
