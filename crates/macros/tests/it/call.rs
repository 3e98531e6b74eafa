//! What happens when a tool is called: arguments in, results and failures out.

use std::fmt;

use largestack_macros::tool;
use std::time::Duration;

use largestack_ports::limits::Rate;
use largestack_ports::tool::{
    Access, ApprovalRule, Backoff, BreakerOptions, Capability, Growth, Tool, ToolContext,
    ToolFailure, ToolOptions, ToolOutput,
};
use largestack_types::label::{DataClass, DataClasses, Origin};
use serde::Serialize;

use crate::facade;
use crate::support::{call, text};

#[derive(Serialize)]
struct Forecast {
    city: String,
    days: u32,
}

/// Forecasts.
#[tool(crate = facade)]
async fn forecast(city: String, #[default(3)] days: u32) -> Result<Forecast, ToolFailure> {
    std::future::ready(()).await;
    if days > 14 {
        return Err(ToolFailure::transient("nobody knows yet"));
    }
    Ok(Forecast { city, days })
}

#[test]
fn arguments_reach_the_function_and_the_result_is_json() {
    assert_eq!(text(&forecast(), r#"{"city":"Oslo","days":2}"#), r#"{"city":"Oslo","days":2}"#);
}

#[test]
fn a_default_stands_for_what_is_not_given() {
    assert_eq!(text(&forecast(), r#"{"city":"Oslo"}"#), r#"{"city":"Oslo","days":3}"#);
}

#[test]
fn a_failure_keeps_whether_trying_again_can_help() {
    let failure = call(&forecast(), r#"{"city":"Oslo","days":15}"#).unwrap_err();
    assert_eq!(failure, ToolFailure::transient("nobody knows yet"));
}

#[test]
fn arguments_that_do_not_fit_never_reach_the_function() {
    for (arguments, reason) in [
        (r#"{"city":"Oslo","dayz":2}"#, "unknown field `dayz`"),
        (r#"{"days":2}"#, "missing field `city`"),
        (r#"{"city":"Oslo","days":-1}"#, "invalid value: integer `-1`"),
        ("[]", "the arguments do not fit"),
    ] {
        let failure = call(&forecast(), arguments).unwrap_err();
        assert!(failure.message.contains(reason), "{arguments}: {failure}");
    }
}

#[test]
fn the_function_itself_stays_callable() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let direct = runtime.block_on(forecast::direct("Oslo".to_owned(), 1)).unwrap();
    assert_eq!((direct.city.as_str(), direct.days), ("Oslo", 1));
}

#[derive(Debug)]
struct Refused(u8);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused for reason {}", self.0)
    }
}

#[tool(crate = facade)]
fn refuses(reason: u8) -> Result<(), Refused> {
    Err(Refused(reason))
}

#[tool(crate = facade)]
fn nothing() {}

#[tool(crate = facade)]
fn greeting(name: &str) -> String {
    format!("hello {name}")
}

#[tool(crate = facade)]
fn whole() -> ToolOutput {
    ToolOutput { text: "text".to_owned(), ..ToolOutput::default() }
}

#[tool(crate = facade)]
fn either(fail: bool) -> Result<ToolOutput, String> {
    if fail { Err("no".to_owned()) } else { Ok(ToolOutput::text("yes")) }
}

#[test]
fn every_kind_of_return_becomes_a_result() {
    let failure = call(&refuses(), r#"{"reason":7}"#).unwrap_err();
    assert_eq!(failure, ToolFailure::new("refused for reason 7"));
    assert_eq!(text(&nothing(), "{}"), "done");
    assert_eq!(text(&greeting(), r#"{"name":"A \"B\""}"#), r#"hello A "B""#);
    assert_eq!(text(&whole(), "{}"), "text");
    assert_eq!(text(&either(), r#"{"fail":false}"#), "yes");
    assert_eq!(call(&either(), r#"{"fail":true}"#).unwrap_err(), ToolFailure::new("no"));
}

#[tool(crate = facade)]
fn deps(prefix: String, context: &ToolContext) -> String {
    let deps = context.deps.downcast_ref::<String>().map_or("", String::as_str);
    format!("{prefix}: {deps}, {}", context.idempotency_key)
}

#[tool(crate = facade)]
async fn attempt(context: ToolContext) -> u32 {
    std::future::ready(context.attempt).await
}

#[test]
fn the_context_is_filled_in_and_the_model_cannot_see_or_give_it() {
    assert!(text(&deps(), r#"{"prefix":"got"}"#).starts_with("got: what the caller gave, "));
    assert_eq!(text(&attempt(), "{}"), "1");
    assert!(!deps().spec().parameters.as_str().contains("context"));
    assert!(call(&attempt(), r#"{"context":{}}"#).is_err());
}

#[tool(crate = facade, blocking)]
fn thread_name(context: &ToolContext, expected: u32) -> Result<String, ToolFailure> {
    if context.attempt != expected {
        return Err(ToolFailure::new("another attempt"));
    }
    Ok(format!("{:?}", std::thread::current().id()))
}

#[tool(crate = facade)]
fn inline_thread_name() -> String {
    format!("{:?}", std::thread::current().id())
}

#[tool(crate = facade, blocking)]
fn panics() -> u8 {
    panic!("on purpose")
}

#[test]
fn a_blocking_function_runs_on_another_thread_and_its_panic_is_a_failure() {
    let here = format!("{:?}", std::thread::current().id());
    assert_eq!(text(&inline_thread_name(), "{}"), here);
    assert_ne!(text(&thread_name(), r#"{"expected":1}"#), here);
    assert_eq!(
        call(&panics(), "{}").unwrap_err(),
        ToolFailure::new("the tool ended without a result")
    );
}

/// Documented, but described otherwise.
#[tool(
    crate = facade,
    name = "look-up",
    description = "Looks things up.",
    idempotent,
    timeout = "1m",
    retries = 2,
    backoff = "linear",
    backoff_unit = "2s",
    backoff_max = "10s",
    jitter = false,
    breaker = 3,
    breaker_window = "2m",
    breaker_cooldown = "5s",
    calls_per_minute = 6,
    tenant_calls_per_minute = 60,
    cache = "1h",
    version = "2",
    capabilities = "read, send",
    classes = "contact",
    reveals = "card, secret",
    origin = "operator",
    approval = "required",
    raise,
    max_result_chars = 100
)]
fn configured() {}

#[test]
fn options_change_the_spec_and_how_a_tool_is_run() {
    let tool = configured();
    let spec = tool.spec();
    assert_eq!((&*spec.name, &*spec.description), ("look-up", "Looks things up."));
    assert!(spec.idempotent);
    let expected = ToolOptions {
        timeout: Duration::from_mins(1),
        retries: 2,
        backoff: Backoff {
            growth: Growth::Linear,
            unit: Duration::from_secs(2),
            most: Duration::from_secs(10),
            jitter: false,
        },
        breaker: Some(BreakerOptions {
            failures: 3,
            window: Duration::from_mins(2),
            cooldown: Duration::from_secs(5),
        }),
        agent_rate: Some(Rate::per_minute(6)),
        tenant_rate: Some(Rate::per_minute(60)),
        cache: Some(Duration::from_hours(1)),
        version: "2".into(),
        access: Access {
            capabilities: [Capability::Read, Capability::Send].into(),
            classes: DataClasses::of(DataClass::Contact),
            reveals: [DataClass::Card, DataClass::Secret].into_iter().collect(),
            origin: Some(Origin::Operator),
            approval: ApprovalRule::Required,
            arguments: Vec::new(),
        },
        max_result_chars: 100,
        raise: true,
    };
    assert_eq!(tool.options(), expected);
    assert_eq!(nothing().options(), ToolOptions::default());
    assert!(!nothing().spec().idempotent);
    assert_eq!(&*nothing().spec().description, "");
}
