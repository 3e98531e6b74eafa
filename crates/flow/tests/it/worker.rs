//! Workers over a queue in memory: what they take, what they hand back, and what they say of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use largestack_agent::Runtime;
use largestack_agent::signals::send;
use largestack_engine::Status;
use largestack_engine::graph::{Retry, Undo};
use largestack_flow::worker::{Became, Cancelling, Drained, WorkerEvent, cancel};
use largestack_flow::{Function, NodeOutput, Worker, WorkerBuilder, Workflow, WorkflowBuilder};
use largestack_ports::clock::Clock;
use largestack_ports::journal::Journal as _;
use largestack_ports::queue::{Job, MemoryQueue, Queue as _, State};
use largestack_ports::signals::Signal;
use largestack_ports::tool::ToolFailure;
use largestack_testkit::{CountingIds, Turn};
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use serde_json::json;

use crate::ports::Kept;
use crate::world::{Done, World, hanging, noting, settle};

/// One store, and as many processes over it as a test likes.
struct Shop {
    world: World,
    queue: MemoryQueue,
}

impl Shop {
    fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let world = World::new(turns);
        let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
        Self { queue: MemoryQueue::new(clock, Arc::new(CountingIds::default())), world }
    }

    /// Another process.
    fn process(&self, number: u128) -> Runtime {
        let queue = Some(self.queue.another());
        let inner = Arc::clone(&self.world.journal);
        let kept = Kept { inner, queue, ..Kept::default() };
        let owner = OwnerId::from_u128(number);
        Runtime { journal: Arc::new(kept), owner, ..self.world.runtime() }
    }

    async fn enqueue(&self, job: Job) -> RunId {
        self.queue.enqueue(&self.world.scope, job, 100).await.unwrap()
    }

    async fn state(&self, run: RunId) -> State {
        self.queue.find(&self.world.scope, run).await.unwrap().unwrap().state
    }

    async fn status(&self, run: RunId) -> Option<Status> {
        let known = self.world.journal.run(&self.world.scope, run).await.unwrap();
        known.map(|known| known.status)
    }

    /// Works until something holds, and then ends.
    async fn work(&self, worker: &Worker, until: impl AsyncFn() -> bool) -> Drained {
        let ending = async {
            while !until().await {
                settle().await;
            }
            worker.drain();
            settle().await;
            self.world.clock.advance(Duration::from_mins(1));
        };
        let (drained, ()) = futures::join!(worker.run(), ending);
        drained.unwrap()
    }
}

/// Two steps: the first is noted, the second is this.
fn trip(runtime: Runtime, done: &Done, second: Function) -> Workflow {
    Workflow::builder("trip")
        .function("book", noting(done))
        .function("pay", second)
        .then("book", "pay")
        .build(runtime)
        .unwrap()
}

type Said = Arc<Mutex<Vec<WorkerEvent>>>;

fn listening(builder: WorkerBuilder, said: &Said) -> Worker {
    let said = Arc::clone(said);
    builder.listener(move |event| said.lock().unwrap().push(event.clone())).build().unwrap()
}

fn became(said: &Said) -> Vec<Became> {
    let of = |event: &WorkerEvent| match event {
        WorkerEvent::Over { became, .. } => Some(*became),
        _ => None,
    };
    said.lock().unwrap().iter().filter_map(of).collect()
}

#[tokio::test]
async fn agents_and_workflows_that_were_enqueued_are_run_to_their_end() {
    let shop = Shop::new([Turn::text("It is 42.")]);
    let (runtime, done, said) = (shop.process(1), Done::default(), Said::default());
    let flow = trip(runtime.clone(), &done, noting(&done));
    let agent = largestack_agent::Agent::builder("deep").model("test/model");
    let agent = agent.build(runtime.clone()).unwrap();
    let worker = listening(Worker::builder(runtime).agent(agent).workflow(flow), &said);
    let asked = shop.enqueue(Job::agent("deep", "What is the answer?")).await;
    let booked = shop.enqueue(Job::workflow("trip", json!(null))).await;
    let over =
        async || shop.state(asked).await == State::Done && shop.state(booked).await == State::Done;
    let drained = shop.work(&worker, over).await;
    assert_eq!(drained, Drained { done: 2, handed_back: 0 });
    assert_eq!(shop.status(asked).await, Some(Status::Completed));
    assert_eq!(shop.status(booked).await, Some(Status::Completed));
    assert_eq!(*done.lock().unwrap(), ["book", "pay"]);
    assert_eq!(became(&said), [Became::Done, Became::Done]);
}

#[tokio::test]
async fn what_is_handed_back_goes_on_elsewhere_and_repeats_nothing_that_was_finished() {
    let shop = Shop::new([]);
    let (done, said) = (Done::default(), Said::default());
    let (one, other) = (shop.process(1), shop.process(2));
    let hangs = trip(one.clone(), &done, hanging());
    let first = Worker::builder(one).workflow(hangs).drain_within(Duration::ZERO);
    let first = listening(first, &said);
    let run = shop.enqueue(Job::workflow("trip", json!(null))).await;
    let begun = async || done.lock().unwrap().len() == 1;
    let drained = shop.work(&first, begun).await;
    assert_eq!(drained, Drained { done: 0, handed_back: 1 });
    assert_eq!(became(&said), [Became::Returned]);
    let entry = shop.queue.find(&shop.world.scope, run).await.unwrap().unwrap();
    assert_eq!((entry.state, entry.attempts), (State::Queued, 0), "it does not count");
    assert_eq!(shop.status(run).await, Some(Status::Running), "nothing has happened to it");

    let goes_on = trip(other.clone(), &done, noting(&done));
    let second = Worker::builder(other).workflow(goes_on).build().unwrap();
    shop.work(&second, async || shop.state(run).await == State::Done).await;
    assert_eq!(*done.lock().unwrap(), ["book", "pay"]);
    assert_eq!(shop.status(run).await, Some(Status::Completed));
}

#[tokio::test]
async fn a_worker_that_leaves_before_it_hears_what_it_was_woken_for_hands_the_run_on() {
    let shop = Shop::new([]);
    let process = |number| {
        let runtime = shop.process(number);
        let order = Workflow::builder("order").event("paid", "payment").build(runtime.clone());
        Worker::builder(runtime).workflow(order.unwrap())
    };
    let run = shop.enqueue(Job::workflow("order", json!(null))).await;
    let first = process(1).build().unwrap();
    shop.work(&first, async || shop.state(run).await == State::Waiting).await;
    let (scope, data) = (&shop.world.scope, Json::of(&json!({"euros": 9})).unwrap());
    let paid = Signal { id: "e1".into(), name: "payment".into(), data, by: "shop".into() };
    let delivered = send(&*shop.process(9).journal, scope, run, paid).await.unwrap();
    assert!(delivered.has_worker);

    // Told to end at once while it takes the run: that has not been looked at yet.
    let (said, itself) = (Said::default(), Arc::new(OnceLock::<Worker>::new()));
    let (told, leaving) = (Arc::clone(&said), Arc::clone(&itself));
    let leaves = process(2).listener(move |event| {
        told.lock().unwrap().push(event.clone());
        if matches!(event, WorkerEvent::Taken { .. }) {
            let worker = leaving.get().unwrap();
            worker.drain();
            worker.drain();
        }
    });
    let leaves = leaves.build().unwrap();
    assert!(itself.set(leaves.clone()).is_ok());
    leaves.run().await.unwrap();
    assert_eq!(became(&said), [Became::Returned]);

    let last = process(3).build().unwrap();
    shop.work(&last, async || shop.state(run).await == State::Done).await;
    assert_eq!(shop.status(run).await, Some(Status::Completed));
}

#[tokio::test]
async fn a_run_that_sleeps_in_one_branch_hears_an_event_in_another() {
    let shop = Shop::new([]);
    let (runtime, done) = (shop.process(1), Done::default());
    let order = Workflow::builder("order")
        .sleep("rest", Duration::from_hours(1))
        .event("paid", "payment")
        .function("book", noting(&done))
        .then("paid", "book")
        .build(runtime.clone())
        .unwrap();
    let worker = Worker::builder(runtime).workflow(order).build().unwrap();
    let run = shop.enqueue(Job::workflow("order", json!(null))).await;
    let looks = AtomicU32::new(0);
    let booked = async || {
        if shop.status(run).await != Some(Status::Suspended) {
            return false;
        }
        let look = looks.fetch_add(1, Ordering::SeqCst);
        if look == 20 {
            let data = Json::of(&json!(1)).unwrap();
            let paid = Signal { id: "e1".into(), name: "payment".into(), data, by: "shop".into() };
            let delivered = send(&*shop.process(9).journal, &shop.world.scope, run, paid).await;
            delivered.unwrap();
        }
        // Far less than the sleep.
        shop.world.clock.advance(Duration::from_secs(2));
        look == 120 || !done.lock().unwrap().is_empty()
    };
    shop.work(&worker, booked).await;
    assert_eq!(*done.lock().unwrap(), ["book"]);
}

#[tokio::test]
async fn a_run_that_only_sleeps_is_held_by_nobody_and_goes_on_at_its_moment() {
    let shop = Shop::new([]);
    let (runtime, done, said) = (shop.process(1), Done::default(), Said::default());
    let order = |runtime: &Runtime| {
        Workflow::builder("order")
            .function("book", noting(&done))
            .sleep("rest", Duration::from_hours(1))
            .function("remind", noting(&done))
            .then("book", "rest")
            .then("rest", "remind")
            .build(runtime.clone())
            .unwrap()
    };
    let flow = order(&runtime);
    let worker = listening(Worker::builder(runtime).workflow(flow), &said);
    let run = shop.enqueue(Job::workflow("order", json!(null))).await;
    let waiting = async || shop.state(run).await == State::Waiting;
    shop.work(&worker, waiting).await;
    assert_eq!(became(&said), [Became::Waiting]);
    assert_eq!(shop.status(run).await, Some(Status::Suspended));
    // Another process, soon and then later.
    let other = shop.process(2);
    let flow = order(&other);
    let worker = listening(Worker::builder(other).workflow(flow), &said);
    let over = async || {
        shop.world.clock.advance(Duration::from_secs(20));
        shop.state(run).await == State::Done
    };
    shop.work(&worker, over).await;
    assert_eq!(*done.lock().unwrap(), ["book", "remind"]);
    assert_eq!(became(&said), [Became::Waiting, Became::Done]);
    assert_eq!(shop.status(run).await, Some(Status::Completed));
}

/// A workflow that sleeps for an hour, below another one.
fn with_a_sleep_below(
    runtime: &Runtime,
    done: &Done,
    more: impl FnOnce(WorkflowBuilder) -> WorkflowBuilder,
) -> Workflow {
    let below = Workflow::builder("rests")
        .function("book", noting(done))
        .sleep("rest", Duration::from_hours(1))
        .function("remind", noting(done))
        .then("book", "rest")
        .then("rest", "remind")
        .build(runtime.clone())
        .unwrap();
    let above = Workflow::builder("order").workflow("part", &below, [("", ""); 0]);
    more(above).build(runtime.clone()).unwrap()
}

#[tokio::test]
async fn a_run_that_only_sleeps_below_is_held_by_nobody_and_goes_on_at_its_moment() {
    let shop = Shop::new([]);
    let (done, said) = (Done::default(), Said::default());
    let worker = |runtime: Runtime| {
        let flow = with_a_sleep_below(&runtime, &done, |above| above);
        listening(Worker::builder(runtime).workflow(flow), &said)
    };
    let run = shop.enqueue(Job::workflow("order", json!(null))).await;
    let waiting = async || shop.state(run).await == State::Waiting;
    shop.work(&worker(shop.process(1)), waiting).await;
    let due = shop.queue.find(&shop.world.scope, run).await.unwrap().unwrap().due;
    let left = due.since(shop.world.clock.now());
    assert!(left > Duration::from_mins(50) && left <= Duration::from_hours(1), "{left:?}");
    let over = async || {
        shop.world.clock.advance(Duration::from_secs(20));
        shop.state(run).await == State::Done
    };
    shop.work(&worker(shop.process(2)), over).await;
    assert_eq!(*done.lock().unwrap(), ["book", "remind"]);
    assert_eq!(became(&said), [Became::Waiting, Became::Done]);
    assert_eq!(shop.status(run).await, Some(Status::Completed));
}

#[tokio::test]
async fn a_sleep_below_ends_at_its_moment_beside_a_branch_that_is_under_way() {
    let shop = Shop::new([]);
    let (runtime, done, said) = (shop.process(1), Done::default(), Said::default());
    let reminded = Arc::clone(&done);
    let watch = Function::new(move |_| {
        let reminded = Arc::clone(&reminded);
        async move {
            while !reminded.lock().unwrap().contains(&"remind".to_owned()) {
                tokio::task::yield_now().await;
            }
            Ok(NodeOutput::default())
        }
    });
    let flow = with_a_sleep_below(&runtime, &done, |above| above.function("watch", watch));
    let worker = listening(Worker::builder(runtime).workflow(flow), &said);
    let run = shop.enqueue(Job::workflow("order", json!(null))).await;
    let looks = AtomicU32::new(0);
    let over = async || {
        shop.world.clock.advance(Duration::from_secs(20));
        shop.state(run).await == State::Done || looks.fetch_add(1, Ordering::SeqCst) == 400
    };
    shop.work(&worker, over).await;
    assert_eq!(became(&said), [Became::Done]);
    assert_eq!(*done.lock().unwrap(), ["book", "remind"]);
    assert_eq!(shop.status(run).await, Some(Status::Completed));
}

#[tokio::test]
async fn a_run_is_cancelled_where_it_is_and_one_that_nobody_has_at_once() {
    let shop = Shop::new([]);
    let (one, other) = (shop.process(1), shop.process(2));
    let flow = trip(one.clone(), &Done::default(), hanging());
    let worker = Worker::builder(one).workflow(flow).concurrency(1).build().unwrap();
    let run = shop.enqueue(Job::workflow("trip", json!(null))).await;
    let waits = shop.enqueue(Job::workflow("trip", json!(null))).await;
    let asking = async || {
        if shop.state(run).await != State::Running || shop.status(run).await.is_none() {
            return false;
        }
        let scope = &shop.world.scope;
        let ended = cancel(&other, scope, waits, "not that one").await.unwrap();
        assert_eq!(ended, Cancelling::Ended);
        assert_eq!(cancel(&other, scope, run, "enough").await.unwrap(), Cancelling::Asked);
        // Heard when the worker next looks after its jobs.
        shop.world.clock.advance(Duration::from_secs(1));
        true
    };
    shop.work(&worker, asking).await;
    assert_eq!(shop.status(run).await, Some(Status::Cancelled));
    assert_eq!((shop.status(waits).await, shop.state(waits).await), (None, State::Cancelled));
    let again = cancel(&other, &shop.world.scope, waits, "").await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    let unknown = cancel(&other, &shop.world.scope, RunId::from_u128(9), "").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_cancelled_run_whose_undoing_rests_is_taken_up_when_it_has_rested_and_not_before() {
    let shop = Shop::new([]);
    let (other, said) = (shop.process(9), Said::default());
    let undone = Arc::new(AtomicU32::new(0));
    let tried = Arc::clone(&undone);
    let refund = Function::new(move |_| {
        let before = tried.fetch_add(1, Ordering::SeqCst);
        async move {
            if before == 0 {
                Err(ToolFailure::transient("busy"))
            } else {
                Ok(NodeOutput::default())
            }
        }
    });
    let worker = |process: &Runtime| {
        let flow = Workflow::builder("trip")
            .function("book", noting(&Done::default()))
            .undo_with("book", refund.clone(), |undo| Undo {
                retry: Retry { tries: 3, pause: Duration::from_mins(5), ..Retry::default() },
                ..undo
            })
            .function("pay", hanging())
            .then("book", "pay")
            .build(process.clone())
            .unwrap();
        listening(Worker::builder(process.clone()).workflow(flow), &said)
    };
    let run = shop.enqueue(Job::workflow("trip", json!(null))).await;
    let (asked, looks) = (AtomicU32::new(0), AtomicU32::new(0));
    let rests = async || {
        if asked.load(Ordering::SeqCst) == 0 {
            if shop.status(run).await.is_some() {
                asked.store(1, Ordering::SeqCst);
                cancel(&other, &shop.world.scope, run, "enough").await.unwrap();
            }
            return false;
        }
        shop.world.clock.advance(Duration::from_secs(1));
        undone.load(Ordering::SeqCst) == 1 && looks.fetch_add(1, Ordering::SeqCst) == 100
    };
    shop.work(&worker(&shop.process(1)), rests).await;
    // The first one heard of it while it had the run; the second found that there is nothing to do yet, and
    // then it waits: what was known when it was taken is no news.
    assert_eq!(became(&said), [Became::Waiting, Became::Waiting]);
    assert_eq!(shop.state(run).await, State::Waiting);
    let over = async || {
        shop.world.clock.advance(Duration::from_secs(20));
        shop.state(run).await == State::Done
    };
    shop.work(&worker(&shop.process(2)), over).await;
    assert_eq!(undone.load(Ordering::SeqCst), 2);
    assert_eq!(shop.status(run).await, Some(Status::Cancelled));
}

#[tokio::test]
async fn what_can_never_be_done_is_set_aside_with_its_reason() {
    let shop = Shop::new([]);
    let (runtime, said) = (shop.process(1), Said::default());
    let flow = trip(runtime.clone(), &Done::default(), hanging());
    let worker = listening(Worker::builder(runtime).workflow(flow), &said);
    let run = shop.enqueue(Job::workflow("trip", json!({"not": "asked for"}))).await;
    shop.work(&worker, async || shop.state(run).await == State::Poisoned).await;
    let entry = shop.queue.find(&shop.world.scope, run).await.unwrap().unwrap();
    assert_eq!((entry.error.unwrap().code(), entry.attempts), (Code::Input, 1));
    assert_eq!(became(&said), [Became::Poisoned]);
}

#[tokio::test]
async fn a_worker_has_a_queue_that_others_share_and_something_to_serve() {
    let shop = Shop::new([]);
    let flow = |runtime: &Runtime| trip(runtime.clone(), &Done::default(), hanging());
    let alone = shop.world.runtime();
    let refused = |builder: WorkerBuilder| builder.build().err().map(|error| error.code());
    assert_eq!(refused(Worker::builder(alone.clone()).workflow(flow(&alone))), Some(Code::Config));
    let runtime = shop.process(1);
    let builder = || Worker::builder(runtime.clone()).workflow(flow(&runtime));
    assert_eq!(refused(builder()), None);
    assert_eq!(refused(Worker::builder(runtime.clone())), Some(Code::Config));
    assert_eq!(refused(builder().workflow(flow(&runtime))), Some(Code::Config));
    assert_eq!(refused(builder().concurrency(0)), Some(Code::Config));
    assert_eq!(refused(builder().concurrency(1)), None);
    assert_eq!(refused(builder().per_tenant(0)), Some(Code::Config));
    assert_eq!(refused(builder().per_name("other", 1)), Some(Code::Config));
    assert_eq!(refused(builder().per_name("trip", 1)), None);
    assert_eq!(refused(builder().poll(Duration::ZERO)), Some(Code::Config));
}
