//! What a program may not, tried.

use std::path::Path;

use largestack_ports::command::{CommandFailure, Commands as _, Confinement, Sandbox};
use largestack_wasm::WasmCommands;

use crate::world::{World, command, module, reads};

/// WASI 0.1: `badf`, `noent`, `perm`, `notcapable`, `rofs`, `loop`, `notsup`, `acces`.
const REFUSED: [i32; 8] = [8, 44, 63, 76, 69, 32, 58, 2];

/// Opens a path under the first folder, and says what is in it.
fn opens(path: &str, flags: u32, rights: u32) -> String {
    format!(
        r#"(data (i32.const 1024) "{path}")
        (func (export "_start") (local $file i32)
          (local.set $file (call $opened (i32.const 3) (i32.const {length}) (i32.const {flags}) (i64.const {rights})))
          (call $say (i32.const 1) (i32.const 4096) (call $hear (local.get $file))))"#,
        length = path.len()
    )
}

async fn refused(world: &World, program: &str, sandbox: Sandbox) {
    let ended = world.run(program, |command| command.sandbox = sandbox).await.unwrap();
    let code = ended.code.unwrap();
    assert!(REFUSED.contains(&code), "{code}: {:?}", ended.output);
    assert_eq!(&*ended.output, b"");
}

#[tokio::test]
async fn no_file_outside_of_its_folders_is_opened_whatever_it_is_called() {
    let world = World::new();
    let data = world.path("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(world.path("secret"), "hidden").unwrap();
    std::os::unix::fs::symlink(world.path("secret"), data.join("link")).unwrap();
    std::os::unix::fs::symlink("../secret", data.join("relative")).unwrap();
    let whole = world.path("secret").display().to_string();
    for path in ["../secret", "x/../../secret", "/etc/passwd", "link", "relative", &whole] {
        refused(&world, &opens(path, 0, 2), reads(&[&data], &[])).await;
    }
    // Without a folder there is nothing to open under.
    refused(&world, &opens("secret", 0, 2), Sandbox::default()).await;
    // A descriptor that was never given.
    let guesses =
        r#"(func (export "_start") (call $exit (call $prestat (i32.const 4) (i32.const 64))))"#;
    refused(&world, guesses, reads(&[&data], &[])).await;
}

#[tokio::test]
async fn a_folder_that_may_be_read_is_not_changed() {
    let world = World::new();
    let data = world.path("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("kept"), "as it was").unwrap();
    // 1: made; 8: emptied.
    for (path, flags, rights) in [("new", 1, 64), ("kept", 8, 64), ("kept", 0, 64)] {
        let ended = world
            .run(&opens(path, flags, rights), |command| command.sandbox = reads(&[&data], &[]))
            .await
            .unwrap();
        assert_ne!(ended.code, Some(0), "{path} {flags}");
    }
    let link = r#"(data (i32.const 1024) "/etc") (data (i32.const 1040) "link")
        (func (export "_start") (call $exit
          (call $symlink (i32.const 1024) (i32.const 4) (i32.const 3) (i32.const 1040) (i32.const 4))))"#;
    refused(&world, link, reads(&[&data], &[])).await;
    assert_eq!(std::fs::read_to_string(data.join("kept")).unwrap(), "as it was");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[tokio::test]
async fn a_link_that_it_makes_itself_leads_nowhere() {
    let world = World::new();
    let out = world.path("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(world.path("secret"), "hidden").unwrap();
    let program = r#"(data (i32.const 1024) "link") (data (i32.const 1040) "../secret")
        (func (export "_start") (local $file i32)
          (drop (call $symlink (i32.const 1040) (i32.const 9) (i32.const 3) (i32.const 1024) (i32.const 4)))
          (local.set $file (call $opened (i32.const 3) (i32.const 4) (i32.const 0) (i64.const 2)))
          (call $say (i32.const 1) (i32.const 4096) (call $hear (local.get $file))))"#;
    refused(&world, program, reads(&[], &[&out])).await;
}

#[tokio::test]
async fn connections_and_freedom_are_refused_before_anything_happens() {
    let world = World::new();
    let network = Sandbox::Confined(Confinement { network: true, ..Confinement::default() });
    for sandbox in [network, Sandbox::None] {
        let failed = world.run("", |command| command.sandbox = sandbox).await.unwrap_err();
        assert!(matches!(failed, CommandFailure::Unconfined(_)), "{failed}");
    }
    let accepts = r#"(func (export "_start")
        (call $exit (call $accept (i32.const 3) (i32.const 0) (i32.const 64))))"#;
    refused(&world, accepts, Sandbox::default()).await;
}

#[tokio::test]
async fn what_is_imported_and_is_not_there_is_named_and_nothing_runs() {
    let world = World::new();
    let asks = r#"(module (import "env" "system" (func (param i32) (result i32)))
        (memory (export "memory") 1) (func (export "_start")))"#;
    let program = world.program("asks.wasm", asks);
    let failed = world.commands.run(command(&program)).await.unwrap_err();
    assert!(
        matches!(&failed, CommandFailure::NotStarted(why) if why.contains("system")),
        "{failed}"
    );
}

#[tokio::test]
async fn what_is_hidden_from_commands_is_in_no_folder_that_is_given() {
    let world = World::new();
    let state = world.path("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(state.join("key"), "hidden").unwrap();
    let program = world.program("program.wasm", &module(&opens("state/key", 0, 2)));
    let hiding = WasmCommands::hiding(world.commands.clone(), &state);
    let run = async |sandbox: Sandbox, folder: &Path| {
        let mut command = command(&program);
        (command.sandbox, command.folder) = (sandbox, Some(folder.to_owned()));
        hiding.run(command).await
    };
    // The command's own folder, which holds it, is no folder of the program.
    let home = world.folder.path();
    let ended = run(reads(&[home], &[]), home).await.unwrap();
    assert!(REFUSED.contains(&ended.code.unwrap()) && ended.output.is_empty());
    for path in [home, &state] {
        let failed = run(reads(&[path], &[]), &std::env::temp_dir()).await.unwrap_err();
        assert!(matches!(failed, CommandFailure::Unconfined(_)), "{failed}");
    }
    // Without anything hidden it is read: the test can fail.
    let ended =
        world.run(&opens("state/key", 0, 2), |command| command.sandbox = reads(&[home], &[])).await;
    assert_eq!(&*ended.unwrap().output, b"hidden");
}
