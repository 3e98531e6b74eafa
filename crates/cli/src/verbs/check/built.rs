//! What a run would refuse before it asks anything: its tools are made, its licence is looked at,
//! and the agent is built as a run builds it, over a state that goes away with the check.

use largestack_config::{self as config, Environment, Settings};
use largestack_ports::license::License as _;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};

use crate::compose;
use crate::failure::Failure;

/// What is wrong with a project before any agent is made.
pub(super) fn of_project<A>(settings: &Settings<A>) -> Vec<(String, LargestackError)> {
    let mut problems = Vec::new();
    if let Some(variable) = &settings.project.postgres
        && Environment::of_process().variable(variable).is_none()
    {
        let detail = format!("`store.postgres` names the variable {variable}, which is not set");
        let advice = format!("Set {variable} to postgres://user:password@host/database");
        let error = LargestackError::with_advice(Code::Config, detail, advice);
        problems.push(("store.postgres".to_owned(), error));
    }
    if let Some(license) = &settings.project.license
        && let Err(error) = license.load().check(compose::now())
    {
        problems.push(("license".to_owned(), LargestackError::from_coded(&error)));
    }
    problems
}

/// Everything that is wrong, with the key that it is about; empty where only the file is known.
pub(super) fn problems(settings: &Settings<config::Agent>) -> Vec<(String, LargestackError)> {
    let mut problems = of_project(settings);
    match compose::check_tools(settings) {
        Ok(wrong) if wrong.is_empty() => {
            problems.extend(build(settings).err().map(|error| (key_of(&error), error)));
        }
        Ok(wrong) => problems.extend(wrong),
        Err(error) => problems.push((key_of(&error), error)),
    }
    problems
}

/// Builds the agent over a state of its own. No server is asked for what its project shares.
fn build(settings: &Settings<config::Agent>) -> Result<()> {
    on_trial(settings, async |settings| {
        let store = compose::store(&settings.project.state)?;
        let house = compose::house(settings, &store).await?;
        house.tasks.finished().await;
        Ok(())
    })
}

/// Does something with settings over a state that goes away with it.
pub(in crate::verbs) fn on_trial<A: Clone, T>(
    settings: &Settings<A>,
    work: impl AsyncFnOnce(&Settings<A>) -> Result<T>,
) -> Result<T> {
    let folder = tempfile::tempdir().map_err(|error| {
        let detail = format!("it cannot be built on trial: {error}");
        LargestackError::with_advice(Code::Store, detail, "Make the temporary folder writable")
    })?;
    let mut settings = settings.clone();
    settings.project.state = folder.path().join(config::STATE_FOLDER);
    settings.project.postgres = None;
    match compose::with_runtime(work(&settings)) {
        Ok(done) => done,
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::ReaderGone) => {
            Err(LargestackError::other(Code::Unknown, "there is nobody to read"))
        }
    }
}

/// The key that an error names: a tool, or a key in backticks.
fn key_of(error: &LargestackError) -> String {
    let message = error.message();
    let named = |before: &str, after: char| {
        let (_, rest) = message.split_once(before)?;
        let (name, _) = rest.split_once(after)?;
        Some(name.to_owned())
    };
    let tool = named("tools.", ':').filter(|name| !name.contains(' '));
    let tool = tool.or_else(|| named("tools.", ' ')).or_else(|| named("tool `", '`'));
    match tool {
        Some(tool) => format!("tools.{tool}"),
        None => named("`", '`').filter(|key| key.contains('.')).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_an_error_is_about_is_found_in_its_words() {
        for (message, key) in [
            ("tools.one: `root` is missing", "tools.one"),
            ("tools.one of agent `a`: it calls itself", "tools.one"),
            ("tool `one`: `timeout` must be longer than nothing", "tools.one"),
            ("`permissions.deny` names `x`, which is not a tool", "permissions.deny"),
            ("something else", ""),
        ] {
            assert_eq!(key_of(&LargestackError::other(Code::Config, message)), key, "{message}");
        }
    }
}
