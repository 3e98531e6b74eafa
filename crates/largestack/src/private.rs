// What the code that `#[tool]` generates calls. Not for use by hand, and free to change.

pub use largestack_ports::BoxFuture;
pub use largestack_ports::context::RunContext;
pub use largestack_ports::tool::{
    Tool, ToolContext, ToolFailure, ToolFor, ToolOptions, ToolOutput,
};
/// What options are made of.
pub mod options {
    pub use largestack_ports::limits::Rate;
    pub use largestack_ports::tool::{ApprovalRule, BreakerOptions, Capability, Growth};
    pub use largestack_types::label::{DataClass, Origin};
}
pub use largestack_types::json::Json;
pub use largestack_types::tool::ToolSpec;
pub use {schemars, serde, serde_json};

/// The JSON Schema (2020-12) that a value of this type is read by, without the name of the type.
pub fn schema_of<T: schemars::JsonSchema>() -> Json {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("$schema");
    schema.remove("title");
    if schema.get("type").is_some_and(|kind| kind == "object") {
        // Some providers refuse an object without properties.
        let none = serde_json::Value::Object(serde_json::Map::new());
        schema.ensure_object().entry("properties").or_insert(none);
    }
    Json::of(schema.as_value()).unwrap_or_else(|_| Json::empty_object())
}

/// What a model is told of a tool whose arguments are an `A`.
pub fn spec<A: schemars::JsonSchema>(
    name: &'static str,
    description: &'static str,
    idempotent: bool,
) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: description.into(),
        parameters: schema_of::<A>(),
        idempotent,
        origin: largestack_types::label::Origin::Tool,
        native: None,
        server: false,
    }
}

/// The arguments of a call, as the function takes them.
pub fn arguments<A: for<'de> serde::Deserialize<'de>>(json: &Json) -> Result<A, ToolFailure> {
    json.to().map_err(|error| ToolFailure::new(format!("the arguments do not fit: {error}")))
}

/// What a method is called with, and what it gives.
type Body = dyn Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>>
    + Send
    + Sync;

/// A method with its state as a tool, for runs of any dependencies.
#[derive(Clone)]
pub struct Method(MethodFor<()>);

/// A method with its state as a tool, for runs that are given `Deps`.
pub struct MethodFor<Deps> {
    spec: std::sync::Arc<ToolSpec>,
    options: ToolOptions,
    body: std::sync::Arc<Body>,
    deps: std::marker::PhantomData<fn(Deps)>,
}

impl<Deps> Clone for MethodFor<Deps> {
    fn clone(&self) -> Self {
        Self {
            spec: std::sync::Arc::clone(&self.spec),
            options: self.options.clone(),
            body: std::sync::Arc::clone(&self.body),
            deps: std::marker::PhantomData,
        }
    }
}

impl<Deps> MethodFor<Deps> {
    /// The tool of a method.
    pub fn new(
        spec: ToolSpec,
        options: ToolOptions,
        body: impl Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let (spec, body) = (std::sync::Arc::new(spec), std::sync::Arc::new(body));
        Self { spec, options, body, deps: std::marker::PhantomData }
    }
}

impl Method {
    /// The tool of a method.
    pub fn new(
        spec: ToolSpec,
        options: ToolOptions,
        body: impl Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(MethodFor::new(spec, options, body))
    }
}

impl<Deps: 'static> Tool for MethodFor<Deps> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        (self.body)(context, arguments)
    }
}

impl Tool for Method {
    fn spec(&self) -> &ToolSpec {
        self.0.spec()
    }

    fn options(&self) -> ToolOptions {
        self.0.options()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.0.call(context, arguments)
    }
}

impl<Deps> ToolFor<Deps> for Method {}
impl<Deps: 'static> ToolFor<Deps> for MethodFor<Deps> {}

/// Runs a function on a thread that may block.
pub async fn blocking<T: Send + 'static>(
    function: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ToolFailure> {
    tokio::task::spawn_blocking(function)
        .await
        .map_err(|_| ToolFailure::new("the tool ended without a result"))
}

/// What a function returned, as a tool returns it. Which of the traits applies is settled by how
/// often a reference has to be taken before a method fits, so that a `Result`, a `ToolOutput`,
/// nothing and anything that serialises need no common trait.
pub mod returned {
    use std::convert::Infallible;
    use std::fmt::Display;

    use super::{ToolFailure, ToolOutput, serde};

    /// A `Result`.
    #[derive(Clone, Copy, Debug)]
    pub struct AsResult;
    /// Anything else.
    #[derive(Clone, Copy, Debug)]
    pub struct AsValue;
    /// A `ToolOutput`.
    #[derive(Clone, Copy, Debug)]
    pub struct AsOutput;
    /// Nothing.
    #[derive(Clone, Copy, Debug)]
    pub struct AsUnit;
    /// A value that serialises.
    #[derive(Clone, Copy, Debug)]
    pub struct AsJson;
    /// An error that becomes a failure by itself.
    #[derive(Clone, Copy, Debug)]
    pub struct AsFailure;
    /// An error that can be displayed.
    #[derive(Clone, Copy, Debug)]
    pub struct AsText;

    /// Picks [`AsResult`].
    pub trait FromResult {
        /// The kind.
        fn split_kind(&self) -> AsResult {
            AsResult
        }
    }
    impl<T, E> FromResult for Result<T, E> {}

    /// Picks [`AsValue`].
    pub trait FromValue {
        /// The kind.
        fn split_kind(&self) -> AsValue {
            AsValue
        }
    }
    impl<T> FromValue for &T {}

    impl AsResult {
        /// The result itself.
        pub fn split<T, E>(self, result: Result<T, E>) -> Result<T, E> {
            result
        }
    }
    impl AsValue {
        /// A value that cannot be an error.
        pub fn split<T>(self, value: T) -> Result<T, Infallible> {
            Ok(value)
        }
    }

    /// Picks [`AsOutput`].
    pub trait FromOutput {
        /// The kind.
        fn output_kind(&self) -> AsOutput {
            AsOutput
        }
    }
    impl FromOutput for ToolOutput {}

    /// Picks [`AsUnit`].
    pub trait FromUnit {
        /// The kind.
        fn output_kind(&self) -> AsUnit {
            AsUnit
        }
    }
    impl FromUnit for () {}

    /// Picks [`AsJson`].
    pub trait FromSerialize {
        /// The kind.
        fn output_kind(&self) -> AsJson {
            AsJson
        }
    }
    impl<T: serde::Serialize> FromSerialize for &T {}

    impl AsOutput {
        /// The output itself.
        pub fn output(self, output: ToolOutput) -> Result<ToolOutput, ToolFailure> {
            Ok(output)
        }
    }
    impl AsUnit {
        /// A word, because some providers refuse an empty result.
        pub fn output(self, (): ()) -> Result<ToolOutput, ToolFailure> {
            Ok(ToolOutput::text("done"))
        }
    }
    impl AsJson {
        /// The value as JSON; a string as it is.
        pub fn output<T: serde::Serialize>(self, value: T) -> Result<ToolOutput, ToolFailure> {
            ToolOutput::json(&value)
        }
    }

    /// Picks [`AsFailure`].
    pub trait FromFailure {
        /// The kind.
        fn failure_kind(&self) -> AsFailure {
            AsFailure
        }
    }
    impl<E: Into<ToolFailure>> FromFailure for E {}

    /// Picks [`AsText`].
    pub trait FromDisplay {
        /// The kind.
        fn failure_kind(&self) -> AsText {
            AsText
        }
    }
    impl<E: Display> FromDisplay for &E {}

    impl AsFailure {
        /// The failure it becomes.
        pub fn failure(self, error: impl Into<ToolFailure>) -> ToolFailure {
            error.into()
        }
    }
    impl AsText {
        /// A failure that trying again does not mend.
        pub fn failure(self, error: impl Display) -> ToolFailure {
            ToolFailure::new(error.to_string())
        }
    }
}
