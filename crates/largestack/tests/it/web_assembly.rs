//! Commands in WebAssembly as tools of an agent that is written in Rust.

use std::sync::Arc;

use largestack::ports::command::{CommandLimits, Confinement, Sandbox};
use largestack::tools::command::{CommandAnswer, CommandTool};
use largestack::tools::{Processes, SystemClock, WasmCommands};
use largestack::{Agent, Scope};
use largestack_testkit::{TestModel, Turn};
use largestack_types::json::Json;

/// Says what it is told.
const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 1024))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

#[tokio::test]
async fn a_program_is_a_tool_within_its_limits_and_what_it_may_not_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("echo.wasm");
    std::fs::write(&program, wat::parse_str(ECHO).unwrap()).unwrap();
    let commands =
        WasmCommands::new(Arc::new(SystemClock), Arc::new(Processes::default())).unwrap();
    let commands = Arc::new(commands);
    let schema = || Json::parse(r#"{"type":"object"}"#).unwrap();
    let echo = |name: &str| {
        CommandTool::new(name, "Says what it is told.", schema(), &program)
            .answer(CommandAnswer::Text)
            .folder(folder.path())
    };
    let less = CommandLimits { memory: Some(1 << 15), ..CommandLimits::default() };
    let network = Confinement { network: true, ..Confinement::default() };
    for (tool, told) in [
        (echo("usual"), "{\"say\":\"again\"}"),
        (echo("small").limits(less), "the command was stopped: "),
        (echo("wide").sandbox(Sandbox::Confined(network)), "LARGESTACK_SANDBOX"),
        (echo("free").sandbox(Sandbox::None), "LARGESTACK_SANDBOX"),
    ] {
        let tool = tool.tool(commands.clone());
        let name = largestack::ports::tool::Tool::spec(&tool).name.clone();
        let turns = [Turn::tool(&name, r#"{"say":"again"}"#), Turn::text("done")];
        let model = TestModel::new(turns);
        let runtime = largestack::local_with(model.clone()).unwrap();
        let agent = Agent::builder("a")
            .model("test/model")
            .shared_tool(Arc::new(tool))
            .build(runtime)
            .unwrap();
        agent.run(&Scope::local(), "Go on.").await.unwrap();
        let asked = format!("{:?}", model.calls());
        assert!(
            asked.contains(told) || asked.contains(&told.replace('"', "\\\"")),
            "{name}: {asked}"
        );
    }
}
