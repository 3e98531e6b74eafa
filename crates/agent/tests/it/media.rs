//! Media take the path of text: one engine, the same events, stages and verdicts.

use futures::StreamExt as _;
use largestack_agent::stage::{
    FinalTurn, ModelTurn, ReplyTurn, ResultDraft, ToolTurn, Verdict, hook,
};
use largestack_agent::{AgentBuilder, Input, Output, Report, ResumeOptions, RunOptions};
use largestack_engine::event::{Event, HookVerdict};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tool::{ToolFailure, ToolOutput};
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::Code;
use largestack_types::errors::LargestackError;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::limits::{Limits, OnLimit};
use largestack_types::part::{Body, Media, MediaKind, MediaSource};
use proptest::prelude::*;

use crate::world::{Spy, World};

fn picture(source: MediaSource) -> Media {
    Media { kind: MediaKind::Image, mime: "image/png".into(), source, name: None }
}

/// Base64 of this many bytes.
fn inline(bytes: usize) -> MediaSource {
    assert_eq!(bytes % 3, 0);
    MediaSource::Base64("iVBO".repeat(bytes / 3).into())
}

fn sources() -> [MediaSource; 4] {
    [
        inline(30),
        inline(30_000),
        MediaSource::Url("https://example.org/a.png".into()),
        MediaSource::ProviderFile("file-1".into()),
    ]
}

/// What may stand in the way of a run, by a number each.
#[derive(Clone, Copy, Debug)]
struct Features {
    script: usize,
    /// Typed answers, hooks, a listener, an error at a limit.
    with: [bool; 4],
    turns: u32,
}

fn features() -> impl Strategy<Value = Features> {
    (0..7usize, any::<[bool; 4]>(), 1..4u32).prop_map(|(script, with, turns)| Features {
        script,
        with,
        turns,
    })
}

fn script(features: Features) -> Vec<Turn> {
    let answer = r#"{"a":1}"#;
    let down = || LargestackError::other(Code::Provider, "down");
    match features.script {
        0 => vec![Turn::text(answer)],
        1 => vec![Turn::tool("echo", r#"{"n":1}"#), Turn::text(answer).pieces(3)],
        2 => vec![Turn::tool("echo", r#"{"n":-1}"#).and_tool("none", "{}"), Turn::text(answer)],
        3 => vec![Turn::tool("fails", "{}"), Turn::text("no value"), Turn::text(answer)],
        4 => vec![Turn::error(down())],
        5 => vec![Turn::tool("echo", "{}"), Turn::error(down())],
        _ => (0..9).map(|_| Turn::tool("echo", r#"{"n":1}"#)).collect(),
    }
}

fn described(a: AgentBuilder, features: Features) -> AgentBuilder {
    let [typed, hooks, _, strict] = features.with;
    let limits = Limits {
        max_turns: features.turns,
        on_limit: if strict { OnLimit::Error } else { OnLimit::Finish },
        ..Limits::default()
    };
    let fails = Spy::failing("fails", 1, ToolFailure::new("broken"));
    let mut a = a.tool(Spy::echo("echo")).tool(fails).limits(limits);
    if typed {
        let schema = r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#;
        a = a.output(Output::of(Json::parse(schema).unwrap()));
    }
    if hooks {
        a = a
            .before_model(hook("m", |_, turn: &ModelTurn| match turn.so_far.turns {
                1 => Verdict::guide("mind"),
                _ => Verdict::Continue,
            }))
            .after_model(hook("r", |_, turn: &ReplyTurn| match &*turn.message.text() {
                "no value" => Verdict::discard("a value"),
                _ => Verdict::Continue,
            }))
            .before_tool(hook("t", |_, turn: &ToolTurn| match &*turn.call.name {
                "fails" => Verdict::guide("not this one"),
                _ => Verdict::Continue,
            }))
            .after_tool(hook("d", |_, _: &ResultDraft| Verdict::guide("seen")))
            .on_final(hook("f", |_, _: &FinalTurn| Verdict::Continue));
    }
    a
}

/// The kinds of what happened, with verdicts and outcomes, and what is told of the run.
async fn happened(features: Features, second: Body) -> (Vec<String>, Vec<String>, String) {
    let world = World::new(script(features));
    let agent = world.agent(|a| described(a, features));
    let card = Body::Text("My card is 4111 1111 1111 1111.".into());
    let input = Input::of([card, second]);
    let report = if features.with[2] {
        let mut stream = agent.stream(&world.scope, input, RunOptions::default());
        while stream.next().await.is_some() {}
        stream.report().unwrap()
    } else {
        agent.run(&world.scope, input).await
    };
    let report = report.unwrap();
    let events = world.events(report.run).await;
    let kinds = events.iter().map(|event| match &**event {
        Event::Hooked(hooked) => {
            let verdict = match &hooked.verdict {
                HookVerdict::Proceeded => "proceeded",
                HookVerdict::Guided(_) => "guided",
                HookVerdict::Discarded(_) => "discarded",
                _ => "other",
            };
            format!("{} {verdict}", hooked.at.name())
        }
        Event::ToolReturned(returned) => format!("tool {:?}", returned.outcome),
        Event::Guarded(guarded) => {
            let found: Vec<_> = guarded.findings.iter().map(|f| (&f.kind, &f.action)).collect();
            format!("guarded {found:?}")
        }
        other => other.kind().to_owned(),
    });
    let stages = agent.definition().pipeline.iter().map(ToString::to_string).collect();
    let Report { status, finish_reason, turns, tool_calls, text, .. } = report;
    let facts = format!("{status} {finish_reason:?} {turns} {tool_calls} {text}");
    (kinds.collect(), stages, facts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_part_of_media_in_place_of_one_of_text_changes_no_event_no_stage_and_no_verdict(
        features in features(),
        source in 0..4usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = runtime.block_on(happened(features, Body::Text("a picture".into())));
        let media = Body::Media(picture(sources()[source].clone()));
        let media = runtime.block_on(happened(features, media));
        prop_assert_eq!(text, media);
    }
}

#[tokio::test]
async fn a_large_part_is_kept_once_beside_the_journal_and_a_model_reads_it_whole() {
    let world = World::new([Turn::tool("echo", "{}"), Turn::text("A cat.")]);
    let agent = world.agent(|a| a.tool(Spy::echo("echo")));
    for (bytes, kept) in [(8_190, 0), (8_193, 1)] {
        let world = World::new([Turn::text("A cat.")]);
        let agent = world.agent(|a| a);
        let input = Input::with_media("What is it?", [picture(inline(bytes))]);
        let report = agent.run(&world.scope, input).await.unwrap();
        let written = world.written(report.run).await;
        assert_eq!(written.contains("iVBOiVBOiVBO"), kept == 0, "{bytes}");
        assert_eq!(written.matches("\"blob\"").count(), kept, "{bytes}");
    }
    let input = Input::with_media("What is it?", [picture(inline(30_000))]);
    let report = agent.run(&world.scope, input).await.unwrap();
    assert_eq!(report.turns, 2);
    for call in world.model.calls() {
        let read = call.messages[1].parts.iter().find_map(|part| match &part.body {
            Body::Media(media) => Some(media.source.clone()),
            _ => None,
        });
        assert_eq!(read, Some(inline(30_000)));
    }
    assert!(world.written(report.run).await.len() < 20_000);
}

#[tokio::test]
async fn media_of_an_earlier_run_and_of_one_that_is_taken_up_are_read_from_where_they_are_kept() {
    let world = World::new([Turn::text("A cat."), Turn::text("Grey.")]);
    let agent = world.agent(|a| a);
    let input = || Input::with_media("What is it?", [picture(inline(30_000))]);
    let first = agent.run(&world.scope, input()).await.unwrap();
    let options = RunOptions { history: first.messages, ..RunOptions::default() };
    agent.run_with(&world.scope, "Which colour?", options).await.unwrap();
    let shown = |call: &largestack_types::call::Call| {
        call.messages
            .iter()
            .flat_map(|m| &m.parts)
            .any(|part| matches!(&part.body, Body::Media(media) if media.source == inline(30_000)))
    };
    assert!(shown(&world.model.calls()[1]));

    let events = world.journal.read(&world.scope, first.run, 0).await.unwrap();
    let Event::RunStarted(started) = &*events[0].event else { panic!("no start") };
    let blob = started.input.parts.iter().find_map(|part| match &part.body {
        Body::Media(Media { source: MediaSource::Blob(hash), .. }) => Some(*hash),
        _ => None,
    });
    let bytes = world.journal.blob(&world.scope, blob.unwrap()).await.unwrap().unwrap();
    for blobs in [vec![(blob.unwrap(), bytes)], Vec::new()] {
        let other = World::of(TestModel::new([Turn::text("A cat.")]));
        let agent = other.agent(|a| a);
        let missing = blobs.is_empty();
        let batch = Batch { events: events[..1].to_vec(), blobs, ..Batch::default() };
        let lease = other.journal.claim(&other.scope, first.run, OwnerId::from_u128(9)).await;
        let lease = lease.unwrap();
        other.journal.append(&lease, batch).unwrap();
        other.journal.release(&lease).await.unwrap();
        let report = agent.resume(&other.scope, first.run, ResumeOptions::default()).await.unwrap();
        assert_eq!(report.error.is_some(), missing, "bytes that are lost are an error");
        assert_eq!(other.model.calls().first().is_some_and(shown), !missing);
    }
}

#[tokio::test]
async fn media_of_tools_and_of_models_go_the_same_way() {
    let draws = || {
        Spy::new("draw", |_, _| {
            let output =
                ToolOutput { media: vec![picture(inline(30_000))], ..ToolOutput::text("") };
            Box::pin(async { Ok(output) })
        })
    };
    let world = World::new([Turn::tool("draw", "{}"), Turn::text("Here it is.")]);
    let agent = world.agent(|a| a.tool(draws()));
    let options = RunOptions { id: Some(RunId::from_u128(3)), ..RunOptions::default() };
    let report = agent.run_with(&world.scope, "Draw a cat.", options).await.unwrap();
    assert!(world.written(report.run).await.len() < 20_000);
    let read = world.model.calls()[1].messages.iter().flat_map(|m| m.parts.clone()).any(|part| {
        matches!(part.body, Body::ToolResult(result) if result.media[0].source == inline(30_000))
    });
    assert!(read, "the model sees what the tool drew");
}
