use super::*;
use crate::label::Origin;

fn part(body: Body) -> Part {
    Part { id: PartId::new(3, 1), label: Label::from_origin(Origin::Agent), body, native: None }
}

#[test]
fn every_kind_of_part_reads_back_as_it_was_written() {
    let json = |text: &str| Json::parse(text).unwrap();
    let media = Media {
        kind: MediaKind::Image,
        mime: "image/png".into(),
        source: MediaSource::Base64("AAAA".into()),
        name: None,
    };
    let bodies = [
        Body::Text("hello".into()),
        Body::Refusal("no".into()),
        Body::Reasoning(Reasoning {
            text: "hm".into(),
            signature: Some("c2ln".into()),
            redacted: true,
            raw: Some(json(r#"{"k":1}"#)),
        }),
        Body::ToolCall(ToolCall {
            call: CallId::of(EffectId::new(4)),
            provider_id: "".into(),
            name: "add".into(),
            arguments: Arguments::from_text(r#"{"a": 1.50}"#),
        }),
        Body::ToolCall(ToolCall {
            call: CallId::of(EffectId::new(5)),
            provider_id: "x".into(),
            name: "add".into(),
            arguments: Arguments::from_text(r#"{"a": "#),
        }),
        Body::ToolResult(ToolResult {
            call: CallId::of(EffectId::new(4)),
            provider_id: "x".into(),
            name: "add".into(),
            text: "3".into(),
            media: vec![media.clone()],
            is_error: true,
            handle: Some("blob".into()),
        }),
        Body::Media(media),
        Body::Citation(Citation {
            source: "a.md".into(),
            lines: Some((3, 5)),
            ..Citation::default()
        }),
        Body::ServerTool(json(r#"{"type":"web_search"}"#)),
        Body::Unknown(json(r#"{"type":"new"}"#)),
    ];
    for body in bodies {
        let part = part(body);
        let text = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&text).unwrap(), part, "{text}");
    }
}

#[test]
fn a_part_is_written_flat_with_its_type() {
    let text = serde_json::to_string(&part(Body::Text("hi".into()))).unwrap();
    assert_eq!(text, r#"{"id":[3,1],"label":{"origins":["agent"]},"type":"text","text":"hi"}"#);
}

#[test]
fn a_part_without_what_its_type_needs_is_refused() {
    assert!(serde_json::from_str::<Part>(r#"{"type":"text"}"#).is_err());
    assert!(serde_json::from_str::<Part>(r#"{"type":"media"}"#).is_err());
}

#[test]
fn arguments_that_are_not_json_are_kept_as_text() {
    assert_eq!(Arguments::from_text(""), Arguments::Json(Json::empty_object()));
    assert_eq!(Arguments::from_text("{'a':1}").as_str(), "{'a':1}");
    assert!(matches!(Arguments::from_text("{'a':1}"), Arguments::Malformed(_)));
}
