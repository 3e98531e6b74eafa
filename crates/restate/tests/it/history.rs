//! A model of the engine outside: it keeps what steps came to, and lets an attempt die anywhere.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, select};
use largestack_restate::Facts;
use largestack_restate::invocation::{Ended, Performing, Steps, Stop, drive};
use largestack_restate::work::{Question, Told};
use largestack_types::id::RunId;
use tokio::sync::Notify;

use crate::world::World;

/// Where an attempt dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dies {
    /// Before the step is performed.
    Before,
    /// After it was performed, before it is recorded.
    Within,
    /// After it is recorded, before anybody hears of that.
    After,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Step(String, Box<Facts>),
    Told(Vec<String>, usize, Told),
    Cancelled,
}

/// What is kept of an invocation.
#[derive(Clone, Default)]
pub(crate) struct History {
    pub(crate) entries: Arc<Mutex<Vec<Entry>>>,
    /// The step, counted from 0, at which somebody asks for the end.
    pub(crate) cancelled_at: Option<usize>,
}

/// One attempt.
struct Playing<'a> {
    history: &'a History,
    world: &'a World,
    at: usize,
    dies: Option<(usize, Dies)>,
    dead: Arc<Notify>,
}

impl Playing<'_> {
    fn recorded(&mut self) -> Option<Entry> {
        let entry = self.history.entries.lock().unwrap().get(self.at).cloned();
        self.at += usize::from(entry.is_some());
        entry
    }

    fn record(&mut self, entry: Entry) {
        self.history.entries.lock().unwrap().push(entry);
        self.at += 1;
    }

    async fn die_if(&self, at: usize, here: Dies) {
        if self.dies == Some((at, here)) {
            self.dead.notify_one();
            pending::<()>().await;
        }
    }
}

impl Steps for Playing<'_> {
    fn step(&mut self, name: String, performing: Performing) -> BoxFuture<'_, Result<Facts, Stop>> {
        async move {
            match self.recorded() {
                Some(Entry::Step(recorded, facts)) => {
                    assert_eq!(name, recorded, "a replay calls its steps the same");
                    return Ok(*facts);
                }
                Some(Entry::Cancelled) => return Err(Stop::Cancelled),
                Some(other) => panic!("{other:?} was recorded where {name} is performed"),
                None => {}
            }
            let at = self.at;
            if self.history.cancelled_at == Some(at) {
                self.record(Entry::Cancelled);
                return Err(Stop::Cancelled);
            }
            self.die_if(at, Dies::Before).await;
            let facts = performing.await.map_err(Stop::Failed)?;
            self.die_if(at, Dies::Within).await;
            self.record(Entry::Step(name, Box::new(facts.clone())));
            self.die_if(at, Dies::After).await;
            Ok(facts)
        }
        .boxed()
    }

    fn told(
        &mut self,
        names: Vec<String>,
        _: Option<Duration>,
    ) -> BoxFuture<'_, Result<Option<(usize, Told)>, Stop>> {
        async move {
            match self.recorded() {
                Some(Entry::Told(recorded, at, told)) => {
                    assert_eq!(names, recorded, "a replay waits for the same");
                    return Ok(Some((at, told)));
                }
                Some(Entry::Cancelled) => return Err(Stop::Cancelled),
                Some(other) => panic!("{other:?} was recorded where {names:?} are waited for"),
                None => {}
            }
            let at = self.at;
            if self.history.cancelled_at == Some(at) {
                self.record(Entry::Cancelled);
                return Err(Stop::Cancelled);
            }
            self.die_if(at, Dies::Before).await;
            let (which, told) = self.world.person(&names).await;
            self.die_if(at, Dies::Within).await;
            self.record(Entry::Told(names, which, told.clone()));
            self.die_if(at, Dies::After).await;
            Ok(Some((which, told)))
        }
        .boxed()
    }
}

impl History {
    /// An attempt over what is kept; `None` where it died.
    pub(crate) async fn attempt(
        &self,
        world: &World,
        (run, name): (RunId, &str),
        dies: Option<(usize, Dies)>,
    ) -> Option<Result<Ended, Stop>> {
        let dead = Arc::new(Notify::new());
        let mut steps = Playing { history: self, world, at: 0, dies, dead: Arc::clone(&dead) };
        let served = world.serve(name);
        let question = Question { agent: name.into(), input: "Do it.".into(), session: None };
        let ended = {
            let driven = drive(&mut steps, &served, run, question).boxed();
            match select(driven, dead.notified().boxed()).await {
                Either::Left((ended, _)) => Some(ended),
                Either::Right(_) => None,
            }
        };
        // What died here is a process elsewhere: what it had begun to write is written or is not.
        world.left().await;
        ended
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }
}
