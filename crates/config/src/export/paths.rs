//! Relative paths of a file, made right for another folder.

use std::path::{Component, Path, PathBuf};

use largestack_ports::vault::Sensitive;

use crate::environment::Environment;
use crate::keys::{KEYS, Place};
use crate::node::{Entry, Kind, Node, Scalar, Value};
use crate::substitute;

/// From where a file stands to another folder.
pub(super) struct Move<'m> {
    pub(super) to: &'m Path,
    pub(super) working: &'m Path,
    pub(super) environment: &'m Environment,
}

impl Move<'_> {
    /// Makes the paths of an agent's tree right for the other folder.
    pub(super) fn tree(&self, tree: &mut Node) {
        self.below(tree, &mut Vec::new());
    }

    fn below(&self, node: &mut Node, at: &mut Vec<String>) {
        let is_path = is_path(at);
        match &mut node.value {
            Value::Map(entries) => {
                for entry in entries {
                    at.push(entry.key.clone());
                    self.below(&mut entry.node, at);
                    at.pop();
                }
            }
            Value::List(items) if is_path => {
                for item in items {
                    self.path(item);
                }
            }
            Value::Scalar(_) if is_path => self.path(node),
            _ => {}
        }
        if let [tools, _] = at.as_slice()
            && tools == "tools"
        {
            self.command(node);
        }
    }

    /// A command runs in its file's folder unless it says another one, and names its program from
    /// there.
    fn command(&self, tool: &mut Node) {
        let folder = tool.source.folder(self.working);
        let Value::Map(entries) = &mut tool.value else { return };
        let Some(command) = entries.iter_mut().find(|entry| entry.key == "command") else { return };
        let program = match &mut command.node.value {
            Value::List(words) => words.first_mut(),
            Value::Scalar(_) => Some(&mut command.node),
            _ => None,
        };
        if let Some(program) = program
            && matches!(&program.value, Value::Scalar(word) if word.text.contains('/'))
        {
            self.path_from(program, &folder);
        }
        if !entries.iter().any(|entry| entry.key == "folder") {
            let way = self.way_to(&folder);
            if !way.is_empty() {
                let source = tool.source.clone();
                let scalar = Scalar { text: way, kind: Kind::Quoted, written: None };
                let node = Node { value: Value::Scalar(scalar), source: source.clone() };
                entries.push(Entry { key: "folder".to_owned(), source, node });
            }
        }
    }

    fn path(&self, node: &mut Node) {
        let folder = node.source.folder(self.working);
        self.path_from(node, &folder);
    }

    /// A path that is relative to this folder.
    fn path_from(&self, node: &mut Node, folder: &Path) {
        let Value::Scalar(scalar) = &mut node.value else { return };
        // What stays unfilled is filled here only to see whether it is an address or a whole path.
        let filled = match scalar.written {
            None if scalar.text.contains("${") => {
                substitute::fill(&scalar.text, self.environment, true).unwrap_or_default()
            }
            _ => scalar.text.clone(),
        };
        let filled = Sensitive::new(filled);
        let address = ["postgres://", "postgresql://"];
        if address.iter().any(|scheme| filled.expose().starts_with(scheme))
            || Path::new(filled.expose()).is_absolute()
        {
            return;
        }
        let way = self.way_to(folder);
        if way.is_empty() {
            return;
        }
        let written = scalar.written.as_mut().unwrap_or(&mut scalar.text);
        let rest = written.strip_prefix("./").unwrap_or(written);
        *written = format!("{way}/{rest}");
        if scalar.kind == Kind::Plain {
            scalar.kind = Kind::Quoted;
        }
    }

    /// A folder as it is called from the other one; empty where both are the same.
    fn way_to(&self, folder: &Path) -> String {
        let (from, to) = (whole(folder), whole(self.to));
        relative(&from, &to).to_string_lossy().replace("${", "$${")
    }
}

/// Lists of paths.
const PATHS: [&str; 5] =
    ["policies", "media.folders", "fallback.agents", "tools.*.reads", "tools.*.writes"];

fn is_path(at: &[String]) -> bool {
    let named = |key: &&crate::keys::Key| {
        key.place == Place::Agent && (key.takes == "path" || PATHS.contains(&key.path))
    };
    KEYS.iter().filter(named).any(|key| {
        let levels: Vec<&str> = key.path.split('.').collect();
        levels.len() == at.len()
            && levels.iter().zip(at).all(|(level, at)| *level == "*" || level == at)
    })
}

fn whole(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let absolute = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    folder.canonicalize().unwrap_or_else(|_| absolute())
}

/// The way to a folder from another one, both absolute; all of it where they have nothing in common.
fn relative(folder: &Path, from: &Path) -> PathBuf {
    let shared = folder.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return folder.to_owned();
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(folder.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_one_folder_to_another_goes_up_and_then_down() {
        let way = |folder, from| relative(Path::new(folder), Path::new(from));
        assert_eq!(way("/a/b", "/a/b"), Path::new(""));
        assert_eq!(way("/a/b/c", "/a/b"), Path::new("c"));
        assert_eq!(way("/a", "/a/b/c"), Path::new("../.."));
        assert_eq!(way("/a/x/y", "/a/b"), Path::new("../x/y"));
    }
}
