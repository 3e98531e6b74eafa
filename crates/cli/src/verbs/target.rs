//! Naming a run: `[PATH] [RUN]`, where RUN is an id, the beginning of one, or `last`, which is the
//! run at the top of the newest.

use std::path::{Path, PathBuf};

use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

/// Runs among which a beginning of an id is looked up.
const RECENT: usize = 10_000;

/// What the two optional words name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// The project.
    pub(crate) path: Option<PathBuf>,
    /// The run.
    pub(crate) run: Option<String>,
}

impl Target {
    /// Tells a run from a path: a run is `last` or begins with `run_`.
    pub(crate) fn of(words: &[String]) -> Result<Self> {
        let mut target = Self::default();
        for word in words {
            let is_run = word == "last" || word.starts_with(RunId::PREFIX);
            if is_run && target.run.is_none() {
                target.run = Some(word.clone());
            } else if !is_run && target.path.is_none() {
                target.path = Some(PathBuf::from(word));
            } else {
                return Err(LargestackError::with_advice(
                    Code::Input,
                    format!("`{word}` is one too many"),
                    "Name at most one project and one run, e.g. examples/handbook last",
                ));
            }
        }
        Ok(target)
    }

    /// The project's path.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

/// The run that is meant.
pub(crate) async fn find(journal: &dyn Journal, scope: &Scope, name: &str) -> Result<RunId> {
    if let Ok(run) = name.parse::<RunId>() {
        return Ok(run);
    }
    let none = |detail: String| LargestackError::other(Code::NotFound, detail);
    if name == "last" {
        let newest = journal.runs(scope, 1).await?;
        // Whoever ran something means that, and not what ran below it.
        let newest = newest.first().map(|run| run.root);
        return newest.ok_or_else(|| none("there is no run yet".to_owned()));
    }
    let runs = journal.runs(scope, RECENT).await?;
    let mut fitting =
        runs.iter().map(|run| run.run).filter(|run| run.to_string().starts_with(name));
    match (fitting.next(), fitting.next()) {
        (Some(run), None) => Ok(run),
        (None, _) => Err(none(format!("there is no run {name}"))),
        (Some(one), Some(other)) => Err(LargestackError::with_advice(
            Code::Input,
            format!("{name} begins more than one run: {one}, {other}"),
            "Give more of the id",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(words: &[&str]) -> Result<Target> {
        Target::of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_run_and_a_path_are_told_apart_in_any_order() {
        let both = Target { path: Some("shop".into()), run: Some("run_0".into()) };
        assert_eq!(target(&["shop", "run_0"]).unwrap(), both);
        assert_eq!(target(&["run_0", "shop"]).unwrap(), both);
        assert_eq!(target(&["last"]).unwrap().run.as_deref(), Some("last"));
        assert_eq!(target(&[]).unwrap(), Target::default());
        assert!(target(&["a", "b"]).is_err());
        assert!(target(&["last", "run_1"]).is_err());
    }
}
