//! Values against JSON Schemas (2020-12, or what `$schema` names): arguments of tools, answers of
//! models, expectations of tests. A room of its own because the library behind it is generic:
//! every crate that called it held a copy of all of it, a megabyte each.
//!
//! ```
//! use largestack_schema::Schema;
//! use serde_json::json;
//!
//! let schema = Schema::compile(&json!({"properties": {"n": {"minimum": 1}}})).unwrap();
//! assert!(schema.accepts(&json!({"n": 1})));
//! let problems = schema.problems(&json!({"n": 0}), 8);
//! assert_eq!(problems[0].place, "/n");
//! assert_eq!(problems[0].message, "0 is less than the minimum of 1");
//! assert_eq!(problems[0].masked, "this value is less than the minimum of 1");
//! ```

use jsonschema::Validator;
use serde_json::Value;

/// A schema, ready to be held against values.
#[derive(Clone, Debug)]
pub struct Schema(Validator);

/// Something in a value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer; empty for the value as a whole.
    pub place: String,
    /// What does not fit, with the value itself.
    pub message: String,
    /// The same without the value.
    pub masked: String,
}

impl Schema {
    /// A schema whose `format`s are remarks, as 2020-12 has it; why it is no schema. References
    /// lead nowhere outside of it.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        jsonschema::validator_for(schema).map(Self).map_err(|error| error.to_string())
    }

    /// The same where `format`s have to hold.
    pub fn with_formats(schema: &Value) -> Result<Self, String> {
        let options = jsonschema::options().should_validate_formats(true);
        options.build(schema).map(Self).map_err(|error| error.to_string())
    }

    /// Whether a value fits.
    pub fn accepts(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// What does not fit, at most so many.
    pub fn problems(&self, value: &Value, most: usize) -> Vec<Problem> {
        // Most values fit, and finding that out is cheaper.
        if self.accepts(value) {
            return Vec::new();
        }
        let errors = self.0.iter_errors(value).take(most);
        let problem = |error: jsonschema::ValidationError<'_>| Problem {
            place: error.instance_path().to_string(),
            message: error.to_string(),
            masked: error.masked_with("this value").to_string(),
        };
        errors.map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_schema_says_why() {
        let why = Schema::compile(&json!({"type": "colour"})).unwrap_err();
        assert!(why.contains("colour"), "{why}");
    }

    #[test]
    fn formats_hold_where_they_are_asked_to() {
        let schema = json!({"type": "string", "format": "date"});
        assert!(Schema::compile(&schema).unwrap().accepts(&json!("soon")));
        let strict = Schema::with_formats(&schema).unwrap();
        assert!(!strict.accepts(&json!("soon")));
        assert!(strict.accepts(&json!("2026-02-28")));
    }

    #[test]
    fn no_more_problems_are_told_than_are_wanted() {
        let schema = Schema::compile(&json!({"items": {"type": "string"}})).unwrap();
        let value = json!([1, 2, 3, 4]);
        assert_eq!(schema.problems(&value, 2).len(), 2);
        assert_eq!(schema.problems(&value, 9).len(), 4);
        assert_eq!(schema.problems(&json!(["a"]), 9), []);
    }

    #[test]
    fn a_reference_to_the_outside_is_refused() {
        assert!(Schema::compile(&json!({"$ref": "http://127.0.0.1:1/schema"})).is_err());
    }
}
