//! Both sides of every limit.

use std::time::Duration;

use largestack_ports::command::{CommandFailure, Commands as _};

use crate::world::{World, command, module};

#[tokio::test]
async fn output_ends_at_its_limit_and_of_errors_the_end_is_kept() {
    let world = World::new();
    let says = |to: u32| {
        format!(
            r#"(func (export "_start") (call $say (i32.const {to}) (i32.const 1024) (i32.const 100)))"#
        )
    };
    let most = |output| {
        move |command: &mut largestack_ports::command::Command| {
            (command.limits.output, command.limits.errors) = (output, 10);
        }
    };
    assert_eq!(world.run(&says(1), most(100)).await.unwrap().output.len(), 100);
    assert_eq!(world.run(&says(1), most(99)).await, Err(CommandFailure::TooMuch(99)));
    // 9 MiB, a piece at a time: ended where it is too much.
    let floods = r#"(func (export "_start") (local $n i32)
        (loop $more
          (call $say (i32.const 1) (i32.const 1024) (i32.const 65536))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $n) (i32.const 144)))))"#;
    assert_eq!(world.run(floods, |_| ()).await, Err(CommandFailure::TooMuch(1 << 20)));
    let complains = r#"(data (i32.const 1024) "the beginning and the end")
        (func (export "_start") (call $say (i32.const 2) (i32.const 1024) (i32.const 25)))"#;
    assert_eq!(&*world.run(complains, most(0)).await.unwrap().errors, b"nd the end");
}

#[tokio::test]
async fn memory_ends_at_its_limit_whichever_way_it_is_asked_for() {
    let world = World::new();
    // It has two pages to begin with; a code says that it got no more.
    let grows = |pages: u32| {
        format!(
            r#"(func (export "_start")
              (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (call $exit (i32.const 9)))))"#
        )
    };
    let page = 64 << 10;
    for (pages, code) in [(14, 0), (15, 9)] {
        let ended =
            world.run(&grows(pages), |command| command.limits.memory = Some(16 * page)).await;
        assert_eq!(ended.unwrap().code, Some(code), "{pages}");
    }
    // Where nothing is said: 256 MiB.
    for (pages, code) in [(4094, 0), (4095, 9)] {
        assert_eq!(world.run(&grows(pages), |_| ()).await.unwrap().code, Some(code), "{pages}");
    }
    // A table counts, too.
    let table = r#"(table 0 1000000 funcref) (func (export "_start")
        (if (i32.eq (table.grow (ref.null func) (i32.const 100000)) (i32.const -1)) (then (call $exit (i32.const 9)))))"#;
    for (memory, code) in [(18 * page, 9), (30 * page, 0)] {
        let ended = world.run(table, |command| command.limits.memory = Some(memory)).await;
        assert_eq!(ended.unwrap().code, Some(code), "{memory}");
    }
    // One that begins with more than it may is not begun.
    let failed = world.run(&grows(1), |command| command.limits.memory = Some(page)).await;
    assert!(failed.is_err(), "{failed:?}");
}

#[tokio::test]
async fn one_that_does_not_end_is_stopped_and_does_not_hold_up_others() {
    let world = World::new();
    let turns = r#"(func (export "_start") (loop $more (br $more)))"#;
    let endless = world.program("endless.wasm", &module(turns));
    let mut command = command(&endless);
    command.limits.processor = Some(Duration::from_millis(300));
    // On this one thread, others have their turn meanwhile.
    let (stopped, other) = tokio::join!(
        world.commands.run(command),
        world.run(r#"(func (export "_start") (call $exit (i32.const 5)))"#, |_| ())
    );
    assert_eq!(other.unwrap().code, Some(5));
    let failed = stopped.unwrap_err();
    assert!(
        matches!(&failed, CommandFailure::Stopped { why, .. } if why.contains("0.3 s")),
        "{failed}"
    );
    // Thirty million instructions are some thirty turns, a millisecond each.
    let works = r#"(func (export "_start") (local $n i32)
        (loop $more
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $n) (i32.const 5000000)))))"#;
    for (most, fits) in [(20, false), (60, true)] {
        let processor = Some(Duration::from_millis(most));
        let ended = world.run(works, |command| command.limits.processor = processor).await;
        assert_eq!(ended.is_ok(), fits, "{most}: {ended:?}");
    }
    // Whoever waits no longer ends it.
    let given_up = tokio::time::timeout(Duration::from_millis(50), world.run(turns, |_| ())).await;
    assert!(given_up.is_err());
}

#[tokio::test]
async fn a_stack_has_an_end_and_a_trap_says_what_it_was() {
    let world = World::new();
    let deep = r#"(func $deep (call $deep)) (func (export "_start") (call $deep))"#;
    let traps = r#"(data (i32.const 1024) "before") (func (export "_start")
        (call $say (i32.const 2) (i32.const 1024) (i32.const 6)) unreachable)"#;
    for (text, why) in [(deep, "stack"), (traps, "unreachable")] {
        let failed = world.run(text, |_| ()).await.unwrap_err();
        let CommandFailure::Stopped { why: said, errors } = &failed else { panic!("{failed}") };
        assert!(said.contains(why), "{said}");
        assert_eq!(&**errors, if text == traps { &b"before"[..] } else { b"" });
        // What it says itself may hold what nobody is to read.
        assert!(!failed.to_string().contains("before"), "{failed}");
    }
}

#[tokio::test]
async fn what_is_open_at_one_time_has_an_end() {
    let world = World::new();
    std::fs::write(world.path("a"), "").unwrap();
    let home = world.folder.path().to_owned();
    let opens = |files: u32| {
        format!(
            r#"(data (i32.const 1024) "a") (func (export "_start") (local $n i32)
              (loop $more
                (drop (call $opened (i32.const 3) (i32.const 1) (i32.const 0) (i64.const 2)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $n) (i32.const {files})))))"#
        )
    };
    // Its streams and its folder are among them, and nobody gets more than 256.
    for (most, files, fits) in
        [(20, 10, true), (20, 20, false), (5000, 200, true), (5000, 256, false)]
    {
        let ended = world
            .run(&opens(files), |command| {
                command.folder = Some(home.clone());
                command.limits.open_files = most;
            })
            .await;
        assert_eq!(ended.is_ok_and(|ended| ended.code == Some(0)), fits, "{most} {files}");
    }
}

#[tokio::test]
async fn one_that_sleeps_is_ended_by_whoever_waits_no_longer() {
    let world = World::new();
    // One subscription: the monotonic clock (1), for an hour.
    let sleeps = r#"(func (export "_start")
        (i32.store (i32.const 80) (i32.const 1))
        (i64.store (i32.const 88) (i64.const 3600000000000))
        (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 16))))"#;
    let waited = tokio::time::timeout(Duration::from_millis(200), world.run(sleeps, |_| ())).await;
    assert!(waited.is_err(), "{waited:?}");
}
