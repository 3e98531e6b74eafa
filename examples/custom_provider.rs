//! A provider of one's own is a row: an address, a protocol, and how its key is presented. What
//! speaks no known protocol is a `Model`.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::future::ready;

use largestack::message::{Label, Origin, Part, PartId};
use largestack::ports::BoxFuture;
use largestack::ports::model::{self, CallContext, Model, ReplyStream};
use largestack::providers::{Auth, Section};
use largestack::reply::{FinishReason, Reply};
use largestack::{Agent, Call, Local, Result, Scope};
use largestack_testkit::{ChatReply, Upstream};

/// A model in this process: it says back what it hears.
struct Echo;

impl Model for Echo {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let heard =
            call.messages.last().map(|message| message.text().to_uppercase()).unwrap_or_default();
        let reply = Reply {
            parts: vec![Part::text(PartId::new(0, 0), Label::from_origin(Origin::Agent), heard)],
            finish_reason: FinishReason::Stop,
            ..Reply::default()
        };
        Box::pin(ready(Ok(model::whole(model::Answer { reply, ..model::Answer::default() }))))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A server on the loopback stands in for a vendor whose protocol is that of OpenAI.
    let vendor = Upstream::start().await?;
    vendor.push(ChatReply::text("Good evening from the row.").usage(9, 6));
    let row = Section {
        wire: Some("openai-chat".into()),
        base_url: Some(vendor.url()),
        auth: Some(Auth::None),
        ..Section::default()
    };
    let runtime = Local::new().provider("house", row).model("echo", Echo).build()?;

    let agent = Agent::builder("guest").model("house/small-1").build(runtime.clone())?;
    println!("{}", agent.run(&Scope::local(), "Good evening!").await?.output);
    for request in vendor.requests() {
        println!("the vendor was asked for {}", request.model().unwrap_or_default());
    }

    let agent = Agent::builder("echo").model("echo/any").build(runtime)?;
    println!("{}", agent.run(&Scope::local(), "Good evening!").await?.output);
    Ok(())
}
