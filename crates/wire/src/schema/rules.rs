//! What each dialect takes, keyword by keyword.

use super::{Dialect, Of};

/// How a dialect differs from JSON Schema.
#[expect(clippy::struct_excessive_bools, reason = "a dialect has a thing or not, each by its name")]
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) dialect: Dialect,
    /// Keywords that are kept as they are.
    pub(super) keeps: &'static [&'static str],
    /// Formats of strings, numbers and integers that are kept; `None`: all of them.
    pub(super) formats: Option<&'static [&'static str]>,
    /// Whether references stay references. Else what they point at takes their place.
    pub(super) refs: bool,
    /// Whether `oneOf` stays.
    pub(super) one_of: bool,
    /// Whether tuples (`prefixItems`) stay.
    pub(super) tuples: bool,
    /// Whether every object is closed.
    pub(super) closed: bool,
    /// Whether every property is required.
    pub(super) all_required: bool,
}

const STRICT_FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

static OPENAI: Rules = Rules {
    dialect: Dialect::OpenAiStrict,
    keeps: &[
        "title",
        "description",
        "pattern",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minItems",
        "maxItems",
    ],
    formats: Some(STRICT_FORMATS),
    refs: true,
    one_of: false,
    tuples: false,
    closed: true,
    all_required: true,
};

static ANTHROPIC: Rules = Rules {
    dialect: Dialect::AnthropicStrict,
    keeps: &["title", "description", "default"],
    formats: Some(&[
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    ]),
    refs: false,
    one_of: false,
    tuples: false,
    closed: true,
    all_required: false,
};

static GRAMMAR: Rules = Rules {
    dialect: Dialect::Grammar,
    keeps: &["title", "description", "minItems", "maxItems", "minLength", "maxLength"],
    formats: Some(&["date", "time", "date-time", "uuid"]),
    refs: true,
    one_of: true,
    tuples: true,
    closed: false,
    all_required: false,
};

static OPEN_API: Rules = Rules {
    dialect: Dialect::GeminiOpenApi,
    keeps: &[
        "title",
        "description",
        "default",
        "example",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "propertyOrdering",
    ],
    formats: Some(&["enum", "date-time", "float", "double", "int32", "int64"]),
    refs: false,
    one_of: false,
    tuples: false,
    closed: false,
    all_required: false,
};

static GEMINI: Rules = Rules {
    dialect: Dialect::GeminiJson,
    keeps: &[
        "title",
        "description",
        "default",
        "pattern",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "propertyOrdering",
    ],
    formats: None,
    refs: true,
    one_of: true,
    tuples: true,
    closed: false,
    all_required: false,
};

/// The rules of a dialect that has any.
pub(super) const fn of(dialect: Dialect) -> &'static Rules {
    match dialect {
        Dialect::OpenAiStrict => &OPENAI,
        Dialect::AnthropicStrict => &ANTHROPIC,
        Dialect::Grammar => &GRAMMAR,
        Dialect::GeminiOpenApi => &OPEN_API,
        Dialect::GeminiJson | Dialect::Plain => &GEMINI,
    }
}

/// Keywords that constrain nothing and tell a model nothing: they go without a word.
pub(super) const SILENT: &[&str] = &[
    "$schema",
    "$id",
    "id",
    "$comment",
    "$anchor",
    "$vocabulary",
    "$dynamicAnchor",
    "$defs",
    "definitions",
];

/// Stands for a schema that was cut because it grew too large.
pub(super) const SIZE: &str = "size";
/// Stands for a keyword that no version of JSON Schema has.
const OTHER: &str = "other";
/// Stands for a schema that nothing fits.
pub(super) const FALSE: &str = "false";

macro_rules! keywords {
    ($($keyword:literal),+ $(,)?) => {
        /// The keyword that is meant, for a report.
        pub(super) fn keyword(word: &str) -> &'static str {
            match word {
                $($keyword => $keyword,)+
                _ => OTHER,
            }
        }

        /// The keyword as `HttpRequest::dropped` has it.
        pub(super) fn word(of: Of, keyword: &str) -> &'static str {
            match (of, keyword) {
                $((Of::Tools, $keyword) => concat!("tools.schema:", $keyword),
                (Of::Output, $keyword) => concat!("output_schema.schema:", $keyword),)+
                (Of::Tools, _) => "tools.schema:other",
                (Of::Output, _) => "output_schema.schema:other",
            }
        }
    };
}

keywords!(
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "discriminator",
    "else",
    "enum",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "false",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "propertyOrdering",
    "readOnly",
    "required",
    "size",
    "then",
    "title",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "writeOnly",
    "xml",
);
