//! Files and addresses attached to a question.

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a very small cat";

fn place(upstream: &Upstream, media: &str) -> Place {
    let place = Place::new();
    let agent = format!("name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n{media}");
    place.write("agent.yaml", agent);
    place.write("pictures/note.txt", "so that there is the folder");
    std::fs::write(place.path("pictures/cat.png"), PNG).unwrap();
    std::fs::write(place.path("dog.jpg"), PNG).unwrap();
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n"));
    place
}

async fn ask(place: &Place, attach: &[&str]) -> Done {
    let attached = attach.iter().flat_map(|what| ["--attach", what]);
    let words: Vec<&str> =
        ["run", ".", "What is it?", "--json"].into_iter().chain(attached).collect();
    let mut command = place.command(&words);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_attached_reaches_the_model_as_what_it_is() {
    let upstream = Upstream::start().await.unwrap();
    let place = place(&upstream, "");
    upstream.push(ChatReply::text("A cat."));
    let done = ask(&place, &["pictures/cat.png"]).await.expect(0).json();
    assert_eq!(done["answer"], "A cat.");
    let requests = upstream.requests();
    let told = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
    assert!(told.contains("data:image/png;base64,iVBORw0KGgo"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_elsewhere_too_large_or_not_what_it_says_is_refused_before_anything_runs() {
    let upstream = Upstream::start().await.unwrap();
    let here = format!("http://{}/cat.png", upstream.address());
    for (media, what, code, why) in [
        ("", "pictures/no.png", 2, "there is no file"),
        ("", "dog.jpg", 2, "says that it is image/jpeg, and is image/png"),
        ("", "/etc/hostname", 2, "none of the folders"),
        ("", &*here, 4, "LARGESTACK_EGRESS"),
        ("media: {folders: [pictures]}\n", "dog.jpg", 2, "none of the folders"),
        ("media: {folders: []}\n", "pictures/cat.png", 2, "none of the folders"),
        ("media: {max_bytes: 7}\n", "pictures/cat.png", 2, "has more than 7 bytes"),
        ("media: {folders: [nowhere]}\n", "pictures/cat.png", 2, "there is no folder"),
    ] {
        let refused = ask(&place(&upstream, media), &[what]).await.expect(code);
        assert!(refused.out.contains(why), "{media} {what}: {}", refused.out);
    }
    assert_eq!(upstream.counts().requests, 0);
    let place = place(&upstream, "media: {folders: [pictures]}\n");
    upstream.push(ChatReply::text("Both."));
    ask(&place, &["pictures/cat.png", "pictures/cat.png"]).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_attached_is_told_by_kind_and_size_and_goes_with_its_session() {
    let upstream = Upstream::start().await.unwrap();
    let place = place(&upstream, "");
    let large = [PNG, &vec![7; 20_000]].concat();
    std::fs::write(place.path("pictures/cat.png"), &large).unwrap();
    let key = ("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let asked = |project: &'static str, more: &'static [&'static str]| {
        let words = [&["run", project, "What is it?", "--session", "cats"][..], more].concat();
        place.run_with(key, &words)
    };
    upstream.push(ChatReply::text("A cat."));
    asked(".", &["--attach", "pictures/cat.png"]).expect(0);
    let trace = place.run(&["trace", "last"]).expect(0).out;
    assert!(trace.contains("image: image/png, 19.5 KiB, cat.png"), "{trace}");
    let json = place.run(&["trace", "last", "--json"]).expect(0).json();
    let media = &json["steps"][0]["media"][0];
    assert_eq!((&media["media_kind"], &media["bytes"]), (&"image".into(), &large.len().into()));
    assert!(!json["steps"].to_string().contains("base64"), "no bytes");

    let document = place.run(&["sessions", "export", "cats"]).expect(0).out;
    place.write("cats.json", &document);
    place.write("other/agent.yaml", place.read("agent.yaml"));
    place.write("other/largestack.yaml", place.read("largestack.yaml"));
    place.run(&["sessions", "import", "other", "cats.json"]).expect(0);
    upstream.push(ChatReply::text("Still a cat."));
    asked("other", &[]).expect(0);
    let told = String::from_utf8_lossy(&upstream.requests().last().unwrap().body).into_owned();
    assert_eq!(told.matches("data:image/png;base64,iVBORw0KGgo").count(), 1, "it has seen it");
    let broken = document.replacen("BwcHBwcH", "BwcHBwcI", 1);
    place.write("cats.json", broken);
    place.write("third/agent.yaml", place.read("agent.yaml"));
    let refused = place.run(&["sessions", "import", "third", "cats.json"]).expect(2);
    assert!(refused.err.contains("are not what they were"), "{}", refused.err);
}
