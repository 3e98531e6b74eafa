//! Sessions with media: their bytes go with an exported session and come back with it.

use largestack_agent::{Input, RunOptions};
use largestack_ports::journal::Journal as _;
use largestack_testkit::Turn;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::part::{Body, Media, MediaKind, MediaSource};

use crate::world::World;

/// Base64 of more bytes than an event holds.
fn large() -> MediaSource {
    MediaSource::Base64("iVBO".repeat(10_000).into())
}

fn in_session() -> RunOptions {
    RunOptions::default().session("chat")
}

fn picture() -> Input {
    let media =
        Media { kind: MediaKind::Image, mime: "image/png".into(), source: large(), name: None };
    Input::with_media("What is this?", [media])
}

async fn exported() -> String {
    let world = World::new([Turn::text("A picture.")]);
    world.agent(|a| a).run_with(&world.scope, picture(), in_session()).await.unwrap();
    world.runtime().conversations().export(&world.scope, "chat").await.unwrap()
}

#[tokio::test]
async fn the_bytes_go_with_an_exported_session_and_a_model_of_another_store_sees_them() {
    let document = exported().await;
    let world = World::new([Turn::text("Still a picture.")]);
    world.runtime().conversations().import(&world.scope, &document).await.unwrap();
    // Ids are counted: the run that was taken in has the first one.
    let options = RunOptions { id: Some(RunId::from_u128(99)), ..in_session() };
    world.agent(|a| a).run_with(&world.scope, "And now?", options).await.unwrap();
    let calls = world.model.calls();
    let seen = calls[0].messages.iter().flat_map(|message| &message.parts);
    let seen = seen.filter(|part| matches!(&part.body, Body::Media(m) if m.source == large()));
    assert_eq!(seen.count(), 1);
    let again = world.runtime().conversations().export(&world.scope, "chat").await.unwrap();
    assert!(again.contains("\"blobs\""), "{}", again.len());
}

#[tokio::test]
async fn bytes_that_are_missing_or_not_what_they_were_are_refused_and_nothing_is_kept() {
    let document = exported().await;
    let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
    let hash = parsed["blobs"].as_object().unwrap().keys().next().unwrap().clone();
    let mut lacking = parsed.clone();
    lacking.as_object_mut().unwrap().remove("blobs");
    let mut other = parsed.clone();
    other["blobs"][&hash] = "aGVsbG8=".into();
    let mut broken = parsed.clone();
    broken["blobs"][&hash] = "no base64".into();
    for document in [lacking, other, broken] {
        let world = World::new([]);
        let kept = world.runtime().conversations();
        let error = kept.import(&world.scope, &document.to_string()).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
        assert!(error.message().contains(&hash), "{}", error.message());
        assert_eq!(kept.load(&world.scope, "chat").await.unwrap_err().code(), Code::NotFound);
        let hash = serde_json::from_value(hash.as_str().into()).unwrap();
        assert_eq!(world.journal.blob(&world.scope, hash).await.unwrap(), None);
    }
}

#[tokio::test]
async fn large_media_that_stand_in_a_document_are_kept_as_bytes() {
    let world = World::new([Turn::text("A picture.")]);
    world.agent(|a| a).run_with(&world.scope, picture(), in_session()).await.unwrap();
    let kept = world.runtime().conversations();
    let document = kept.export(&world.scope, "chat").await.unwrap();
    let mut parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
    let blobs = parsed.as_object_mut().unwrap().remove("blobs").unwrap();
    let (hash, bytes) = blobs.as_object().unwrap().iter().next().unwrap();
    let inline = parsed
        .to_string()
        .replace(&format!("{{\"blob\":\"{hash}\"}}"), &format!("{{\"base64\":{bytes}}}"));
    assert!(inline.contains("base64"), "{inline}");
    let world = World::new([]);
    let kept = world.runtime().conversations();
    kept.import(&world.scope, &inline).await.unwrap();
    let again = kept.export(&world.scope, "chat").await.unwrap();
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["blobs"][hash], *bytes);
}
