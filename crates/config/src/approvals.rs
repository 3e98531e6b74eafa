//! `approvals` of an agent: which calls a person has to agree to, and on which terms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use largestack_ports::approvals::{Choice, Terms};
use largestack_ports::tool::{ApprovalRule, Capability};

use crate::catalogue::Catalogue;
use crate::node::Node;
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::tools::{self, ToolUse};
use crate::value;

/// Which calls a person has to agree to, and on which terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    /// Calls of tools that do any of these.
    pub capabilities: BTreeSet<Capability>,
    /// On which terms.
    pub terms: Terms,
    /// Tools whose calls are asked about whatever they do, each on terms of its own.
    pub tools: BTreeMap<Arc<str>, Terms>,
}

/// What a tool says of approval, as a file writes it.
const RULES: &[(&str, ApprovalRule)] =
    &[("required", ApprovalRule::Required), ("never", ApprovalRule::Never)];

impl Show for ApprovalRule {
    fn show(&self) -> String {
        let known = RULES.iter().find(|(_, rule)| rule == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

/// `approval` of a tool.
pub(crate) fn rule(node: &Node) -> Result<ApprovalRule, Wrong> {
    value::choice(RULES)(node)
}

/// What becomes of the call after an answer.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Then {
    Run,
    Refuse,
}

/// Answers by name, as a file writes them.
#[derive(Clone, Debug)]
struct Choices(Vec<Choice>);

impl Show for Choices {
    fn show(&self) -> String {
        let said = |choice: &Choice| {
            format!("{}: {}", choice.name, if choice.approves { "run" } else { "refuse" })
        };
        let all: Vec<String> = self.0.iter().map(said).collect();
        format!("{{{}}}", all.join(", "))
    }
}

/// Those that let the call run come first.
fn choices(node: &Node) -> Result<Choices, Wrong> {
    let named: BTreeMap<Arc<str>, Then> = value::group(node)?;
    let of = |(name, then)| Choice { name, approves: matches!(then, Then::Run) };
    let mut all: Vec<Choice> = named.into_iter().map(of).collect();
    all.sort_by_key(|choice| !choice.approves);
    Ok(Choices(all))
}

/// The section, and where it stands.
pub(crate) fn read(
    mut fields: Fields<'_>,
    catalogue: &Catalogue<'_>,
    used: &[ToolUse],
) -> Approvals {
    let source = fields.source().clone();
    let capabilities = fields.list("capabilities", Vec::new(), tools::capability).value;
    let terms = terms(&mut fields, &Terms::default(), &source);
    let section = fields.section("tools");
    let prefix = section.key("");
    let (entries, report) = section.rest();
    let mut own = BTreeMap::new();
    for entry in entries {
        let name: Arc<str> = entry.key.as_str().into();
        let path = format!("{prefix}{name}");
        if let Err(wrong) = tools::known(&name, catalogue, used) {
            report.wrong(&entry.source, &path, wrong);
        } else if !used.iter().any(|tool| tool.gives(&name)) {
            let wrong = Wrong::value(format!("`{name}` is not among the agent's `tools`"));
            report.wrong(&entry.source, &path, wrong);
        }
        let mut inner = Fields::of(entry.node, &path, report);
        let of_tool = self::terms(&mut inner, &terms, &entry.source);
        inner.finish();
        own.insert(name, of_tool);
    }
    fields.finish();
    Approvals { capabilities: capabilities.into_iter().collect(), terms, tools: own }
}

/// Terms, where nothing is said those that hold otherwise.
fn terms(fields: &mut Fields<'_>, otherwise: &Terms, source: &Source) -> Terms {
    let approvers = fields.list("approvers", otherwise.approvers.clone(), value::some_text).value;
    let quorum = fields.get("quorum", otherwise.quorum, value::whole(1, 1_000)).value;
    let all = Choices(otherwise.choices.clone());
    let choices = fields.get("choices", all, choices).value.0;
    let editable = fields.get("editable", otherwise.editable, value::boolean).value;
    let expires_after = fields.get("expires_after", otherwise.expires_after, value::duration).value;
    let terms = Terms { approvers, quorum, choices, editable, expires_after };
    if let Some(why) = terms.problem() {
        let path = fields.key("");
        fields.report.wrong(source, path.trim_end_matches('.'), Wrong::value(why));
    }
    terms
}
