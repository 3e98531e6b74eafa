//! The pure crates have no runtime, network, file system or randomness anywhere below them. Their
//! own sources are looked at by `homes`; this looks at what they pull in.

use std::process::Command;

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::Repo;

pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let mut problems = Vec::new();
    for name in &settings.purity.crates {
        let mut tree = pulled_in(repo, name, &[])?;
        // Cargo does not cut off what is not there.
        let there = |package: &&String| tree.lines().any(|line| line == library(package));
        let through: Vec<&String> = settings.purity.let_through.iter().filter(there).collect();
        if !through.is_empty() {
            tree = pulled_in(repo, name, &through)?;
        }
        problems.extend(judge(name, &tree, &settings.purity.banned));
    }
    Ok(problems)
}

/// The libraries below a crate, without these and what they alone pull in.
fn pulled_in(repo: &Repo, name: &str, without: &[&String]) -> Outcome<String> {
    // One package at a time: what others ask of a shared dependency does not count here.
    let output = Command::new("cargo")
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{lib}", "--package", &format!("largestack-{name}")])
        .args(without.iter().flat_map(|package| ["--prune", package.as_str()]))
        .current_dir(&repo.root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn judge(name: &str, tree: &str, banned: &[String]) -> Vec<Problem> {
    let mut found: Vec<&String> =
        banned.iter().filter(|package| tree.lines().any(|line| line == library(package))).collect();
    found.dedup();
    found
        .into_iter()
        .map(|package| {
            Problem::of(&format!("crates/{name}/Cargo.toml"), format!("pulls in `{package}`"))
        })
        .collect()
}

/// How a package's library is called.
fn library(package: &str) -> String {
    package.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_package_anywhere_in_the_tree_is_found_and_a_namesake_is_not() {
        let banned = ["tokio".to_owned(), "hyper-util".to_owned()];
        assert_eq!(judge("wire", "serde\ntokio_util\nbytes\n", &banned), []);
        let found = judge("wire", "serde\nhyper_util\n", &banned);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("hyper-util"));
    }
}
