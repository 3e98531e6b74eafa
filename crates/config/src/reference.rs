//! The reference pages, made from the tables that are read.

use std::fmt::Write as _;

use crate::environment::ENV;
use crate::keys::{KEYS, Key, Place};

/// What holds in every file.
const HEAD: &str = "\
# Configuration files

Files are YAML 1.2. An unknown key is an error, with its line and the nearest known key. Editors
complete and check them by the schemas that `largestack schema agent`, `project` and `workflow` print.
In every file:

- `include: PATH`, or a list of paths relative to the file, puts other files below it: they hold
  where the file says nothing itself, and later ones win over earlier ones.
- `${NAME}` in a value is the environment variable, `${NAME:default}` has a default, `$${` stands for
  the characters themselves. A variable that is not set and has no default is an error. Keys of
  providers are refused: they are found by themselves, and no file may hold one.
";

/// The keys of every file, as markdown.
pub fn keys() -> String {
    let mut page = String::from(HEAD);
    for place in Place::ALL {
        let title = place.file();
        let _ = write!(
            page,
            "\n## {title}\n\n| Key | Takes | Default | Meaning |\n| --- | --- | --- | --- |\n"
        );
        for Key { path, takes, default, meaning, .. } in place.keys() {
            let _ = writeln!(page, "| `{path}` | {takes} | {default} | {meaning} |");
        }
    }
    page
}

/// Every environment variable, as markdown.
pub fn environment() -> String {
    let mut page = String::from(
        "# Environment variables\n\n| Variable | Meaning | Secret |\n| --- | --- | --- |\n",
    );
    for variable in ENV {
        let secret = if variable.secret { "yes" } else { "no" };
        let _ = writeln!(page, "| `{}` | {} | {secret} |", variable.name, variable.meaning);
    }
    page.push_str("\nEvery key of agent.yaml and largestack.yaml can be set too, above the file and below flags:\n\n");
    page.push_str("| Variable | Key |\n| --- | --- |\n");
    let mut seen = Vec::new();
    for key in KEYS {
        let variable = key.variable();
        if !seen.contains(&variable) {
            let _ = writeln!(page, "| `{variable}` | `{}` |", key.path);
            seen.push(variable);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_key_and_variable() {
        let (keys, environment) = (keys(), environment());
        for key in KEYS {
            assert!(keys.contains(&format!("| `{}` |", key.path)), "{}", key.path);
            assert!(environment.contains(&format!("| `{}` |", key.variable())), "{}", key.path);
        }
        for variable in ENV {
            assert!(environment.contains(variable.name) && !variable.meaning.is_empty());
        }
    }
}
