//! `undo`: the tool that undoes a node when the run fails or is cancelled after it.

use largestack_engine::graph::{Expression, Undo};

use super::nodes::{About, retry};
use super::work::{arguments, known_tool};
use crate::read::Fields;
use crate::value;

/// What undoes a node, where something does.
pub(super) fn read(fields: &mut Fields<'_>, about: &About<'_>) -> Option<Undo> {
    let path = fields.key("undo");
    let node = fields.take("undo")?;
    let mut group = Fields::of(node, &path, fields.report);
    let tool = group.required("tool", |node| known_tool(node, about)).value;
    let with = arguments(&mut group);
    let undo = Undo {
        with: Some(with.unwrap_or_else(|| Expression::new(serde_json::Map::new().into()))),
        retry: retry(&mut group),
        timeout: group.optional("timeout", value::duration),
        when_failed: group.get("when_failed", false, value::boolean).value,
        // Whether it may be called again is the tool's, which is made later.
        ..Undo::new(tool, true)
    };
    group.finish();
    Some(undo)
}
