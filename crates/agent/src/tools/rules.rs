//! What operators ask of arguments, beside the tool's own schema: for everybody, and for a tenant.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_schema::Schema;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::scope::TenantId;

use super::{Registry, validate};

struct Rule {
    tenant: Option<TenantId>,
    schema: Schema,
}

/// The compiled rules of an agent's tools.
#[derive(Default)]
pub(crate) struct ArgumentRules(HashMap<Arc<str>, Vec<Rule>>);

impl ArgumentRules {
    /// Compiles every tool's rules; one that is not a schema is a mistake of configuration.
    pub(crate) fn compile(registry: &Registry) -> Result<Self> {
        let mut rules: HashMap<Arc<str>, Vec<Rule>> = HashMap::new();
        for entry in registry.iter() {
            let name = &entry.tool.spec().name;
            for rule in &entry.options.access.arguments {
                let schema = validate::compiled(&rule.schema).map_err(|why| {
                    let detail =
                        format!("a rule for arguments of tool `{name}` is not usable: {why}");
                    LargestackError::other(Code::Config, detail)
                })?;
                let rule = Rule { tenant: rule.tenant.clone(), schema };
                rules.entry(Arc::clone(name)).or_default().push(rule);
            }
        }
        Ok(Self(rules))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the rules for this tenant do not allow, a line each.
    pub(crate) fn check(&self, tenant: &TenantId, tool: &str, arguments: &Json) -> Option<String> {
        let rules = self.0.get(tool)?;
        let value = match arguments.to() {
            Ok(value) => value,
            Err(error) => return Some(error.to_string()),
        };
        let applies = |rule: &&Rule| rule.tenant.as_ref().is_none_or(|only| only == tenant);
        let problems: String = rules
            .iter()
            .filter(applies)
            .filter_map(|rule| validate::problems(&rule.schema, &value))
            .collect();
        (!problems.is_empty()).then_some(problems)
    }
}
