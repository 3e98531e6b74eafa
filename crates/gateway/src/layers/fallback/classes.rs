//! Which kinds of data which providers may be told: a call goes to nobody who may not see all that its
//! parts are labelled with.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::label::{DataClass, DataClasses};

use crate::route::{Route, Served};

/// Who may be told data of a kind. Models of this process always may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderRule {
    /// Only these providers, by the names of their rows; `None` for every one, an empty list for none.
    pub providers: Option<Vec<Arc<str>>>,
    /// Only providers with one of these labels (`residency`); without labels wherever they are.
    pub residency: Vec<Arc<str>>,
}

impl ProviderRule {
    fn permits(&self, provider: &str, labels: &[String]) -> bool {
        let named = |names: &[Arc<str>]| names.iter().any(|name| **name == *provider);
        let within = |label: &String| self.residency.iter().any(|wanted| **wanted == **label);
        self.providers.as_deref().is_none_or(named)
            && (self.residency.is_empty() || labels.iter().any(within))
    }

    /// Who may be told, in words.
    fn who(&self) -> String {
        let named = self.providers.as_ref().map(|names| match names.as_slice() {
            [] => "nobody outside this process".to_owned(),
            names => names.join(", "),
        });
        let within = (!self.residency.is_empty()).then(|| {
            let labels = self.residency.join(", ");
            if named.is_some() {
                format!("within {labels}")
            } else {
                format!("who is within {labels}")
            }
        });
        [named, within].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Every kind of data that the parts of a call are labelled with.
pub(crate) fn of_call(call: &Call) -> DataClasses {
    let parts = call.messages.iter().flat_map(|message| &message.parts);
    parts.fold(DataClasses::EMPTY, |all, part| all.union(part.label.classes))
}

/// The refusal, where one of these kinds may not go there.
pub(super) fn refused(
    rules: &[(DataClass, ProviderRule)],
    classes: DataClasses,
    route: &Route,
) -> Option<LargestackError> {
    let Served::There(there) = &route.served else { return None };
    let labels = &there.target.provider.residency;
    let forbids = |(class, rule): &&(DataClass, ProviderRule)| {
        classes.contains(*class) && !rule.permits(&route.provider, labels)
    };
    let (class, rule) = rules.iter().find(forbids)?;
    let detail = format!(
        "{} is not asked: the call holds `{class}` data, which only {} may be told",
        route.name,
        rule.who()
    );
    let advice = format!(
        "Name a model or a fallback that may be told it, let the guards take it out, or change \
         `provider_policy.{class}` of the agent"
    );
    Some(LargestackError::with_advice(Code::ModelBlocked, detail, advice))
}
