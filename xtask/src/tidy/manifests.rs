//! Versions, features of others' crates and lints are said once, in the root manifest.

use toml::{Table, Value};

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::Repo;

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, _: &Settings) -> Outcome<Vec<Problem>> {
    let members = repo.files.iter().filter(|file| {
        let fixture = file.path.contains("/tests/");
        file.path.ends_with("/Cargo.toml") && !fixture
    });
    let mut problems = Vec::new();
    for file in members {
        match file.text.parse::<Table>() {
            // A manifest that is a workspace of its own stands outside this one.
            Ok(manifest) if manifest.contains_key("workspace") => {}
            Ok(manifest) => {
                let found = judge(&manifest);
                problems.extend(found.into_iter().map(|what| Problem::of(&file.path, what)));
            }
            Err(error) => problems.push(Problem::of(&file.path, error.to_string())),
        }
    }
    Ok(problems)
}

/// Whether a crate is of this workspace: which of its forms is needed, the crate that needs it says.
/// Those of others are chosen once, in the root manifest.
fn is_ours(name: &str) -> bool {
    name.starts_with("largestack")
}

fn judge(manifest: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    let inherits = |value: Option<&Value>| {
        value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
    };
    if !inherits(manifest.get("lints")) {
        problems.push("does not inherit the lints of the workspace".to_owned());
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    for table in std::iter::once(manifest).chain(tables) {
        for section in SECTIONS {
            let Some(dependencies) = table.get(section).and_then(Value::as_table) else { continue };
            for (name, dependency) in dependencies {
                if !inherits(Some(dependency)) {
                    problems.push(format!("`{name}` is not declared in the workspace"));
                } else if dependency.get("features").is_some() && !is_ours(name) {
                    problems.push(format!("`{name}` adds features of its own"));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        judge(&format!("lints.workspace = true\n{text}").parse().unwrap()).len()
    }

    #[test]
    fn what_is_inherited_is_in_order() {
        assert_eq!(problems("dependencies.serde.workspace = true"), 0);
        assert_eq!(problems("dependencies.x = { workspace = true, optional = true }"), 0);
        let ours = "dependencies.largestack-store = { workspace = true, features = ['postgres'] }";
        assert_eq!(problems(ours), 0);
    }

    #[test]
    fn own_versions_features_and_lints_are_problems() {
        assert_eq!(problems("dependencies.serde = '1'"), 1);
        assert_eq!(problems("dev-dependencies.x = { workspace = true, features = ['y'] }"), 1);
        assert_eq!(problems("target.'cfg(unix)'.dependencies.x = { path = '../x' }"), 1);
        assert_eq!(judge(&Table::new()).len(), 1);
    }
}
