//! A tool that pays asks a person first. The question is kept by the store, so it can be answered
//! days later, by somebody else, in another process; here two runtimes on one folder stand in for
//! two processes.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::path::Path;

use largestack::approvals::{APPROVE, Answer};
use largestack::errors::Coded as _;
use largestack::{Agent, Local, ResumeOptions, RunOptions, Runtime, Scope, TenantId, tool};
use largestack_testkit::{TestModel, Turn};

/// Pays a bill.
#[tool(capabilities = "pay", approval = "required")]
fn pay(bill: String, euros: u32) -> String {
    format!("{bill} is paid: {euros} euros")
}

/// What each process is made of.
fn process(folder: &Path, turns: Vec<Turn>) -> largestack::Result<(Runtime, Agent)> {
    let script = TestModel::new(turns);
    let runtime = Local::new().model("test/clerk", script).store(folder).build()?;
    let agent = Agent::builder("clerk").model("test/clerk").tool(pay()).build(runtime.clone())?;
    Ok((runtime, agent))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let office = TenantId::new("office")?;
    let ann = Scope::authenticated(office.clone(), "ann");
    let bob = Scope::authenticated(office, "bob");

    // Ann asks; the run waits and holds nothing.
    let arguments = r#"{"bill":"B-7","euros":80}"#;
    let (_runtime, agent) = process(folder.path(), vec![Turn::tool("pay", arguments)])?;
    let waits = agent.report(&ann, "Pay B-7.", (), RunOptions::default()).await?;
    println!("the run is {:?}", waits.status);
    drop(agent);

    // Later, elsewhere: Bob finds the question and agrees, and Ann's run goes on.
    let (_runtime, agent) = process(folder.path(), vec![Turn::text("B-7 is paid.")])?;
    for open in agent.pending(&bob, 10).await? {
        let question = &open.question;
        println!(
            "{} asks for {}{}",
            question.principal,
            question.tool,
            question.arguments.as_str()
        );
        let decided = agent.decide(&bob, question.id, Answer::of(APPROVE)).await?;
        for vote in &decided.votes {
            println!("{} said {}", vote.by, vote.answer.choice);
        }

        let late = agent.decide(&bob, question.id, Answer::of(APPROVE)).await.err();
        println!("a second answer: {:?}", late.map(|error| error.code()));
        let run = question.run;
        let answer = agent.resume(&ann, run, (), ResumeOptions::default()).await?;
        println!("{}", answer.output);
    }
    Ok(())
}
