//! Crates depend downwards only, as the layers of `tidy.toml` say.

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::settings::{Layer, Settings};
use super::{Problem, settings};
use crate::Outcome;
use crate::repo::Repo;

/// A dependency between two crates of ours, by short name.
struct Arrow {
    from: String,
    to: String,
    tests_only: bool,
}

/// The package name without the common prefix.
fn short(package: &str) -> &str {
    package.strip_prefix("largestack-").unwrap_or(package)
}

pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let metadata = MetadataCommand::new().current_dir(&repo.root).no_deps().exec()?;
    let names: Vec<String> =
        metadata.packages.iter().map(|package| short(&package.name).to_owned()).collect();
    let mut arrows = Vec::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            let to = short(&dependency.name).to_owned();
            if names.contains(&to) && dependency.path.is_some() {
                arrows.push(Arrow {
                    from: short(&package.name).to_owned(),
                    to,
                    tests_only: dependency.kind == DependencyKind::Development,
                });
            }
        }
    }
    Ok(judge(&names, &arrows, settings))
}

fn judge(crates: &[String], arrows: &[Arrow], settings: &Settings) -> Vec<Problem> {
    let layer = |name: &str| {
        settings.layers.iter().find(|layer| layer.crates.iter().any(|member| member == name))
    };
    let mut problems: Vec<Problem> = crates
        .iter()
        .filter(|name| layer(name).is_none())
        .map(|name| Problem::of(settings::FILE, format!("the crate `{name}` is in no layer")))
        .collect();
    for arrow in arrows {
        let (Some(from), Some(to)) = (layer(&arrow.from), layer(&arrow.to)) else { continue };
        if !permitted(from, to, arrow, settings) {
            let kind = if arrow.tests_only { "the tests of " } else { "" };
            problems.push(Problem::of(
                &format!("crates/{}/Cargo.toml", arrow.from),
                format!(
                    "{kind}`{}` ({}) may not depend on `{}` ({})",
                    arrow.from, from.name, arrow.to, to.name
                ),
            ));
        }
    }
    problems
}

fn permitted(from: &Layer, to: &Layer, arrow: &Arrow, settings: &Settings) -> bool {
    let sideways = settings.sideways.iter().any(|exception| {
        exception.from == arrow.from
            && exception.to == arrow.to
            && (arrow.tests_only || !exception.tests_only)
    });
    // A crate's own tests may see what the crate itself may, and more where its layer says so.
    from.may_use.contains(&to.name)
        || (arrow.tests_only && from.tests_may_use.contains(&to.name))
        || sideways
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
        layer = [
            { name = "pure", crates = ["types"], may_use = [], tests_may_use = ["kit"] },
            { name = "services", crates = ["agent", "gateway"], may_use = ["pure"] },
            { name = "kit", crates = ["testkit"], may_use = ["pure"] },
        ]
        sideways = [{ from = "agent", to = "gateway", reason = "the loop calls models" }]
    "#;

    fn problems(from: &str, to: &str, tests_only: bool) -> usize {
        let crates = ["types", "agent", "gateway", "testkit"].map(str::to_owned);
        let arrow = Arrow { from: from.into(), to: to.into(), tests_only };
        judge(&crates, &[arrow], &Settings::of(SETTINGS)).len()
    }

    #[test]
    fn down_is_allowed_and_up_is_not() {
        assert_eq!(problems("agent", "types", false), 0);
        assert_eq!(problems("types", "agent", false), 1);
    }

    #[test]
    fn sideways_needs_a_declared_exception() {
        assert_eq!(problems("agent", "gateway", false), 0);
        assert_eq!(problems("gateway", "agent", false), 1);
    }

    #[test]
    fn what_tests_may_use_the_crate_itself_may_not() {
        assert_eq!(problems("types", "testkit", true), 0);
        assert_eq!(problems("types", "testkit", false), 1);
    }

    #[test]
    fn a_crate_outside_every_layer_is_a_problem() {
        let settings = Settings::of(SETTINGS);
        assert_eq!(judge(&["newcomer".to_owned()], &[], &settings).len(), 1);
    }
}
