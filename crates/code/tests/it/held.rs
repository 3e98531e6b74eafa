//! What holds for an agent holds for its scripts: labels, what may be sent, how much may be called.

use std::sync::Arc;

use largestack_agent::pipeline::Permissions;
use largestack_agent::{Agent, AgentBuilder};
use largestack_code::{CodeExecute, Language, NAME};
use largestack_ports::tool::Capability;
use largestack_testkit::Turn;
use largestack_types::label::{DataClass, Origin};
use largestack_types::limits::Limits;

use crate::runs::{Look, World, script};
use crate::world::{Unconfined, WORKER, languages};

/// The script of a language: first Python's, then JavaScript's.
fn saying(language: Language, [python, javascript]: [&str; 2]) -> Turn {
    script(language, if language == Language::Python { python } else { javascript })
}

fn private() -> Look {
    Look::named("look").with(|options| {
        options.access.origin = Some(Origin::Operator);
        options.access.classes = [DataClass::Health].into_iter().collect();
    })
}

/// An agent whose scripts may look and post.
fn agent(world: &World, look: &Look, post: &Look) -> Agent {
    let code = CodeExecute::new(Arc::new(Unconfined), WORKER).calling(["look", "post"]);
    let builder = Agent::builder("coder").model("test/model");
    let builder = builder.tool(look.clone()).tool(post.clone()).script_tool(code);
    builder.build(world.runtime()).unwrap()
}

#[tokio::test]
async fn a_script_that_fails_keeps_the_label_of_what_it_has_read() {
    for language in languages() {
        let code = ["print(look(n=1))\n1 / 0", "console.log(await look({ n: 1 })); null.x"];
        let world = World::new([saying(language, code), Turn::text("done")]);
        let look = Look::named("look").with(|options| options.access.origin = Some(Origin::Web));
        world.run(&world.agent(&look, |a| a)).await;
        let (told, label) = (world.told().await, world.told_label().await);
        assert!(told.is_error, "{told:?}");
        assert!(label.origins.contains(Origin::Web), "{language:?}: {label:?}");
    }
}

#[tokio::test]
async fn what_a_script_makes_of_private_data_is_not_sent_either() {
    for language in languages() {
        for (secret, sent) in [(true, 0), (false, 1)] {
            let code = [
                "post(n=1, note=''.join(reversed(look(n=1, note='diagnosis')['note'])))",
                "const found = await look({ n: 1, note: 'diagnosis' });
                 await post({ n: 1, note: [...found.note].reverse().join('') })",
            ];
            let world = World::new([saying(language, code), Turn::text("done")]);
            let look = if secret { private() } else { Look::named("look") };
            let look = look.with(|options| options.access.origin = Some(Origin::Operator));
            let post = Look::named("post").with(|options| {
                options.access.capabilities = [Capability::Send].into();
            });
            world.run(&agent(&world, &look, &post)).await;
            let told = world.told().await;
            assert_eq!((look.seen().len(), post.seen().len()), (1, sent), "{language:?} {told:?}");
            assert_eq!(told.is_error, secret, "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_script_makes_no_more_calls_than_a_run_of_its_agent_may() {
    for language in languages() {
        for (calls, whole) in [(2, true), (3, false)] {
            let python = format!("[look(n=i) for i in range({calls})]");
            let javascript = format!("for (let n = 0; n < {calls}; n++) await look({{ n }}); 1");
            let world = World::new([saying(language, [&python, &javascript]), Turn::text("done")]);
            let look = Look::named("look");
            let limit =
                |a: AgentBuilder| a.limits(Limits { max_tool_calls: Some(2), ..Limits::default() });
            world.run(&world.agent(&look, limit)).await;
            assert_eq!((world.told().await.is_error, look.seen().len()), (!whole, 2));
        }
    }
}

#[tokio::test]
async fn a_number_that_is_a_card_is_taken_out_and_the_script_has_not_failed() {
    for language in languages() {
        let code = ["{'card': 41111111 * 10 ** 8 + 11111111}", "({ card: 41111111e8 + 11111111 })"];
        let world = World::new([saying(language, code), Turn::text("done")]);
        world.run(&world.agent(&Look::named("look"), |a| a)).await;
        let told = world.told().await;
        assert!(!told.is_error && !told.text.contains("4111111111111111"), "{told:?}");
        let said: serde_json::Value = serde_json::from_str(&told.text).unwrap();
        assert!(said["value"]["card"].as_str().unwrap().starts_with("<CARD_"), "{told:?}");
    }
}

#[tokio::test]
async fn the_model_is_not_told_of_tools_that_are_denied() {
    if languages().is_empty() {
        return;
    }
    let world = World::new([Turn::text("done")]);
    let deny = ["look".to_owned()].into();
    let permissions = Permissions { deny, ..Permissions::default() };
    let agent = world.agent(&Look::named("look"), |a| a.permissions(permissions));
    let tools = &agent.definition().tools;
    let code = tools.iter().find(|tool| &*tool.name == NAME).unwrap();
    assert!(!code.description.contains("look"), "{}", code.description);
}
