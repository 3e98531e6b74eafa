//! `policy-tests.yaml`: calls of tools, after what has been read, and what an agent's policies must say
//! of each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::label::{DataClass, Origin};
use largestack_types::policy::Decision;

use crate::cases::listed;
use crate::environment::Environment;
use crate::error::Error;
use crate::node::Node;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::taint::origin;
use crate::tools::class;
use crate::value;

/// The name of the file, beside the agent's.
pub const POLICY_CASES_FILE: &str = "policy-tests.yaml";
/// What is asked where a case does not say.
const ASKED: &str = "Go on.";

/// One call, and what must be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyCase {
    /// Its name, once in a file.
    pub name: Arc<str>,
    /// What the user has asked.
    pub ask: Arc<str>,
    /// What was read before the call, in this order.
    pub reads: Vec<PolicyRead>,
    /// The tool that is called.
    pub tool: Arc<str>,
    /// What it is called with.
    pub arguments: Json,
    /// What must be said of it.
    pub expect: Decision,
    /// A policy that must be among those that say so, e.g. `taint.on_untrusted.send`.
    pub by: Option<Arc<str>>,
}

/// Something that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRead {
    /// By what.
    pub by: ReadBy,
    /// What it says.
    pub text: Arc<str>,
}

/// How a text came to be read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadBy {
    /// A tool of the agent returned it, called with these arguments.
    Tool(Arc<str>, Json),
    /// It came from there, and holds data of these kinds.
    Origin(Origin, Vec<DataClass>),
}

/// The cases beside an agent's file, with their file; `None` where there is none.
pub fn policy_cases(
    folder: &Path,
    environment: &Environment,
) -> Result<Option<(PathBuf, Vec<PolicyCase>)>, Error> {
    listed(&folder.join(POLICY_CASES_FILE), environment, case, |case| &case.name)
}

fn case(mut fields: Fields<'_>) -> PolicyCase {
    let name = fields.required("name", value::some_text).value;
    let ask = fields.get("ask", ASKED.into(), value::some_text).value;
    let reads = reads(&mut fields);
    let tool = fields.required("tool", value::some_text).value;
    let arguments = arguments(&mut fields);
    let expect = fields.required("expect", value::choice(Decision::ALL)).value;
    let by = fields.optional("by", value::some_text);
    fields.finish();
    PolicyCase { name, ask, reads, tool, arguments, expect, by }
}

fn arguments(fields: &mut Fields<'_>) -> Json {
    fields.optional("arguments", value::object).unwrap_or_else(Json::empty_object)
}

fn reads(fields: &mut Fields<'_>) -> Vec<PolicyRead> {
    let key = fields.key("reads");
    let Some(node) = fields.take("reads") else { return Vec::new() };
    match value::items(&node) {
        Ok(items) => items.into_iter().map(|item| read(item, &key, fields.report)).collect(),
        Err(wrong) => {
            fields.report.wrong(&node.source, &key, wrong);
            Vec::new()
        }
    }
}

fn read(item: Node, key: &str, report: &mut Report) -> PolicyRead {
    let mut fields = Fields::of(item, key, report);
    let source = fields.source().clone();
    let text = fields.required("text", value::some_text).value;
    let tool = fields.optional("tool", value::some_text);
    let from = fields.optional("origin", origin);
    let by = match (tool, from) {
        (Some(tool), None) => ReadBy::Tool(tool, arguments(&mut fields)),
        (None, Some(from)) => ReadBy::Origin(from, fields.list("classes", Vec::new(), class).value),
        _ => {
            let wrong = "a text was returned by a `tool` of the agent, or has an `origin`";
            fields.report.wrong(&source, key, Wrong::value(wrong));
            ReadBy::Origin(Origin::Web, Vec::new())
        }
    };
    fields.finish();
    PolicyRead { by, text }
}
