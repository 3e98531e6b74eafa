//! Pictures as parts of a question: read within folders that the program allows, held against what
//! they say they are, and sent in the provider's own form.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::path::PathBuf;

use largestack::errors::Coded as _;
use largestack::providers::{Auth, Section};
use largestack::tools::media::{From, Intake, Rules};
use largestack::{Agent, Input, Local, Scope};
use largestack_testkit::{ChatReply, Upstream};

/// A picture of one red point.
const RED: &[u8] = include_bytes!("assets/red.png");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A server on the loopback stands in for a vendor, so that what is sent can be seen.
    let vendor = Upstream::start().await?;
    vendor.push(ChatReply::text("A red point."));
    let row = Section {
        wire: Some("openai-chat".into()),
        base_url: Some(vendor.url()),
        auth: Some(Auth::None),
        ..Section::default()
    };
    let runtime = Local::new().provider("vision", row).build()?;
    let agent = Agent::builder("looker").model("vision/small").build(runtime)?;

    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("red.png"), RED)?;
    std::fs::write(folder.path().join("fake.png"), "no picture at all")?;
    let rules = Rules { folders: vec![folder.path().to_owned()], ..Rules::default() };
    let intake = Intake::new(rules, None);

    let picture = intake.take(From::Path(folder.path().join("red.png"))).await?;
    println!("{:?}, {}", picture.kind, picture.mime);
    let answer = agent.run(&Scope::local(), Input::with_media("What is it?", [picture])).await?;
    println!("{}", answer.output);
    for request in vendor.requests() {
        let body = request.json();
        let sent = body.pointer("/messages/0/content/1/type");
        println!("sent as {}", sent.map(ToString::to_string).unwrap_or_default());
    }

    // What is missing, elsewhere, or not what it says is an error, and nothing is asked.
    for path in ["gone.png", "fake.png", "../red.png", "/etc/hostname"] {
        let refused = intake.take(From::Path(PathBuf::from(folder.path()).join(path))).await.err();
        println!("{path}: {:?}", refused.map(|error| error.code()));
    }
    Ok(())
}
