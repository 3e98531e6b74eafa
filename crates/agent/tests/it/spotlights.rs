//! What somebody else wrote stands between marks in what a model is sent, and nowhere else.

use std::sync::Arc;

use largestack_agent::{Agent, RunOptions};
use largestack_guard::Mode;
use largestack_guard::content::ContentPolicy;
use largestack_ports::tool::ToolOutput;
use largestack_testkit::Turn;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, PartId};

use crate::world::{Spy, World};

const PAGE: &str = "Opening hours: nine to five.";

fn page() -> Spy {
    Spy::new("page", |_, _| Box::pin(async { Ok(ToolOutput::text(PAGE)) }))
}

fn lit(world: &World, instructions: &str) -> Agent {
    let content = ContentPolicy { spotlight: true, ..ContentPolicy::default() };
    world.agent(|a| a.instructions(instructions).content(content).tool(page()))
}

/// The mark that the instructions of a call name.
fn mark(instructions: &str) -> String {
    let (_, rest) = instructions.split_once("<data-").unwrap_or_default();
    rest.split_once('>').unwrap_or_default().0.to_owned()
}

fn result_of(messages: &[Arc<Message>]) -> String {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let mut found = parts.rev().filter_map(|part| match &part.body {
        Body::ToolResult(result) => Some(result.text.to_string()),
        _ => None,
    });
    found.next().unwrap_or_default()
}

#[tokio::test]
async fn results_stand_between_marks_that_the_instructions_name_and_no_event_has_them() {
    let world = World::new([Turn::tool("page", "{}"), Turn::tool("page", "{}"), Turn::text("ok")]);
    let report = lit(&world, "You help.").run(&world.scope, "When?").await.unwrap();
    let calls = world.model.calls();
    let told: Vec<String> = calls.iter().map(|call| call.messages[0].text()).collect();
    assert!(told.iter().all(|one| one.starts_with("You help.\n") && *one == told[0]));
    let mark = mark(&told[0]);
    assert_eq!(mark.len(), 20);
    assert_eq!(result_of(&calls[2].messages), format!("<data-{mark}>\n{PAGE}\n</data-{mark}>"));
    // What stays the same is the same message, which is encoded once.
    assert!(Arc::ptr_eq(&calls[1].messages[3], &calls[2].messages[3]));
    assert_eq!(calls[2].messages[1].text(), "When?");
    let written = world.written(report.run).await;
    assert!(!written.contains(&mark) && written.contains(PAGE), "{written}");

    let again = World::new([Turn::tool("page", "{}"), Turn::text("ok")]);
    let agent = again.agent(|a| a.instructions("You help.").tool(page()));
    agent.run(&again.scope, "When?").await.unwrap();
    assert_eq!(again.model.calls()[1].messages[0].text(), "You help.");
    assert_eq!(result_of(&again.model.calls()[1].messages), PAGE);
}

#[tokio::test]
async fn an_agent_without_instructions_is_told_the_rule_and_a_history_is_marked_by_its_labels() {
    let world = World::new([Turn::text("ok")]);
    let said = |index: u32, origin, text: &str| {
        let label = Label::from_origin(origin);
        Arc::new(Message::of_text(Role::User, PartId::new(0, 90 + index), label, text))
    };
    let history =
        vec![said(0, Origin::User, "I said this."), said(1, Origin::Web, "They wrote this.")];
    let options = RunOptions::default().history(history);
    lit(&world, "").run_with(&world.scope, "And now?", options).await.unwrap();
    let call = &world.model.calls()[0];
    assert_eq!(call.messages[0].role, Role::System);
    let mark = mark(&call.messages[0].text());
    let texts: Vec<String> = call.messages[1..].iter().map(|message| message.text()).collect();
    let marked = format!("<data-{mark}>\nThey wrote this.\n</data-{mark}>");
    assert_eq!(texts, ["I said this.".to_owned(), marked, "And now?".to_owned()]);
}

#[test]
fn the_strict_mode_has_it_and_one_that_observes_has_not() {
    let of = |spotlight| ContentPolicy { spotlight, ..ContentPolicy::default() };
    let under = |mode| [false, true].map(|said| of(said).under(mode).spotlight);
    assert_eq!(under(Mode::Observe), [false, false]);
    assert_eq!(under(Mode::Protect), [false, true]);
    assert_eq!(under(Mode::Strict), [true, true]);
}
