#![cfg(unix)]

use largestack_ports::tool::Tool as _;
use largestack_types::json::Json;

use super::*;
use crate::Processes;
use crate::testing::tool_context;

fn shell(allow: &[&str]) -> (tempfile::TempDir, Shell) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/a.txt"), "the note\n").unwrap();
    std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();
    let allowed = |text: &&str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        Allowed { program: Path::new("/bin").join(&words[0]), words }
    };
    let allow = allow.iter().map(allowed).collect();
    // What may be said is looked at here; what may then be done, where there is a launcher.
    let mut shell = Shell::within(Arc::new(Processes::default()), folder.path(), allow);
    shell.sandbox = Sandbox::None;
    (folder, shell)
}

async fn run(shell: &Shell, words: &[&str]) -> Result<String, String> {
    let arguments = Json::of(&serde_json::json!({"command": words})).unwrap();
    let output = tool(shell.clone()).call(tool_context(), arguments).await;
    output.map(|output| output.text).map_err(|failure| failure.message.into_owned())
}

#[tokio::test]
async fn what_is_allowed_runs_in_its_folder_and_says_how_it_ended() {
    let (_folder, shell) = shell(&["cat **", "ls -a", "sh -c *"]);
    assert_eq!(
        run(&shell, &["cat", "in/a.txt", "./in/a.txt"]).await.unwrap(),
        "the note\nthe note\n"
    );
    assert!(run(&shell, &["ls", "-a"]).await.unwrap().contains("in\n"));
    assert_eq!(run(&shell, &["cat"]).await.unwrap(), "[no output]");
    let missing = run(&shell, &["cat", "in/none"]).await.unwrap();
    assert!(missing.starts_with("[code 1]\n") && missing.contains("in/none"), "{missing}");
}

#[tokio::test]
async fn who_may_look_for_files_may_not_delete_them() {
    let (folder, shell) = shell(&["find *", "find in -name *"]);
    for words in [
        &["find", "in", "-delete"][..],
        &["find", "-delete"],
        &["find", "in", "-name", "-delete"],
        &["find", "in", "-name", "a.txt", "-delete"],
        &["find", "in", "-name", "a.txt", "-exec", "rm", "{}", ";"],
    ] {
        run(&shell, words).await.unwrap_err();
    }
    assert!(run(&shell, &["find", "in", "-name", "a.txt"]).await.unwrap().contains("in/a.txt"));
    assert!(folder.path().join("in/a.txt").is_file());
}

#[tokio::test]
async fn nothing_else_runs() {
    let (_folder, shell) = shell(&["cat *", "ls -a"]);
    for words in [
        &["rm", "in/a.txt"][..],
        &["cat"],
        &["cat", "in/a.txt", "in/a.txt"],
        &["ls"],
        &["ls", "-a", "-l"],
        &["ls", "-l"],
        &["/bin/cat", "in/a.txt"],
        &["cat in/a.txt"],
        &["cat", "-n"],
        &["cat", "--help"],
        &["cat", ""],
        &["cat", "/etc/passwd"],
        &["cat", "../x"],
        &["cat", "in/../../x"],
        &["cat", "out/passwd"],
        &["cat", "~/x"],
        &["cat", "if=/etc/passwd"],
        &["cat", "a:../b"],
        &["cat", "@in/a.txt"],
        &["cat", "in/a.txt\n"],
        &["cat", "in/a.txt\0"],
    ] {
        assert_eq!(
            run(&shell, words).await.unwrap_err(),
            "this command is not allowed",
            "{words:?}"
        );
    }
    // No shell: what would be more commands to one is one file's name.
    let said = run(&shell, &["cat", "a;touch b"]).await.unwrap();
    assert!(said.contains("a;touch b") && said.starts_with("[code 1]"), "{said}");
    let (_folder, nothing) = self::shell(&[]);
    assert!(run(&nothing, &["cat", "in/a.txt"]).await.is_err());
}

#[tokio::test]
async fn a_command_has_as_many_words_and_as_long_ones_as_it_may() {
    let (_folder, shell) = shell(&["echo **"]);
    let words = |count: usize, length: usize| {
        let word = "x".repeat(length);
        std::iter::once("echo".to_owned())
            .chain((1..count).map(|_| word.clone()))
            .collect::<Vec<_>>()
    };
    assert!(shell.checked(&words(MAX_WORDS, 1)).is_ok());
    assert!(shell.checked(&words(MAX_WORDS + 1, 1)).is_err());
    assert!(shell.checked(&words(2, MAX_WORD)).is_err(), "a name that long is no file's");
    assert!(shell.checked(&words(2, MAX_WORD + 1)).unwrap_err().contains("at most"));
    assert!(shell.checked(&words(2, 200)).is_ok());
}

#[tokio::test]
async fn nothing_is_inherited_and_output_has_an_end() {
    let (_folder, mut shell) = shell(&["env", "cat in/a.txt"]);
    shell.allow[0].program = "/usr/bin/env".into();
    assert_eq!(run(&shell, &["env"]).await.unwrap(), "[no output]");
    shell.limits.output = 9;
    assert!(run(&shell, &["cat", "in/a.txt"]).await.is_ok());
    shell.limits.output = 8;
    assert!(run(&shell, &["cat", "in/a.txt"]).await.unwrap_err().contains("more than 8 bytes"));
}

#[test]
fn it_executes_and_is_not_run_again_by_itself() {
    let (_folder, shell) = shell(&["ls"]);
    let tool = tool(shell);
    assert!(!tool.spec().idempotent && tool.spec().description.contains("Allowed are: ls."));
    assert_eq!(tool.options().access.capabilities, [Capability::Execute].into());
}

#[tokio::test]
async fn a_link_out_of_the_folder_is_no_way_to_what_is_not_there_yet() {
    let (folder, shell) = shell(&["mkdir *", "touch *"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link(elsewhere.path(), "away");
    link(&elsewhere.path().join("none"), "dangling");
    for words in [["mkdir", "away/new"], ["touch", "dangling"], ["touch", "dangling/below"]] {
        assert!(run(&shell, &words).await.is_err(), "{words:?}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert!(run(&shell, &["mkdir", "in/new"]).await.is_ok());
    assert!(folder.path().join("in/new").is_dir());
}
