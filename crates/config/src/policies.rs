//! `policies` of `agent.yaml`: files with the operator's own policies about calls.

use std::path::{Path, PathBuf};

use crate::node::{Kind, Node, Scalar, Value};
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

struct Files(Vec<PathBuf>);

impl Show for Files {
    fn show(&self) -> String {
        let shown: Vec<String> = self.0.iter().map(|file| file.display().to_string()).collect();
        if shown.is_empty() { "none".to_owned() } else { format!("[{}]", shown.join(", ")) }
    }
}

/// The files that are named: relative to where they are, and there.
pub(crate) fn read(fields: &mut Fields<'_>, working_folder: &Path) -> Vec<PathBuf> {
    let file = |node: &Node| {
        let path = value::some_text(node)?;
        let file = node.source.folder(working_folder).join(&*path);
        if file.is_file() {
            Ok(file)
        } else {
            Err(Wrong::value(format!("there is no file {}", file.display())))
        }
    };
    let files = |node: &Node| match &node.value {
        Value::Scalar(Scalar { kind: Kind::Plain | Kind::Quoted, .. }) => {
            file(node).map(|file| Files(vec![file]))
        }
        _ => value::items(node)?.iter().map(file).collect::<Result<_, _>>().map(Files),
    };
    fields.get("policies", Files(Vec::new()), files).value.0
}
