//! JSON Schema brought down to what a provider takes. Each dialect keeps what it can say, rewrites
//! what it says in another way, and lists what is lost, so that nobody believes in a constraint
//! that is not held. Pure: the same schema gives the same bytes, properties stay in their order.

mod flat;
mod lower;
mod objects;
mod open_api;
mod rules;
mod tree;
mod types;

use largestack_types::json::Json;

use tree::Node;

/// A provider's subset of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Everything, as it is.
    Plain,
    /// OpenAI's `strict`: closed objects, every property required, an optional one nullable
    /// (platform.openai.com/docs/guides/structured-outputs, "Supported schemas").
    OpenAiStrict,
    /// Anthropic's `strict` and `output_format`: closed objects, no references, no bounds
    /// (docs.claude.com/en/docs/build-with-claude/structured-outputs, "JSON Schema limitations").
    AnthropicStrict,
    /// The grammars of llama.cpp, which Ollama answers by: no bounds of fractions, no patterns
    /// (github.com/ggml-org/llama.cpp, grammars/README.md, "JSON Schemas").
    Grammar,
    /// Gemini's `parameters` and `responseSchema`: an OpenAPI 3.0 subset without references
    /// (ai.google.dev/api/caching, "Schema").
    GeminiOpenApi,
    /// Gemini's `parametersJsonSchema` and `responseJsonSchema`
    /// (ai.google.dev/api/generate-content, "responseJsonSchema").
    GeminiJson,
}

/// Something that a schema said and the lowered one does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Where in the schema, as a JSON pointer; behind a reference, where the reference stands.
    pub pointer: String,
    /// The keyword: one of JSON Schema, `false` for a schema that nothing fits, `size` where the
    /// schema was cut because it grew too large, `other` for a keyword that is nobody's.
    pub keyword: &'static str,
}

/// How often a lowered schema is looked at again; one that nobody contradicts, once.
const LOOKS: usize = 8;

/// The schema in a dialect, and what that costs. Lowering twice changes nothing more.
pub fn down_level(schema: &Json, dialect: Dialect) -> (Json, Vec<Lost>) {
    let root = match (dialect, serde_json::from_str::<Node>(schema.as_str())) {
        (Dialect::Plain, _) => return (schema.clone(), Vec::new()),
        (_, Ok(root)) => root,
        // Deeper than anything is read.
        (_, Err(_)) => {
            let lost = Lost { pointer: String::new(), keyword: rules::SIZE };
            return (Json::empty_object(), vec![lost]);
        }
    };
    let (mut lowered, mut lost) = lower::lower(&root, rules::of(dialect));
    // What was taken together can contradict itself, such as the properties of a text: further
    // looks take that out.
    for _ in 0..LOOKS {
        let (again, more) = lower::lower(&lowered, rules::of(dialect));
        if again == lowered {
            break;
        }
        lowered = again;
        lost.extend(more.into_iter().filter(|one| !lost.contains(one)).collect::<Vec<_>>());
    }
    (lowered.to_json(), lost)
}

/// The JSON Schema that a schema of Gemini's OpenAPI subset means: types in lower case, null as a
/// type, names as JSON Schema has them.
pub fn of_open_api(schema: &Json) -> Json {
    match serde_json::from_str::<Node>(schema.as_str()) {
        Ok(root) => open_api::raised(&root).to_json(),
        Err(_) => schema.clone(),
    }
}

/// Which schema of a call something was lost from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The parameters of a tool: `tools.schema:KEYWORD`.
    Tools,
    /// The schema of the answer: `output_schema.schema:KEYWORD`.
    Output,
}

/// What was lost in the words of `HttpRequest::dropped`: each keyword once, in order.
pub fn dropped(of: Of, lost: &[Lost]) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = Vec::new();
    for lost in lost {
        let word = rules::word(of, lost.keyword);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests;
