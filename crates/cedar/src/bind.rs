//! Policies held against an agent's tools: each is typed by Cedar's validator for every tool that it may
//! be about, and names nothing that is not there.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::{
    EntityTypeName, EntityUid, PolicySet, ResourceConstraint, Schema, ValidationMode,
    ValidationWarning, Validator,
};
use largestack_ports::policies::{BoundTool, CallPolicies, Policies};
use largestack_types::hash::Hash;
use largestack_types::tool::Capability;
use serde_json::Value;

use crate::ask::{Bound, Known};
use crate::schema::{CAPABILITY, TENANT, TOOL, UNDECLARED, USER, names, schema};
use crate::shape::Shape;
use crate::source::{CedarPolicies, Rule, problem};

/// The id of an entity of a type of ours.
pub(crate) fn uid(of: &str, id: &str) -> Result<EntityUid, String> {
    let of = EntityTypeName::from_str(of).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(of, cedar_policy::EntityId::new(id)))
}

impl Policies for CedarPolicies {
    fn hash(&self) -> Hash {
        self.hash
    }

    fn bind(&self, tools: &[BoundTool<'_>]) -> Result<Arc<dyn CallPolicies>, Vec<String>> {
        let mut problems = Vec::new();
        let mut known = BTreeMap::new();
        let mut validators = Vec::new();
        for tool in tools {
            match of_tool(tool) {
                Ok((tool, validator)) => {
                    validators.push((tool.uid.clone(), validator));
                    known.insert(Arc::clone(&tool.name), tool);
                }
                Err(wrong) => problems.push(format!("the schema of `{}`: {wrong}", tool.name)),
            }
        }
        for rule in &self.rules {
            let wrong = unknown(rule, &known);
            if wrong.is_empty() {
                problems.extend(untyped(rule, &known, &validators));
            } else {
                problems.extend(wrong);
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let bound = Bound::new(&self.rules, known).map_err(|wrong| vec![wrong])?;
        Ok(Arc::new(bound))
    }
}

fn of_tool(tool: &BoundTool<'_>) -> Result<(Known, Validator), String> {
    let parameters: Value = tool.parameters.to().map_err(|error| error.to_string())?;
    let shape = Shape::of(&parameters);
    let schema = Schema::from_json_value(schema(&shape)).map_err(|error| error.to_string())?;
    let does = tool.does.iter().copied().map(Capability::name);
    let undeclared = tool.does.is_empty().then_some(UNDECLARED);
    let groups = does.chain(undeclared).map(|name| uid(CAPABILITY, name));
    let known = Known {
        name: Arc::clone(tool.name),
        uid: uid(TOOL, tool.name)?,
        groups: groups.collect::<Result<_, _>>()?,
        shape,
    };
    Ok((known, Validator::new(schema)))
}

/// What a policy names that is not there.
fn unknown(rule: &Rule, known: &BTreeMap<Arc<str>, Known>) -> Vec<String> {
    let mut problems = Vec::new();
    for literal in rule.policy.entity_literals() {
        let (of, id) = (literal.type_name().to_string(), literal.id().unescaped().to_owned());
        let listed = match of.as_str() {
            USER | TENANT => continue,
            TOOL => known.keys().map(|name| &**name).collect(),
            of => names(of).unwrap_or_default(),
        };
        if !listed.contains(&id.as_str()) {
            let place = rule.file.at(rule.start);
            let there = match listed.as_slice() {
                [] if of == TOOL => "the agent has no tools".to_owned(),
                [] => format!("there is no type `{of}`"),
                listed => format!("there are {}", listed.join(", ")),
            };
            problems.push(format!("{place}: {of}::\"{id}\" is unknown; {there}"));
        }
    }
    problems
}

/// What is wrong with a policy beside the arguments of some tool that it may be about.
fn untyped(
    rule: &Rule,
    known: &BTreeMap<Arc<str>, Known>,
    validators: &[(EntityUid, Validator)],
) -> Vec<String> {
    let mut set = PolicySet::new();
    if let Err(error) = set.add(rule.policy.clone()) {
        return vec![error.to_string()];
    }
    let mut problems: Vec<String> = Vec::new();
    let (mut tools, mut impossible) = (0_usize, Vec::new());
    for tool in known.values().filter(|tool| is_about(rule, tool)) {
        let Some((_, validator)) = validators.iter().find(|(uid, _)| *uid == tool.uid) else {
            continue;
        };
        tools += 1;
        let result = validator.validate(&set, ValidationMode::Strict);
        for error in result.validation_errors() {
            let wrong = problem(&rule.file, rule.start, error);
            let wrong = format!("{wrong}, for calls of `{}`", tool.name);
            if !problems.contains(&wrong) {
                problems.push(wrong);
            }
        }
        let never = result.validation_warnings();
        impossible.extend(never.filter_map(|warning| match warning {
            ValidationWarning::ImpossiblePolicy(_) => {
                Some(problem(&rule.file, rule.start, warning))
            }
            _ => None,
        }));
    }
    if problems.is_empty() && tools > 0 && impossible.len() == tools {
        // One that says `has amuont` is silent about every amount.
        problems.extend(impossible.into_iter().next());
    }
    problems
}

/// Whether a policy's scope lets it be about a tool.
fn is_about(rule: &Rule, tool: &Known) -> bool {
    match rule.policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid) => uid == tool.uid,
        ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            uid == tool.uid || tool.groups.contains(&uid)
        }
    }
}
