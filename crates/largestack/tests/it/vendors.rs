//! What agents say to providers through the library: each in its own words, at its own address.

use largestack::errors::{Code, Coded as _};
use largestack::message::{Media, MediaKind, MediaSource};
use largestack::providers::{Auth, Section};
use largestack::{Agent, Input, Local, Money, Scope, tool};
use largestack_testkit::{ChatReply, Upstream};
use serde_json::Value;

/// What stands in a picture's corner.
#[tool(idempotent)]
fn corner(which: u8) -> String {
    format!("corner {which} is red")
}

/// A tiny picture, as its bytes in base64.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

fn picture() -> Media {
    Media {
        kind: MediaKind::Image,
        mime: "image/png".into(),
        source: MediaSource::Base64(PIXEL.into()),
        name: None,
    }
}

fn row(provider: &Upstream) -> Section {
    Section { base_url: Some(provider.root()), auth: Some(Auth::None), ..Section::default() }
}

/// The bodies of a question, a call of a tool, and its result.
async fn said(name: &str, model: &str, picture: Option<Media>) -> Vec<Value> {
    let provider = Upstream::start().await.unwrap();
    provider.push(ChatReply::tool("corner", r#"{"which":1}"#));
    provider.push(ChatReply::text("It is red."));
    let runtime = Local::new().provider(name, row(&provider)).build().unwrap();
    let builder = Agent::builder("looker").model(format!("{name}/{model}"));
    let agent = builder.instructions("Look.").tool(corner()).build(runtime).unwrap();
    let input = Input::with_media("What is it?", picture);
    let answer = agent.run(&Scope::local(), input).await.unwrap();
    assert_eq!((answer.output.as_str(), answer.tool_calls), ("It is red.", 1), "{name}");
    provider.requests().iter().map(largestack_testkit::Received::json).collect()
}

#[tokio::test]
async fn a_picture_and_a_tools_turn_are_said_in_each_providers_own_words() {
    let words: [(&str, &str, &[&str], &[&str]); 6] = [
        (
            "openai",
            "gpt-4o",
            &[r#""type":"image_url""#, r#""url":"data:image/png;base64,iVBOR"#],
            &[r#""tool_calls":["#, r#""role":"tool""#, r#""tool_call_id":"#],
        ),
        (
            "openai_responses",
            "gpt-4o",
            &[r#""type":"input_image""#],
            &[r#""type":"function_call""#, r#""type":"function_call_output""#],
        ),
        (
            "anthropic",
            "claude-sonnet-4-5",
            &[r#""type":"image""#, r#""media_type":"image/png""#],
            &[r#""type":"tool_use""#, r#""type":"tool_result""#],
        ),
        (
            "google",
            "gemini-2.5-flash",
            &[r#""inlineData":"#, r#""mimeType":"image/png""#],
            &[r#""functionCall":"#, r#""functionResponse":"#],
        ),
        ("cohere", "command-a-03-2025", &[], &[r#""tool_calls":["#, r#""role":"tool""#]),
        ("ollama", "llava", &[r#""images":["iVBOR"#], &[r#""tool_calls":["#, r#""role":"tool""#]),
    ];
    let foreign = [
        ("openai", &["tool_use", "functionCall", "inlineData"][..]),
        ("anthropic", &["tool_calls", r#""role":"tool""#, "image_url"]),
        ("google", &["tool_calls", r#""role":"tool""#, "image_url", "tool_use"]),
    ];
    for (name, model, seen, turn) in words {
        // Of Cohere's models none takes both.
        let bodies = said(name, model, (!seen.is_empty()).then(picture)).await;
        let [first, second] = &bodies[..] else { panic!("{name}: {} requests", bodies.len()) };
        let (first, second) = (first.to_string(), second.to_string());
        for word in seen {
            assert!(first.contains(word), "{name}: {word} is not in {first}");
        }
        for word in turn {
            assert!(second.contains(word), "{name}: {word} is not in {second}");
        }
        assert!(second.contains("corner 1 is red"), "{name}: {second}");
        for (_, words) in foreign.iter().filter(|(row, _)| *row == name) {
            for word in *words {
                assert!(!second.contains(word), "{name}: {word} is in {second}");
            }
        }
    }
}

#[tokio::test]
async fn a_picture_is_asked_about_with_tools_a_shape_and_a_bill() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Seen {
        colour: String,
    }
    let provider = Upstream::start().await.unwrap();
    provider.push(ChatReply::tool("corner", r#"{"which":1}"#).usage(100, 10));
    provider.push(ChatReply::text(r#"{"colour":"red"}"#).usage(120, 8));
    let runtime = Local::new().provider("openai", row(&provider)).build().unwrap();
    let builder = Agent::builder("looker").model("openai/gpt-4o").tool(corner());
    let agent = builder.output::<Seen>().build(runtime).unwrap();
    let input = Input::with_media("What is it?", [picture()]);
    let answer = agent.run(&Scope::local(), input).await.unwrap();
    assert_eq!((answer.output.colour.as_str(), answer.turns, answer.tool_calls), ("red", 2, 1));
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(220), Some(18)));
    assert!(answer.cost > Money::ZERO);
    assert!(answer.messages[0].parts.len() > 1, "the picture is in the conversation");
}

#[tokio::test]
async fn a_deployment_is_reached_at_its_own_address_with_the_version_of_the_interface() {
    let provider = Upstream::start().await.unwrap();
    provider.push(ChatReply::text("yes"));
    let base_url = Some(format!("{}/openai", provider.root()));
    let row = Section { base_url, auth: Some(Auth::None), ..Section::default() };
    let runtime = Local::new().provider("azure", row).build().unwrap();
    let agent = Agent::builder("a").model("azure/my-deployment").build(runtime).unwrap();
    agent.run(&Scope::local(), "?").await.unwrap();
    assert_eq!(
        provider.requests()[0].path(),
        "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    );
}

#[tokio::test]
async fn a_model_of_nobody_is_an_error_that_names_the_nearest() {
    let runtime = Local::new().build().unwrap();
    let agent = Agent::builder("a").model("opnai/gpt-4o").build(runtime).unwrap();
    let error = agent.run(&Scope::local(), "?").await.unwrap_err();
    assert_eq!(error.code(), Code::ModelUnknown);
    assert!(error.to_string().contains("openai"), "{error}");
}
