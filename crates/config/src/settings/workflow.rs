//! The settings of a workflow: its file, the agents that the file names or writes out, and the
//! workflows in it, all in one project.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use largestack_types::error::Coded as _;

use super::{Chosen, Inputs, Settings, finished, part};
use crate::agent::{self, Agent};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::include;
use crate::keys::Place;
use crate::locate;
use crate::node::{Entry, Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::project::Project;
use crate::read::{Fields, Report};
use crate::tools::{self, ToolUse};
use crate::value;
use crate::workflow::{self, Others, Workflow};

/// Workflows that run one another, at most.
const MAX_DEPTH: usize = 8;
/// Files of workflows and agents that are read for one workflow, at most: one that is named twice is
/// read twice, so that a few small files could otherwise ask for more work than ever ends.
const MAX_FILES: usize = 256;

impl Inputs<'_> {
    /// The settings of a workflow: its file, or the folder with its `workflow.yaml`. What the
    /// environment and flags say of an agent they say of each of its agents.
    pub fn workflow(&self, path: &Path) -> Result<Settings<Workflow>, Error> {
        let file = locate::workflow_file(&self.working_folder.join(path))?;
        let project_file = locate::project_file(&locate::folder_of(&file))?;
        let mut report = Report::default();
        let layers = self.layers(&mut report);
        let folder = locate::folder_of(&file);
        let (project, chosen) =
            self.read_project(project_file.clone(), Some(&folder), &layers, &mut report)?;
        report.origins.retain(|origin| origin.key != "model");
        let loading = Loading {
            inputs: self,
            project: &project,
            project_file: project_file.as_deref(),
            layers: &layers,
            chosen: &chosen,
            open: RefCell::default(),
            // One is this workflow's own.
            left: Cell::new(Some(MAX_FILES - 1)),
        };
        let workflow = loading.read(file, &mut report)?;
        finished(report, project, workflow)
    }
}

/// A workflow being read.
struct Loading<'l> {
    inputs: &'l Inputs<'l>,
    project: &'l Project,
    project_file: Option<&'l Path>,
    layers: &'l Node,
    chosen: &'l Chosen,
    /// The files being read, the outermost first.
    open: RefCell<Vec<PathBuf>>,
    /// How many more files may be read; `None` once one was refused, which is said once.
    left: Cell<Option<usize>>,
}

impl Loading<'_> {
    fn read(&self, file: PathBuf, report: &mut Report) -> Result<Workflow, Error> {
        let tree = include::tree(&file, self.inputs.environment, |tree| tree, report)?;
        self.open.borrow_mut().push(file.clone());
        let workflow = workflow::read(Fields::of(tree, "", report), file, self);
        self.open.borrow_mut().pop();
        Ok(workflow)
    }

    /// Whether one more file may be read. The first that may not says why, and none is read after it.
    fn may_read(
        &self,
        too_deep: bool,
        (source, key): (&Source, &str),
        report: &mut Report,
    ) -> bool {
        let detail = match self.left.get() {
            None => return false,
            Some(_) if too_deep => format!("more than {MAX_DEPTH} workflows run one another"),
            Some(0) => format!(
                "more than {MAX_FILES} files of workflows and agents would be read, each as often as \
                 it is named"
            ),
            Some(left) => {
                self.left.set(Some(left - 1));
                return true;
            }
        };
        self.left.set(None);
        report.wrong(source, key, Wrong::value(detail));
        false
    }

    /// What the names of agents begin with that are written out in a workflow in a workflow: by their
    /// names fallbacks and budgets go, so that each has one of its own.
    fn prefix(&self) -> String {
        let open = self.open.borrow();
        let Some(file) = open.last().filter(|_| open.len() > 1) else { return String::new() };
        let own = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let folder = || file.parent()?.file_name()?.to_str();
        let name = own.strip_suffix(".workflow.yaml").or_else(folder).unwrap_or(own);
        let kept = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        format!("{}-", kept.take(32).collect::<String>())
    }

    fn catalogue(&self) -> Catalogue<'_> {
        Catalogue {
            offer: self.inputs.offer,
            knowledge_tool: self.inputs.offer.knowledge_tool,
            providers: &self.project.providers,
            pools: &self.project.pools,
            working_folder: self.inputs.working_folder,
            environment: self.inputs.environment,
        }
    }

    fn path(&self, named: &Node) -> Result<PathBuf, Wrong> {
        let path = value::some_text(named)?;
        Ok(named.source.folder(self.inputs.working_folder).join(&*path))
    }

    /// An agent whose file is named.
    fn named(&self, named: &Node, key: &str, report: &mut Report) -> Option<Agent> {
        let found = self
            .path(named)
            .and_then(|path| locate::agent_file(&path).map_err(|error| missing(&error)));
        let file = match found {
            Ok(file) => file,
            Err(wrong) => {
                report.wrong(&named.source, key, wrong);
                return None;
            }
        };
        if !self.may_read(false, (&named.source, key), report) {
            return None;
        }
        report.origin(key, file.display().to_string(), &named.source);
        match self.inputs.agent_of((file, None), self.project_file) {
            Ok(settings) => Some(settings.agent),
            Err(error) => {
                failed(error, (&named.source, key), report);
                None
            }
        }
    }

    /// An agent that is written out where it is named.
    fn written(&self, written: Entry, key: &str, report: &mut Report) -> Option<Agent> {
        let before = report.problems.len();
        let mut tree = tools::expanded(agent::expanded(written.node));
        if let Value::Map(entries) = &mut tree.value
            && !entries.iter().any(|entry| entry.key == "name")
        {
            let source = written.source.clone();
            let name = format!("{}{}", self.prefix(), written.key);
            let node = Node::untyped(name, source.clone());
            entries.push(Entry { key: "name".to_owned(), source, node });
        }
        let tree = tree.overlaid(agent::expanded(part(self.layers, Place::Agent)));
        let file = self.open.borrow().last().cloned().unwrap_or_default();
        let file = PathBuf::from(format!("{}#{}", file.display(), written.key));
        let catalogue = self.catalogue();
        let at = report.origins.len();
        let (mut agent, source) = agent::read(Fields::of(tree, key, report), file, &catalogue);
        let (model, doubt) = self.chosen;
        let path = format!("{key}.model");
        if &*agent.model == "auto" {
            agent.model = model.value.clone();
            super::settle_key(report, at, &path, &agent.model, &model.source);
            if let Some(doubt) = doubt {
                report.wrong(&source, &path, doubt.clone());
            }
        } else if let Err(wrong) = catalogue.check_model(&agent.model) {
            report.wrong(&source, &path, wrong);
        }
        (report.problems.len() == before).then_some(agent)
    }
}

impl Others for Loading<'_> {
    fn agent(&self, written: Entry, key: &str, report: &mut Report) -> Option<Agent> {
        match &written.node.value {
            Value::Scalar(_) => self.named(&written.node, key, report),
            _ => self.written(written, key, report),
        }
    }

    fn tools(&self, written: &Node, report: &mut Report) -> (Vec<ToolUse>, String) {
        let source = written.source.clone();
        let tools =
            Entry { key: "tools".to_owned(), source: source.clone(), node: written.clone() };
        let root = Node { value: Value::Map(vec![tools]), source };
        let mut fields = Fields::of(root, "", report);
        let read = tools::read(&mut fields, &self.catalogue());
        fields.finish();
        (read.value, self.inputs.offer.knowledge_tool.to_owned())
    }

    fn workflow(&self, named: &Node, key: &str, report: &mut Report) -> Option<Workflow> {
        let found = self
            .path(named)
            .and_then(|path| locate::workflow_file(&path).map_err(|error| missing(&error)));
        let file = match found {
            Ok(file) => file,
            Err(wrong) => {
                report.wrong(&named.source, key, wrong);
                return None;
            }
        };
        let is_open = self.open.borrow().iter().any(|open| same(open, &file));
        if is_open {
            let wrong = Wrong::value(format!("{} runs itself", file.display()));
            report.wrong(&named.source, key, wrong);
            return None;
        }
        let too_deep = self.open.borrow().len() >= MAX_DEPTH;
        if !self.may_read(too_deep, (&named.source, key), report) {
            return None;
        }
        match self.read(file, report) {
            Ok(workflow) => Some(workflow),
            Err(error) => {
                failed(error, (&named.source, key), report);
                None
            }
        }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A file that cannot be found, at the place that names it.
fn missing(error: &Error) -> Wrong {
    Wrong::Value {
        detail: error.message(),
        advice: Some(match error {
            Error::NotFound { nearest: Some(_), .. } => error.suggestion().into_owned(),
            _ => "Paths are relative to the file that names them".to_owned(),
        }),
    }
}

/// Another file's problems, as this one's: those of what is written stand where they are.
fn failed(error: Error, (source, key): (&Source, &str), report: &mut Report) {
    match error {
        Error::Invalid(problems) => report.problems.extend(problems),
        other => report.wrong(source, key, missing(&other)),
    }
}
