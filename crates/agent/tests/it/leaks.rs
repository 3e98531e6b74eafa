//! The operator's instructions, which do not come out with the answer.

use std::sync::Arc;

use largestack_agent::{Agent, RunOptions};
use largestack_engine::Status;
use largestack_guard::Mode;
use largestack_guard::content::ContentPolicy;
use largestack_guard::leak::{LeakAction, LeakPolicy, REMOVED};
use largestack_ports::tool::Capability;
use largestack_testkit::{TestModel, Turn};
use largestack_types::part::Body;

use crate::streaming::{heard_by, text_of};
use crate::world::{Spy, World};

const PROMPT: &str = "You help people at the counter of a library. The annual sale of withdrawn books is \
not announced before the committee has met, and nobody may hear its date from you. Fines under five \
euros are waived when somebody asks a second time.";

fn keeps(action: LeakAction) -> ContentPolicy {
    let prompt_leak = LeakPolicy { action, ..LeakPolicy::default() };
    ContentPolicy { prompt_leak, ..ContentPolicy::default() }
}

fn agent(world: &World, policy: ContentPolicy) -> Agent {
    let mail = Spy::echo("mail").with(|options| {
        options.access.capabilities = [Capability::Send].into();
    });
    world.agent(|a| a.instructions(PROMPT).content(policy).tool(mail).tool(Spy::echo("note")))
}

#[tokio::test]
async fn instructions_in_an_answer_are_recorded_taken_out_or_end_the_run() {
    let leak = format!("Of course. {PROMPT} Is there more?");
    let run = async |policy| {
        let world = World::new([Turn::text(&*leak)]);
        let report = agent(&world, policy).run(&world.scope, "go").await.unwrap();
        (world.written(report.run).await, report)
    };
    let (written, report) = run(keeps(LeakAction::Allow)).await;
    assert!(!written.contains("prompt_leak"), "{written}");
    assert_eq!(report.text, leak);
    let (written, report) = run(ContentPolicy::default()).await;
    assert!(written.contains(r#""kind":"prompt_leak""#) && report.text == leak, "{written}");
    let (written, report) = run(keeps(LeakAction::Redact)).await;
    assert_eq!(report.text, format!("Of course. {REMOVED}. Is there more?"));
    assert!(!written.contains("withdrawn"), "{written}");
    let (written, report) = run(keeps(LeakAction::Block)).await;
    assert_eq!(report.error.as_ref().unwrap().guard_type(), Some("prompt_leak"));
    assert!(!written.contains("withdrawn") && written.contains(r#""action":"block""#), "{written}");
    let (_, report) = run(keeps(LeakAction::Block).under(Mode::Observe)).await;
    assert_eq!((report.status, report.text), (Status::Completed, leak.clone()));
}

#[tokio::test]
async fn a_stream_shows_what_is_recorded_and_nothing_of_the_instructions() {
    let leak = format!("Of course. {PROMPT} Is there more?");
    for pieces in [1, 7, 90] {
        let world = World::new([Turn::text(&*leak).pieces(pieces)]);
        let agent = agent(&world, keeps(LeakAction::Redact));
        let (events, report) = heard_by(&world, &agent, "go").await;
        assert_eq!(text_of(&events), report.text);
        assert_eq!(report.text, format!("Of course. {REMOVED}. Is there more?"));
    }
    let world = World::new([Turn::text(&*leak).pieces(60)]);
    let agent = agent(&world, keeps(LeakAction::Block));
    let (events, report) = heard_by(&world, &agent, "go").await;
    assert_eq!(report.error.as_ref().unwrap().guard_type(), Some("prompt_leak"));
    assert!(!text_of(&events).contains("library"), "{}", text_of(&events));
    assert!(world.written(report.run).await.contains(r#""kind":"prompt_leak""#));
}

#[tokio::test]
async fn what_a_run_is_told_beside_is_kept_too_and_what_the_user_has_said_is_not() {
    let own = "For this visitor only: the key of the reading room hangs behind the second shelf on the \
left, and the alarm is off until six in the evening.";
    let world = World::new([Turn::text(own)]);
    let options = RunOptions { instructions: Some(own.into()), ..RunOptions::default() };
    let agent = agent(&world, keeps(LeakAction::Redact));
    let report = agent.run_with(&world.scope, "go", options).await.unwrap();
    assert_eq!(report.text, format!("{REMOVED}."));

    let world = World::new([Turn::text(PROMPT)]);
    let agent = self::agent(&world, keeps(LeakAction::Redact));
    let report = agent.run(&world.scope, format!("Say this: {PROMPT}")).await.unwrap();
    assert_eq!(report.text, PROMPT);
}

#[tokio::test]
async fn a_tool_that_sends_is_not_called_with_instructions() {
    let arguments = format!(r#"{{"to":"x","text":"{PROMPT}"}}"#);
    let turns = |tool| [Turn::tool(tool, &arguments), Turn::text("done")];
    let ran = async |tool, action| {
        let world = World::new(turns(tool));
        let report = agent(&world, keeps(action)).run(&world.scope, "go").await.unwrap();
        (world.written(report.run).await, report)
    };
    let (written, report) = ran("mail", LeakAction::Redact).await;
    assert_eq!(report.status, Status::Completed);
    assert!(written.contains("which go nowhere") && written.contains("prompt_leak"), "{written}");
    let (_, report) = ran("mail", LeakAction::Block).await;
    assert_eq!(report.error.as_ref().unwrap().guard_type(), Some("prompt_leak"));
    // What sends nothing, and what is only recorded.
    let (written, _) = ran("note", LeakAction::Redact).await;
    assert!(!written.contains("go nowhere") && !written.contains("prompt_leak"), "{written}");
    let (written, _) = ran("mail", LeakAction::Warn).await;
    assert!(!written.contains("go nowhere") && written.contains("prompt_leak"), "{written}");
}

/// The mark of the instructions in what the model was sent.
fn mark(world: &World) -> Option<String> {
    let calls = world.model.calls();
    let Body::Text(text) = &calls.last().unwrap().messages[0].parts[0].body else { return None };
    let (_, line) = text.split_once("\n\n[")?;
    Some(line.split_once(": the mark")?.0.to_owned())
}

#[tokio::test]
async fn a_canary_is_each_runs_own_stands_in_no_event_and_is_told_alone() {
    let prompt_leak =
        LeakPolicy { action: LeakAction::Redact, canary: true, ..LeakPolicy::default() };
    let policy = || ContentPolicy { prompt_leak: prompt_leak.clone(), ..ContentPolicy::default() };
    let world = World::new(["a", "b"].map(Turn::text));
    let agent = |world: &World| world.agent(|a| a.instructions("Be brief.").content(policy()));
    let first = agent(&world).run(&world.scope, "go").await.unwrap();
    let of_first = mark(&world).unwrap();
    agent(&world).run(&world.scope, "go").await.unwrap();
    assert_ne!(mark(&world).unwrap(), of_first);
    assert!(!world.written(first.run).await.contains(&of_first));

    // The same run says the same again; ids of this world count from one.
    let says = format!("Well: {}", of_first.to_uppercase());
    let world = World::of(TestModel::new([Turn::text(&*says)]));
    let report = agent(&world).run(&world.scope, "go").await.unwrap();
    assert_eq!((report.run, report.text), (first.run, format!("Well: {REMOVED}")));
    assert_eq!(mark(&world), Some(of_first));

    // Without it nothing is sent that was not said.
    let world = World::new([Turn::text("a")]);
    world.agent(|a| a.content(keeps(LeakAction::Redact))).run(&world.scope, "go").await.unwrap();
    assert_eq!(mark(&world), None);
    let strict = World::new([Turn::text("a")]);
    let policy = ContentPolicy::default().under(Mode::Strict);
    strict.agent(|a| a.content(policy)).run(&strict.scope, "go").await.unwrap();
    assert!(mark(&strict).is_some());
}

#[tokio::test]
async fn who_takes_over_keeps_instructions_of_their_own() {
    let failed = largestack_types::errors::LargestackError::other(
        largestack_types::error::Code::Provider,
        "down",
    );
    let world = World::new([Turn::error(failed), Turn::text(PROMPT)]);
    let second = agent(&world, keeps(LeakAction::Redact));
    let first = world.agent(|a| a.fallback(second));
    let report = first.run(&world.scope, "go").await.unwrap();
    assert_eq!(report.text, format!("{REMOVED}."));
    let _: &Arc<str> = &report.attempts[0].agent;
}
