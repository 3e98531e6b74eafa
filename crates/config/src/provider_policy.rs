//! `provider_policy` of `agent.yaml`: which providers may be told which kinds of data.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_types::label::DataClass;

use crate::catalogue::Catalogue;
use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// Who may be told data of a kind. Models of this process always may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRule {
    /// The kind.
    pub class: DataClass,
    /// Only these providers; `None` for every one, an empty list for none.
    pub providers: Option<Vec<Arc<str>>>,
    /// Only providers with one of these labels; without labels wherever they are.
    pub residency: Vec<Arc<str>>,
}

/// Lists by kinds of data.
#[derive(Clone, Default)]
struct Lists(BTreeMap<String, Vec<String>>);

impl Show for Lists {
    fn show(&self) -> String {
        let one = |(class, list): (&String, &Vec<String>)| format!("{class}: {}", list.show());
        self.0.iter().map(one).collect::<Vec<_>>().show()
    }
}

impl Lists {
    fn of(&self, class: DataClass) -> Option<Vec<Arc<str>>> {
        let list = self.0.get(class.name())?;
        Some(list.iter().map(|one| Arc::from(one.as_str())).collect())
    }
}

fn lists(node: &Node) -> Result<Lists, Wrong> {
    let lists: BTreeMap<String, Vec<String>> = value::group(node)?;
    let known = DataClass::ALL.iter().copied().map(DataClass::name);
    let unknown = |name: &&String| !known.clone().any(|known| known == **name);
    match lists.keys().find(unknown) {
        Some(name) => Err(Wrong::unknown_name("data class", name, known)),
        None => Ok(Lists(lists)),
    }
}

/// What the section says, a rule for each kind of data that it names.
pub(crate) fn read(mut fields: Fields<'_>, catalogue: &Catalogue<'_>) -> Vec<ProviderRule> {
    let named = |node: &Node| {
        let said = lists(node)?;
        let unknown = |name: &&String| catalogue.providers.provider(name).is_none();
        match said.0.values().flatten().find(unknown) {
            Some(name) => {
                let known = catalogue.providers.providers().map(|row| &*row.name);
                Err(Wrong::unknown_name("provider", name, known.collect::<Vec<_>>().into_iter()))
            }
            None => Ok(said),
        }
    };
    let within = |node: &Node| match lists(node)? {
        Lists(said) if said.values().any(Vec::is_empty) => {
            Err(Wrong::value("a kind of data needs a label, or none of these lists".to_owned()))
        }
        said => Ok(said),
    };
    let providers = fields.get("providers", Lists::default(), named).value;
    let residency = fields.get("residency", Lists::default(), within).value;
    fields.finish();
    let rule = |class: DataClass| {
        let (providers, residency) = (providers.of(class), residency.of(class));
        let said = providers.is_some() || residency.is_some();
        said.then(|| ProviderRule { class, providers, residency: residency.unwrap_or_default() })
    };
    DataClass::ALL.iter().filter_map(|class| rule(*class)).collect()
}
