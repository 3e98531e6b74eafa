//! Many runs of one agent at once: nothing mixes.

use futures::future::join_all;
use largestack_engine::Status;
use largestack_ports::journal::{CostBy, Journal as _};
use largestack_testkit::{TestModel, Turn};

use crate::world::{Spy, World};

#[tokio::test]
async fn a_thousand_runs_of_one_agent_keep_apart_and_add_up() {
    // Every run sees the same script at any moment: one turn only, so order does not matter.
    let world = World::of(TestModel::repeating([Turn::text("done").usage(7, 3)]));
    let agent = world.agent(|a| a.tool(Spy::echo("echo")));
    let questions: Vec<String> = (0..1_000).map(|n| format!("question {n} end")).collect();
    let runs = questions.iter().map(|q| agent.run(&world.scope, q.clone()));
    let reports = join_all(runs).await;
    for (question, report) in questions.iter().zip(&reports) {
        let report = report.as_ref().unwrap();
        assert_eq!(report.status, Status::Completed);
        assert_eq!(report.messages.len(), 2);
        assert_eq!(&report.messages[0].text(), question);
        assert_eq!(report.usage.total_tokens(), 10);
    }
    let costs = world.journal.costs(&world.scope, CostBy::Agent).await.unwrap();
    assert_eq!((costs.len(), costs[0].calls), (1, 1_000));
    assert_eq!(costs[0].usage.total_tokens(), 10_000);
}
