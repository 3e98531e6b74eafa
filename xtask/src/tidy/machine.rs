//! No file names a folder of the machine it was written on or the host of a package registry: the
//! project builds wherever cargo is told to fetch from.

use super::Problem;
use super::settings::{self, Machine, Settings};
use crate::Outcome;
use crate::repo::{File, Repo};
use crate::source::line_of;

const LOCK: &str = "Cargo.lock";

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let machine = &settings.machine;
    let mut problems = Vec::new();
    for file in repo.files.iter().filter(|file| file.path != settings::FILE) {
        if file.path == LOCK {
            problems.extend(lock(file, machine));
        } else if !excused(file, machine) {
            problems.extend(judge(file, machine));
        }
    }
    Ok(problems)
}

fn excused(file: &File, machine: &Machine) -> bool {
    machine.exceptions.keys().any(|prefix| file.path.starts_with(prefix))
}

fn judge(file: &File, machine: &Machine) -> Vec<Problem> {
    let found = machine.patterns.iter().flat_map(|pattern| pattern.find_iter(&file.text));
    found
        .map(|found| {
            let what = format!("`{}` belongs to a machine or a registry", found.as_str());
            Problem::at(&file.path, line_of(&file.text, found.start()), what)
        })
        .collect()
}

/// Every package comes from the one source that all machines know.
fn lock(file: &File, machine: &Machine) -> Vec<Problem> {
    let expected = format!("source = \"{}\"", machine.lock_source);
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| line.starts_with("source = ") && *line != expected)
        .map(|(number, line)| Problem::at(&file.path, number, format!("unexpected {line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        let settings = Settings::of(
            r"machine = { patterns = ['/house/\w+'], lock_source = 'registry+there', exceptions = { 'crates/guard/' = 'samples' } }",
        );
        check(&Repo::of(&[(path, text)]), &settings).unwrap().len()
    }

    #[test]
    fn a_folder_of_a_machine_is_found_where_it_is_not_excused() {
        assert_eq!(problems("README.md", "see /house/anna"), 1);
        assert_eq!(problems("crates/guard/src/a.rs", "see /house/anna"), 0);
        assert_eq!(problems("README.md", "see the house"), 0);
    }

    #[test]
    fn a_package_from_elsewhere_is_found_in_the_lock_file() {
        assert_eq!(problems(LOCK, "source = \"registry+there\"\n"), 0);
        assert_eq!(problems(LOCK, "source = \"registry+elsewhere\"\n"), 1);
    }
}
