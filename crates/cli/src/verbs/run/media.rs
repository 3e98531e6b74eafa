//! What a question is asked with beside words: files and addresses given by `--attach`.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_agent::Input;
use largestack_config::{self as config, Settings};
use largestack_http::HttpEgress;
use largestack_tools::media::{From, Intake, Rules};
use largestack_types::errors::Result;

use crate::network;

/// The question with what is attached to it, taken in by the agent's rules.
pub(super) async fn attached(
    settings: &Settings<config::Agent>,
    question: String,
    attach: &[String],
) -> Result<Input> {
    let input = Input::from(question);
    if attach.is_empty() {
        return Ok(input);
    }
    let said = &settings.agent.media;
    let usual = || vec![settings.agent.folder.clone(), PathBuf::from(".")];
    let rules = Rules {
        folders: said.folders.clone().unwrap_or_else(usual),
        max_bytes: said.max_bytes as usize,
        ..Rules::default()
    };
    let egress = HttpEgress::new(network::of(&settings.project.network)?);
    let intake = Intake::new(rules, Some(Arc::new(egress)));
    let mut media = Vec::with_capacity(attach.len());
    for what in attach {
        let is_address = ["http://", "https://"].iter().any(|scheme| what.starts_with(scheme));
        let from = if is_address { From::Url(what.clone()) } else { From::Path(what.into()) };
        media.push(intake.take(from).await?);
    }
    Ok(input.and_media(media))
}
