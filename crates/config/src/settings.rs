//! Layers into settings: defaults, then files, then the environment, then flags, resolved once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::{self, Agent};
use crate::catalogue::{Catalogue, Offer};
use crate::environment::Environment;
use crate::error::Error;
use crate::flags::Flags;
use crate::include;
use crate::keys::{KEYS, Key, Place};
use crate::locate::{self, Platform, STATE_FOLDER};
use crate::node::{Node, Value};
use crate::origin::{Origin, Source};
use crate::prices;
use crate::problem::Wrong;
use crate::project::{self, Project, Written};
use crate::read::{Fields, Read, Report};
use crate::tools;

mod workflow;

/// What settings are made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'i> {
    /// The folder that relative paths are relative to; empty for the process's own.
    pub working_folder: &'i Path,
    /// The environment.
    pub environment: &'i Environment,
    /// What the command line sets.
    pub flags: &'i Flags,
    /// Tools and models that exist.
    pub offer: &'i Offer<'i>,
}

/// Settings with nothing left open, and where each comes from.
#[derive(Clone, Debug)]
pub struct Settings<A> {
    /// What the agents of the project share.
    pub project: Project,
    /// The agent, or `()` where none was asked for.
    pub agent: A,
    /// Where each value comes from, in the order of the tables.
    pub origins: Vec<Origin>,
}

/// The model of a project, and why nobody can know whether it is the one that is meant.
type Chosen = (Read<Arc<str>>, Option<Wrong>);

/// Models that `auto` takes where the provider has a key, in order.
const AUTO: &[(&str, &str)] = &[("openai", "openai/gpt-4o-mini")];

impl Inputs<'_> {
    /// The settings of the project that the working folder belongs to.
    pub fn project(&self) -> Result<Settings<()>, Error> {
        let mut report = Report::default();
        let layers = self.layers(&mut report);
        let start = self.start();
        let file = locate::project_file(&start)?;
        let (project, _) = self.read_project(file, None, &layers, &mut report)?;
        finished(report, project, ())
    }

    /// The settings of an agent: its file, or the folder with its `agent.yaml`.
    pub fn agent(&self, path: &Path) -> Result<Settings<Agent>, Error> {
        let file = locate::agent_file(&self.working_folder.join(path))?;
        let project_file = locate::project_file(&locate::folder_of(&file))?;
        self.agent_of((file, None), project_file.as_deref())
    }

    /// The same of a file in a project, whose text need not be on the disk.
    pub(crate) fn agent_of(
        &self,
        (file, text): (PathBuf, Option<&str>),
        project_file: Option<&Path>,
    ) -> Result<Settings<Agent>, Error> {
        let mut report = Report::default();
        let layers = self.layers(&mut report);
        let (folder, project_file) = (locate::folder_of(&file), project_file.map(Path::to_owned));
        let (project, (model, doubt)) =
            self.read_project(project_file, Some(&folder), &layers, &mut report)?;
        let written_out = |tree| tools::expanded(agent::expanded(tree));
        let from = (file.as_path(), text);
        let tree = include::tree_of(from, self.environment, written_out, &mut report)?;
        let tree = tree.overlaid(agent::expanded(part(&layers, Place::Agent)));
        let catalogue = Catalogue {
            offer: self.offer,
            knowledge_tool: self.offer.knowledge_tool,
            providers: &project.providers,
            pools: &project.pools,
            working_folder: self.working_folder,
            environment: self.environment,
        };
        // The agent's own model is shown in the place of the project's.
        report.origins.retain(|origin| origin.key != "model");
        let at = report.origins.len();
        let fields = Fields::of(tree, "", &mut report);
        let (mut agent, written) = agent::read(fields, file, &catalogue);
        if &*agent.model == "auto" {
            agent.model = model.value;
            settle(&mut report, at, &agent.model, &model.source);
            if let Some(doubt) = doubt {
                report.wrong(&written, "model", doubt);
            }
        } else if let Err(wrong) = catalogue.check_model(&agent.model) {
            report.wrong(&written, "model", wrong);
        }
        finished(report, project, agent)
    }

    fn start(&self) -> PathBuf {
        if self.working_folder.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            self.working_folder.to_owned()
        }
    }

    fn layers(&self, report: &mut Report) -> Node {
        let environment = self.environment.layer(report);
        let flags = self.flags.layer(report);
        environment.overlaid(flags)
    }

    /// The project, and the model it gives to agents that name none.
    fn read_project(
        &self,
        file: Option<PathBuf>,
        agent_folder: Option<&Path>,
        layers: &Node,
        report: &mut Report,
    ) -> Result<(Project, Chosen), Error> {
        let tree = match &file {
            Some(file) => include::tree(file, self.environment, |tree| tree, report)?,
            None => Node::empty(Source::Default),
        };
        let tree = tree.overlaid(part(layers, Place::Project));
        let at = report.origins.len();
        let mut written = project::read(Fields::of(tree, "", report));
        self.environment.fill(&mut written.providers);
        let home = self.home(report);
        let state = match (&written.state.value, &file, agent_folder) {
            (Some(path), _, _) => written.state.source.folder(self.working_folder).join(&**path),
            (None, Some(file), _) => locate::folder_of(file).join(STATE_FOLDER),
            (None, None, Some(folder)) => folder.join(STATE_FOLDER),
            (None, None, None) => home.clone().unwrap_or_else(|| homeless(report)),
        };
        settle_key(report, at, "state", &state.display().to_string(), &written.state.source);
        let (model, doubt) = self.project_model(&written, report);
        settle(report, at, &model.value, &model.source);
        let prices = prices::book(
            &written.prices,
            &written.providers,
            self.offer.models,
            |source, key, kind| report.wrong(source, key, kind),
        );
        let project = Project {
            file,
            state,
            home,
            postgres: written.postgres,
            retention: written.retention,
            model: model.value.clone(),
            providers: written.providers,
            pools: written.pools,
            network: written.network.relative_to(self.working_folder),
            models_blocked: written.models_blocked,
            license: written.license.map(|license| license.relative_to(self.working_folder)),
            budgets: written.budgets,
            limits: written.limits,
            prices,
            workers: written.workers,
            signals: written.signals,
        };
        Ok((project, (model, doubt)))
    }

    /// Where state is that belongs to no project. Most runs have a project, so that a process
    /// without a home is none of their business.
    fn home(&self, report: &mut Report) -> Option<PathBuf> {
        let Some((home, decided)) = Platform::here().home(self.environment) else {
            report.origin("home", "none".to_owned(), &Source::Default);
            return None;
        };
        let home = self.working_folder.join(home);
        let source = Source::Environment(decided.into());
        report.origin("home", home.display().to_string(), &source);
        Some(home)
    }

    /// What the project says, else the model of the first provider with a key, else the offline
    /// one; and why nobody can know which that is, for whoever takes it.
    fn project_model(&self, written: &Written, report: &mut Report) -> Chosen {
        let model = &written.model;
        let catalogue = Catalogue {
            offer: self.offer,
            knowledge_tool: self.offer.knowledge_tool,
            providers: &written.providers,
            pools: &written.pools,
            working_folder: self.working_folder,
            environment: self.environment,
        };
        for (name, pool) in &written.pools {
            for model in &pool.models {
                let nested = model.starts_with("pool/").then(|| Wrong::value("no pool in a pool"));
                if let Some(wrong) = nested.or_else(|| catalogue.check_model(model).err()) {
                    report.wrong(&Source::Default, &format!("pools.{name}.models"), wrong);
                }
            }
        }
        if &*model.value == "auto" && written.pools.contains_key("auto") {
            return (Read { value: "pool/auto".into(), source: model.source.clone() }, None);
        }
        if &*model.value != "auto" {
            if let Err(wrong) = catalogue.check_model(&model.value) {
                report.wrong(&model.source, "model", wrong);
            }
            return (Read { value: model.value.clone(), source: model.source.clone() }, None);
        }
        for (provider, name) in AUTO {
            let row = written.providers.provider(provider);
            if let Some(source) = row.and_then(|row| self.environment.key_source(row)) {
                return (Read { value: (*name).into(), source }, None);
            }
        }
        let doubt = self.environment.unreadable_keys().map(|why| Wrong::Value {
            detail: format!("is chosen by the keys there are, and the secret store says: {why}"),
            advice: Some("Mend or remove the secret store, or name a model".to_owned()),
        });
        (Read { value: self.offer.offline_model.into(), source: Source::Default }, doubt)
    }
}

/// Notes that state would be at home and there is no home.
fn homeless(report: &mut Report) -> PathBuf {
    let kind = Wrong::Value {
        detail: "nothing says where state lives".to_owned(),
        advice: Some("Set LARGESTACK_HOME to a folder".to_owned()),
    };
    report.wrong(&Source::Environment("LARGESTACK_HOME".into()), "home", kind);
    PathBuf::new()
}

/// The keys of one file out of the tree of variables and flags.
fn part(layers: &Node, place: Place) -> Node {
    let top = |path: &'static str| path.split('.').next().unwrap_or(path);
    let of_place = || KEYS.iter().filter(|key| key.place == place);
    let mut part = layers.clone();
    if let Value::Map(entries) = &mut part.value {
        entries.retain(|entry| of_place().any(|key| top(key.path) == entry.key));
        for entry in entries {
            // A group that both files have: each takes its own keys of it.
            let shared = |key: &&Key| key.place != place && top(key.path) == entry.key;
            if let (true, Value::Map(inner)) =
                (KEYS.iter().any(|k| shared(&k)), &mut entry.node.value)
            {
                let second = |path: &'static str| path.split('.').nth(1);
                inner.retain(|inner| {
                    of_place().any(|key| {
                        top(key.path) == entry.key && second(key.path) == Some(&*inner.key)
                    })
                });
            }
        }
    }
    part
}

/// Puts the resolved model in the place of what was written.
fn settle(report: &mut Report, from: usize, model: &str, source: &Source) {
    settle_key(report, from, "model", model, source);
}

fn settle_key(report: &mut Report, from: usize, key: &str, value: &str, source: &Source) {
    let origin = report.origins.iter_mut().skip(from).find(|origin| origin.key == key);
    if let Some(origin) = origin {
        value.clone_into(&mut origin.value);
        origin.source = source.clone();
    }
}

fn finished<A>(report: Report, project: Project, agent: A) -> Result<Settings<A>, Error> {
    if report.problems.is_empty() {
        return Ok(Settings { project, agent, origins: report.origins });
    }
    let mut problems = report.problems;
    problems.sort_by_key(|problem| match &problem.source {
        Source::File { path, line, column } => (0, path.to_path_buf(), *line, *column),
        Source::Environment(_) => (1, PathBuf::new(), 0, 0),
        Source::Flag(_) => (2, PathBuf::new(), 0, 0),
        Source::SecretStore | Source::Default => (3, PathBuf::new(), 0, 0),
    });
    problems.dedup();
    Err(Error::Invalid(problems))
}
