//! The smallest agent: a question, an answer, and what it took.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use largestack::{Agent, Local, Scope};
use largestack_testkit::{TestModel, Turn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A script stands in for a provider, so that this runs offline. With OPENAI_API_KEY set, leave
    // `.model(..)` out of the runtime and ask `openai/gpt-4o-mini`.
    let script = TestModel::new([Turn::text("Oslo.").usage(31, 3)]);
    let runtime = Local::new().model("test/hello", script).build()?;

    let agent = Agent::builder("hello")
        .model("test/hello")
        .instructions("Answer in one word.")
        .build(runtime)?;
    let answer = agent.run(&Scope::local(), "What is the capital of Norway?").await?;

    println!("{}", answer.output);
    println!("{:?} after {} turn(s), for {}", answer.status, answer.turns, answer.cost);
    Ok(())
}
