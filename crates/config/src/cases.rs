//! `tests.yaml`: what an agent is asked and what its answers must be like. A case that expects
//! nothing proves nothing, so each says at least one thing that can fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_types::error::Code;
use largestack_types::json::Json;
use largestack_types::money::Money;

use crate::environment::Environment;
use crate::error::Error;
use crate::include;
use crate::node::Node;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::show::Show;
use crate::value;

/// The name of the file, beside the agent's.
pub const CASES_FILE: &str = "tests.yaml";
/// Times one case may be asked.
const MOST_REPEATS: u32 = 1_000;

/// One thing that is asked, and what must come of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, once in a file.
    pub name: Arc<str>,
    /// What is asked.
    pub ask: Arc<str>,
    /// How often it is asked, from 1.
    pub repeats: u32,
    /// How many of these must be as expected, from 1 to `repeats`.
    pub passes: u32,
    /// What the model says, turn by turn; empty for the agent's own model.
    pub script: Vec<Said>,
    /// The file, from the agent's folder, of the exchanges with providers that are given again.
    pub cassette: Option<Arc<str>>,
    /// What must come of it.
    pub expect: Expect,
}

/// One turn of a scripted model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What it says.
    pub text: Option<Arc<str>>,
    /// Tools it calls, with their arguments.
    pub calls: Vec<(Arc<str>, Json)>,
    /// The code of the error that it fails with instead.
    pub error: Option<Code>,
}

/// What must come of a case. Absent ones are not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The run's status; `completed` unless an error is expected.
    pub status: Option<Arc<str>>,
    /// The code of the error that the run must end with.
    pub error: Option<Code>,
    /// The whole answer, without space around it.
    pub exact: Option<Arc<str>>,
    /// Texts that the answer holds.
    pub contains: Vec<Arc<str>>,
    /// Texts that it does not hold.
    pub excludes: Vec<Arc<str>>,
    /// Regular expressions that it fits somewhere.
    pub matches: Vec<Arc<str>>,
    /// A JSON Schema that the answer, read as JSON, fits.
    pub schema: Option<Json>,
    /// The tools that are called, all of them, in order.
    pub tools: Option<Vec<Arc<str>>>,
    /// Tools that are called at least once.
    pub uses: Vec<Arc<str>>,
    /// Tools that are never called.
    pub avoids: Vec<Arc<str>>,
    /// Sources that the answer cites, as the citation names them.
    pub cites: Vec<Arc<str>>,
    /// Most turns.
    pub max_turns: Option<u32>,
    /// Most tool calls.
    pub max_tool_calls: Option<u32>,
    /// Most cost.
    pub max_cost: Option<Money>,
}

impl Expect {
    /// Whether nothing is expected at all.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Show for Code {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

/// The cases beside an agent's file, with their file; `None` where there is none.
pub fn cases(
    folder: &Path,
    environment: &Environment,
) -> Result<Option<(PathBuf, Vec<Case>)>, Error> {
    listed(&folder.join(CASES_FILE), environment, case, |case| &case.name)
}

/// The cases of a file, each of a name of its own, with their file; `None` where there is none.
pub(crate) fn listed<C>(
    file: &Path,
    environment: &Environment,
    read: impl Fn(Fields<'_>) -> C,
    name: impl Fn(&C) -> &Arc<str>,
) -> Result<Option<(PathBuf, Vec<C>)>, Error> {
    if !file.is_file() {
        return Ok(None);
    }
    let mut report = Report::default();
    let tree = include::tree(file, environment, |tree| tree, &mut report)?;
    let mut fields = Fields::of(tree, "", &mut report);
    let mut cases: Vec<C> = Vec::new();
    let source = fields.source().clone();
    match fields.take("cases").as_ref().map(|node| (value::items(node), node)) {
        Some((Ok(items), _)) if !items.is_empty() => {
            for (number, item) in items.into_iter().enumerate() {
                let key = format!("cases.{}", number + 1);
                let at = item.source.clone();
                let case = read(Fields::of(item, &key, fields.report));
                if cases.iter().any(|known| name(known) == name(&case)) {
                    let twice = format!("the name `{}` stands twice", name(&case));
                    fields.report.wrong(&at, &key, Wrong::value(twice));
                }
                cases.push(case);
            }
        }
        Some((Err(wrong), node)) => fields.report.wrong(&node.source, "cases", wrong),
        _ => fields.report.wrong(&source, "cases", Wrong::Missing),
    }
    fields.finish();
    if report.problems.is_empty() {
        Ok(Some((file.to_owned(), cases)))
    } else {
        Err(Error::Invalid(report.problems))
    }
}

fn case(mut fields: Fields<'_>) -> Case {
    let name = fields.required("name", value::some_text).value;
    let ask = fields.required("ask", value::some_text).value;
    let repeats = fields.get("repeats", 1, value::whole(1, MOST_REPEATS)).value;
    let passes = fields.get("passes", repeats, value::whole(1, repeats)).value;
    let script = script(&mut fields);
    let cassette = cassette(&mut fields, !script.is_empty());
    let source = fields.source().clone();
    let key = fields.key("expect");
    let expect = expect(fields.section("expect"));
    if expect.is_empty() {
        let wrong = Wrong::Value {
            detail: "expects nothing".to_owned(),
            advice: Some("Say what the answer must be like, e.g. `contains: [..]`".to_owned()),
        };
        fields.report.wrong(&source, &key, wrong);
    }
    fields.finish();
    Case { name, ask, repeats, passes, script, cassette, expect }
}

fn cassette(fields: &mut Fields<'_>, scripted: bool) -> Option<Arc<str>> {
    let (key, source) = (fields.key("cassette"), fields.source().clone());
    let file = fields.optional("cassette", value::some_text)?;
    if scripted {
        let wrong = "a case has a `script` or a `cassette`, as either says what the model says";
        fields.report.wrong(&source, &key, Wrong::value(wrong));
    }
    Some(file)
}

fn script(fields: &mut Fields<'_>) -> Vec<Said> {
    let key = fields.key("script");
    let Some(node) = fields.take("script") else { return Vec::new() };
    match value::items(&node) {
        Ok(turns) => turns.into_iter().map(|turn| said(turn, &key, fields.report)).collect(),
        Err(wrong) => {
            fields.report.wrong(&node.source, &key, wrong);
            Vec::new()
        }
    }
}

fn said(turn: Node, key: &str, report: &mut Report) -> Said {
    let mut fields = Fields::of(turn, key, report);
    let text = fields.optional("text", value::text);
    let error = fields.optional("error", code);
    let key = fields.key("calls");
    let mut calls = Vec::new();
    for node in fields.take("calls").iter().flat_map(|node| value::items(node).unwrap_or_default())
    {
        let mut call = Fields::of(node, &key, fields.report);
        let tool = call.required("tool", value::some_text).value;
        let arguments =
            call.optional("arguments", value::object).unwrap_or_else(Json::empty_object);
        call.finish();
        calls.push((tool, arguments));
    }
    let source = fields.source().clone();
    let says = text.is_some() || !calls.is_empty();
    if says == error.is_some() {
        let wrong = Wrong::value("a turn says a `text` or makes `calls`, or it is an `error`");
        fields.report.wrong(&source, &key, wrong);
    }
    fields.finish();
    Said { text, calls, error }
}

fn expect(mut fields: Fields<'_>) -> Expect {
    let texts = |fields: &mut Fields<'_>, key| fields.list(key, Vec::new(), value::some_text).value;
    let expect = Expect {
        status: fields.optional("status", value::choice(STATUSES)).map(Into::into),
        error: fields.optional("error", code),
        exact: fields.optional("exact", value::text),
        contains: texts(&mut fields, "contains"),
        excludes: texts(&mut fields, "excludes"),
        matches: texts(&mut fields, "matches"),
        schema: fields.optional("schema", value::json),
        tools: fields.optional_list("tools", value::some_text),
        uses: texts(&mut fields, "uses"),
        avoids: texts(&mut fields, "avoids"),
        cites: texts(&mut fields, "cites"),
        max_turns: fields.optional("max_turns", value::whole(1, u32::MAX)),
        max_tool_calls: fields.optional("max_tool_calls", value::whole(0, u32::MAX)),
        max_cost: fields.optional("max_cost", value::money),
    };
    fields.finish();
    expect
}

const STATUSES: &[(&str, &str)] = &[
    ("completed", "completed"),
    ("incomplete", "incomplete"),
    ("suspended", "suspended"),
    ("cancelled", "cancelled"),
    ("failed", "failed"),
];

impl Show for &str {
    fn show(&self) -> String {
        (**self).show()
    }
}

fn code(node: &Node) -> Result<Code, Wrong> {
    let name = value::some_text(node)?;
    Code::parse(&name)
        .ok_or_else(|| Wrong::unknown_name("code", &name, Code::ALL.iter().map(|code| code.name())))
}
