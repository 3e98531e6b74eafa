//! Commands of an agent's file that are WebAssembly, or their refusal by a program that has nothing to run
//! them.

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

/// Says what it is told, what is in a file of its folder, and a dash for a file beside the folder.
const LOOKS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "a.txt") (data (i32.const 1040) "../agent.yaml") (data (i32.const 1060) "-")
  (func $say (param $from i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $copy (param $from i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 32768))
    (drop (call $fd_read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $say (i32.const 4096) (i32.load (i32.const 8))))
  (func $look (param $path i32) (param $length i32)
    (if (call $open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 0)
          (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 16))
      (then (call $say (i32.const 1060) (i32.const 1)))
      (else (call $copy (i32.load (i32.const 16))))))
  (func (export "_start")
    (call $copy (i32.const 0))
    (call $look (i32.const 1024) (i32.const 5))
    (call $look (i32.const 1040) (i32.const 13))))"#;

const TOOLS: &str = "tools:
  look: {description: Looks., command: [./look.wasm], folder: notes, answer: text}
  home: {description: Looks., command: [./look.wasm], answer: text}
  above: {description: Looks., command: [./look.wasm], answer: text, folder: notes, reads: [.]}
  forever: {description: Goes on., command: [./forever.wasm], max_cpu: 200ms}
taint: {on_untrusted: {execute: allow}}
";

fn place(tools: &str, base: &str) -> Place {
    let place = Place::new();
    place.write(
        "agent.yaml",
        format!("name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n{tools}"),
    );
    place.write("largestack.yaml", format!("providers: {{openai: {{base-url: \"{base}\"}}}}\n"));
    place.write("notes/a.txt", "the note");
    place.write("look.wasm", wat::parse_str(LOOKS).unwrap());
    let forever =
        r#"(module (memory (export "memory") 1) (func (export "_start") (loop $on (br $on))))"#;
    place.write("forever.wasm", wat::parse_str(forever).unwrap());
    place
}

async fn ask(place: &Place) -> Done {
    let mut command = place.command(&["run", ".", "Go on.", "--json"]);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_web_assembly_answers_the_model_from_its_folder_or_is_refused() {
    let upstream = Upstream::start().await.unwrap();
    let place = place(TOOLS, &upstream.url());
    if !cfg!(feature = "wasm") {
        let (checked, asked) = (place.run(&["check"]), ask(&place).await);
        for refused in [checked, asked] {
            let said = format!("{}{}", refused.out, refused.err);
            assert_ne!(refused.code, 0, "{said}");
            assert!(said.contains("look.wasm is WebAssembly"), "{said}");
            assert!(said.contains("--features wasm"), "{said}");
        }
        let shell = "tools: {shell: {root: notes, allow: [\"./look.wasm\"]}}\n";
        let said = self::place(shell, &upstream.url()).run(&["check"]).expect(1).out;
        assert!(said.contains("tools.shell") && said.contains("--features wasm"), "{said}");
        assert_eq!(upstream.counts().requests, 0);
        return;
    }
    place.run(&["check"]).expect(0);
    for (tool, result) in [
        ("look", "{}the note-"),
        // The file's folder holds the runs, and is not given to anybody.
        ("home", "{}--"),
        ("above", "LARGESTACK_SANDBOX"),
        ("forever", "it has had its 0.2 s on the processor"),
    ] {
        upstream.push(ChatReply::tool(tool, "{}"));
        upstream.push(ChatReply::text("done"));
        ask(&place).await.expect(0);
        let told = upstream.requests().pop().unwrap();
        assert!(told.says(result), "{tool}: {}", String::from_utf8_lossy(&told.body));
    }
}
