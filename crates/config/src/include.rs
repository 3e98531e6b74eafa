//! `include`: files whose keys hold where a file says nothing itself. What is included is named
//! relative to the file that names it, later ones are put over earlier ones, and the file itself
//! over all of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::environment::Environment;
use crate::error::Error;
use crate::node::{Node, Value};
use crate::origin::Source;
use crate::problem::{Problem, Wrong};
use crate::read::Report;
use crate::{locate, substitute, value, yaml};

/// The key that names further files.
const KEY: &str = "include";
/// Files that include one another, at most.
const MAX_DEPTH: usize = 8;

/// The tree of a file with what it includes below it. Problems within it are noted, so that others
/// are found too; broken syntax ends here, because what follows it would be guesses.
pub(crate) fn tree(
    file: &Path,
    environment: &Environment,
    shape: fn(Node) -> Node,
    report: &mut Report,
) -> Result<Node, Error> {
    tree_of((file, None), environment, shape, report)
}

/// The same of a file whose text need not be on the disk.
pub(crate) fn tree_of(
    (file, text): (&Path, Option<&str>),
    environment: &Environment,
    shape: fn(Node) -> Node,
    report: &mut Report,
) -> Result<Node, Error> {
    let text = text.map_or_else(|| locate::read(file), |text| Ok(text.to_owned()))?;
    Reading { environment, shape, open: Vec::new() }.tree((file, &text), report)
}

struct Reading<'e> {
    environment: &'e Environment,
    /// Writes short forms out, so that one file may refine what another says in short.
    shape: fn(Node) -> Node,
    /// The files being read, the outermost first.
    open: Vec<PathBuf>,
}

impl Reading<'_> {
    fn tree(&mut self, (file, text): (&Path, &str), report: &mut Report) -> Result<Node, Error> {
        let parsed = yaml::parse(&Arc::from(file), text, &mut report.problems);
        let mut node = parsed.map_err(|problem: Problem| {
            let mut problems = std::mem::take(&mut report.problems);
            problems.push(problem);
            Error::Invalid(problems)
        })?;
        substitute::substitute(&mut node, self.environment, "", &mut report.problems);
        let include = taken(&mut node);
        let node = (self.shape)(node);
        let Some(include) = include else { return Ok(node) };
        let mut below = Node::empty(node.source.clone());
        for (path, source) in named(&include, file, report) {
            if let Some(wrong) = self.refused(file, &path) {
                report.wrong(&source, KEY, wrong);
                continue;
            }
            self.open.push(file.to_owned());
            let tree = self.tree((&path, &locate::read(&path)?), report)?;
            self.open.pop();
            below = below.overlaid(tree);
        }
        Ok(below.overlaid(node))
    }

    /// Why a file cannot be included here.
    fn refused(&self, from: &Path, path: &Path) -> Option<Wrong> {
        let same = |open: &Path| match (open.canonicalize(), path.canonicalize()) {
            (Ok(open), Ok(path)) => open == path,
            _ => open == path,
        };
        if same(from) || self.open.iter().any(|open| same(open)) {
            return Some(Wrong::value(format!("{} includes itself", path.display())));
        }
        if self.open.len() + 1 >= MAX_DEPTH {
            let detail = format!("more than {MAX_DEPTH} files include one another");
            return Some(Wrong::value(detail));
        }
        (!path.is_file()).then(|| Wrong::value(format!("there is no file {}", path.display())))
    }
}

/// Takes the key out of a tree: what is left is settings.
fn taken(node: &mut Node) -> Option<Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    let at = entries.iter().position(|entry| entry.key == KEY)?;
    Some(entries.remove(at).node)
}

/// The files that are named, one or a list.
fn named(include: &Node, file: &Path, report: &mut Report) -> Vec<(PathBuf, Source)> {
    let one = [include.clone()];
    let items = match &include.value {
        Value::List(items) => items.as_slice(),
        _ => &one,
    };
    let mut named = Vec::new();
    for item in items {
        match value::some_text(item) {
            Ok(path) => named.push((locate::folder_of(file).join(&*path), item.source.clone())),
            Err(wrong) => report.wrong(&item.source, KEY, wrong),
        }
    }
    named
}
