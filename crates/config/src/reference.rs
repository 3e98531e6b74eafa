//! The reference pages, made from the tables that are read.

use std::fmt::Write as _;

use crate::environment::ENV;
use crate::keys::{KEYS, Key, Place};

/// The keys of both files, as markdown.
pub fn keys() -> String {
    let mut page = String::from("# Configuration files\n");
    for place in [Place::Agent, Place::Project] {
        let title = place.file();
        let _ = write!(
            page,
            "\n## {title}\n\n| Key | Takes | Default | Meaning |\n| --- | --- | --- | --- |\n"
        );
        for Key { path, takes, default, meaning, .. } in KEYS.iter().filter(|k| k.place == place) {
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
    page.push_str("\nEvery key of a file can be set too, above the file and below flags:\n\n");
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
