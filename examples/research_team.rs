//! Two researchers work side by side, a writer waits for both, and a check that is a word, not a
//! search for words, sends the draft back once. Each step listens to what it needs.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use largestack::dynamic::Agent;
use largestack::flow::listen::{after, and, on, or};
use largestack::flow::{Flow, FlowEvent, FlowOptions, Function, NodeOutput};
use largestack::{Local, Scope};
use largestack_testkit::{TestModel, Turn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let says = |words: &[&str]| TestModel::new(words.iter().map(|words| Turn::text(*words)));
    let runtime = Local::new()
        .model("test/web", says(&["Bees dance to show where flowers are."]))
        .model("test/papers", says(&["The dance tells direction and distance."]))
        .model("test/writer", says(&["Bees dance.", "Bees dance: direction, distance."]))
        .build()?;
    let agent =
        |name: &str| Agent::builder(name).model(format!("test/{name}")).build(runtime.clone());
    let (web, papers, writer) = (agent("web")?, agent("papers")?, agent("writer")?);

    // What is enough is said by code here; a judge would say it in a word of a schema.
    let enough = Function::new(|context| async move {
        let draft: String = context.get("draft")?;
        Ok(NodeOutput::choice(if draft.contains("distance") { "good" } else { "thin" }))
    });
    let publish = Function::new(|context| async move {
        let draft: String = context.get("draft")?;
        NodeOutput::of(&format!("# Bees\n{draft}"))
    });
    let flow = Flow::new("article", ["topic"])
        .start("web", (&web, "What does the web say about {{ topic }}?"))
        .start("papers", (&papers, "What do papers say about {{ topic }}?"))
        .listen(
            "draft",
            or([and([after("web"), after("papers")]), on("check", "thin")]),
            (&writer, "{{ web }} {{ papers }}"),
        )
        .router("check", ["good", "thin"], "draft", enough)
        .listen("publish", on("check", "good"), publish)
        .with(|builder| builder.answer("publish"))
        .build(runtime)?;

    let mut stream = flow.stream(&Scope::local(), "bees", FlowOptions::default());
    let mut facts = 0;
    while let Some(event) = futures::StreamExt::next(&mut stream).await {
        facts += usize::from(matches!(event, FlowEvent::Fact(_)));
    }
    let report = stream.finish().await?;
    println!("{}", report.text());
    println!("{}, heard in {facts} facts", report.status);
    for node in &report.nodes {
        println!("{}: {}, visited {}", node.node, node.state.name(), node.visits);
    }
    Ok(())
}
