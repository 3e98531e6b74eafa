//! Runs that a Restate server drives: they are begun, told and ended there. What this project keeps of
//! them is a copy, whose line says where the server is.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::DoubtDecision;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{ApprovalId, RunId};
use serde_json::Value;

use crate::shared::Shared;

#[cfg(feature = "restate")]
pub(crate) use here::{begin, end, tell, waits};
#[cfg(not(feature = "restate"))]
pub(crate) use lacking::{begin, end, tell, waits};

/// How long a worker behind Restate may take to answer before nobody waits for it: Restate keeps what
/// was said.
#[cfg(feature = "restate")]
const PATIENCE: Duration = Duration::from_secs(10);

/// A run that is to begin.
#[cfg_attr(not(feature = "restate"), expect(dead_code, reason = "nobody is there to be told"))]
pub(crate) struct Begins {
    pub(crate) run: RunId,
    /// The agent or workflow.
    pub(crate) name: Arc<str>,
    pub(crate) input: Value,
    pub(crate) session: Option<String>,
    /// Not before this much time has passed.
    pub(crate) after: Option<Duration>,
}

/// Something that a run waits for.
#[cfg_attr(not(feature = "restate"), expect(dead_code, reason = "nobody is there to be told"))]
pub(crate) enum Word {
    /// A question is decided.
    Answered(ApprovalId),
    /// What becomes of calls in doubt.
    InDoubt(DoubtDecision),
    /// An event from outside.
    Event(Arc<str>, Value),
}

/// Whether a worker has heard what was said.
#[cfg_attr(
    not(any(test, feature = "restate")),
    expect(dead_code, reason = "nobody is there to be told")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It has.
    Now,
    /// Restate keeps it until one is there.
    Later,
}

/// Says one word after the other, and waits for each that long; one that nobody hears yet keeps no
/// other one back.
#[cfg(any(test, feature = "restate"))]
async fn each<W: Future<Output = Result<()>>>(
    patience: Duration,
    words: impl IntoIterator<Item = W>,
) -> Result<Heard> {
    let mut heard = Heard::Now;
    for word in words {
        match tokio::time::timeout(patience, word).await {
            Ok(said) => said?,
            Err(_) => heard = Heard::Later,
        }
    }
    Ok(heard)
}

/// The error of a run that something drives which this program does not know.
#[cfg(feature = "restate")]
fn unknown(run: RunId, engine: &str) -> LargestackError {
    LargestackError::with_advice(
        Code::Conflict,
        format!("{run} is driven by {engine}"),
        "Answer or cancel it there: what is kept here is a copy",
    )
}

/// The error of a program that was built without it.
#[cfg(not(feature = "restate"))]
pub(crate) fn missing() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "Restate needs the feature `restate`, which this program was built without",
        "Build it with --features restate",
    )
}

#[cfg(feature = "restate")]
mod here {
    use largestack_config as config;
    use largestack_restate::journal::ingress_of;
    use largestack_restate::{Client, Question, Told, waits as names};
    use largestack_types::error::Coded as _;
    use largestack_types::scope::Scope;

    use super::{
        ApprovalId, Begins, Code, Heard, LargestackError, PATIENCE, Result, RunId, Shared, Word,
        each, unknown,
    };

    /// Begins a run and leaves it to itself.
    pub(crate) async fn begin(at: &config::Restate, begins: Begins) -> Result<()> {
        let Begins { run, name, input, session, after } = begins;
        let client = Client::new(&at.ingress);
        let question = Question { agent: name.to_string(), input, session };
        let begun = match after {
            Some(after) => client.start_after(run, &question, after).await,
            None => client.start(run, &question).await,
        };
        begun.map_err(|error| match error.code() {
            Code::NotFound => LargestackError::with_advice(
                Code::NotFound,
                error.message(),
                "No worker has told this Restate where it is: largestack worker FOLDERS --engine \
                 restate",
            ),
            _ => error,
        })
    }

    /// Tells a run what it waits for.
    pub(crate) async fn tell(engine: &str, run: RunId, words: Vec<Word>) -> Result<Heard> {
        let client = &reached(engine, run).await?;
        let words = words.into_iter().map(|word| async move {
            let told = match word {
                Word::Answered(question) => Told::Answered { question },
                Word::InDoubt(decision) => Told::InDoubt { decision },
                Word::Event(name, data) => Told::Event { name, data },
            };
            client.tell(run, &told).await
        });
        each(PATIENCE, words).await
    }

    /// Asks for the end of a run.
    pub(crate) async fn end(engine: &str, run: RunId) -> Result<Heard> {
        let client = reached(engine, run).await?;
        each(PATIENCE, [client.cancel(run)]).await
    }

    /// The server that drives a run, once it has answered: from then on silence is a worker's, and
    /// Restate keeps what is said meanwhile.
    async fn reached(engine: &str, run: RunId) -> Result<Client> {
        let ingress = ingress_of(engine).ok_or_else(|| unknown(run, engine))?;
        let client = Client::new(ingress);
        let answers = tokio::time::timeout(PATIENCE, client.healthy()).await;
        answers.map_err(|_| {
            LargestackError::with_advice(
                Code::Store,
                format!("Restate at {ingress} does not answer"),
                "Is the server running, and is this its address?",
            )
        })??;
        Ok(client)
    }

    /// The questions that a run waits for, with those below it.
    pub(crate) async fn waits(
        shared: &Shared,
        scope: &Scope,
        run: RunId,
    ) -> Result<Vec<ApprovalId>> {
        let names = names::names(&*shared.journal, scope, run).await?;
        Ok(names.iter().filter_map(|name| names::question_of(name)).collect())
    }
}

#[cfg(not(feature = "restate"))]
mod lacking {
    use largestack_config as config;
    use largestack_types::scope::Scope;

    use super::{ApprovalId, Begins, Heard, Result, RunId, Shared, Word, missing};

    pub(crate) async fn begin(_: &config::Restate, _: Begins) -> Result<()> {
        Err(missing())
    }

    pub(crate) async fn tell(_: &str, _: RunId, _: Vec<Word>) -> Result<Heard> {
        Err(missing())
    }

    pub(crate) async fn end(_: &str, _: RunId) -> Result<Heard> {
        Err(missing())
    }

    pub(crate) async fn waits(_: &Shared, _: &Scope, _: RunId) -> Result<Vec<ApprovalId>> {
        Err(missing())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use largestack_types::error::Coded as _;

    use super::{Code, Duration, Heard, LargestackError, each};

    #[tokio::test]
    async fn a_word_that_nobody_hears_yet_keeps_no_other_word_back() {
        let said = Cell::new(0);
        let word = |is_heard: bool| {
            let said = &said;
            async move {
                said.set(said.get() + 1);
                if is_heard { Ok(()) } else { pending().await }
            }
        };
        let words = [word(false), word(true), word(false), word(true)];
        assert_eq!(each(Duration::ZERO, words).await.unwrap(), Heard::Later);
        assert_eq!(said.get(), 4);
        let words = [word(true), word(true)];
        assert_eq!(each(Duration::ZERO, words).await.unwrap(), Heard::Now);
    }

    #[tokio::test]
    async fn a_word_that_cannot_be_said_is_an_error_and_not_said_later() {
        let gone = || async { Err(LargestackError::other(Code::Store, "connection refused")) };
        let error = each(Duration::ZERO, [gone()]).await.unwrap_err();
        assert_eq!(error.message(), "connection refused");
    }
}
