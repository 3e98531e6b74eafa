//! The shapes a user's code gives to functions, under every lint a strict crate turns on.

use largestack_macros::tool;
use largestack_ports::tool::Tool;

use crate::facade;
use crate::support::text;

/// Public, in a crate that demands documentation.
#[tool(crate = facade)]
pub async fn public(
    /// A word whose name is a keyword.
    r#type: String,
    mut count: u8,
) -> String {
    count = count.saturating_add(1);
    std::future::ready(format!("{type} {count}")).await
}

#[tool(crate = facade)]
pub fn undocumented(
    _unread: bool,
    #[expect(unused_variables, reason = "shown to the model")] seen: bool,
) {
}

/// Only under test.
#[cfg(test)]
#[tool(crate = facade)]
pub fn conditional() {}

#[cfg(not(test))]
#[tool(crate = facade)]
pub fn conditional(neither: Missing) {}

type Arguments = Vec<u8>;

/// Names of the macro's own do not hide the user's.
#[tool(crate = facade)]
fn shadow(context: Arguments, arguments: Arguments, returned: u8, value: u8, output: u8) -> usize {
    context.len() + arguments.len() + usize::from(returned + value + output)
}

#[test]
fn a_keyword_and_a_changed_parameter_are_arguments_like_others() {
    assert_eq!(text(&public(), r#"{"type":"a","count":1}"#), "a 2");
    assert_eq!(text(&undocumented(), r#"{"_unread":true,"seen":true}"#), "done");
}

#[test]
fn a_condition_holds_for_all_that_is_generated() {
    assert_eq!(text(&conditional(), "{}"), "done");
}

#[test]
fn names_of_the_function_are_its_own() {
    let arguments = r#"{"context":[1],"arguments":[2,3],"returned":1,"value":1,"output":1}"#;
    assert_eq!(text(&shadow(), arguments), "6");
}

#[test]
fn a_tool_can_be_made_inside_a_function_and_kept_as_an_object() {
    /// Inside.
    #[tool(crate = facade)]
    fn inner(x: u8) -> u8 {
        x
    }
    let tools: Vec<std::sync::Arc<dyn Tool>> =
        vec![std::sync::Arc::new(inner()), std::sync::Arc::new(public())];
    let names: Vec<_> = tools.iter().map(|tool| tool.spec().name.to_string()).collect();
    assert_eq!(names, ["inner", "public"]);
    assert_eq!(text(&inner(), r#"{"x":5}"#), "5");
    let inner = inner();
    assert_eq!(format!("{inner:?}"), "inner");
}
