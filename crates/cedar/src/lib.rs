//! Policies about calls of tools in [Cedar](https://www.cedarpolicy.com): read, held against a schema
//! that is made of an agent's tools, and asked before each call.
//!
//! A policy that cannot be evaluated refuses the call, whatever the others say. Cedar itself leaves
//! such a policy out, which opens the door that a `forbid` was to keep shut.
//!
//! ```
//! use largestack_cedar::CedarPolicies;
//!
//! let policies = CedarPolicies::parse([(
//!     "policies.cedar",
//!     r#"permit(principal, action, resource);
//!        @id("small") forbid(principal, action, resource == Tool::"pay")
//!        when { context.arguments.amount > 100 };"#,
//! )]);
//! assert!(policies.is_ok());
//! let wrong = CedarPolicies::parse([("policies.cedar", "permit(principal, action);")]);
//! assert!(wrong.is_err_and(|error| error.to_string().contains("policies.cedar:1")));
//! ```

mod ask;
mod bind;
mod schema;
mod shape;
mod source;
mod value;

pub use source::CedarPolicies;

/// What the ids of these policies begin with in a decision log.
pub const PREFIX: &str = "cedar.";
/// The id, behind [`PREFIX`], of the rule that what no policy permits is refused.
pub const DEFAULT: &str = "default";
/// The id, behind [`PREFIX`], of the rule that arguments which cannot be put to policies are refused.
pub const ARGUMENTS: &str = "arguments";

#[cfg(test)]
mod tests;
