//! A trip is booked in steps, each with what undoes it. The last step fails, and the process goes
//! away while the first ones are undone; whoever takes the run up undoes the rest, each step once.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::sync::Arc;

use largestack::flow::patterns::{Step, saga};
use largestack::flow::{FlowOptions, FlowResume, Function, NodeOutput, RunId, Workflow};
use largestack::{Local, Runtime, Scope, ToolFailure};
use largestack_testkit::{TestModel, Turn};
use tokio::sync::Notify;

/// Books something; its cancellation is held up where somebody waits for that.
fn booked(what: &'static str, held_up: Option<Arc<Notify>>) -> Step {
    let book = Function::new(move |context| async move {
        let traveller: String = context.get("task")?;
        println!("{what} booked for {traveller}");
        NodeOutput::of(&format!("{what} 7"))
    });
    let cancel = Function::new(move |context| {
        let held_up = held_up.clone();
        async move {
            if let Some(held_up) = held_up {
                println!("{what}: the process goes away while it is cancelled");
                held_up.notify_one();
                std::future::pending::<()>().await;
            }
            println!("{} cancelled", context.output.unwrap_or_default());
            Ok(NodeOutput::default())
        }
    });
    Step::new(what, book).undone_by(cancel)
}

fn trip(runtime: &Runtime, held_up: Option<&Arc<Notify>>) -> largestack::Result<Workflow> {
    let pay = Function::new(|_| async { Err(ToolFailure::new("the card is refused")) });
    let steps = [booked("flight", None), booked("hotel", held_up.cloned()), Step::new("pay", pay)];
    saga("trip", steps).build(runtime.clone())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let nobody = TestModel::new([] as [Turn; 0]);
    let runtime = Local::new().model("test/nobody", nobody).store(folder.path()).build()?;
    let (scope, run) = (Scope::local(), RunId::from_u128((7 << 80) | 5));

    let away = Arc::new(Notify::new());
    let first = trip(&runtime, Some(&away))?;
    let options = FlowOptions { id: Some(run), ..FlowOptions::default() };
    tokio::select! {
        report = first.run_with(&scope, "Ann", options) => println!("ended: {}", report?.status),
        () = away.notified() => {}
    }

    let report = trip(&runtime, None)?.resume(&scope, run, FlowResume::default()).await?;
    println!("the trip has {}", report.status);
    for node in &report.nodes {
        println!("{}: {}", node.node, node.state.name());
    }
    for failure in &report.failures {
        println!("{}: {}", failure.node, largestack::errors::Coded::message(&failure.error));
    }
    Ok(())
}
