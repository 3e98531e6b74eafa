//! Trust labels: where a part came from and what kinds of data it holds.
//!
//! Labels only ever join (a union): what a model says carries everything its request carried.
//! Lowering one is an explicit act elsewhere (an approval, an operator's rule, a closed type). A
//! stored value without a label reads as untrusted.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! sets {
    ($($(#[$doc:meta])* $item:ident / $(#[$set_doc:meta])* $set:ident : $bits:ty {
        $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $item {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $item {
            /// Every value, in the order of the enum.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as it is written in journals and config.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl fmt::Display for $item {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        $(#[$set_doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $set($bits);

        impl $set {
            /// The empty set.
            pub const EMPTY: Self = Self(0);

            /// The set of one.
            pub const fn of(item: $item) -> Self {
                Self(1 << item as u32)
            }

            /// Both sets together.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether the item is in the set.
            pub const fn contains(self, item: $item) -> bool {
                self.0 & (1 << item as u32) != 0
            }

            /// Whether nothing is in the set.
            pub const fn is_empty(&self) -> bool {
                self.0 == 0
            }

            /// The items in the set, in the order of the enum.
            pub fn iter(self) -> impl Iterator<Item = $item> {
                $item::ALL.iter().copied().filter(move |item| self.contains(*item))
            }
        }

        impl FromIterator<$item> for $set {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                items.into_iter().fold(Self::EMPTY, |set, item| set.union(Self::of(item)))
            }
        }

        impl fmt::Debug for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_set().entries(self.iter()).finish()
            }
        }

        impl Serialize for $set {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.iter())
            }
        }

        impl<'de> Deserialize<'de> for $set {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Vec::<$item>::deserialize(deserializer)?.into_iter().collect())
            }
        }
    )+};
}

sets! {
    /// Who or what brought a part into the run.
    Origin / /// A set of origins.
    Origins: u16 {
        /// The operator who wrote the agent: instructions, tool descriptions.
        Operator = "operator",
        /// The person or system that asked.
        User = "user",
        /// The result of a tool.
        Tool = "tool",
        /// A document of the knowledge base.
        Retrieval = "retrieval",
        /// An earlier conversation.
        Memory = "memory",
        /// The open web.
        Web = "web",
        /// Another agent's answer, or this one's own words.
        Agent = "agent",
    }
    /// A kind of data that policies speak about.
    DataClass / /// A set of data classes.
    DataClasses: u16 {
        /// Passwords, keys, tokens.
        Secret = "secret",
        /// Payment card numbers.
        Card = "card",
        /// Identity numbers issued by a state.
        GovernmentId = "government_id",
        /// Bank accounts and the like.
        Financial = "financial",
        /// E-mail addresses, phone numbers, postal addresses.
        Contact = "contact",
        /// Other data about a person.
        Personal = "personal",
        /// Health data.
        Health = "health",
        /// Marked confidential by the operator.
        Confidential = "confidential",
    }
}

/// Where a part came from and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// Everything that had a hand in it.
    #[serde(default = "untrusted")]
    pub origins: Origins,
    /// The kinds of data found or declared in it.
    #[serde(default, skip_serializing_if = "DataClasses::is_empty")]
    pub classes: DataClasses,
}

const fn untrusted() -> Origins {
    Origins::of(Origin::Web)
}

impl Label {
    /// From one origin, with no known data class.
    pub const fn from_origin(origin: Origin) -> Self {
        Self { origins: Origins::of(origin), classes: DataClasses::EMPTY }
    }

    /// Both labels together.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self {
            origins: self.origins.union(other.origins),
            classes: self.classes.union(other.classes),
        }
    }

    /// The same label with another data class.
    #[must_use]
    pub const fn with_class(self, class: DataClass) -> Self {
        Self { origins: self.origins, classes: self.classes.union(DataClasses::of(class)) }
    }

    /// Whether only the operator and the user had a hand in it.
    pub fn is_trusted(self) -> bool {
        self.origins.iter().all(|o| matches!(o, Origin::Operator | Origin::User | Origin::Agent))
    }
}

impl Default for Label {
    /// Untrusted: what nobody labelled.
    fn default() -> Self {
        Self { origins: untrusted(), classes: DataClasses::EMPTY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_join_and_never_lose_an_origin_or_a_class() {
        let card = Label::from_origin(Origin::User).with_class(DataClass::Card);
        let hit = Label::from_origin(Origin::Retrieval);
        let both = card.join(hit);
        assert!(both.origins.contains(Origin::User) && both.origins.contains(Origin::Retrieval));
        assert!(both.classes.contains(DataClass::Card));
        assert_eq!(both.join(both), both);
        assert!(card.is_trusted() && !both.is_trusted());
    }

    #[test]
    fn a_stored_value_without_a_label_reads_as_untrusted() {
        let label: Label = serde_json::from_str("{}").unwrap();
        assert_eq!(label, Label::default());
        assert!(!label.is_trusted());
    }

    #[test]
    fn labels_are_written_by_name() {
        let label = Label::from_origin(Origin::Tool).with_class(DataClass::GovernmentId);
        let text = serde_json::to_string(&label).unwrap();
        assert_eq!(text, r#"{"origins":["tool"],"classes":["government_id"]}"#);
        assert_eq!(serde_json::from_str::<Label>(&text).unwrap(), label);
        for class in DataClass::ALL {
            assert_eq!(serde_json::to_string(class).unwrap(), format!("\"{class}\""));
        }
    }
}
