//! Texts that may hold secrets: their variables are filled in where they are used, so that no
//! settings, no explanation of them and no hash of a definition ever holds a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_ports::vault::Sensitive;

use crate::environment::Environment;
use crate::problem::Wrong;
use crate::show::Show;
use crate::substitute;

/// A text as it is written, with `${VARIABLES}` that stand for what must not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretText(Arc<str>);

impl SecretText {
    /// A text whose variables have to be there.
    pub(crate) fn of(text: &str, environment: &Environment) -> Result<Self, Wrong> {
        match substitute::fill(text, environment, true) {
            Ok(_) => Ok(Self(text.into())),
            Err(wrong) => Err(wrong.into_iter().next().unwrap_or(Wrong::Missing)),
        }
    }

    /// The text with the variables' values. What is missing was reported when the file was read;
    /// a variable that has gone since stands for nothing.
    pub fn value(&self, environment: &Environment) -> Sensitive {
        let filled = substitute::fill(&self.0, environment, true);
        Sensitive::new(filled.unwrap_or_default())
    }

    /// Whether there is a variable in it.
    pub fn is_secret(&self) -> bool {
        self.0.replace("$${", "").contains("${")
    }
}

impl Show for SecretText {
    fn show(&self) -> String {
        self.0.show()
    }
}

/// Such texts, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretTexts(pub BTreeMap<String, SecretText>);

impl SecretTexts {
    /// Reads texts whose variables have to be there.
    pub(crate) fn of(
        texts: BTreeMap<String, String>,
        environment: &Environment,
    ) -> Result<Self, Wrong> {
        let texts = texts.into_iter().map(|(name, text)| {
            let text = SecretText::of(&text, environment)?;
            Ok((name, text))
        });
        Ok(Self(texts.collect::<Result<_, Wrong>>()?))
    }
}

impl Show for SecretTexts {
    fn show(&self) -> String {
        let texts: Vec<_> =
            self.0.iter().map(|(name, text)| format!("{name}: {}", text.show())).collect();
        format!("{{{}}}", texts.join(", "))
    }
}

/// Whether the variables in the text at a key stay as they are written until it is used.
pub(crate) fn stays(key: &str) -> bool {
    let levels: Vec<&str> = key.splitn(5, '.').collect();
    matches!(
        levels[..],
        ["tools", _, "env", ..]
            | ["tools", _, "database"]
            | ["tools", _, "http" | "openapi", "headers", _]
    )
}
