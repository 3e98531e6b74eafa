//! Whether somebody says that they mean to harm themselves, and what they are told then.
//!
//! Read by what people say in ten languages, less what makes a manner of speaking of it right before or
//! behind. It reads words, not meaning: whoever says it in other words is not heard, and some who joke
//! or tell of others are.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::words::Words;
use super::{SelfHarmAction, is_default};
use crate::reading::readings;

const FILE: &str = include_str!("self_harm.txt");

/// What somebody is told in a language that has no other text: no number, as those differ.
const HELP: [(&str, &str); 10] = [
    (
        "en",
        "I am sorry that you are going through this, and I am glad that you said it. You do not have to carry it alone: please talk to somebody you trust, or reach a crisis line or your local emergency services now. If you are in danger at this moment, call the emergency number where you are, or go to the nearest emergency room.",
    ),
    (
        "es",
        "Siento mucho que estés pasando por esto, y me alegra que lo digas. No tienes que llevarlo a solas: habla con alguien de confianza o contacta ahora con una línea de ayuda o con los servicios de emergencia de tu zona. Si estás en peligro en este momento, llama al número de emergencias de donde estás.",
    ),
    (
        "fr",
        "Je suis désolé que tu traverses cela, et c'est bien que tu le dises. Tu n'as pas à le porter seul : parle à quelqu'un de confiance, ou contacte maintenant une ligne d'écoute ou les services d'urgence de là où tu es. Si tu es en danger en ce moment, appelle le numéro d'urgence local.",
    ),
    (
        "de",
        "Es tut mir leid, dass es dir so geht, und es ist gut, dass du es sagst. Du musst das nicht allein tragen: Sprich mit jemandem, dem du vertraust, oder wende dich jetzt an ein Krisentelefon oder den Notdienst an deinem Ort. Wenn du gerade in Gefahr bist, ruf die örtliche Notrufnummer an.",
    ),
    (
        "pt",
        "Sinto muito que estejas a passar por isto, e ainda bem que o disseste. Não tens de carregar isto sozinho: fala com alguém de confiança, ou contacta agora uma linha de apoio ou os serviços de emergência de onde estás. Se estás em perigo neste momento, liga para o número de emergência local.",
    ),
    (
        "ru",
        "Мне очень жаль, что вам так тяжело, и хорошо, что вы об этом сказали. Вы не должны оставаться с этим в одиночку: поговорите с тем, кому доверяете, или обратитесь сейчас на линию доверия или в экстренные службы там, где вы находитесь. Если вам грозит опасность прямо сейчас, позвоните по местному номеру экстренной помощи.",
    ),
    (
        "zh",
        "听到你正在经历这些，我很难过，也谢谢你说出来。你不必独自承受：请和你信任的人谈谈，或者现在就联系心理危机热线或当地的紧急服务。如果你此刻有危险，请拨打你所在地的紧急电话。",
    ),
    (
        "ja",
        "とてもつらい思いをされているのですね。話してくださってありがとうございます。ひとりで抱え込まないでください。信頼できる人に話すか、今すぐ相談窓口やお住まいの地域の救急に連絡してください。今まさに危険なときは、その場所の緊急通報番号に電話してください。",
    ),
    (
        "hi",
        "मुझे दुख है कि आप इससे गुज़र रहे हैं, और अच्छा है कि आपने कहा। आपको यह अकेले नहीं सहना है: किसी भरोसेमंद व्यक्ति से बात करें, या अभी किसी संकट हेल्पलाइन या अपने यहाँ की आपातकालीन सेवा से संपर्क करें। अगर आप इस समय ख़तरे में हैं, तो अपने यहाँ के आपातकालीन नंबर पर फ़ोन करें।",
    ),
    (
        "ar",
        "يؤسفني أنك تمر بهذا، ومن الجيد أنك قلته. لست مضطرًا إلى تحمله وحدك: تحدث إلى شخص تثق به، أو اتصل الآن بخط مساندة أو بخدمات الطوارئ في مكانك. إذا كنت في خطر في هذه اللحظة فاتصل برقم الطوارئ المحلي.",
    ),
];

/// What becomes of a question of somebody who means to harm themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfHarmPolicy {
    /// What is done.
    #[serde(skip_serializing_if = "is_default")]
    pub action: SelfHarmAction,
    /// What they are told, by language: `en`, `es`, `fr`, `de`, `pt`, `ru`, `zh`, `ja`, `hi`, `ar`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
}

impl SelfHarmPolicy {
    /// Whether it is one of the languages that are read.
    pub fn speaks(language: &str) -> bool {
        HELP.iter().any(|(known, _)| *known == language)
    }

    /// The languages that are read.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        HELP.iter().map(|(language, _)| *language)
    }

    /// The language in which somebody says that they mean to harm themselves, where it is listened.
    pub fn hears(&self, text: &str) -> Option<&'static str> {
        if self.action == SelfHarmAction::Allow { None } else { self_harm(text) }
    }

    /// What whoever says it in this language is told, where the policy helps.
    pub fn told(&self, language: &str) -> Option<&str> {
        if self.action != SelfHarmAction::Help {
            return None;
        }
        let own = self.texts.get(language).map(String::as_str);
        own.or_else(|| HELP.iter().find(|(known, _)| *known == language).map(|(_, text)| *text))
    }

    /// What whoever says this is told, if they mean to harm themselves and the policy helps.
    pub fn answer(&self, text: &str) -> Option<&str> {
        self.told(self.hears(text)?)
    }
}

/// How much of a text before and behind what was said is looked at, bytes.
const AROUND: usize = 160;

/// The language in which somebody says that they mean to harm themselves.
pub fn self_harm(text: &str) -> Option<&'static str> {
    // Typographers' apostrophes are what people type.
    let text = text.replace('’', "'");
    readings(&text).iter().find_map(|reading| {
        let text = &*reading.text;
        let meant = |words: &Words| words.spans(text).any(|said| !LEXICON.excuses(text, said));
        LEXICON.said.iter().find(|(_, words)| meant(words)).map(|(language, _)| *language)
    })
}

#[derive(Default)]
struct Lexicon {
    said: Vec<(&'static str, Words)>,
    before: Option<Words>,
    after: Option<Words>,
}

impl Lexicon {
    /// Whether what stands right before or behind makes a manner of speaking of what was said.
    fn excuses(&self, text: &str, said: Range<usize>) -> bool {
        let from =
            (said.start.saturating_sub(AROUND)..=said.start).find(|at| text.is_char_boundary(*at));
        let until = said.end.saturating_add(AROUND).min(text.len());
        let until = (said.end..=until).rev().find(|at| text.is_char_boundary(*at));
        let before = from.and_then(|from| text.get(from..said.start)).unwrap_or_default();
        let after = until.and_then(|until| text.get(said.end..until)).unwrap_or_default();
        self.before.as_ref().is_some_and(|words| words.stand_in(before))
            || self.after.as_ref().is_some_and(|words| words.stand_in(after))
    }
}

/// Between words that excuse and what was said: what opens a quotation, and a word.
const GAP: (&str, &str) = ("", r#"[\s"'“„«「『:：]*\w{0,12}[\s"'“„«「『:：]*$"#);
/// Before words that excuse behind what was said.
const RIGHT_BEHIND: (&str, &str) = (r#"^[\s"']*"#, "");

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lists: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in FILE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            lists.push((name, Vec::new()));
        } else if let Some((_, list)) = lists.last_mut() {
            list.extend(line.split('|').map(str::trim).filter(|word| !word.is_empty()));
        }
    }
    let mut lexicon = Lexicon::default();
    // Lists of this crate, which a test reads: one that cannot be used is missing there.
    for (name, list) in lists {
        match name {
            "before" => lexicon.before = Words::around(&list, GAP).ok(),
            "after" => lexicon.after = Words::around(&list, RIGHT_BEHIND).ok(),
            said => {
                let language = said.strip_prefix("said ").unwrap_or_default();
                lexicon.said.extend(Words::of(&list).ok().map(|words| (language, words)));
            }
        }
    }
    lexicon
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_words_and_its_text() {
        let said: Vec<&str> = LEXICON.said.iter().map(|(language, _)| *language).collect();
        assert_eq!(said, HELP.map(|(language, _)| language));
        assert!(LEXICON.before.is_some() && LEXICON.after.is_some());
    }

    #[test]
    fn what_is_said_elsewhere_in_the_sentence_silences_nothing() {
        for text in [
            "I can't finish my essay and I want to die",
            "I want to die, and nobody reads my novel",
            "my song failed, the statistics say so, I want to kill myself tonight",
            "after laughing all day I still want to die",
            "I don't want to kill myself but I have no reason to live",
            "I want to die of embarrassment. No, I want to die.",
            "我写的小说没人看，我想死",
        ] {
            assert!(self_harm(text).is_some(), "{text}");
        }
        for text in ["I want to die of embarrassment", "an essay on suicidal thoughts"] {
            assert_eq!(self_harm(text), None, "{text}");
        }
    }

    #[test]
    fn no_text_of_help_names_a_number() {
        for (language, text) in HELP {
            assert!(!text.chars().any(char::is_numeric), "{language}");
        }
    }

    #[test]
    fn a_text_of_ones_own_is_told_in_its_language_and_nothing_where_it_is_off() {
        let texts = [("de".to_owned(), "Ruf an.".to_owned())].into();
        let policy = SelfHarmPolicy { action: SelfHarmAction::Help, texts };
        assert_eq!(policy.answer("Ich will sterben"), Some("Ruf an."));
        assert!(policy.answer("I want to die").is_some_and(|text| text.contains("crisis line")));
        assert_eq!(SelfHarmPolicy::default().answer("I want to die"), None);
    }
}
