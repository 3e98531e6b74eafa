//! A model that is a function.

use std::fmt;

use largestack_ports::BoxFuture;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::Result;

use crate::turn::Turn;

/// Answers each call with what a function makes of it.
pub struct FunctionModel<F>(F);

impl<F: Fn(&Call) -> Turn + Send + Sync + 'static> FunctionModel<F> {
    /// A model that answers with this function.
    pub const fn new(answer: F) -> Self {
        Self(answer)
    }
}

impl<F> fmt::Debug for FunctionModel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionModel")
    }
}

impl<F: Fn(&Call) -> Turn + Send + Sync + 'static> Model for FunctionModel<F> {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let stream = self.0(&call).into_stream(call.stream);
        Box::pin(std::future::ready(Ok(stream)))
    }
}
