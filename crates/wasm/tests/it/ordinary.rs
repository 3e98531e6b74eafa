//! What a program may.

use largestack_ports::command::{CommandFailure, Commands as _};
use largestack_ports::vault::Sensitive;

use crate::world::{World, command, reads};

/// Says what it hears.
const ECHO: &str = r#"(func (export "_start") (call $say (i32.const 1) (i32.const 4096) (call $hear (i32.const 0))))"#;

#[tokio::test]
async fn it_hears_its_input_and_says_its_output_its_errors_and_its_code() {
    let world = World::new();
    let ended = world.run(ECHO, |command| command.input = "{\"n\":1}".into()).await.unwrap();
    assert_eq!(
        (ended.code, &*ended.output, &*ended.errors),
        (Some(0), &b"{\"n\":1}"[..], &b""[..])
    );

    let fails = r#"(data (i32.const 1024) "not today")
        (func (export "_start") (call $say (i32.const 2) (i32.const 1024) (i32.const 9)) (call $exit (i32.const 3)))"#;
    let ended = world.run(fails, |_| ()).await.unwrap();
    assert_eq!(
        (ended.code, &*ended.output, &*ended.errors),
        (Some(3), &b""[..], &b"not today"[..])
    );
}

#[tokio::test]
async fn its_variables_are_those_that_are_named() {
    let world = World::new();
    let says = r#"(func (export "_start")
        (drop (call $environ_sizes (i32.const 32) (i32.const 36)))
        (drop (call $environ (i32.const 64) (i32.const 4096)))
        (call $say (i32.const 1) (i32.const 4096) (i32.load (i32.const 36))))"#;
    let none = world.run(says, |_| ()).await.unwrap();
    assert_eq!(&*none.output, b"");
    let some = world
        .run(says, |command| {
            command.environment.push(("COLOUR".to_owned(), Sensitive::new("green")));
        })
        .await
        .unwrap();
    assert_eq!(&*some.output, b"COLOUR=green\0");
}

#[tokio::test]
async fn it_reads_a_folder_that_it_is_given_and_changes_one_that_it_may() {
    let world = World::new();
    let (data, out) = (world.path("data"), world.path("out"));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&out).unwrap();
    std::fs::write(data.join("a.txt"), "forty-two").unwrap();
    // Descriptor 3 is the first folder. 2: may be read.
    let read = r#"(data (i32.const 1024) "a.txt")
        (func (export "_start") (local $file i32)
          (local.set $file (call $opened (i32.const 3) (i32.const 5) (i32.const 0) (i64.const 2)))
          (call $say (i32.const 1) (i32.const 4096) (call $hear (local.get $file))))"#;
    let ended = world.run(read, |command| command.sandbox = reads(&[&data], &[])).await.unwrap();
    assert_eq!((ended.code, &*ended.output), (Some(0), &b"forty-two"[..]));
    // 1: made if it is not there; 64: may be written.
    let write = r#"(data (i32.const 1024) "b.txt")
        (func (export "_start") (local $file i32)
          (local.set $file (call $opened (i32.const 3) (i32.const 5) (i32.const 1) (i64.const 64)))
          (call $say (local.get $file) (i32.const 1024) (i32.const 5)))"#;
    let ended = world.run(write, |command| command.sandbox = reads(&[], &[&out])).await.unwrap();
    assert_eq!(ended.code, Some(0));
    assert_eq!(std::fs::read_to_string(out.join("b.txt")).unwrap(), "b.txt");
}

#[tokio::test]
async fn it_reads_the_folder_that_it_runs_in_by_its_own_paths() {
    let world = World::new();
    std::fs::write(world.path("a.txt"), "forty-two").unwrap();
    let home = world.folder.path().to_owned();
    let read = r#"(data (i32.const 1024) "a.txt")
        (func (export "_start") (local $file i32)
          (call $named (i32.const 3))
          (local.set $file (call $opened (i32.const 3) (i32.const 5) (i32.const 0) (i64.const 2)))
          (call $say (i32.const 1) (i32.const 4096) (call $hear (local.get $file))))"#;
    let ended = world.run(read, |command| command.folder = Some(home.clone())).await.unwrap();
    assert_eq!((ended.code, &*ended.output), (Some(0), &b".forty-two"[..]));
    let write = r#"(data (i32.const 1024) "b.txt") (func (export "_start")
        (drop (call $opened (i32.const 3) (i32.const 5) (i32.const 1) (i64.const 64))))"#;
    let ended = world.run(write, |command| command.folder = Some(home)).await.unwrap();
    assert!(ended.code != Some(0) && !world.path("b.txt").exists());
}

#[tokio::test]
async fn a_file_that_changed_is_compiled_again_and_what_is_none_is_named() {
    let world = World::new();
    for code in [1, 22] {
        let exits = format!(r#"(func (export "_start") (call $exit (i32.const {code})))"#);
        assert_eq!(world.run(&exits, |_| ()).await.unwrap().code, Some(code));
    }
    let path = world.path("text.wasm");
    std::fs::write(&path, "no program").unwrap();
    for path in [path, world.path("missing.wasm")] {
        let failed = world.commands.run(command(&path)).await.unwrap_err();
        assert!(
            matches!(&failed, CommandFailure::NotStarted(why) if why.contains(".wasm")),
            "{failed}"
        );
    }
    // Nothing to begin with.
    let failed = world.run("", |_| ()).await.unwrap_err();
    assert!(failed.to_string().contains("_start"), "{failed}");
}

#[tokio::test]
async fn a_command_that_is_none_goes_on_to_who_runs_those() {
    let world = World::new();
    let failed = world.commands.run(command("/bin/true".as_ref())).await.unwrap_err();
    assert_eq!(failed, CommandFailure::NotStarted("handed on: /bin/true".to_owned()));
}
