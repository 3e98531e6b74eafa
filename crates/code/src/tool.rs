//! `code_execute`: the tool.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_ports::command::Commands;
use largestack_ports::model::Model;
use largestack_ports::script::ScriptTool;
use largestack_ports::tool::{Access, Capability, ToolFailure, ToolOptions, ToolOutput};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;

use crate::description;
use crate::limits::CodeLimits;
use crate::outcome::Ended;
use crate::request::Language;
use crate::scripts::Scripts;

/// The tool's name.
pub const NAME: &str = "code_execute";
/// Characters of a script.
const MOST_CODE: usize = 100_000;

/// Scripts of a model, as a tool of an agent.
#[derive(Clone)]
pub struct CodeExecute {
    commands: Arc<dyn Commands>,
    worker: PathBuf,
    languages: Vec<Language>,
    tools: Vec<Arc<str>>,
    limits: CodeLimits,
}

impl CodeExecute {
    /// Scripts of every language of this build, which may call nothing. `commands` confines the worker,
    /// a program that calls [`worked`](crate::worked).
    pub fn new(commands: Arc<dyn Commands>, worker: impl Into<PathBuf>) -> Self {
        let here = Language::ALL.iter().map(|(_, language)| *language);
        Self {
            commands,
            worker: worker.into(),
            languages: here.filter(|language| language.is_here()).collect(),
            tools: Vec::new(),
            limits: CodeLimits::default(),
        }
    }

    /// Only these languages.
    #[must_use]
    pub fn languages(mut self, languages: impl IntoIterator<Item = Language>) -> Self {
        self.languages = languages.into_iter().collect();
        self
    }

    /// The agent's tools that scripts may call, by name. Each call passes what any call of the agent does.
    #[must_use]
    pub fn calling(mut self, tools: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.tools.extend(tools.into_iter().map(Into::into));
        self
    }

    /// What one script may use.
    #[must_use]
    pub fn limits(mut self, limits: CodeLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl ScriptTool for CodeExecute {
    fn tools(&self) -> &[Arc<str>] {
        &self.tools
    }

    fn spec(&self, callable: &[ToolSpec]) -> Result<ToolSpec, String> {
        let names: Vec<&str> = self.languages.iter().map(|language| language.name()).collect();
        if let Some(absent) = self.languages.iter().find(|language| !language.is_here()) {
            let (name, feature) = (absent.name(), absent.feature());
            return Err(format!(
                "{NAME}: this program was built without {name}: it needs the feature `{feature}`"
            ));
        }
        if names.is_empty() {
            return Err(format!("{NAME}: there is no language that this program performs"));
        }
        let parameters = serde_json::json!({
            "type": "object",
            "properties": {
                "language": {"type": "string", "enum": names},
                "code": {"type": "string", "minLength": 1, "maxLength": MOST_CODE},
            },
            "required": ["language", "code"],
            "additionalProperties": false,
        });
        Ok(ToolSpec {
            name: NAME.into(),
            description: description::of(&self.languages, callable, self.limits)?.into(),
            parameters: Json::of(&parameters).map_err(|error| error.to_string())?,
            // The same call finds the same run, and its finished calls are not repeated.
            idempotent: true,
            origin: Origin::Agent,
            native: None,
            server: false,
        })
    }

    fn options(&self) -> ToolOptions {
        // What it does to the world it does by tools, each with what that says of itself.
        let capabilities = [Capability::Read].into();
        ToolOptions {
            access: Access { capabilities, ..Access::default() },
            ..ToolOptions::default()
        }
    }

    fn model(&self) -> Arc<dyn Model> {
        let commands = Arc::clone(&self.commands);
        Arc::new(Scripts::new(commands, &self.worker, self.languages.clone(), self.limits))
    }

    fn max_calls(&self) -> u32 {
        self.limits.calls
    }

    fn result(&self, words: &str) -> Result<ToolOutput, ToolFailure> {
        match serde_json::from_str::<Ended>(words) {
            Ok(ended) if ended.error.is_some() => Err(ToolFailure::new(words.to_owned())),
            // What a guard has left of it is no reason to do it all again.
            _ => Ok(ToolOutput::text(words)),
        }
    }
}
