#![cfg(unix)]

use std::sync::Mutex;

use largestack_ports::BoxFuture;
use largestack_ports::tool::Tool as _;

use super::*;
use crate::Processes;
use crate::testing::tool_context;

fn shell(script: &str) -> CommandTool {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    CommandTool::new("stock", "How many are left.", schema, "/bin/sh")
        .arguments(["-c", script])
        .sandbox(Sandbox::None)
}

async fn call(tool: CommandTool, arguments: &str) -> Result<String, ToolFailure> {
    let tool = tool.tool(Arc::new(Processes::default()));
    let output = tool.call(tool_context(), Json::parse(arguments).unwrap()).await;
    output.map(|output| output.text)
}

#[tokio::test]
async fn arguments_go_in_and_the_result_comes_out_as_json() {
    let echoed = call(shell("cat"), r#"{"sku": "a b", "n": [1, 2]}"#).await.unwrap();
    assert_eq!(echoed, r#"{"sku":"a b","n":[1,2]}"#);
    assert_eq!(call(shell("echo '\"12 left\"'"), "{}").await.unwrap(), "12 left");
    let failure = call(shell("echo twelve"), "{}").await.unwrap_err();
    assert!(failure.message.contains("did not answer with JSON"), "{failure}");
    let text = shell("echo twelve").answer(CommandAnswer::Text);
    assert_eq!(call(text, "{}").await.unwrap(), "twelve\n");
}

#[tokio::test]
async fn what_a_model_says_is_data_and_never_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = serde_json::json!({"sku": "$(touch owned); `touch owned`\n; touch owned #"});
    let tool = shell("cat").folder(folder.path());
    let echoed = call(tool, &hostile.to_string()).await.unwrap();
    assert_eq!(echoed, hostile.to_string());
    assert!(!folder.path().join("owned").exists());
}

#[tokio::test]
async fn another_code_than_zero_is_a_failure_with_the_end_of_what_it_complained() {
    let failure = call(shell("echo all is lost >&2; exit 7"), "{}").await.unwrap_err();
    assert_eq!(failure.message, "the command ended with code 7: all is lost");
    assert!(!failure.transient && !failure.nothing_happened);
    let failure = call(shell("kill -9 $$"), "{}").await.unwrap_err();
    assert_eq!(failure.message, "the command was ended by signal 9");
    let failure = call(shell("exit 1"), "{}").await.unwrap_err();
    assert_eq!(failure.message, "the command ended with code 1");
}

#[tokio::test]
async fn a_secret_is_given_and_never_read() {
    let secret = || Sensitive::new("hunter2hunter2");
    let tool = |script| shell(script).secret("TOKEN", secret()).variable("WHO", "me");
    let said = call(tool("echo \"\\\"$TOKEN $WHO\\\"\""), "{}").await.unwrap();
    assert_eq!(said, "[redacted] me");
    let failure = call(tool("echo no $TOKEN >&2; exit 1"), "{}").await.unwrap_err();
    assert!(failure.message.ends_with("no [redacted]"), "{failure}");
    assert!(!format!("{:?}", tool("cat")).contains("hunter2"));
}

#[tokio::test]
async fn a_secret_is_not_read_in_another_spelling_either_nor_the_rest_of_one_that_was_cut() {
    let tool = |script: &str| shell(script).secret("TOKEN", Sensitive::new("hunt\"er/2 hunt"));
    for said in
        [r#""hunt\"er\/2 hunt""#, r#""\u0068unt\u0022er/2 hunt""#, r#""hunt%22er%2F2+hunt""#]
    {
        let script = format!("printf '%s' '{said}'");
        assert_eq!(call(tool(&script), "{}").await.unwrap(), "[redacted]", "{said}");
    }
    let nested = r#"printf '%s' '{"said": "{\"token\": \"hunt\\\"er/2 hunt\"}"}'"#;
    let said = call(tool(nested), "{}").await.unwrap();
    assert!(said.contains("[redacted]") && !said.contains("er/2"), "{said}");
    // Of what it complains, the end is kept: here from within the secret.
    let limits = CommandLimits { errors: 9, ..CommandLimits::default() };
    let failure = tool("printf '%s!' \"$TOKEN\" >&2; exit 1").limits(limits);
    let failure = call(failure, "{}").await.unwrap_err();
    assert!(failure.message.ends_with(": [redacted]!"), "{failure}");
}

#[tokio::test]
async fn the_same_call_has_the_same_key() {
    let said = call(shell("echo \"\\\"$IDEMPOTENCY_KEY\\\"\""), "{}").await.unwrap();
    assert_eq!(said, "key");
}

#[tokio::test]
async fn control_characters_do_not_reach_a_terminal() {
    let tool = shell("printf 'a\\033[31mb\\tc'").answer(CommandAnswer::Text);
    assert_eq!(call(tool, "{}").await.unwrap(), "a[31mb\tc");
}

/// Commands that never start.
#[derive(Default)]
struct Refusing(Mutex<Vec<Command>>);

impl Commands for Refusing {
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>> {
        self.0.lock().unwrap().push(command);
        Box::pin(std::future::ready(Err(CommandFailure::NotStarted("no such file".to_owned()))))
    }
}

#[tokio::test]
async fn what_never_started_may_be_tried_again() {
    let commands = Arc::new(Refusing::default());
    let tool = shell("cat").tool(commands.clone());
    let failure = tool.call(tool_context(), Json::empty_object()).await.unwrap_err();
    assert!(failure.nothing_happened && failure.transient);
    let asked = commands.0.lock().unwrap();
    assert_eq!(asked[0].arguments, ["-c", "cat"]);
    assert_eq!(&*asked[0].input, b"{}");
}

/// Commands that are stopped while they speak of what they were given.
struct Stopping;

impl Commands for Stopping {
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>> {
        let said = command.environment.iter().map(|(_, value)| value.expose());
        let errors = Bytes::from(said.collect::<Vec<_>>().join(" "));
        let why = "it had its time".to_owned();
        Box::pin(std::future::ready(Err(CommandFailure::Stopped { why, errors })))
    }
}

#[tokio::test]
async fn what_a_stopped_one_said_is_told_without_secrets_and_it_is_not_tried_again() {
    let tool = shell("cat").variable("WHO", "me").secret("TOKEN", Sensitive::new("hunter2hunter2"));
    let tool = tool.tool(Arc::new(Stopping));
    let failure = tool.call(tool_context(), Json::empty_object()).await.unwrap_err();
    assert!(
        failure.message.starts_with("the command was stopped: it had its time: me [redacted] "),
        "{failure}"
    );
    assert!(!failure.transient && !failure.nothing_happened);
}

#[test]
fn a_command_says_that_it_executes_and_is_not_taken_for_idempotent() {
    let tool = shell("cat").tool(Arc::new(Processes::default()));
    assert!(!tool.spec().idempotent);
    assert_eq!(tool.options().access.capabilities, [Capability::Execute].into());
    assert!(shell("cat").idempotent(true).tool(Arc::new(Processes::default())).spec().idempotent);
}
