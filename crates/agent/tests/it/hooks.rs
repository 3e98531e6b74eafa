//! Hooks: what each verdict does at each place, streamed and not, and once however often a run is
//! taken up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::stage::{
    ErrorTurn, FinalTurn, ModelTurn, ReplyTurn, ResultDraft, ToolTurn, Verdict, hook, hook_async,
};
use largestack_agent::{Agent, AgentBuilder, Report, ResumeOptions, RunEvent, RunOptions};
use largestack_engine::event::{Event, HookPoint};
use largestack_engine::{EndReason, Status};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tool::ToolOutput;
use largestack_testkit::{TestModel, Turn};
use largestack_types::delta::Delta;
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::LargestackError;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::limits::Limits;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, PartId};

use crate::world::{Spy, World, pass};

/// What a run came to, what its model read, and what a listener was shown, in both ways to run it.
struct Case {
    report: Report,
    shown: String,
    world: World,
    tool: Spy,
}

impl Case {
    fn asked(&self, call: usize) -> Vec<String> {
        self.world.model.calls()[call].messages.iter().map(|m| m.text()).collect()
    }

    fn code(&self) -> Code {
        self.report.error.as_ref().unwrap().code()
    }
}

/// Runs the script with and without a listener; both have to come to the same.
async fn case(turns: Vec<Turn>, describe: impl Fn(AgentBuilder) -> AgentBuilder) -> Case {
    let quiet = one(turns.clone(), &describe, false).await;
    let aloud = one(turns, &describe, true).await;
    assert_eq!(quiet.report.status, aloud.report.status);
    assert_eq!(quiet.report.text, aloud.report.text);
    assert_eq!(quiet.report.messages, aloud.report.messages);
    let kinds = quiet.world.kinds(quiet.report.run).await;
    assert_eq!(kinds, aloud.world.kinds(aloud.report.run).await);
    balanced(&aloud.report);
    aloud
}

async fn one(
    turns: Vec<Turn>,
    describe: &impl Fn(AgentBuilder) -> AgentBuilder,
    aloud: bool,
) -> Case {
    let world = World::new(turns);
    let tool = Spy::echo("echo");
    let agent = world.agent(|a| describe(a.tool(tool.clone())));
    let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
    if !aloud {
        drop(stream);
        let report = agent.run(&world.scope, "go").await.unwrap();
        return Case { report, shown: String::new(), world, tool };
    }
    let mut shown = String::new();
    while let Some(event) = stream.next().await {
        if let RunEvent::Delta { delta: Delta::Text { text }, .. } = event {
            shown.push_str(&text);
        }
    }
    let report = stream.report().unwrap().unwrap();
    Case { report, shown, world, tool }
}

/// Every call of a history has its result.
fn balanced(report: &Report) {
    let calls = report.messages.iter().flat_map(|m| m.tool_calls()).count();
    let results = report.messages.iter().flat_map(|m| &m.parts);
    let results = results.filter(|part| matches!(part.body, Body::ToolResult(_))).count();
    assert_eq!(calls, results);
}

fn answers(text: &str) -> Vec<Turn> {
    vec![Turn::text(text).pieces(3), Turn::text("Second.").pieces(2)]
}

fn calls_first() -> Vec<Turn> {
    vec![Turn::tool("echo", r#"{"n":1}"#), Turn::text("Done.")]
}

/// The first time this verdict, then nothing.
fn once<S: Send + Sync + 'static>(
    verdict: impl Fn(&S) -> Verdict<S> + Send + Sync + 'static,
) -> impl largestack_agent::stage::Stage<S> {
    let asked = AtomicUsize::new(0);
    hook("once", move |_, subject: &S| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => verdict(subject),
        _ => Verdict::Continue,
    })
}

fn boom() -> LargestackError {
    LargestackError::other(Code::Input, "no")
}

#[tokio::test]
async fn a_hook_that_lets_things_go_on_changes_nothing() {
    let plain = case(calls_first(), |a| a).await;
    let hooked = case(calls_first(), |a| {
        a.before_model(hook("m", |_, _: &ModelTurn| Verdict::Continue))
            .after_model(hook("r", |_, _: &ReplyTurn| Verdict::Continue))
            .before_tool(hook("t", |_, _: &ToolTurn| Verdict::Continue))
            .after_tool(hook("d", |_, _: &ResultDraft| Verdict::Continue))
            .on_final(hook("f", |_, _: &FinalTurn| Verdict::Continue))
            .on_error(hook("e", |_, _: &ErrorTurn| Verdict::Continue))
    })
    .await;
    let texts = |case: &Case| case.report.messages.iter().map(|m| m.text()).collect::<Vec<_>>();
    assert_eq!(texts(&plain), texts(&hooked));
    assert_eq!((&*hooked.report.text, &*hooked.shown), ("Done.", "Done."));
}

#[tokio::test]
async fn before_the_model_a_hook_may_change_this_call_guide_end_throw_away_and_fail() {
    let changed = case(calls_first(), |a| {
        a.before_model(once(|turn: &ModelTurn| {
            let mut turn = turn.clone();
            turn.model = "test/other".into();
            turn.tools.clear();
            Verdict::Replace(turn)
        }))
    })
    .await;
    let calls = changed.world.model.calls();
    assert_eq!((&*calls[0].model, calls[0].tools.len()), ("test/other", 0));
    assert_eq!((&*calls[1].model, calls[1].tools.len()), ("test/model", 1), "only this call");

    let guided =
        case(answers("Hi."), |a| a.before_model(once(|_: &ModelTurn| Verdict::guide("Be brief."))))
            .await;
    assert_eq!(guided.asked(0), ["Help.", "go", "Be brief."]);
    assert_eq!(guided.report.text, "Hi.");

    let ended =
        case(vec![], |a| a.before_model(once(|_: &ModelTurn| Verdict::interrupt("Closed today."))))
            .await;
    assert_eq!((&*ended.report.text, &*ended.shown), ("Closed today.", "Closed today."));
    assert_eq!(ended.report.finish_reason, Some(EndReason::Steered));
    assert_eq!(ended.report.status, Status::Completed);

    let dropped =
        case(vec![], |a| a.before_model(once(|_: &ModelTurn| Verdict::Discard(None)))).await;
    assert_eq!((dropped.report.status, &*dropped.report.text), (Status::Incomplete, ""));

    let failed =
        case(vec![], |a| a.before_model(once(|_: &ModelTurn| Verdict::Block(boom())))).await;
    assert_eq!((failed.report.status, failed.code()), (Status::Failed, Code::Input));
    for case in [ended, dropped, failed] {
        assert!(case.world.model.calls().is_empty(), "the model was not asked");
    }
}

fn rewritten(message: &Message, text: &str) -> Arc<Message> {
    let mut message = message.clone();
    for part in &mut message.parts {
        if let Body::Text(old) = &mut part.body {
            *old = text.into();
        }
    }
    Arc::new(message)
}

#[tokio::test]
async fn after_the_model_a_hook_may_change_words_guide_throw_away_end_and_fail() {
    let changed = case(answers("rude words"), |a| {
        a.after_model(once(|turn: &ReplyTurn| {
            let message = rewritten(&turn.message, "kind words");
            Verdict::Replace(ReplyTurn { message, ..turn.clone() })
        }))
    })
    .await;
    assert_eq!((&*changed.report.text, &*changed.shown), ("kind words", "kind words"));

    let guided = case(answers("First."), |a| {
        a.after_model(once(|_: &ReplyTurn| Verdict::guide("Again, please.")))
    })
    .await;
    assert_eq!(guided.asked(1), ["Help.", "go", "First.", "Again, please."]);
    assert_eq!(guided.report.text, "Second.");

    let dropped = case(answers("First."), |a| {
        a.after_model(once(|_: &ReplyTurn| Verdict::discard("Not like that.")))
    })
    .await;
    assert_eq!(dropped.asked(1), ["Help.", "go", "Not like that."]);
    assert_eq!((&*dropped.report.text, &*dropped.shown), ("Second.", "Second."));

    let ended =
        case(calls_first(), |a| a.after_model(once(|_: &ReplyTurn| Verdict::interrupt("Enough."))))
            .await;
    assert_eq!((&*ended.report.text, ended.tool.count()), ("Enough.", 0));

    let failed =
        case(calls_first(), |a| a.after_model(once(|_: &ReplyTurn| Verdict::Block(boom())))).await;
    assert_eq!((failed.code(), failed.tool.count()), (Code::Input, 0));

    let smuggled = case(calls_first(), |a| {
        a.after_model(once(|turn: &ReplyTurn| {
            let mut message = Message::clone(&turn.message);
            message.parts.clear();
            Verdict::Replace(ReplyTurn { message: Arc::new(message), ..turn.clone() })
        }))
    })
    .await;
    assert_eq!(smuggled.code(), Code::Hook, "the calls of a reply are not a hook's to change");
}

#[tokio::test]
async fn before_a_tool_a_hook_may_change_arguments_guide_throw_away_end_and_fail() {
    let arguments = |text: &'static str| {
        once(move |turn: &ToolTurn| {
            let mut turn = turn.clone();
            turn.call.arguments = Arguments::from_text(text);
            Verdict::Replace(turn)
        })
    };
    let changed = case(calls_first(), |a| a.before_tool(arguments(r#"{"n":7}"#))).await;
    assert_eq!(*changed.tool.seen.lock().unwrap(), [r#"{"n":7}"#]);
    let events = changed.world.events(changed.report.run).await;
    let recorded = events.iter().any(|event| {
        matches!(&**event, Event::Hooked(h) if h.at == HookPoint::BeforeTool && h.changed.is_some())
    });
    assert!(recorded, "what the tool was called with is in the journal");

    let unfit = case(calls_first(), |a| a.before_tool(arguments(r#"{"n":-1}"#))).await;
    assert_eq!(unfit.tool.count(), 0, "the schema holds for hooks too");
    let secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    let leaky = case(calls_first(), |a| {
        a.before_tool(once(move |turn: &ToolTurn| {
            let mut turn = turn.clone();
            turn.call.arguments = Arguments::from_text(&format!(r#"{{"n":1,"key":"{secret}"}}"#));
            Verdict::Replace(turn)
        }))
    })
    .await;
    assert!(!leaky.world.written(leaky.report.run).await.contains(secret));

    let guided =
        case(calls_first(), |a| a.before_tool(once(|_: &ToolTurn| Verdict::guide("Not now."))))
            .await;
    let dropped =
        case(calls_first(), |a| a.before_tool(once(|_: &ToolTurn| Verdict::Discard(None)))).await;
    for (case, says) in [(&guided, "Not now."), (&dropped, "withheld")] {
        assert_eq!(case.tool.count(), 0);
        let results = case.report.messages.iter().flat_map(|m| &m.parts);
        let told = results.filter_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result.text.as_ref()),
            _ => None,
        });
        assert!(told.collect::<String>().contains(says));
        assert_eq!(case.report.text, "Done.");
    }
    let ended =
        case(calls_first(), |a| a.before_tool(once(|_: &ToolTurn| Verdict::interrupt("Stop."))))
            .await;
    assert_eq!((&*ended.report.text, ended.tool.count()), ("Stop.", 0));
    let failed =
        case(calls_first(), |a| a.before_tool(once(|_: &ToolTurn| Verdict::Block(boom())))).await;
    assert_eq!((failed.code(), failed.tool.count()), (Code::Input, 0));
}

#[tokio::test]
async fn after_a_tool_a_hook_may_change_the_result_guide_throw_away_end_and_fail() {
    let result = |case: &Case| {
        let parts = case.report.messages.iter().flat_map(|m| &m.parts);
        let text = parts.filter_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result.text.as_ref().to_owned()),
            _ => None,
        });
        text.collect::<String>()
    };
    let changed = case(calls_first(), |a| {
        a.after_tool(once(|draft: &ResultDraft| {
            Verdict::Replace(ResultDraft { output: ToolOutput::text("less"), ..draft.clone() })
        }))
    })
    .await;
    assert_eq!(result(&changed), "less");
    let guided =
        case(calls_first(), |a| a.after_tool(once(|_: &ResultDraft| Verdict::guide("Mind it."))))
            .await;
    assert_eq!(result(&guided), r#"{"n":1}"#);
    assert_eq!(guided.asked(1).last().unwrap(), "Mind it.");
    let dropped =
        case(calls_first(), |a| a.after_tool(once(|_: &ResultDraft| Verdict::discard("Gone."))))
            .await;
    assert_eq!(result(&dropped), "Gone.");
    let ended =
        case(calls_first(), |a| a.after_tool(once(|_: &ResultDraft| Verdict::interrupt("Stop."))))
            .await;
    assert_eq!((&*ended.report.text, ended.report.turns), ("Stop.", 1));
    let failed =
        case(calls_first(), |a| a.after_tool(once(|_: &ResultDraft| Verdict::Block(boom())))).await;
    assert_eq!(failed.code(), Code::Input);
    assert_eq!(failed.tool.count(), 1);
}

#[tokio::test]
async fn on_the_answer_a_hook_may_change_guide_throw_away_end_and_fail() {
    let changed = case(answers("First."), |a| {
        a.on_final(once(|turn: &FinalTurn| {
            let message = rewritten(&turn.message, "Better.");
            Verdict::Replace(FinalTurn { message, ..turn.clone() })
        }))
    })
    .await;
    assert_eq!((&*changed.report.text, &*changed.shown), ("Better.", "Better."));
    let guided =
        case(answers("First."), |a| a.on_final(once(|_: &FinalTurn| Verdict::guide("More."))))
            .await;
    assert_eq!(guided.asked(1), ["Help.", "go", "First.", "More."]);
    let dropped =
        case(answers("First."), |a| a.on_final(once(|_: &FinalTurn| Verdict::discard("No."))))
            .await;
    assert_eq!(dropped.asked(1), ["Help.", "go", "No."]);
    assert_eq!((&*dropped.report.text, &*dropped.shown), ("Second.", "Second."));
    let ended =
        case(answers("First."), |a| a.on_final(once(|_: &FinalTurn| Verdict::interrupt("Else."))))
            .await;
    assert_eq!((&*ended.report.text, &*ended.shown), ("Else.", "Else."));
    assert!(ended.report.messages.iter().all(|m| m.text() != "First."));
    let failed =
        case(answers("First."), |a| a.on_final(once(|_: &FinalTurn| Verdict::Block(boom())))).await;
    assert_eq!((failed.code(), &*failed.shown), (Code::Input, ""), "nothing was shown");
}

fn fails_first() -> Vec<Turn> {
    vec![Turn::error(LargestackError::other(Code::Provider, "down")), Turn::text("Recovered.")]
}

#[tokio::test]
async fn on_a_failure_a_hook_may_change_it_guide_try_again_answer_and_fail() {
    let plain = case(fails_first(), |a| a.on_error(once(|_: &ErrorTurn| Verdict::Continue))).await;
    assert_eq!(plain.code(), Code::Provider);
    let changed = case(fails_first(), |a| {
        a.on_error(once(|turn: &ErrorTurn| {
            Verdict::Replace(ErrorTurn { error: boom(), ..turn.clone() })
        }))
    })
    .await;
    assert_eq!(changed.code(), Code::Input);
    let guided =
        case(fails_first(), |a| a.on_error(once(|_: &ErrorTurn| Verdict::guide("Try again."))))
            .await;
    assert_eq!(guided.asked(1), ["Help.", "go", "Try again."]);
    let again =
        case(fails_first(), |a| a.on_error(once(|_: &ErrorTurn| Verdict::Discard(None)))).await;
    assert_eq!((again.report.status, &*again.report.text), (Status::Completed, "Recovered."));
    let answered =
        case(fails_first(), |a| a.on_error(once(|_: &ErrorTurn| Verdict::interrupt("Sorry."))))
            .await;
    assert_eq!((&*answered.report.text, &*answered.shown), ("Sorry.", "Sorry."));
    let broken = case(fails_first(), |a| a.on_error(once(|_: &ErrorTurn| panic!("a bug")))).await;
    assert_eq!(broken.code(), Code::Hook);
}

#[tokio::test]
async fn a_hook_that_always_tries_again_ends_at_the_limit_of_turns() {
    let turns = (0..99).map(|_| Turn::error(LargestackError::other(Code::Provider, "down")));
    let limits = largestack_types::limits::Limits {
        max_turns: 3,
        ..largestack_types::limits::Limits::default()
    };
    let world = World::new(turns);
    let agent = world.agent(|a| {
        a.limits(limits).on_error(hook("again", |_, _: &ErrorTurn| Verdict::Discard(None)))
    });
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert!(report.status != Status::Completed);
    assert!(world.model.calls().len() <= 4, "{}", world.model.calls().len());
}

#[tokio::test]
async fn a_hook_that_panics_fails_the_run_and_lets_nothing_through() {
    let describe: [fn(AgentBuilder) -> AgentBuilder; 5] = [
        |a| a.before_model(once(|_: &ModelTurn| panic!("a bug"))),
        |a| a.after_model(once(|_: &ReplyTurn| panic!("a bug"))),
        |a| a.before_tool(once(|_: &ToolTurn| panic!("a bug"))),
        |a| a.after_tool(once(|_: &ResultDraft| panic!("a bug"))),
        |a| a.on_final(once(|_: &FinalTurn| panic!("a bug"))),
    ];
    for (place, describe) in describe.into_iter().enumerate() {
        let case = case(calls_first(), describe).await;
        assert_eq!((case.report.status, case.code()), (Status::Failed, Code::Hook), "{place}");
        assert!(case.report.error.as_ref().unwrap().message().contains("`once`"));
        assert_eq!(case.tool.count(), usize::from(place > 2), "{place}");
        assert!(!case.shown.contains("Done."), "{place}");
    }
}

#[tokio::test]
async fn a_hook_that_never_returns_keeps_nobody_from_cancelling() {
    let describe: [fn(AgentBuilder) -> AgentBuilder; 4] = [
        |a| a.before_model(hook_async("h", |_, _: ModelTurn| std::future::pending())),
        |a| a.after_model(hook_async("h", |_, _: ReplyTurn| std::future::pending())),
        |a| a.before_tool(hook_async("h", |_, _: ToolTurn| std::future::pending())),
        |a| a.after_tool(hook_async("h", |_, _: ResultDraft| std::future::pending())),
    ];
    for describe in describe {
        let world = World::new(calls_first());
        let agent = world.agent(|a| describe(a.tool(Spy::echo("echo"))));
        let options = RunOptions::default();
        let cancel = options.cancel.clone();
        let run = agent.run_with(&world.scope, "go", options);
        let stop = async {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            cancel.cancel(largestack_engine::event::CancelReason::Caller, "me", "");
        };
        let (report, ()) = tokio::join!(run, stop);
        let report = report.unwrap();
        assert_eq!(report.status, Status::Cancelled);
        balanced(&report);
    }
}

#[tokio::test]
async fn what_hooks_had_not_let_pass_when_time_was_up_is_read_by_nobody() {
    let describe: [fn(AgentBuilder) -> AgentBuilder; 2] = [
        |a| a.after_model(hook_async("h", |_, _: ReplyTurn| std::future::pending())),
        |a| a.on_final(hook_async("h", |_, _: FinalTurn| std::future::pending())),
    ];
    for describe in describe {
        let world = World::new([Turn::text("nobody has looked at this")]);
        let limits = Limits { wall_clock: Some(Duration::from_secs(10)), ..Limits::default() };
        let agent = world.agent(|a| describe(a.limits(limits)));
        let clock = world.clock.clone();
        let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
            pass(&clock, Duration::from_millis(9_999)).await;
            pass(&clock, Duration::from_millis(1)).await;
        });
        let report = report.unwrap();
        assert_eq!(report.finish_reason, Some(EndReason::WallClock));
        assert_eq!(report.text, "");
        assert!(report.messages.iter().all(|m| !m.text().contains("nobody")));
    }
}

#[tokio::test]
async fn a_hook_late_in_the_time_is_still_heard() {
    // The reply comes within the last fifth of the time: its hooks decide before the limit does.
    let world = World::new([Turn::tool("stuck", "{}"), Turn::text("the secret plan")]);
    let limits = Limits { wall_clock: Some(Duration::from_secs(10)), ..Limits::default() };
    let refuse = once(|_: &FinalTurn| Verdict::Finish("nothing to say".into()));
    let agent = world.agent(|a| a.tool(Spy::stuck("stuck")).limits(limits).on_final(refuse));
    let clock = world.clock.clone();
    let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
        pass(&clock, Duration::from_millis(8_001)).await;
    });
    let report = report.unwrap();
    assert_eq!(report.text, "nothing to say");
    assert!(report.messages.iter().all(|m| !m.text().contains("secret")));
}

/// A process that died behind this event of the run.
async fn after_crash(whole: &World, run: RunId, cut: usize, turns: Vec<Turn>) -> World {
    let events = whole.journal.read(&whole.scope, run, 0).await.unwrap();
    let world = World::of(TestModel::new(turns));
    let lease = world.journal.claim(&world.scope, run, OwnerId::from_u128(9)).await.unwrap();
    let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
    world.journal.append(&lease, batch).unwrap();
    world.journal.release(&lease).await.unwrap();
    world
}

#[tokio::test]
async fn what_hooks_have_decided_is_not_asked_again_and_ends_the_same_wherever_a_run_is_taken_up() {
    let turns = || {
        vec![
            Turn::text("First."),
            Turn::tool("echo", r#"{"n":1}"#),
            Turn::text("Second."),
            Turn::text("Third."),
        ]
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let describe = |asked: &Arc<AtomicUsize>| {
        let asked = Arc::clone(asked);
        move |a: AgentBuilder| {
            let (model, answer) = (Arc::clone(&asked), Arc::clone(&asked));
            a.before_model(hook("count", move |_, _: &ModelTurn| {
                model.fetch_add(1, Ordering::SeqCst);
                Verdict::Continue
            }))
            .after_model(hook("first", |_, turn: &ReplyTurn| match &*turn.message.text() {
                "First." => Verdict::discard("Look first."),
                _ => Verdict::Continue,
            }))
            .before_tool(hook("seven", |_, turn: &ToolTurn| {
                let mut turn = turn.clone();
                turn.call.arguments = Arguments::Json(Json::parse(r#"{"n":7}"#).unwrap());
                Verdict::Replace(turn)
            }))
            .on_final(hook("third", move |_, turn: &FinalTurn| {
                answer.fetch_add(1, Ordering::SeqCst);
                match &*turn.message.text() {
                    "Second." => Verdict::guide("One more."),
                    _ => Verdict::Continue,
                }
            }))
        }
    };
    let whole = World::new(turns());
    let tool = Spy::echo("echo");
    let agent = whole.agent(|a| describe(&asked)(a.tool(tool.clone())));
    let report = agent.run(&whole.scope, "go").await.unwrap();
    assert_eq!(report.text, "Third.");
    let events = whole.events(report.run).await;
    for cut in 1..events.len() {
        let count =
            |wanted: fn(&Event) -> bool| events[..cut].iter().filter(|event| wanted(event)).count();
        let replies = count(|event| matches!(event, Event::ModelReplied(_)));
        let decided = count(|event| {
            matches!(event, Event::Hooked(h)
                if matches!(h.at, HookPoint::BeforeModel | HookPoint::OnFinal))
        });
        let world = after_crash(&whole, report.run, cut, turns().split_off(replies)).await;
        let again = Arc::new(AtomicUsize::new(0));
        let agent: Agent = world.agent(|a| describe(&again)(a.tool(Spy::echo("echo"))));
        let resumed =
            agent.resume(&world.scope, report.run, ResumeOptions::default()).await.unwrap();
        assert_eq!(resumed.messages, report.messages, "cut {cut}");
        assert_eq!(again.load(Ordering::SeqCst) + decided, 6, "cut {cut}: asked once in all");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn text_waits_for_hooks_that_may_refuse_it_and_for_no_others() {
    let held = case(answers("One two three."), |a| {
        a.on_final(hook("f", |_, _: &FinalTurn| Verdict::Continue))
    })
    .await;
    assert_eq!(held.shown, "One two three.");
    let deltas = |world: World, agent: Agent| async move {
        let stream = agent.stream(&world.scope, "go", RunOptions::default());
        let pieces = stream.filter(|event| {
            let text = matches!(event, RunEvent::Delta { delta: Delta::Text { .. }, .. });
            std::future::ready(text)
        });
        pieces.count().await
    };
    let world = World::new(answers("One two three."));
    let agent = world.agent(|a| a.on_final(hook("f", |_, _: &FinalTurn| Verdict::Continue)));
    assert_eq!(deltas(world, agent).await, 1, "in one piece, once it has passed");
    let world = World::new(answers("One two three."));
    let agent = world.agent(|a| a.before_model(hook("m", |_, _: &ModelTurn| Verdict::Continue)));
    assert!(deltas(world, agent).await > 1, "as it comes");
}

#[tokio::test]
async fn a_pause_where_nobody_can_be_asked_fails_the_run() {
    let describe: [fn(AgentBuilder) -> AgentBuilder; 5] = [
        |a| a.before_model(once(|_: &ModelTurn| Verdict::pause("may it?"))),
        |a| a.after_model(once(|_: &ReplyTurn| Verdict::pause("may it?"))),
        |a| a.after_tool(once(|_: &ResultDraft| Verdict::pause("may it?"))),
        |a| a.on_final(once(|_: &FinalTurn| Verdict::pause("may it?"))),
        |a| {
            a.before_model(once(|_: &ModelTurn| Verdict::Block(boom())))
                .on_error(once(|_: &ErrorTurn| Verdict::pause("again?")))
        },
    ];
    for (place, describe) in describe.into_iter().enumerate() {
        let case = case(calls_first(), describe).await;
        assert_eq!((case.report.status, case.code()), (Status::Failed, Code::Config), "{place}");
    }
}

#[tokio::test]
async fn the_words_of_a_hook_pass_the_guards() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    let case = case(answers("First."), |a| {
        a.after_model(once(move |_: &ReplyTurn| Verdict::guide(format!("The key is {key}."))))
    })
    .await;
    assert!(!case.world.written(case.report.run).await.contains(key));
    assert!(!case.asked(1).concat().contains(key));
    assert_eq!(case.report.messages[0].role, Role::User);
    assert_ne!(case.report.messages[0].parts[0].id, PartId::default());
}
