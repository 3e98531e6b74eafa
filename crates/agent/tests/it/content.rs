//! What a model may show, and which texts may pass by their operator's rules.

use futures::StreamExt as _;
use std::sync::Arc;

use largestack_agent::{Agent, Input, Output, RunOptions};
use largestack_engine::EndReason;
use largestack_guard::Mode;
use largestack_guard::content::{
    ContentPolicy, LengthPolicy, OutputPolicy, Place, RuleAction, RulePolicy, SelfHarmAction,
    SelfHarmPolicy, TopicPolicy,
};
use largestack_ports::journal::Journal as _;
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::LargestackError;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Media, MediaKind, MediaSource, PartId};

use crate::streaming::{heard_by, text_of};
use crate::world::{Spy, World};

fn shows(urls: &[&str]) -> ContentPolicy {
    let urls = Some(urls.iter().map(|host| (*host).to_owned()).collect());
    let output = OutputPolicy { urls, controls: true, ..OutputPolicy::default() };
    ContentPolicy { output, ..ContentPolicy::default() }
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_in_no_answer_no_journal_and_no_stream_wherever_it_was_cut()
{
    let said = "See ![x](https://evil.test/p?d=1) and https://docs.example.org/a.\u{1b}[2J Bye";
    let shown = "See ![x]([link removed]) and https://docs.example.org/a. Bye";
    for pieces in 1..said.len() {
        let world = World::new([Turn::text(said).pieces(pieces)]);
        let agent = world.agent(|a| a.content(shows(&["docs.example.org"])));
        let (events, report) = heard_by(&world, &agent, "go").await;
        let told = text_of(&events);
        assert_eq!((told.as_str(), report.text.as_str()), (shown, shown), "{pieces}");
        assert!(!world.written(report.run).await.contains("evil.test"));
    }
}

#[tokio::test]
async fn what_was_taken_out_of_an_answer_is_recorded_without_it() {
    let world = World::new([Turn::text("[a](https://evil.test/x)")]);
    let report = world.agent(|a| a.content(shows(&[]))).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.text, "[a]([link removed])");
    let written = world.written(report.run).await;
    assert!(written.contains("\"kind\":\"link\""), "{written}");
    assert!(!written.contains("evil"), "{written}");
}

#[tokio::test]
async fn a_host_that_is_none_is_an_error_of_the_description() {
    let world = World::new([Turn::text("x")]);
    let agent = Agent::builder("a").model("test/one").content(shows(&["https://a.test"]));
    let error = agent.build(world.runtime()).err().unwrap();
    assert_eq!(error.code(), Code::Config);
    assert!(error.to_string().contains("`https://a.test` is no name of a host"), "{error}");
}

fn judged_by(name: &str, rule: RulePolicy) -> ContentPolicy {
    ContentPolicy { rules: [(name.to_owned(), rule)].into(), ..ContentPolicy::default() }
}

fn rule(on: Place, pattern: &str, action: RuleAction) -> RulePolicy {
    let pattern = Some(pattern.to_owned());
    RulePolicy { on: vec![on], pattern, action, ..RulePolicy::default() }
}

#[tokio::test]
async fn a_question_that_a_rule_blocks_reaches_no_model_and_is_recorded_without_what_it_found() {
    let world = World::new([Turn::text("x")]);
    let block = rule(Place::Input, "bluebird", RuleAction::Block);
    let block = RulePolicy { message: Some("Ask the press office.".into()), ..block };
    let agent = world.agent(|a| a.content(judged_by("codename", block)));
    let error = agent.run(&world.scope, "what is bluebird").await.unwrap_err();
    assert_eq!((error.code(), error.guard_type()), (Code::Guardrail, Some("codename")));
    assert!(error.to_string().contains("Ask the press office."), "{error}");
    assert!(world.model.calls().is_empty());
    let run = world.journal.runs(&world.scope, 2).await.unwrap()[0].run;
    let written = world.written(run).await;
    assert!(
        written.contains("\"kind\":\"codename\"") && !written.contains("bluebird"),
        "{written}"
    );
}

#[tokio::test]
async fn an_answer_that_a_rule_blocks_is_told_to_nobody() {
    for pieces in [1, 5, 20] {
        let world = World::new([Turn::text("it is called bluebird, really").pieces(pieces)]);
        let block = rule(Place::Output, "bluebird", RuleAction::Block);
        let agent = world.agent(|a| a.content(judged_by("codename", block)));
        let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
        let mut events = Vec::new();
        while let Some(event) = stream.next().await {
            events.push(event);
        }
        assert_eq!(text_of(&events), "");
        let error = stream.report().unwrap().unwrap().error.unwrap();
        assert_eq!(error.guard_type(), Some("codename"));
    }
}

#[tokio::test]
async fn what_a_rule_takes_out_of_an_answer_is_not_streamed_either() {
    let world = World::new([Turn::text("it is called bluebird, really").pieces(7)]);
    let redact = rule(Place::Output, "bluebird", RuleAction::Redact);
    let agent = world.agent(|a| a.content(judged_by("codename", redact)));
    let (events, report) = heard_by(&world, &agent, "go").await;
    assert_eq!(report.text, "it is called [codename removed], really");
    assert_eq!(text_of(&events), report.text);
    assert!(!world.written(report.run).await.contains("bluebird"));
}

#[tokio::test]
async fn rules_look_at_what_tools_are_given_and_what_they_return() {
    let turns = || [Turn::tool("echo", r#"{"text":"bluebird"}"#), Turn::text("done")];
    let world = World::new(turns());
    let echo = Spy::echo("echo");
    let redact = rule(Place::ToolArguments, "bluebird", RuleAction::Redact);
    let agent = world.agent(|a| a.tool(echo.clone()).content(judged_by("codename", redact)));
    agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(echo.seen.lock().unwrap()[0], r#"{"text":"[codename removed]"}"#);

    let world = World::new(turns());
    let (echo, block) = (Spy::echo("echo"), rule(Place::ToolArguments, "bird", RuleAction::Block));
    let agent = world.agent(|a| a.tool(echo.clone()).content(judged_by("codename", block)));
    let error = agent.run(&world.scope, "go").await.unwrap().error.unwrap();
    assert_eq!((error.guard_type(), echo.count()), (Some("codename"), 0));

    let world = World::new(turns());
    let (echo, torn) = (Spy::echo("echo"), rule(Place::ToolArguments, "\":", RuleAction::Redact));
    let agent = world.agent(|a| a.tool(echo.clone()).content(judged_by("q", torn)));
    let error = agent.run(&world.scope, "go").await.unwrap().error.unwrap();
    assert_eq!((error.guard_type(), echo.count()), (Some("q"), 0));

    let world = World::new(turns());
    let redact = rule(Place::ToolResult, "bluebird", RuleAction::Redact);
    let agent = world.agent(|a| a.tool(Spy::echo("echo")).content(judged_by("codename", redact)));
    agent.run(&world.scope, "go").await.unwrap();
    let asked = serde_json::to_string(&world.model.calls()[1].messages).unwrap();
    assert!(asked.contains("[codename removed]"), "{asked}");
}

#[tokio::test]
async fn a_question_about_nothing_that_is_allowed_and_one_that_is_too_long_are_refused() {
    let topics = TopicPolicy {
        allow: Some(vec!["billing".into()]),
        words: [("billing".to_owned(), vec!["invoice*".to_owned()])].into(),
        ..TopicPolicy::default()
    };
    let length = LengthPolicy { input: Some(20), ..LengthPolicy::default() };
    let policy = ContentPolicy { topics, length, ..ContentPolicy::default() };
    for (text, guard) in [
        ("where is my invoice?", None),
        ("elections and bets", Some("topic")),
        ("where are my invoices", Some("length")),
    ] {
        let world = World::new([Turn::text("x")]);
        let agent = world.agent(|a| a.content(policy.clone()));
        let said = agent.run(&world.scope, text).await;
        assert_eq!(
            said.err().and_then(|error| error.guard_type().map(str::to_owned)).as_deref(),
            guard
        );
    }
}

#[tokio::test]
async fn who_means_to_harm_themselves_is_answered_with_help_and_no_model_is_asked() {
    let action = SelfHarmAction::Help;
    let self_harm = SelfHarmPolicy { action, ..SelfHarmPolicy::default() };
    let policy = ContentPolicy { self_harm, ..ContentPolicy::default() };
    let world = World::new([Turn::text("x")]);
    let agent = world.agent(|a| a.content(policy.clone()));
    let report = agent.run(&world.scope, "Ich will nicht mehr leben.").await.unwrap();
    assert!(report.text.contains("Krisentelefon"), "{}", report.text);
    assert_eq!(report.finish_reason, Some(EndReason::Steered));
    assert!(world.model.calls().is_empty());
    assert!(world.written(report.run).await.contains("\"hook\":\"self_harm\""));

    let report = agent.run(&world.scope, "how to kill a python process").await.unwrap();
    assert_eq!(report.text, "x");
    assert!(agent.described(None).is_ok());

    let world = World::new([Turn::text("{}")]);
    let agent = world.agent(|a| a.content(policy).output(Output::of(Json::parse("{}").unwrap())));
    let error = agent.run(&world.scope, "I want to die").await.unwrap_err();
    assert_eq!((error.code(), error.guard_type()), (Code::Guardrail, Some("self_harm")));
    assert!(error.to_string().contains("crisis line"), "{error}");
}

fn of_topics(topics: TopicPolicy) -> ContentPolicy {
    ContentPolicy { topics, ..ContentPolicy::default() }
}

fn about_billing() -> TopicPolicy {
    TopicPolicy {
        allow: Some(vec!["billing".into()]),
        words: [("billing".to_owned(), vec!["invoice*".to_owned()])].into(),
        ..TopicPolicy::default()
    }
}

#[tokio::test]
async fn a_question_of_media_alone_is_about_nothing_that_is_allowed() {
    let source = MediaSource::Base64("iVBO".into());
    let kind = MediaKind::Image;
    let media = Media { kind, mime: "image/png".into(), source, name: None };
    let picture = Input::of([Body::Media(media)]);
    let world = World::new([Turn::text("x")]);
    let agent = world.agent(|a| a.content(of_topics(about_billing())));
    let error = agent.run(&world.scope, picture.clone()).await.unwrap_err();
    assert_eq!(error.guard_type(), Some("topic"));
    assert!(world.model.calls().is_empty());

    let denies = TopicPolicy { deny: vec!["gambling".into()], ..TopicPolicy::default() };
    let agent = world.agent(|a| a.content(of_topics(denies)));
    assert_eq!(agent.run(&world.scope, picture).await.unwrap().text, "x");
}

#[tokio::test]
async fn a_history_that_a_caller_keeps_is_judged_by_who_speaks_in_it() {
    let id = |n| PartId::at(EffectId::INPUT, n);
    let asked = |text: &str| vec![Arc::new(Message::user(id(50), text))];
    let answered = |text: &str| {
        vec![Arc::new(Message::of_text(Role::Assistant, id(51), Label::default(), text))]
    };
    let of = |on, action| judged_by("codename", rule(on, "bluebird", action));
    let denies = TopicPolicy { deny: vec!["gambling".into()], ..TopicPolicy::default() };
    for (policy, history, refused) in [
        (of(Place::Input, RuleAction::Block), asked("the bluebird"), Some("codename")),
        (of(Place::Input, RuleAction::Block), answered("the bluebird"), None),
        (of(Place::Output, RuleAction::Block), answered("the bluebird"), Some("codename")),
        (of(Place::Output, RuleAction::Warn), answered("the bluebird"), None),
        (of_topics(denies.clone()), answered("in the casino"), Some("topic")),
        (of_topics(about_billing()), asked("how are you"), Some("topic")),
        (of_topics(about_billing()), asked("an invoice"), None),
    ] {
        let world = World::new([Turn::text("x")]);
        let agent = world.agent(|a| a.content(policy.clone()));
        let options = RunOptions::default().history(history);
        let said = agent.run_with(&world.scope, "my invoice", options).await;
        let error = said.err().and_then(|error| error.guard_type().map(str::to_owned));
        assert_eq!(error.as_deref(), refused, "{policy:?}");
        assert_eq!(world.model.calls().is_empty(), refused.is_some());
    }
    let world = World::new([Turn::text("x")]);
    let agent = world.agent(|a| a.content(of(Place::Input, RuleAction::Redact)));
    let options = RunOptions::default().history(asked("the bluebird"));
    let report = agent.run_with(&world.scope, "go", options).await.unwrap();
    let told = serde_json::to_string(&world.model.calls()[0].messages).unwrap();
    assert!(told.contains("the [codename removed]"), "{told}");
    assert!(!world.written(report.run).await.contains("bluebird"));
}

#[tokio::test]
async fn an_agent_that_takes_over_judges_what_is_asked_by_its_own_rules() {
    for (action, told) in [
        (RuleAction::Block, None),
        (RuleAction::Redact, Some("what is [codename removed]")),
        (RuleAction::Warn, Some("what is bluebird")),
    ] {
        let down = LargestackError::other(Code::Provider, "wrong");
        let world = World::new([Turn::error(down), Turn::text("x")]);
        let policy = judged_by("codename", rule(Place::Input, "bluebird", action));
        let second = world.agent(|a| a.content(policy));
        let first = Agent::builder("first").model("test/model").fallback(second);
        let first = first.build(world.runtime()).unwrap();
        let said = first.run(&world.scope, "what is bluebird").await.unwrap();
        let calls = world.model.calls();
        assert_eq!(calls.len(), 1 + usize::from(told.is_some()), "{:?}", said.error);
        if let Some(told) = told {
            let asked = serde_json::to_string(&calls[1].messages).unwrap();
            assert!(asked.contains(told), "{asked}");
        }
    }
}

#[tokio::test]
async fn a_mode_that_only_observes_records_what_rules_find_and_answers_all_the_same() {
    let said = "In the casino, see https://evil.test/x: bluebird";
    let world = World::new([Turn::text(said)]);
    let both = RulePolicy { on: vec![Place::Input, Place::Output], ..RulePolicy::default() };
    let block = RulePolicy { pattern: Some("bluebird".into()), ..both };
    let policy = ContentPolicy {
        output: shows(&[]).output,
        rules: [("codename".to_owned(), block)].into(),
        topics: TopicPolicy { deny: vec!["gambling".into()], ..about_billing() },
        length: LengthPolicy { input: Some(3), output: Some(3), ..LengthPolicy::default() },
        self_harm: SelfHarmPolicy { action: SelfHarmAction::Help, ..SelfHarmPolicy::default() },
        ..ContentPolicy::default()
    };
    let policy = policy.under(Mode::Observe);
    let agent = world.agent(|a| a.content(policy));
    let (events, report) = heard_by(&world, &agent, "bluebird, I want to die").await;
    assert_eq!((text_of(&events).as_str(), report.text.as_str()), (said, said));
    let written = world.written(report.run).await;
    for kind in ["codename", "topic", "length", "self_harm", "link"] {
        assert!(written.contains(&format!("\"kind\":\"{kind}\"")), "{kind}: {written}");
    }
    assert!(!written.contains("\"action\":\"block\""), "{written}");
    assert!(!written.contains("\"action\":\"help\""), "{written}");
}
