//! Answers in types: the model is brought to the shape of a Rust type, and an answer that does not
//! fit, or that a check refuses, goes back to it with the reason.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use largestack::{Agent, Local, Retry, Scope};
use largestack_testkit::{TestModel, Turn};
use schemars::JsonSchema;
use serde::Deserialize;

/// A meeting, as it stands in the calendar.
#[derive(Deserialize, JsonSchema)]
struct Meeting {
    title: String,
    /// Who comes, by first name.
    #[schemars(length(min = 1))]
    people: Vec<String>,
    /// How long it takes.
    #[schemars(range(min = 5, max = 240))]
    minutes: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = TestModel::new([
        // Too long for the schema, then too long for the check, then right.
        Turn::text(r#"{"title":"Review","people":["Ada","Kim"],"minutes":900}"#),
        Turn::text(r#"{"title":"Review","people":["Ada","Kim"],"minutes":90}"#),
        Turn::text(r#"{"title":"Review","people":["Ada","Kim"],"minutes":45}"#),
    ]);
    let agent = Agent::builder("calendar")
        .model("test/calendar")
        .output::<Meeting>()
        .output_retries(2)
        .check(|_, meeting| match meeting.minutes {
            ..=60 => Ok(()),
            _ => Err(Retry::with("No meeting takes more than an hour here.")),
        })
        .build(Local::new().model("test/calendar", script.clone()).build()?)?;

    let answer = agent.run(&Scope::local(), "Ada and Kim review the plan.").await?;
    let Meeting { title, people, minutes } = answer.output;
    println!("{title} with {}: {minutes} minutes", people.join(" and "));
    println!("the model was asked {} times", script.calls().len());
    Ok(())
}
