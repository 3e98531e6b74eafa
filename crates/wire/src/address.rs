//! The address of a request: base, path and query of a row with their open words filled in.

use std::borrow::Cow;
use std::fmt::Write as _;

use largestack_types::percent::encoded;

use crate::error::EncodeError;
use crate::model::Target;
use crate::provider::Param;

impl Target {
    /// The address that a request goes to: the row's base and its path (else `path`), in which
    /// `{model}` and the row's params are filled in, and the row's query behind `more`.
    pub fn address(&self, path: &str, more: &[(&str, &str)]) -> Result<String, EncodeError> {
        self.address_at(self.provider.path.as_deref().unwrap_or(path), more)
    }

    /// The same for a path that the row's `path` is not about.
    pub fn address_at(&self, path: &str, more: &[(&str, &str)]) -> Result<String, EncodeError> {
        let provider = &self.provider;
        let base = provider
            .base_url
            .as_deref()
            .ok_or_else(|| EncodeError::NoBaseUrl { provider: provider.name.clone() })?;
        let mut address = self.filled(base)?;
        address.push_str(&self.filled(path)?);
        let query = provider.query.iter().map(|(name, value)| (&**name, &**value));
        let mut before = if address.contains('?') { '&' } else { '?' };
        for (name, value) in more.iter().copied().chain(query) {
            let _ = write!(address, "{before}{}={}", encoded(name), encoded(value));
            before = '&';
        }
        Ok(address)
    }

    /// A text of the row with its open words filled in, percent-encoded.
    pub fn filled(&self, text: &str) -> Result<String, EncodeError> {
        filled_with(text, |name| match self.provider.params.get(name) {
            // One that is said to be different elsewhere, or holds another, is filled in first.
            Some(param) if !param.when.is_empty() => {
                let word = match self.instead(param) {
                    Some(word) => word,
                    None => self.param(name)?,
                };
                filled_with(word, |inner| self.param(inner).map(Cow::Borrowed)).map(Cow::Owned)
            }
            _ => self.param(name).map(Cow::Borrowed),
        })
    }

    /// What a word is because of what another one is.
    fn instead<'a>(&self, param: &'a Param) -> Option<&'a str> {
        param
            .when
            .iter()
            .find_map(|(other, cases)| cases.get(self.param(other).ok()?).map(String::as_str))
    }

    /// What a word that the row leaves open stands for here.
    pub fn param(&self, name: &str) -> Result<&str, EncodeError> {
        if name == "model" {
            return Ok(&self.model);
        }
        let param = self.provider.params.get(name);
        param.and_then(|param| param.value.as_deref()).ok_or_else(|| EncodeError::NoParam {
            provider: self.provider.name.clone(),
            name: name.to_owned(),
            variable: param.and_then(|param| param.env.first()).cloned(),
        })
    }
}

/// A text with its open words filled in, percent-encoded.
fn filled_with<'a>(
    text: &str,
    word: impl Fn(&str) -> Result<Cow<'a, str>, EncodeError>,
) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            out.push('{');
            continue;
        };
        out.push_str(&encoded(&word(name)?));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::provider::{Provider, Section};

    fn target(section: &str, model: &str) -> Target {
        let section: Section = toml::from_str(section).unwrap();
        Target::new(Arc::new(Provider::new("mine").with(section)), model)
    }

    #[test]
    fn open_words_of_the_address_are_filled_in_and_cannot_leave_their_place() {
        let row = r#"
            base-url = "https://{resource}.example.com/openai"
            path = "/deployments/{model}/chat"
            params = { resource = { value = "eu-1" } }
            query = { api-version = "2024-10-21" }
        "#;
        let address = target(row, "a/../b?c").address("/unused", &[("alt", "sse")]).unwrap();
        assert_eq!(
            address,
            "https://eu-1.example.com/openai/deployments/a%2F..%2Fb%3Fc/chat?alt=sse&api-version=2024-10-21"
        );
    }

    #[test]
    fn a_word_can_depend_on_another() {
        let row = |region: &str| {
            format!(
                r#"
                base-url = "https://{{host}}/v1/{{region}}"
                [params]
                region.value = "{region}"
                host.value = "{{region}}.example.com"
                host.when.region.all = "example.com"
                "#
            )
        };
        let address = |region| target(&row(region), "m").address("", &[]).unwrap();
        assert_eq!(address("eu-1"), "https://eu-1.example.com/v1/eu-1");
        assert_eq!(address("all"), "https://example.com/v1/all");
    }

    #[test]
    fn a_word_that_nobody_says_is_an_error_that_names_its_variable() {
        let row = r#"
            base-url = "https://{region}.example.com"
            params = { region = { env = ["MINE_REGION"] } }
        "#;
        let error = target(row, "m").address("/x", &[]).unwrap_err();
        assert_eq!(
            error,
            EncodeError::NoParam {
                provider: "mine".into(),
                name: "region".into(),
                variable: Some("MINE_REGION".into())
            }
        );
    }
}
