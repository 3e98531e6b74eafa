//! What components ask of the system, by the interfaces that are there for all of them.

use std::fmt::Write as _;

use largestack_ports::command::{CommandFailure, Commands as _, Ended};

use crate::world::{World, command};

/// A component: what it imports and the core functions that these become, then what it does with them.
/// Its memory has 20 pages, and what it is given is put at 1024.
fn component(imports: &str, functions: &[&str], signature: &str, run: &str) -> String {
    let (mut lowered, mut imported, mut given) = (String::new(), String::new(), String::new());
    for name in functions {
        let core = r#"(memory (core memory $m "memory")) (realloc (core func $m "realloc"))"#;
        let _ = write!(lowered, "(core func ${name}-core (canon lower (func ${name}) {core}))");
        let _ = write!(imported, r#"(import "host" "{name}" (func ${name} {signature}))"#);
        let _ = write!(given, r#"(export "{name}" (func ${name}-core))"#);
    }
    format!(
        r#"(component
          {imports}
          (core module $memory (memory (export "memory") 20)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
          (core instance $m (instantiate $memory))
          {lowered}
          (core module $program
            (import "memory" "memory" (memory 20))
            {imported}
            (func (export "run") (result i32) {run}))
          (core instance $i (instantiate $program
            (with "memory" (instance $m)) (with "host" (instance {given}))))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $cli (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $cli)))"#
    )
}

async fn ran(text: &str) -> Result<Ended, CommandFailure> {
    let world = World::new();
    let program = world.program("component.wasm", text);
    world.commands.run(command(&program)).await
}

#[tokio::test]
async fn a_component_says_by_its_result_whether_it_did_its_work() {
    for (said, code) in [("(i32.const 0)", 0), ("(i32.const 1)", 1)] {
        assert_eq!(ran(&component("", &[], "", said)).await.unwrap().code, Some(code));
    }
}

#[tokio::test]
async fn random_bytes_are_given_up_to_a_limit_so_that_they_fill_nobody_elses_memory() {
    let asks = |bytes: u64| {
        component(
            r#"(import "wasi:random/random@0.2.0" (instance $random
                (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
              (alias export $random "get-random-bytes" (func $get))"#,
            &["get"],
            "(param i64 i32)",
            &format!("(call $get (i64.const {bytes}) (i32.const 0)) (i32.const 0)"),
        )
    };
    assert_eq!(ran(&asks(1 << 20)).await.unwrap().code, Some(0));
    for bytes in [(1 << 20) + 1, 1 << 40, i64::MAX as u64] {
        let failed = ran(&asks(bytes)).await.unwrap_err();
        assert!(matches!(failed, CommandFailure::Stopped { .. }), "{failed}");
    }
}

/// Makes a socket of a kind and a family, and is content with one answer alone.
fn socket(kind: &str, family: u32, error: u32) -> String {
    let errors = [
        "unknown",
        "access-denied",
        "not-supported",
        "invalid-argument",
        "out-of-memory",
        "timeout",
        "concurrency-conflict",
        "not-in-progress",
        "would-block",
        "invalid-state",
        "new-socket-limit",
        "address-not-bindable",
        "address-in-use",
        "remote-unreachable",
        "connection-refused",
        "connection-reset",
        "connection-aborted",
        "datagram-too-large",
        "name-unresolvable",
        "temporary-resolver-failure",
        "permanent-resolver-failure",
    ];
    let errors = errors.map(|name| format!("\"{name}\"")).join(" ");
    component(
        &format!(
            r#"(import "wasi:sockets/network@0.2.0" (instance $network
                (type $errors (enum {errors})) (export "error-code" (type (eq $errors)))
                (type $families (enum "ipv4" "ipv6")) (export "ip-address-family" (type (eq $families)))))
              (alias export $network "error-code" (type $error))
              (alias export $network "ip-address-family" (type $family))
              (import "wasi:sockets/{kind}@0.2.0" (instance $sockets
                (export "{kind}-socket" (type (sub resource)))))
              (alias export $sockets "{kind}-socket" (type $socket))
              (import "wasi:sockets/{kind}-create-socket@0.2.0" (instance $create
                (alias outer 1 $error (type $e)) (export "error-code" (type $error (eq $e)))
                (alias outer 1 $family (type $f)) (export "ip-address-family" (type $family (eq $f)))
                (alias outer 1 $socket (type $s)) (export "{kind}-socket" (type $socket (eq $s)))
                (export "create-{kind}-socket" (func (param "address-family" $family)
                  (result (result (own $socket) (error $error)))))))
              (alias export $create "create-{kind}-socket" (func $make))"#
        ),
        &["make"],
        "(param i32 i32)",
        &format!(
            "(call $make (i32.const {family}) (i32.const 64))
             (i32.ne (i32.const {wanted}) (i32.or
               (i32.load8_u (i32.const 64)) (i32.shl (i32.load8_u (i32.const 68)) (i32.const 8))))",
            wanted = 1 | error << 8
        ),
    )
}

#[tokio::test]
async fn no_socket_of_any_kind_is_made() {
    const DENIED: u32 = 1;
    for kind in ["tcp", "udp"] {
        for family in [0, 1] {
            let ended = ran(&socket(kind, family, DENIED)).await.unwrap();
            assert_eq!(ended.code, Some(0), "{kind} {family}");
        }
        // Any other answer would have been told.
        assert_eq!(ran(&socket(kind, 0, DENIED + 1)).await.unwrap().code, Some(1));
    }
}

#[tokio::test]
async fn what_the_system_does_not_offer_is_named_and_nothing_runs() {
    let text = component(
        r#"(import "wasi:http/outgoing-handler@0.2.0" (instance $http (export "handle" (func))))
          (alias export $http "handle" (func $get))"#,
        &["get"],
        "",
        "(call $get) (i32.const 0)",
    );
    let failed = ran(&text).await.unwrap_err();
    assert!(
        matches!(&failed, CommandFailure::NotStarted(why) if why.contains("wasi:http")),
        "{failed}"
    );
}
