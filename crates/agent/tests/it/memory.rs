//! Sessions: what a run is told of earlier ones, and what it leaves.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use largestack_agent::memory::ESTIMATE;
use largestack_agent::{Memory, ResumeOptions, RunOptions};
use largestack_engine::Status;
use largestack_engine::event::{CancelReason, Event, Recalled};
use largestack_engine::status::EndReason;
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::sessions::{Conversation, IfAbsent, SessionKey, Sessions as _, vault_root};
use largestack_ports::vault::TokenVault as _;
use largestack_testkit::{TestModel, Turn};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::label::Origin;
use largestack_types::message::{Message, Role};
use largestack_types::reply::FinishReason;
use largestack_types::scope::{Scope, TenantId};

use crate::world::{Spy, World};

fn in_session() -> RunOptions {
    RunOptions::default().session("chat")
}

fn chat() -> largestack_types::id::SessionId {
    SessionKey::from("chat").id()
}

async fn started(world: &World, scope: &Scope, run: RunId) -> (Vec<Arc<Message>>, Recalled) {
    let events = world.journal.read(scope, run, 0).await.unwrap();
    let started = events.iter().find_map(|recorded| match &*recorded.event {
        Event::RunStarted(started) => Some(started.clone()),
        _ => None,
    });
    let started = started.unwrap();
    (started.history, *started.recalled.unwrap())
}

/// What a run was told of earlier ones, as its journal holds it.
async fn told(world: &World, scope: &Scope, run: RunId) -> Vec<String> {
    started(world, scope, run).await.0.iter().map(|message| message.text()).collect()
}

async fn kept(world: &World) -> Conversation {
    world.journal.load(&world.scope, chat()).await.unwrap().unwrap()
}

#[tokio::test]
async fn users_of_one_agent_at_once_never_see_each_others_turns_and_tenants_neither() {
    let world = World::of(TestModel::repeating([Turn::text("noted")]));
    let agent = world.agent(|a| a);
    let tenant = |name| TenantId::new(name).unwrap();
    let mut people = vec![];
    for number in 0..20 {
        people.push(Scope::authenticated(tenant("acme"), format!("user {number}")));
        people.push(Scope::authenticated(tenant("other"), format!("user {number}")));
    }
    let secret = |person: &Scope| format!("my word is {}/{}", person.tenant(), person.principal());
    for turn in 0..3 {
        let asked = people.iter().map(|person| {
            agent.run_with(person, format!("{} {turn}", secret(person)), in_session())
        });
        for (person, report) in people.iter().zip(join_all(asked).await) {
            let told = told(&world, person, report.unwrap().run).await;
            assert_eq!(told.len(), 2 * turn);
            for (at, said) in told.iter().enumerate() {
                let own = if at % 2 == 0 {
                    format!("{} {}", secret(person), at / 2)
                } else {
                    "noted".into()
                };
                assert_eq!(*said, own);
            }
        }
    }
}

#[tokio::test]
async fn a_run_is_told_of_the_tool_calls_of_earlier_ones_and_no_window_parts_them() {
    let turns =
        [Turn::tool("echo", "{}"), Turn::text("first"), Turn::text("second"), Turn::text("third")];
    let world = World::new(turns);
    let agent = world.agent(|a| a.tool(Spy::echo("echo")).memory(Memory::window(5)));
    let mut counts = Vec::new();
    for question in ["one", "two", "three"] {
        let report = agent.run_with(&world.scope, question, in_session()).await.unwrap();
        assert_eq!(report.status, Status::Completed);
        let (history, recalled) = started(&world, &world.scope, report.run).await;
        assert_eq!(history.len(), recalled.told as usize);
        assert_eq!((&*recalled.counted_by, recalled.summarise), (ESTIMATE, None));
        counts.push((recalled.held, recalled.told));
    }
    // Four messages of the first run fit; with the second's two only those two do.
    assert_eq!(counts, [(0, 0), (4, 4), (6, 2)]);
    let said = kept(&world).await;
    assert_eq!((said.session.exchanges, said.exchanges[0].messages.len()), (3, 4));
}

#[tokio::test]
async fn a_limit_of_tokens_has_two_sides() {
    let world = World::of(TestModel::repeating([Turn::text("1234")]));
    // Each message is four tokens around and one of words, so each exchange is ten.
    for (most, expected) in [(20, 4), (19, 2), (9, 0)] {
        let agent = world.agent(|a| a.memory(Memory::tokens(most)));
        let session = format!("of {most}");
        let mut last = None;
        for question in ["abcd", "efgh", "ijkl"] {
            let options = RunOptions::default().session(session.clone());
            last = Some(agent.run_with(&world.scope, question, options).await.unwrap().run);
        }
        let (history, recalled) = started(&world, &world.scope, last.unwrap()).await;
        assert_eq!((history.len(), recalled.held), (expected, 4), "{most}");
        assert_eq!(recalled.tokens, 5 * expected as u64);
    }
}

#[tokio::test]
async fn what_an_earlier_run_took_out_of_a_text_is_still_the_callers_own_value() {
    let card = "My card is 4111 1111 1111 1111.";
    let turns = [Turn::text("Thank you."), Turn::text("placeholder"), Turn::text("Gone.")];
    let world = World::new(turns);
    let agent = world.agent(|a| a);
    let first = agent.run_with(&world.scope, card, in_session()).await.unwrap();
    let said = kept(&world).await.exchanges[0].messages[0].text();
    let placeholder = said.trim_start_matches("My card is ").trim_end_matches('.').to_owned();
    assert!(placeholder.starts_with("<CARD_1:"), "{said}");
    assert!(!world.written(first.run).await.contains("4111"));
    // The model speaks of it; the same user reads the value, and the journal does not hold it.
    let world = World { model: TestModel::new([Turn::text(placeholder.clone())]), ..world };
    let agent = world.agent(|a| a);
    let report = agent.run_with(&world.scope, "Which one?", in_session()).await.unwrap();
    assert_eq!(report.text, "4111 1111 1111 1111");
    assert_eq!(told(&world, &world.scope, report.run).await[0], said);
    assert!(!world.written(report.run).await.contains("4111"));
    assert_eq!(kept(&world).await.exchanges[1].messages[1].text(), placeholder);
    // Another card gets another number, also in another run.
    let world = World { model: TestModel::new([Turn::text("Noted.")]), ..world };
    let agent = world.agent(|a| a);
    let other = "And 5555 5555 5555 4444.";
    agent.run_with(&world.scope, other, in_session()).await.unwrap();
    let said = kept(&world).await.exchanges[2].messages[0].text();
    assert!(said.contains("<CARD_2:"), "{said}");
    let root = vault_root(world.scope.principal(), chat());
    assert_eq!(world.vault.all(&world.scope, root).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_made_anew_knows_no_value_of_the_former_one() {
    let world = World::of(TestModel::repeating([Turn::text("noted")]));
    let agent = world.agent(|a| a);
    let card = "My card is 4111 1111 1111 1111.";
    agent.run_with(&world.scope, card, in_session()).await.unwrap();
    assert!(world.journal.delete(&world.scope, chat()).await.unwrap());
    let report = agent.run_with(&world.scope, "Hello?", in_session()).await.unwrap();
    assert!(told(&world, &world.scope, report.run).await.is_empty());
    let root = vault_root(world.scope.principal(), chat());
    assert!(world.vault.all(&world.scope, root).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_run_leaves_nothing_and_a_cancelled_one_what_can_be_gone_on_from() {
    let world = World::new([]);
    let agent = world.agent(|a| a);
    // The model's script is at its end.
    let failed = agent.run_with(&world.scope, "Hello?", in_session()).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    assert!(kept(&world).await.exchanges.is_empty());

    let turns = [Turn::tool("stuck", "{}"), Turn::text("going on")];
    let world = World { model: TestModel::new(turns), ..world };
    let agent = world.agent(|a| a.tool(Spy::stuck("stuck")));
    let options = in_session();
    let cancel = options.cancel.clone();
    let mut stream = agent.stream(&world.scope, "Look.", options);
    while let Some(event) = stream.next().await {
        if let largestack_agent::RunEvent::Fact(fact) = &event
            && let Event::EffectStarted(started) = &*fact.event
            && started.effect.ordinal() == 2
        {
            cancel.cancel(CancelReason::Caller, "test", "");
        }
    }
    let said = kept(&world).await;
    let roles: Vec<_> = said.exchanges[0].messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool]);
    let report = agent.run_with(&world.scope, "And now?", in_session()).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(started(&world, &world.scope, report.run).await.0.len(), 3);
}

#[tokio::test]
async fn a_run_waits_for_its_turn_in_a_session_and_hears_what_was_said_in_the_meantime() {
    let world = World::of(TestModel::repeating([Turn::tool("stuck", "{}")]));
    let agent = world.agent(|a| a.tool(Spy::stuck("stuck")));
    let options = in_session();
    let cancel = options.cancel.clone();
    let first = agent.run_with(&world.scope, "one", options);
    let patient = world.agent(|a| a.memory(Memory::buffer().patience(Duration::from_secs(1))));
    let second = async {
        // The first is in its tool by now; only time or its end lets anybody else speak.
        let refused = patient.run_with(&world.scope, "two", in_session());
        let wait = async {
            for _ in 0..60 {
                tokio::task::yield_now().await;
                world.clock.advance(Duration::from_millis(20));
            }
        };
        let (refused, ()) = tokio::join!(refused, wait);
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), refused.retryable()), (Code::Conflict, true));
        let waiting = patient.run_with(&world.scope, "three", in_session());
        let end = async {
            tokio::task::yield_now().await;
            cancel.cancel(CancelReason::Caller, "test", "");
            for _ in 0..20 {
                tokio::task::yield_now().await;
                world.clock.advance(Duration::from_millis(20));
            }
        };
        tokio::join!(waiting, end).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().status, Status::Cancelled);
    // The tool of the second agent is not there: what counts is that it was told.
    let heard = told(&world, &world.scope, second.unwrap().run).await;
    assert_eq!(heard[0], "one");
    let runs = world.journal.runs(&world.scope, 10).await.unwrap();
    assert!(runs.iter().all(|run| run.input != "two"), "nothing was asked");
}

#[tokio::test]
async fn runs_of_one_session_at_once_speak_one_after_the_other_and_nothing_is_lost() {
    let world = World::of(TestModel::repeating([Turn::text("noted")]));
    let agent = world.agent(|a| a);
    let asked = (0..20)
        .map(|number| agent.run_with(&world.scope, format!("question {number}"), in_session()));
    let all = join_all(asked);
    let clock = async {
        for _ in 0..400 {
            tokio::task::yield_now().await;
            world.clock.advance(Duration::from_millis(20));
        }
    };
    let (reports, ()) = tokio::join!(all, clock);
    let said = kept(&world).await;
    assert_eq!(said.exchanges.len(), 20);
    for report in reports {
        let run = report.unwrap().run;
        let at = said.exchanges.iter().position(|exchange| exchange.run == run).unwrap();
        let before: Vec<_> = said.exchanges[..at]
            .iter()
            .flat_map(|exchange| &exchange.messages)
            .map(|message| message.text())
            .collect();
        assert_eq!(told(&world, &world.scope, run).await, before, "{run}");
    }
}

#[tokio::test]
async fn dropping_a_run_that_waits_for_its_session_gives_its_place_back() {
    let world = World::of(TestModel::repeating([Turn::text("noted")]));
    let agent = world.agent(|a| a);
    let id = RunId::from_u128(99);
    let holder = world.journal.claim(&world.scope, id, world.runtime().owner).await.unwrap();
    world.journal.hold(&holder, &"chat".into(), IfAbsent::Make(None)).await.unwrap();
    let waiting = agent.run_with(&world.scope, "one", in_session());
    assert!(futures::poll!(std::pin::pin!(waiting)).is_pending());
    tokio::task::yield_now().await;
    world.journal.release(&holder).await.unwrap();
    agent.run_with(&world.scope, "two", in_session()).await.unwrap();
    assert_eq!(kept(&world).await.exchanges.len(), 1);
}

#[tokio::test]
async fn what_was_sent_back_is_not_remembered() {
    let turns = [Turn::text("no value"), Turn::text(r#"{"n":1}"#), Turn::text(r#"{"n":2}"#)];
    let world = World::new(turns);
    let schema = largestack_types::json::Json::parse(
        r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#,
    );
    let output = largestack_agent::Output::of(schema.unwrap());
    let agent = world.agent(|a| a.output(output));
    let report = agent.run_with(&world.scope, "A number?", in_session()).await.unwrap();
    assert_eq!((report.turns, report.messages.len()), (2, 4));
    let said: Vec<_> = kept(&world).await.exchanges[0].messages.iter().map(|m| m.text()).collect();
    assert_eq!(said, ["A number?", r#"{"n":1}"#]);
}

#[tokio::test]
async fn history_that_a_caller_keeps_passes_the_guards_and_is_mended() {
    let world = World::new([Turn::tool("echo", "{}"), Turn::text("first"), Turn::text("second")]);
    let agent = world.agent(|a| a.tool(Spy::echo("echo")));
    let report = agent.run(&world.scope, "one").await.unwrap();
    // The result is lost, and somebody has added a secret in clear.
    let mut history = report.messages.clone();
    history.remove(2);
    history.push(Arc::new(Message::user(
        largestack_types::part::PartId::new(0, 1),
        "My card is 4111 1111 1111 1111.",
    )));
    let options = RunOptions::default().history(history);
    let report = agent.run_with(&world.scope, "two", options).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    let written = world.written(report.run).await;
    assert!(!written.contains("4111") && written.contains("<CARD_1:"), "{written}");
    assert!(world.kinds(report.run).await.contains(&"guarded"));
    let asked = world.model.calls().last().unwrap().clone();
    let roles: Vec<_> = asked.messages.iter().map(|message| message.role).collect();
    let [system, user, assistant, tool] = [Role::System, Role::User, Role::Assistant, Role::Tool];
    assert_eq!(roles, [system, user, assistant, tool, assistant, user, user]);
    assert_eq!(report.messages.len(), 2, "only its own");
}

/// Runs whose conversation is summed up at the fourth question.
fn long_talk(summary: Turn) -> World {
    let turns = ["one", "two", "three"].map(Turn::text).into_iter();
    World::new(turns.chain([summary, Turn::text("four"), Turn::text("five")]))
}

/// Each exchange is about a hundred tokens.
fn question(number: u32) -> String {
    format!("{number} {}", "x".repeat(360))
}

#[tokio::test]
async fn what_is_too_much_is_summed_up_by_a_call_of_the_run_that_is_on_its_bill() {
    let world = long_talk(Turn::text("They counted.").usage(400, 20));
    let agent = world.agent(|a| a.memory(Memory::summary(250)));
    for number in 1..=3 {
        agent.run_with(&world.scope, question(number), in_session()).await.unwrap();
    }
    let report = agent.run_with(&world.scope, question(4), in_session()).await.unwrap();
    assert_eq!((report.status, &*report.text, report.turns), (Status::Completed, "four", 1));
    let (history, recalled) = started(&world, &world.scope, report.run).await;
    let older = recalled.summarise.unwrap();
    assert_eq!((history.len(), older.messages), (6, 4));
    let kinds = world.kinds(report.run).await;
    assert_eq!(kinds[1..4], ["effect_started", "summarised", "effect_started"]);
    // Asked with the older messages and no tools; then with the summary in their place.
    let calls = world.model.calls();
    let [.., ask, turn] = &calls[..] else { panic!("{}", calls.len()) };
    assert_eq!(ask.messages.len(), 1 + 4 + 1);
    assert_eq!(turn.messages.len(), 1 + 1 + 2 + 1);
    let summary = &turn.messages[1];
    assert!(summary.text().ends_with("They counted."), "{}", summary.text());
    let label = summary.label().unwrap();
    assert!(label.origins.contains(Origin::Agent) && label.origins.contains(Origin::User));
    assert!(label.is_trusted(), "nobody else has said anything in it: {label:?}");
    // The next run begins with it, and is told nothing twice.
    let said = kept(&world).await;
    assert_eq!(said.digest.as_ref().unwrap().through, said.exchanges[1].run);
    assert_eq!(said.exchanges.len(), 4);
    assert_eq!(report.usage.total_tokens(), 420 + 15);
    let costs = world.journal.costs(&world.scope, largestack_ports::journal::CostBy::Agent);
    let rows = costs.await.unwrap();
    assert_eq!((rows[0].calls, rows[0].usage.total_tokens()), (5, 420 + 4 * 15));
    // A fold of the journal is the same run.
    let events = world.journal.read(&world.scope, report.run, 0).await.unwrap();
    let folded = largestack_agent::agent::fold(report.run, agent.definition(), &events).unwrap();
    assert_eq!(folded.own_messages(), &report.messages[..]);
    assert_eq!(folded.usage(), report.usage);
}

#[tokio::test]
async fn a_conversation_that_cannot_be_summed_up_goes_on_without_its_older_part() {
    for summary in [Turn::text(""), Turn::text("half").finish(FinishReason::Length)] {
        let world = long_talk(summary);
        let agent = world.agent(|a| a.memory(Memory::summary(250)));
        for number in 1..=3 {
            agent.run_with(&world.scope, question(number), in_session()).await.unwrap();
        }
        let report = agent.run_with(&world.scope, question(4), in_session()).await.unwrap();
        assert_eq!(report.finish_reason, Some(EndReason::Stop));
        assert!(world.kinds(report.run).await.contains(&"model_failed"));
        assert_eq!(world.model.calls().last().unwrap().messages.len(), 1 + 2 + 1);
        let said = kept(&world).await;
        assert_eq!((said.digest, said.exchanges.len()), (None, 4));
    }
}

#[tokio::test]
async fn a_run_taken_up_after_a_crash_at_any_event_is_summed_up_and_remembered_once() {
    let run = RunId::from_u128(4);
    let world = long_talk(Turn::text("They counted."));
    let agent = world.agent(|a| a.memory(Memory::summary(250)));
    for number in 1..=3 {
        agent.run_with(&world.scope, question(number), in_session()).await.unwrap();
    }
    let before = kept(&world).await;
    let options = RunOptions { id: Some(run), ..in_session() };
    let whole = agent.run_with(&world.scope, question(4), options).await.unwrap();
    let after = kept(&world).await;
    let events = world.journal.read(&world.scope, run, 0).await.unwrap();
    assert_eq!(events.len(), 6);
    for cut in 1..events.len() {
        let answered = events[..cut].iter().filter(|recorded| {
            matches!(&*recorded.event, Event::Summarised(_) | Event::ModelReplied(_))
        });
        let answered = answered.count();
        let rest = [Turn::text("They counted."), Turn::text("four")];
        let world = World::new(rest.into_iter().skip(answered));
        world.journal.take_in(&world.scope, before.clone()).await.unwrap();
        let other = largestack_types::id::OwnerId::from_u128(9);
        let lease = world.journal.claim(&world.scope, run, other).await.unwrap();
        let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
        world.journal.append(&lease, batch).unwrap();
        world.journal.release(&lease).await.unwrap();
        let agent = world.agent(|a| a.memory(Memory::summary(250)));
        // While nobody drives it, others may speak.
        let said = agent.resume(&world.scope, run, ResumeOptions::default()).await.unwrap();
        assert_eq!((&*said.text, &said.usage), ("four", &whole.usage), "cut {cut}");
        assert_eq!(world.model.calls().len(), 2 - answered, "cut {cut}: nothing is paid twice");
        let kept = kept(&world).await;
        assert_eq!((kept.exchanges, kept.digest), (after.exchanges.clone(), after.digest.clone()));
    }
}

#[tokio::test]
async fn an_exported_session_is_taken_in_again_as_whoever_takes_it_in() {
    let world = World::new([Turn::tool("echo", r#"{"n":1}"#), Turn::text("first")]);
    let agent = world.agent(|a| a.tool(Spy::echo("echo")));
    agent.run_with(&world.scope, "My card is 4111 1111 1111 1111.", in_session()).await.unwrap();
    let kept = world.runtime().conversations();
    let document = kept.export(&world.scope, "chat").await.unwrap();
    assert!(document.contains("<CARD_1:") && !document.contains("4111"), "{document}");
    let again = kept.import(&world.scope, &document).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    let other = Scope::authenticated(TenantId::new("acme").unwrap(), "bob");
    assert_eq!(kept.load(&other, "chat").await.unwrap_err().code(), Code::NotFound);
    let secret = document.replace("first", "My card is 5555 5555 5555 4444.");
    let session = kept.import(&other, &secret).await.unwrap();
    assert_eq!((session.exchanges, session.name.as_deref()), (1, Some("chat")));
    let said = kept.load(&other, "chat").await.unwrap();
    let written = serde_json::to_string(&said).unwrap();
    assert!(!written.contains("5555"), "{written}");
    let labels = said.exchanges[0].messages.iter().filter_map(|message| message.label());
    assert!(labels.into_iter().all(|label| !label.is_trusted()), "a document vouches for nothing");
    assert_eq!(said.exchanges[0].messages.len(), 4);
    // Deleted and taken in again; what the old placeholders stood for is gone.
    assert!(kept.delete(&world.scope, "chat").await.unwrap());
    assert!(!kept.delete(&world.scope, "chat").await.unwrap());
    kept.import(&world.scope, &document).await.unwrap();
    let root = vault_root(world.scope.principal(), chat());
    assert!(world.vault.all(&world.scope, root).await.unwrap().is_empty());
    for (from, to) in [
        ("largestack.session/1", "other/1"),
        ("\"format\"", "\"more\": 1, \"format\""),
        ("\"user\"", "\"system\""),
        ("\"chat\"", "\"another\""),
    ] {
        let error = kept.import(&other, &document.replacen(from, to, 1)).await.unwrap_err();
        assert_eq!(error.code(), Code::Input, "{to}");
    }
}
