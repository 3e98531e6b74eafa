//! What may be talked about: topics by their words. An allow-list fails closed: a text that is about
//! none of them is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::words::Words;
use super::{BadContent, WholeAction, is_default};

/// Topics that need no words of an operator's own: English ones.
const KNOWN: [(&str, &[&str]); 7] = [
    (
        "politics",
        &[
            "election*",
            "politician*",
            "political part*",
            "ballot*",
            "president*",
            "prime minister*",
            "parliament*",
            "senator*",
            "congress*",
            "vote for",
            "voter*",
            "left-wing",
            "right-wing",
            "politics",
            "political*",
            "referendum*",
            "immigration polic*",
            "foreign polic*",
        ],
    ),
    (
        "medical_advice",
        &[
            "diagnos*",
            "symptom*",
            "dosage*",
            "dose of",
            "prescription*",
            "prescribe*",
            "medication*",
            "antibiotic*",
            "side effects",
            "ibuprofen",
            "paracetamol",
            "insulin",
            "blood pressure",
            "chemotherapy",
            "vaccine*",
            "my doctor",
            "medical*",
            "disease*",
            "treatment for",
            "cure for",
        ],
    ),
    (
        "legal_advice",
        &[
            "lawsuit*",
            "sue",
            "suing",
            "lawyer*",
            "attorney*",
            "legal advice",
            "legally",
            "liable",
            "liability",
            "in court",
            "custody of",
            "divorce*",
            "plead*",
            "breach of contract",
            "settlement offer",
            "litigation",
            "prosecut*",
            "statute*",
            "is it legal",
            "is it illegal",
        ],
    ),
    (
        "financial_advice",
        &[
            "invest",
            "investing",
            "investment*",
            "stock*",
            "share price*",
            "portfolio*",
            "crypto*",
            "bitcoin",
            "mutual fund*",
            "etf",
            "etfs",
            "retirement saving*",
            "401k",
            "mortgage*",
            "dividend*",
            "hedge fund*",
            "financial advice",
            "day trading",
            "interest rate*",
        ],
    ),
    (
        "adult_content",
        &[
            "porn*",
            "erotic*",
            "nude",
            "nudes",
            "naked",
            "sexual*",
            "sex",
            "nsfw",
            "onlyfans",
            "fetish*",
            "orgasm*",
            "strip club*",
            "escort service*",
            "explicit content",
        ],
    ),
    (
        "gambling",
        &[
            "gambl*",
            "casino*",
            "betting",
            "bookmaker*",
            "sportsbook*",
            "poker",
            "roulette",
            "blackjack",
            "slot machine*",
            "place a bet",
            "wager*",
            "lottery",
            "lotteries",
            "betting odds",
        ],
    ),
    (
        "weapons",
        &[
            "firearm*",
            "rifle*",
            "handgun*",
            "pistol*",
            "shotgun*",
            "ammunition",
            "machine gun*",
            "explosives",
            "explosive device*",
            "grenade*",
            "pipe bomb*",
            "bomb-making",
            "make a gun",
            "buy a gun",
            "ghost gun*",
            "silencer*",
            "landmine*",
            "nerve agent*",
        ],
    ),
];

/// Which topics may be talked about, and which not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicPolicy {
    /// A question has to be about one of these; `None` asks nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Neither a question nor an answer may be about one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// The words of topics of one's own, by their names; a known name gets other words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, Vec<String>>,
    /// What is done about a text that is about something else.
    #[serde(skip_serializing_if = "is_default")]
    pub action: WholeAction,
}

impl TopicPolicy {
    /// The names of the topics that have words already.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|(name, _)| *name)
    }
}

/// Topics that can be asked.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    allow: Option<Vec<Words>>,
    deny: Vec<(Arc<str>, Words)>,
    pub(super) action: WholeAction,
}

impl Topics {
    /// `None` where the policy says nothing.
    pub(super) fn of(policy: &TopicPolicy) -> Result<Option<Self>, BadContent> {
        if policy.allow.as_ref().is_some_and(Vec::is_empty) {
            let why = "the list of allowed topics is empty: nothing could be asked".to_owned();
            return Err(BadContent(why));
        }
        let words = |name: &String| -> Result<Words, BadContent> {
            let wrong = |why: BadContent| BadContent(format!("the topic `{name}` {}", why.0));
            if let Some(own) = policy.words.get(name) {
                if own.is_empty() {
                    return Err(wrong(BadContent("has no words".to_owned())));
                }
                return Words::of(own).map_err(wrong);
            }
            let known = KNOWN.iter().find(|(known, _)| known == name);
            let (_, words) = known.ok_or_else(|| wrong(BadContent("has no words".to_owned())))?;
            Words::of(words).map_err(wrong)
        };
        let named = |name: &String| Ok((name.as_str().into(), words(name)?));
        let allow = policy.allow.as_ref().map(|names| names.iter().map(words).collect());
        let topics = Self {
            allow: allow.transpose()?,
            deny: policy.deny.iter().map(named).collect::<Result<_, BadContent>>()?,
            action: policy.action,
        };
        Ok((topics.allow.is_some() || !topics.deny.is_empty()).then_some(topics))
    }

    /// Whether answers are looked at.
    pub(super) fn denies(&self) -> bool {
        !self.deny.is_empty()
    }

    /// The denied topic that a text is about.
    pub(super) fn denied(&self, text: &str) -> Option<&Arc<str>> {
        self.deny.iter().find(|(_, words)| words.are_in(text)).map(|(name, _)| name)
    }

    /// Whether a question is about something that may be asked.
    pub(super) fn allows(&self, text: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| allow.iter().any(|words| words.are_in(text)))
    }
}
