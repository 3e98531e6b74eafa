//! Methods with state as tools, and tools that are told of their run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use largestack_macros::tool;
use largestack_ports::context::RunContext;
use largestack_ports::tool::{Tool, ToolFor};

use crate::facade;
use crate::support::{call, text};

struct Shop {
    name: &'static str,
    sold: AtomicU32,
}

impl Shop {
    /// Sells something.
    #[tool(crate = facade, timeout = "5s")]
    async fn sell(
        &self,
        /// What.
        item: &str,
        /// How many.
        #[schemars(range(min = 1, max = 9))]
        #[default(1)]
        count: u32,
    ) -> Result<String, std::io::Error> {
        let before = std::future::ready(self.sold.fetch_add(count, Ordering::SeqCst)).await;
        Ok(format!("{} sold {count} {item} after {before}", self.name))
    }

    /// Says its name.
    #[tool(crate = facade, idempotent, name = "shop_name")]
    fn name(&self) -> &'static str {
        self.name
    }

    /// Asks who asks.
    #[tool(crate = facade)]
    fn asks(&self, run: &RunContext<String>, louder: bool) -> String {
        format!("{} asks for {}{}", self.name, *run.deps, if louder { "!" } else { "" })
    }
}

fn shop() -> Arc<Shop> {
    Arc::new(Shop { name: "Corner", sold: AtomicU32::new(0) })
}

#[test]
fn a_method_is_a_tool_with_its_state() {
    let shop = shop();
    let tool = shop.sell_tool();
    assert_eq!(text(&tool, r#"{"item":"tea","count":2}"#), "Corner sold 2 tea after 0");
    assert_eq!(text(&tool, r#"{"item":"tea"}"#), "Corner sold 1 tea after 2");
    assert_eq!(shop.sold.load(Ordering::SeqCst), 3);
    assert_eq!(&*tool.spec().description, "Sells something.");
    assert_eq!(tool.options().timeout.as_secs(), 5);
    let schema: serde_json::Value = tool.spec().parameters.to().unwrap();
    assert_eq!(schema["properties"]["count"]["maximum"], 9);
    assert_eq!(schema["properties"]["item"]["description"], "What.");
    assert_eq!(schema["required"], serde_json::json!(["item"]));
    assert!(call(&tool, r#"{"item":"tea","colour":"red"}"#).is_err());
    assert_eq!(text(&shop.name_tool(), "{}"), "Corner");
    assert_eq!(&*shop.name_tool().spec().name, "shop_name");
    assert_eq!(shop.name(), "Corner", "the method stays as it was");
}

/// Greets the caller.
#[tool(crate = facade)]
fn greet(run: &RunContext<String>, word: &str) -> String {
    format!("{word} {} at try {}", *run.deps, run.retries)
}

/// Needs a number.
#[tool(crate = facade)]
fn count(run: RunContext<u64>) -> u64 {
    *run.deps
}

#[test]
fn a_run_is_told_to_the_function_and_not_to_the_model() {
    let expected = "Hi what the caller gave at try 0";
    assert_eq!(text(&greet(), r#"{"word":"Hi"}"#), expected);
    let schema = greet().spec().parameters.as_str().to_owned();
    assert!(schema.contains("word") && !schema.contains("run"), "{schema}");
    let asked = text(&shop().asks_tool(), r#"{"louder":true}"#);
    assert_eq!(asked, "Corner asks for what the caller gave!");
}

#[test]
fn a_run_that_was_given_something_else_is_a_failure_that_says_so() {
    let failure = call(&count(), "{}").unwrap_err();
    assert!(failure.message.contains("u64"), "{}", failure.message);
}

#[test]
fn tools_say_for_which_runs_they_are() {
    fn takes<D>(_: &impl ToolFor<D>) {}
    takes::<String>(&greet());
    takes::<u64>(&count());
    takes::<String>(&shop().asks_tool());
    takes::<Vec<u8>>(&shop().name_tool());
}
