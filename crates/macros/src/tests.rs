//! What `#[tool]` refuses, and in which words.

use insta::assert_snapshot;
use proc_macro2::TokenStream;

fn refusal(options: &str, item: &str) -> String {
    let options: TokenStream = options.parse().unwrap();
    let item: TokenStream = item.parse().unwrap();
    let error = crate::emit::tool(options, item).unwrap_err();
    error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n")
}

fn accepts(options: &str, item: &str) -> bool {
    crate::emit::tool(options.parse().unwrap(), item.parse().unwrap()).is_ok()
}

#[test]
fn an_unknown_option_is_named_with_the_nearest_known_one() {
    assert_snapshot!(refusal("idempotent, retrys = 2", "fn f() {}"), @"unknown option `retrys` of `#[tool]`; did you mean `retries`?");
    assert_snapshot!(refusal("colour = 2", "fn f() {}"), @"unknown option `colour` of `#[tool]`; known are name, description, idempotent, timeout, retries, backoff, backoff_unit, backoff_max, jitter, breaker, breaker_window, breaker_cooldown, calls_per_minute, tenant_calls_per_minute, cache, version, capabilities, classes, reveals, approval, origin, raise, max_result_chars, blocking, crate");
}

#[test]
fn an_option_with_the_wrong_value_is_refused() {
    assert_snapshot!(refusal("timeout = 30", "fn f() {}"), @"`timeout` takes a string");
    assert_snapshot!(refusal("timeout = \"30\"", "fn f() {}"), @r#"a duration is written like "500ms", "30s", "5m" or "1h""#);
    assert_snapshot!(refusal("timeout = \"0s\"", "fn f() {}"), @r#"a duration is written like "500ms", "30s", "5m" or "1h""#);
    assert_snapshot!(refusal("retries = \"2\"", "fn f() {}"), @"`retries` takes a whole number");
    assert_snapshot!(refusal("raise = 1", "fn f() {}"), @"`raise` stands alone or is `true` or `false`");
    assert_snapshot!(refusal("name", "fn f() {}"), @"`name` takes a string");
    assert_snapshot!(refusal("max_result_chars = 0", "fn f() {}"), @"must be at least 1");
    assert_snapshot!(refusal("crate = 1", "fn f() {}"), @"`crate` takes a path, e.g. `crate = ::largestack`");
    assert_snapshot!(refusal("raise, raise", "fn f() {}"), @"`raise` is given twice");
}

#[test]
fn a_name_is_what_every_provider_accepts() {
    let longest = format!("name = \"{}\"", "a".repeat(64));
    assert!(accepts(&longest, "fn f() {}"));
    let longer = format!("name = \"{}\"", "a".repeat(65));
    for wrong in [longer.as_str(), "name = \"\"", "name = \"two words\""] {
        assert_eq!(
            refusal(wrong, "fn f() {}"),
            "a tool's name is 1 to 64 of letters, digits, `_` and `-`"
        );
    }
}

#[test]
fn options_that_contradict_the_tool_or_each_other_are_refused() {
    assert!(accepts("cache = \"1h\", idempotent", "fn f() {}"));
    assert_snapshot!(refusal("cache = \"1h\"", "fn f() {}"), @"`cache` needs `idempotent`: results of a tool with side effects are not shared");
    assert_snapshot!(refusal("breaker_window = \"1m\"", "fn f() {}"), @"this says how `breaker` works, which is not there");
    assert_snapshot!(refusal("breaker = 0", "fn f() {}"), @"must be at least 1");
    assert_snapshot!(refusal("backoff = \"lineal\"", "fn f() {}"), @"unknown word `lineal`; did you mean `linear`?");
    assert_snapshot!(refusal("capabilities = \"wirte\"", "fn f() {}"), @"unknown word `wirte`; did you mean `write`?");
    assert!(accepts("blocking", "fn f() {}"));
    assert_snapshot!(refusal("blocking", "async fn f() {}"), @"`blocking` is for functions that are not async");
}

#[test]
fn a_function_that_cannot_be_a_tool_says_why() {
    assert_snapshot!(refusal("", "struct S;"), @"`#[tool]` stands on a function: expected `fn`");
    assert!(accepts("", "fn f(&self) {}"));
    for taken in ["self", "&mut self", "self: Arc<Self>"] {
        let said = refusal("", &format!("fn f({taken}) {{}}"));
        assert_eq!(said, "a method that is a tool takes `&self`: many runs call it at once");
    }
    assert_snapshot!(refusal("", "fn f<T>(x: T) {}"), @"a tool cannot be generic: a model needs one schema; name the types");
    assert_snapshot!(refusal("", "fn f(x: impl Sized) {}"), @"a tool cannot be generic: a model needs one schema; name the type");
    assert_snapshot!(refusal("", "unsafe fn f() {}"), @"a tool cannot be unsafe: a model chooses its input");
    assert_snapshot!(refusal("", "const fn f() {}"), @"a tool cannot be const");
    assert_snapshot!(refusal("", "extern \"C\" fn f() {}"), @"a tool cannot have a foreign ABI");
    assert_snapshot!(refusal("", "#[doc = include_str!(\"x\")] fn f() {}"), @r#"a tool's documentation is read while compiling: write it out, or give `#[tool(description = "..")]`"#);
}

#[test]
fn a_parameter_that_cannot_be_an_argument_says_why() {
    assert_snapshot!(refusal("", "fn f(x) {}"), @"`#[tool]` stands on a function: expected `:`");
    assert_snapshot!(refusal("", "fn f(x: _) {}"), @"a parameter of a tool needs a type");
    assert_snapshot!(refusal("", "fn f((a, b): (u8, u8)) {}"), @"a parameter of a tool needs a name that the model can use: write `name: Type` and take the value apart inside the function");
    assert_snapshot!(refusal("", "fn f(x: &Vec<u8>) {}"), @"a tool owns its arguments: take them by value (`&str` and `&ToolContext` are the exceptions)");
    assert_snapshot!(refusal("", "fn f(x: &mut u8) {}"), @"a tool owns its arguments: no `&mut`");
    assert_snapshot!(refusal("", "fn f(#[range(1)] x: u8) {}"), @"this attribute means nothing on a parameter of a tool; known are `#[default(..)]`, `#[schemars(..)]`, `#[serde(..)]` and `#[validate(..)]`");
    assert_snapshot!(refusal("", "fn f(#[tool(optional)] x: u8) {}"), @"unknown option `optional` of a parameter; known is `default`");
    assert_snapshot!(refusal("", "fn f(#[default] #[default(1)] x: u8) {}"), @"the default is given twice");
    assert_snapshot!(refusal("", "fn f(a: ToolContext, b: &ToolContext) {}"), @"the context is given once");
    assert_snapshot!(refusal("", "fn f(#[default] a: ToolContext) {}"), @"the context is always given and has no default");
    assert_snapshot!(refusal("", "fn f(#[schemars(range(min = 1))] a: ToolContext) {}"), @"the context is not an argument of the model");
}

#[test]
fn all_wrong_parameters_are_reported_together() {
    assert_eq!(refusal("", "fn f((a, b): (u8, u8), x: &mut u8) {}").lines().count(), 2);
}
