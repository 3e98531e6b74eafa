//! The table of the built-in tools, made from what they say of themselves.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::FakeClock;
use largestack_ports::database::{Database, Dialect, QueryFailure, QueryLimits, Rows};
use largestack_ports::egress::{Egress, EgressError, Errand, Fetched};
use largestack_ports::tool::{Capability, Tool as _};

use crate::files::{self, Files};
use crate::search::{self, Search, engines};
use crate::shell::{self, Shell};
use crate::wait;
use crate::web::{self, Web};
use crate::{DynamicTool, Processes, calculator, sql, time};

/// Leads nowhere: the table asks nobody.
struct Nowhere;

impl Egress for Nowhere {
    fn run(&self, _: Errand) -> BoxFuture<'_, Result<Fetched, EgressError>> {
        let nowhere = EgressError::Address("nothing is reached from here".to_owned());
        Box::pin(std::future::ready(Err(nowhere)))
    }
}

impl Database for Nowhere {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query<'a>(
        &'a self,
        _: &'a str,
        _: QueryLimits,
    ) -> BoxFuture<'a, Result<Rows, QueryFailure>> {
        Box::pin(std::future::ready(Err(QueryFailure::Unreachable("nothing is here".to_owned()))))
    }
}

/// Every tool with its usual limits, none of which can reach anything.
fn tools() -> Vec<DynamicTool> {
    let web = || Web::open(Arc::new(Nowhere));
    let folder = || Files::under(".");
    let search = engines().values().next().map(|engine| {
        search::tool(Search {
            egress: Arc::new(Nowhere),
            engine,
            base_url: None,
            key: None,
            reach: Arc::default(),
        })
    });
    let some = [
        calculator::tool(),
        time::tool(Arc::new(FakeClock::default()), "UTC"),
        wait::event(),
        wait::sleep(),
        files::read(folder()),
        files::list(folder()),
        files::write(folder()),
        web::fetch(web()),
        web::request(web()),
        sql::tool(Arc::new(Nowhere), QueryLimits::default()),
        shell::tool(Shell::within(Arc::new(Processes::default()), ".", Vec::new())),
    ];
    some.into_iter().chain(search).collect()
}

/// The tools as a table in Markdown.
pub fn table() -> String {
    let mut table = String::from(
        "| tool | arguments | may | run again by itself | results come from |\n|---|---|---|---|---|\n",
    );
    for tool in tools() {
        let spec = tool.spec();
        let schema: serde_json::Value = spec.parameters.to().unwrap_or_default();
        let required = schema.get("required").and_then(serde_json::Value::as_array);
        let arguments: Vec<String> = schema
            .get("properties")
            .and_then(serde_json::Value::as_object)
            .into_iter()
            .flat_map(serde_json::Map::keys)
            .map(|name| {
                let must = required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
                if must { format!("`{name}`") } else { format!("`{name}`?") }
            })
            .collect();
        let options = tool.options();
        let may: Vec<_> = options
            .access
            .capabilities
            .iter()
            .map(|capability| Capability::name(*capability))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} | `{}` |",
            spec.name,
            arguments.join(", "),
            may.join(", "),
            if spec.idempotent { "yes" } else { "no" },
            spec.origin,
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_what_it_may_and_has_a_schema_of_an_object() {
        for tool in tools() {
            let spec = tool.spec();
            let schema: serde_json::Value = spec.parameters.to().unwrap();
            assert_eq!(schema["additionalProperties"], false, "{}", spec.name);
            assert!(!tool.options().access.capabilities.is_empty(), "{}", spec.name);
            let changes = tool.options().access.capabilities.contains(&Capability::Delete);
            assert!(!(changes && spec.idempotent), "{}", spec.name);
        }
        assert_eq!(table().lines().count(), 2 + 12);
    }
}
