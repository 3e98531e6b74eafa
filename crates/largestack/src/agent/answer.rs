//! What a typed agent answers.

use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_agent::{Partial, Report, RunEvent, RunStream};
use largestack_types::errors::{OutputError, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// An answer, and the report of the run that gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<Out> {
    /// The answer.
    pub output: Out,
    /// How it came about: tokens, cost, citations, the messages as history for the next run.
    pub report: Report,
}

impl<Out> Answer<Out> {
    pub(super) fn of(report: Report, read: fn(&Report) -> Result<Out>) -> Result<Self> {
        let report = report.into_result()?;
        Ok(Self { output: read(&report)?, report })
    }
}

impl<Out> Deref for Answer<Out> {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.report
    }
}

/// One of two types; three are a type and one of two. With `String` as the second, an answer is a
/// value of the first type or words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOf<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// The words of a report.
#[expect(clippy::unnecessary_wraps, reason = "the form of every reader")]
pub(super) fn words(report: &Report) -> Result<String> {
    Ok(report.text.clone())
}

/// The value of a report.
pub(super) fn value<Out: DeserializeOwned>(report: &Report) -> Result<Out> {
    let missing = |why: String| OutputError { problems: vec![why], attempts: report.turns };
    let Some(value) = &report.output else {
        let reason = report.finish_reason.map_or("nothing was said", |reason| reason.name());
        return Err(missing(format!("the run ended without an answer that fits ({reason})")).into());
    };
    Out::deserialize(value).map_err(|error| missing(error.to_string()).into())
}

/// A run under way, whose answer is an `Out`. Yields events; dropping it cancels the run.
#[must_use = "a run goes on only while its stream is polled"]
#[derive(Debug)]
pub struct AnswerStream<Out> {
    stream: RunStream,
    read: fn(&Report) -> Result<Out>,
    wrapped: bool,
}

impl<Out> AnswerStream<Out> {
    pub(super) fn new(stream: RunStream, read: fn(&Report) -> Result<Out>, wrapped: bool) -> Self {
        Self { stream, read, wrapped }
    }

    /// The answer while it is written, as a `T` whose fields may be missing (an `Option` each) or
    /// as a `serde_json::Value`. Nothing is invented; [`AnswerStream::finish`] comes after it.
    pub fn partial<T: DeserializeOwned>(&mut self) -> Partial<'_, T> {
        let partial = self.stream.partial();
        if self.wrapped { partial.unwrapped() } else { partial }
    }

    /// Drains the stream and gives the answer.
    pub async fn finish(self) -> Result<Answer<Out>> {
        Answer::of(self.stream.finish().await?, self.read)
    }
}

impl<Out> Stream for AnswerStream<Out> {
    type Item = RunEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        Pin::new(&mut self.stream).poll_next(cx)
    }
}
