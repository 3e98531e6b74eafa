//! A conversation over several runs: what was said is kept under a name, for one user of one
//! tenant, and each run is told as much of it as the agent's memory says.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use largestack::{Agent, Local, Memory, RunOptions, Scope, TenantId};
use largestack_testkit::{FunctionModel, Turn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // This model only says how many messages it was told.
    let model = FunctionModel::new(|call| {
        Turn::text(format!("I was told {} message(s).", call.messages.len()))
    });
    let runtime = Local::new().model("test/counter", model).build()?;
    let agent = Agent::builder("counter")
        .model("test/counter")
        .memory(Memory::window(4))
        .build(runtime.clone())?;

    let shop = TenantId::new("shop")?;
    let (ann, bob) = (Scope::authenticated(shop.clone(), "ann"), Scope::authenticated(shop, "bob"));
    for round in 1..=4 {
        let options = RunOptions::default().session("orders");
        let answer = agent.run_with(&ann, "Where is my parcel?", (), options).await?;
        println!("ann, {round}: {}", answer.output);
    }
    // The same name of another user is another session.
    let options = RunOptions::default().session("orders");
    println!("bob, 1: {}", agent.run_with(&bob, "Hello!", (), options).await?.output);

    let conversations = runtime.conversations();
    let kept = conversations.load(&ann, "orders").await?;
    println!("kept for ann: {} exchanges", kept.exchanges.len());
    conversations.delete(&ann, "orders").await?;
    println!("after forgetting: {}", conversations.list(&ann, 10).await?.len());
    Ok(())
}
