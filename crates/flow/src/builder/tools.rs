//! Tools among the nodes, and tools that undo one.

use std::sync::Arc;

use largestack_engine::graph::{Expression, Node, Undo, Work};
use serde_json::Value;

use super::WorkflowBuilder;
use crate::tool::NodeTool;

impl WorkflowBuilder {
    /// A node at which a tool is called with these arguments, made of the state: a text that is one
    /// `{{ place }}` is the value there. What it returns is the node's output; a list or an object of
    /// JSON is one.
    pub fn tool(
        self,
        name: impl Into<Arc<str>>,
        tool: &NodeTool,
        arguments: impl Into<Value>,
    ) -> Self {
        self.tool_with(name, (tool, arguments), |node| node)
    }

    /// The same with more said about the node.
    pub fn tool_with(
        self,
        name: impl Into<Arc<str>>,
        (tool, arguments): (&NodeTool, impl Into<Value>),
        change: impl FnOnce(Node) -> Node,
    ) -> Self {
        let work = Work::Function {
            function: Arc::clone(&tool.tool.spec().name),
            idempotent: true,
            with: Some(Expression::new(arguments.into())),
        };
        let node = change(Node::new(name, work));
        let name = Arc::clone(&node.name);
        self.node(node).bind_tool(&name, tool)
    }

    /// Undoes a node by a tool, called with these arguments: the node's output stands where the node
    /// writes it, and nothing where nobody knows whether it happened.
    pub fn undo_by(
        self,
        node: &str,
        (tool, arguments): (&NodeTool, impl Into<Value>),
        change: impl FnOnce(Undo) -> Undo,
    ) -> Self {
        let with = Some(Expression::new(arguments.into()));
        let undo = Undo { with, ..Undo::new(Arc::clone(&tool.tool.spec().name), true) };
        let undo = change(undo);
        self.change(node, |node| node.undo = Some(undo)).bind_undo(node, tool)
    }

    /// Which tool a node calls that was said as data: whether it may be called again, its time limit
    /// and whether a person has to agree are the tool's, where the node does not say.
    pub fn bind_tool(mut self, node: &str, tool: &NodeTool) -> Self {
        let spec = tool.tool.spec();
        let known = self.graph.nodes.iter_mut().find(|known| &*known.name == node);
        let Some(known) = known.filter(|known| matches!(known.work, Work::Function { .. })) else {
            self.problems.push(format!("`{node}` is no node at which a tool is called"));
            return self;
        };
        if let Work::Function { function, idempotent, with } = &mut known.work {
            *function = Arc::clone(&spec.name);
            *idempotent = spec.idempotent;
            // Of a map node without arguments the element is what the tool is given.
            let empty = || Value::Object(serde_json::Map::new());
            let said = match with {
                Some(with) => Some(with.written().clone()),
                None => known.map.is_none().then(empty),
            };
            let wrong = said.and_then(|said| tool.unfit(&said));
            self.problems.extend(wrong.map(|why| format!("node `{node}`: {why}")));
        }
        known.timeout.get_or_insert(tool.options.timeout);
        if known.approval.is_none() {
            known.approval = tool.approval();
        }
        self.keep(tool)
    }

    /// Which tool undoes a node that was said as data.
    pub fn bind_undo(mut self, node: &str, tool: &NodeTool) -> Self {
        let spec = tool.tool.spec();
        if tool.approval().is_some() {
            // Undoing waits for nobody: it happens when a run fails, or its time is up.
            let name = &spec.name;
            self.problems.push(format!(
                "node `{node}`: `{name}` would undo it, and a person has to agree to each call of it"
            ));
        }
        let known = self.graph.nodes.iter_mut().find(|known| &*known.name == node);
        let Some(undo) = known.and_then(|known| known.undo.as_mut()) else {
            self.problems.push(format!("`{node}` is no node that a tool undoes"));
            return self;
        };
        let wrong = undo.with.as_ref().and_then(|with| tool.unfit(with.written()));
        self.problems.extend(wrong.map(|why| format!("node `{node}`, what undoes it: {why}")));
        undo.function = Arc::clone(&spec.name);
        undo.idempotent = spec.idempotent;
        undo.timeout.get_or_insert(tool.options.timeout);
        self.keep(tool)
    }

    /// Keeps the function of a tool, once for all nodes that call it.
    fn keep(mut self, tool: &NodeTool) -> Self {
        let name = Arc::clone(&tool.tool.spec().name);
        if let Some(known) = self.tools.get(&name) {
            if !Arc::ptr_eq(&known.tool, &tool.tool) || known.options != tool.options {
                self.problems.push(format!("two tools are named `{name}`"));
            }
            return self;
        }
        match tool.function() {
            Ok(function) => {
                self.tools.insert(Arc::clone(&name), tool.clone());
                self.define(name, function)
            }
            Err(error) => {
                self.problems.push(error.to_string());
                self
            }
        }
    }
}
