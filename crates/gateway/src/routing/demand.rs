//! What a call holds, and whether a model takes it: asked before a call goes where its author did
//! not send it.

use largestack_types::call::{Call, OutputMode, ToolChoice};
use largestack_types::part::{Body, Media, MediaKind, MediaSource};
use largestack_wire::profile::{Profile, Structured};

use crate::route::Route;

/// Bytes of text that count as one token here. A guess on the low side of most tokenisers for
/// prose: a model is passed over when the call clearly does not fit, and says so itself when it
/// nearly does not.
const BYTES_PER_TOKEN: u64 = 4;

/// What a model must be able to do to answer a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) tools: bool,
    /// A schema that the provider itself has to enforce.
    pub(crate) schema: bool,
    /// Kinds of media, each once.
    pub(crate) media: Vec<MediaKind>,
    /// Files that lie at the provider that the call was written for.
    pub(crate) files: bool,
    /// About as many tokens go in.
    pub(crate) input: u64,
    /// This many may come out, where the call says.
    pub(crate) output: Option<u32>,
}

impl Demand {
    /// What this call asks for.
    pub(crate) fn of(call: &Call) -> Self {
        let mut demand = Self {
            tools: !call.tools.is_empty() && call.tool_choice != ToolChoice::None,
            schema: call.settings.output_schema.is_some()
                && call.settings.output_mode == OutputMode::Native,
            output: call.settings.max_output_tokens,
            ..Self::default()
        };
        let mut bytes = 0;
        for part in call.messages.iter().flat_map(|message| &message.parts) {
            match &part.body {
                Body::Text(text) | Body::Refusal(text) => bytes += text.len(),
                Body::Reasoning(thought) => bytes += thought.text.len(),
                Body::ToolCall(call) => bytes += call.arguments.as_str().len(),
                Body::ToolResult(result) => {
                    bytes += result.text.len();
                    for media in &result.media {
                        demand.medium(media);
                    }
                }
                Body::Media(media) => demand.medium(media),
                _ => {}
            }
        }
        let tools = call.tools.iter();
        bytes += tools.map(|t| t.description.len() + t.parameters.as_str().len()).sum::<usize>();
        demand.input = bytes as u64 / BYTES_PER_TOKEN;
        demand
    }

    fn medium(&mut self, media: &Media) {
        if !self.media.contains(&media.kind) {
            self.media.push(media.kind);
        }
        self.files |= matches!(media.source, MediaSource::ProviderFile(_));
    }

    /// Why the model cannot answer; `None` when nothing speaks against it.
    pub(crate) fn beyond(&self, profile: &Profile) -> Option<String> {
        if self.tools && !profile.tools {
            return Some("it calls no tools".to_owned());
        }
        if self.schema && profile.structured != Structured::Schema {
            return Some("it keeps to no schema".to_owned());
        }
        if let Some(kind) = self.media.iter().find(|kind| !profile.takes(**kind)) {
            return Some(format!("it takes no {}", medium_name(*kind)));
        }
        let most = profile.context_tokens?;
        let needs = self.input.saturating_add(u64::from(profile.output_limit(self.output)));
        (needs > most).then(|| format!("about {needs} tokens do not fit its {most}"))
    }

    /// The same, for a model that takes over from another one's provider.
    pub(crate) fn beyond_other(&self, from: &Route, to: &Route) -> Option<String> {
        if self.files && from.provider != to.provider {
            return Some(format!("the call holds files that lie at {}", from.provider));
        }
        self.beyond(&to.profile)
    }
}

const fn medium_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "images",
        MediaKind::Audio => "sound",
        MediaKind::Video => "videos",
        MediaKind::Document => "documents",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use largestack_testkit::question;
    use largestack_types::call::{OutputSchema, Settings};
    use largestack_types::json::Json;
    use largestack_types::label::{Label, Origin};
    use largestack_types::message::{Message, Role};
    use largestack_types::part::{Part, PartId};
    use largestack_types::tool::ToolSpec;

    use super::*;

    fn asked() -> Call {
        question("openai/gpt-4o", "hello", false)
    }

    #[test]
    fn tools_and_schemas_are_asked_for_only_where_they_are() {
        let no_tools = Profile { tools: false, ..Profile::default() };
        let no_schema = Profile { structured: Structured::Tool, ..Profile::default() };
        let spec = ToolSpec {
            name: "search".into(),
            description: "x".into(),
            parameters: Json::empty_object(),
            idempotent: true,
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        let with_tools = Call { tools: Arc::new([spec]), ..asked() };
        assert_eq!(Demand::of(&asked()).beyond(&no_tools), None);
        assert!(Demand::of(&with_tools).beyond(&no_tools).is_some());
        let last_turn = Call { tool_choice: ToolChoice::None, ..with_tools };
        assert_eq!(Demand::of(&last_turn).beyond(&no_tools), None);
        let schema = OutputSchema { name: "x".into(), schema: Json::empty_object() };
        let settings = Settings {
            output_schema: Some(schema),
            output_mode: OutputMode::Native,
            ..Settings::default()
        };
        let with_schema = Call { settings: Arc::new(settings), ..asked() };
        assert_eq!(Demand::of(&asked()).beyond(&no_schema), None);
        assert!(Demand::of(&with_schema).beyond(&no_schema).is_some());
    }

    #[test]
    fn media_count_by_their_kind_also_inside_results() {
        let media = Media {
            kind: MediaKind::Image,
            mime: "image/png".into(),
            source: MediaSource::Url("http://x/y.png".into()),
            name: None,
        };
        let part = Part::new(PartId::new(0, 1), Label::default(), Body::Media(media));
        let mut call = asked();
        Arc::make_mut(&mut call.messages).push(Arc::new(Message::new(Role::User, vec![part])));
        let blind = Profile { images: false, ..Profile::default() };
        let deaf = Profile { audio: false, ..Profile::default() };
        assert_eq!(Demand::of(&call).beyond(&blind).unwrap(), "it takes no images");
        assert_eq!(Demand::of(&call).beyond(&deaf), None);
    }

    #[test]
    fn a_context_is_too_small_one_token_before_it_fits() {
        let call = question("openai/gpt-4o", &"x".repeat(400), false);
        let settings = Settings { max_output_tokens: Some(50), ..Settings::default() };
        let call = Call { settings: Arc::new(settings), ..call };
        let holds = |tokens| Profile { context_tokens: Some(tokens), ..Profile::default() };
        assert_eq!(Demand::of(&call).beyond(&holds(150)), None);
        let said = Demand::of(&call).beyond(&holds(149)).unwrap();
        assert_eq!(said, "about 150 tokens do not fit its 149");
    }
}
