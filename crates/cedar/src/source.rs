//! Policies as files have them: which there are, what they are called and where they stand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use miette::Diagnostic;

use crate::{ARGUMENTS, DEFAULT, PREFIX};

/// Says that a `forbid` asks a person, and what they are asked.
const APPROVAL: &str = "approval";
/// What is said of a call that the policy decides about.
const REASON: &str = "reason";
/// What the policy is called.
const ID: &str = "id";

/// Policies that have been read.
#[derive(Debug)]
pub struct CedarPolicies {
    pub(crate) rules: Vec<Rule>,
    pub(crate) hash: Hash,
}

/// One policy.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// With an id that no other has.
    pub(crate) policy: Policy,
    /// What the decision log calls it.
    pub(crate) name: Arc<str>,
    /// What is said of a call that it decides about.
    pub(crate) why: Arc<str>,
    /// Whether a person may let through what it forbids.
    pub(crate) asks: bool,
    /// The file that it stands in.
    pub(crate) file: Arc<File>,
    /// Where it begins there.
    pub(crate) start: usize,
}

#[derive(Debug)]
pub(crate) struct File {
    name: String,
    text: String,
}

impl File {
    /// A place in the file, as problems name it: lines and columns count from 1.
    pub(crate) fn at(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("{}:{line}:{column}", self.name)
    }

    fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).unwrap_or(&self.text).matches('\n').count() + 1
    }
}

/// A diagnostic of Cedar's as one line, with its place.
pub(crate) fn problem(file: &File, start: usize, wrong: &dyn Diagnostic) -> String {
    let place = wrong.labels().and_then(|mut labels| labels.next().map(|label| label.offset()));
    let mut text = format!("{}: {wrong}", file.at(place.unwrap_or(start)));
    if let Some(help) = wrong.help() {
        // Writing to a string does not fail.
        let _ = write!(text, " ({help})");
    }
    text
}

impl CedarPolicies {
    /// Reads files, each a name and its text. The error says everything that is wrong, each with file,
    /// line and column.
    pub fn parse<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self> {
        let mut read = Reading::default();
        for (name, text) in files {
            read.file(&Arc::new(File { name: name.into(), text: text.into() }));
        }
        if read.problems.is_empty() && read.rules.is_empty() {
            read.problems.push("there is no policy, and what none permits is refused".to_owned());
        }
        if !read.problems.is_empty() {
            return Err(LargestackError::other(Code::Config, read.problems.join("; ")));
        }
        let hash = Hash::of(read.said.as_bytes());
        Ok(Self { rules: read.rules, hash })
    }
}

#[derive(Default)]
struct Reading {
    rules: Vec<Rule>,
    /// What decides: texts without the names of their files' folders.
    said: String,
    /// Where each name was given.
    named: BTreeMap<Arc<str>, String>,
    problems: Vec<String>,
}

impl Reading {
    fn file(&mut self, file: &Arc<File>) {
        let set = match PolicySet::from_str(&file.text) {
            Ok(set) => set,
            Err(errors) => {
                let wrong = errors.iter().map(|error| problem(file, 0, error));
                self.problems.extend(wrong);
                return;
            }
        };
        if set.num_of_templates() > 0 {
            let what = "a template (`?principal`, `?resource`) is linked by nobody here";
            self.problems.push(format!("{}: {what}", file.at(0)));
        }
        let mut policies: Vec<&Policy> = set.policies().collect();
        // Cedar numbers what it reads: `policy0` and so on.
        policies.sort_by_key(|policy| number(policy.id()));
        let mut from = 0;
        for policy in policies {
            let text = policy.to_cedar().unwrap_or_default();
            let rest = file.text.get(from..).unwrap_or_default();
            let start = rest.find(&text).map_or(from, |at| from + at);
            from = start + text.len();
            self.rule(policy, file, start);
        }
        self.said.push_str(&file.text);
        self.said.push('\0');
    }

    fn rule(&mut self, policy: &Policy, file: &Arc<File>, start: usize) {
        let place = file.at(start);
        let name: Arc<str> = match policy.annotation(ID).map(str::trim) {
            Some(id) if id.is_empty() || [DEFAULT, ARGUMENTS].contains(&id) => {
                self.problems.push(format!("{place}: a policy cannot be called `{id}`"));
                return;
            }
            Some(id) => format!("{PREFIX}{id}").into(),
            None => {
                let file_name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
                format!("{PREFIX}{file_name}:{}", file.line(start)).into()
            }
        };
        if let Some(other) = self.named.insert(Arc::clone(&name), place.clone()) {
            self.problems.push(format!("{place}: `{name}` stands at {other}, too"));
        }
        let approval = policy.annotation(APPROVAL).map(str::trim);
        if approval.is_some() && policy.effect() == Effect::Permit {
            let what = "only a `forbid` can ask a person (`@approval`)";
            self.problems.push(format!("{place}: {what}"));
        }
        let said = policy.annotation(REASON).map(str::trim);
        let unsaid = match (policy.effect(), approval) {
            (Effect::Permit, _) => "a policy permits it",
            (Effect::Forbid, None) => "a policy forbids it",
            (Effect::Forbid, Some(_)) => "a policy lets it through with approval only",
        };
        let why = approval.into_iter().chain(said).find(|why| !why.is_empty()).unwrap_or(unsaid);
        self.rules.push(Rule {
            // Names are those of a log, with a meaning; ids only have to differ.
            policy: policy.new_id(PolicyId::new(self.rules.len().to_string())),
            name,
            why: why.into(),
            asks: approval.is_some(),
            file: Arc::clone(file),
            start,
        });
    }
}

fn number(id: &PolicyId) -> usize {
    let id: &str = id.as_ref();
    id.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}
