//! What differs from run to run: instructions, model, settings, limits.

use largestack_agent::{Adjusted, RunOptions};
use largestack_engine::Status;
use largestack_testkit::Turn;
use largestack_types::call::Settings;
use largestack_types::errors::{Code, Coded as _};

use crate::world::World;

#[tokio::test]
async fn instructions_of_a_run_stand_behind_the_agents_own_and_in_its_journal() {
    let world = World::new([Turn::text("Hi."), Turn::text("Hi.")]);
    let agent = world.agent(|b| b);
    let options = RunOptions { instructions: Some("Speak Greek.".into()), ..RunOptions::default() };
    let report = agent.run_with(&world.scope, "Hello", options).await.unwrap();
    agent.run(&world.scope, "Hello").await.unwrap();
    let calls = world.model.calls();
    assert_eq!(calls[0].messages[0].text(), "Help.\n\nSpeak Greek.");
    assert_eq!(calls[1].messages[0].text(), "Help.", "the next run knows nothing of it");
    let (run, _) = largestack_agent::agent::fold_stored(&*world.journal, &world.scope, report.run)
        .await
        .unwrap();
    assert_eq!(run.messages()[0].text(), "Help.\n\nSpeak Greek.");
}

#[tokio::test]
async fn a_secret_in_instructions_of_a_run_is_in_no_event() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    let world = World::new([Turn::text("Hi.")]);
    let agent = world.agent(|b| b);
    let text = format!("The key is {key}.");
    let options = RunOptions { instructions: Some(text.into()), ..RunOptions::default() };
    let report = agent.run_with(&world.scope, "Hello", options).await.unwrap();
    assert!(!world.written(report.run).await.contains(key));
    assert!(!world.model.calls()[0].messages[0].text().contains(key));
}

#[tokio::test]
async fn model_settings_and_limits_may_differ_in_one_run() {
    let world = World::new([Turn::tool("nothing", "{}"), Turn::text("Done.")]);
    let agent = world.agent(|b| b.settings(Settings { seed: Some(1), ..Settings::default() }));
    let adjusted = Adjusted {
        model: Some("other/model".into()),
        settings: Some(Settings { temperature: Some(0.0), ..Settings::default() }),
        max_turns: Some(1),
        ..Adjusted::default()
    };
    let options = RunOptions { adjusted, ..RunOptions::default() };
    let report = agent.run_with(&world.scope, "Hello", options).await.unwrap();
    let call = &world.model.calls()[0];
    assert_eq!(&*call.model, "other/model");
    assert_eq!((call.settings.seed, call.settings.temperature), (Some(1), Some(0.0)));
    assert_eq!(report.status, Status::Incomplete);
}

#[tokio::test]
async fn what_cannot_differ_in_one_run_is_refused() {
    let world = World::new([]);
    let agent = world.agent(|b| b);
    let adjusted = Adjusted { max_turns: Some(0), ..Adjusted::default() };
    let options = RunOptions { adjusted, ..RunOptions::default() };
    let error = agent.run_with(&world.scope, "Hello", options).await.unwrap_err();
    assert_eq!(error.code(), Code::Input);
}
