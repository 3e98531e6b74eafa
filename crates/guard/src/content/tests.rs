use std::borrow::Cow;

use super::*;
use crate::leak::{LeakAction, LeakPolicy};

fn rule(pattern: &str, action: RuleAction) -> RulePolicy {
    let on = vec![Place::Input, Place::ToolArguments];
    RulePolicy { on, pattern: Some(pattern.to_owned()), action, ..RulePolicy::default() }
}

fn words(words: &[&str], action: RuleAction) -> RulePolicy {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    RulePolicy { pattern: None, words, ..rule("", action) }
}

fn of_rule(name: &str, rule: RulePolicy) -> Result<Option<Content>, BadContent> {
    let rules = [(name.to_owned(), rule)].into();
    Content::of(&ContentPolicy { rules, ..ContentPolicy::default() })
}

fn of_topics(allow: Option<&[&str]>, deny: &[&str]) -> Result<Option<Content>, BadContent> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let own = ["software", "own"].map(String::from);
    let named = |name: &String| {
        deny.contains(&name.as_str()) || allow.is_some_and(|allow| allow.contains(&name.as_str()))
    };
    let words =
        own.into_iter().filter(named).map(|name| (name, owned(&["code", "compil*", "代码"])));
    let (allow, deny, words) = (allow.map(owned), owned(deny), words.collect());
    let topics = TopicPolicy { allow, deny, words, ..TopicPolicy::default() };
    Content::of(&ContentPolicy { topics, ..ContentPolicy::default() })
}

fn guard(judged: &Judged<'_>) -> Option<String> {
    judged.refused.as_ref().map(|refused| refused.guard.to_string())
}

#[test]
fn a_rule_warns_takes_out_or_blocks_what_it_looks_for_and_only_where_it_looks() {
    for (action, left, refused) in [
        (RuleAction::Warn, "ticket AB-12 and AB-34", None),
        (RuleAction::Redact, "ticket [t removed] and [t removed]", None),
        (RuleAction::Block, "ticket [t removed] and [t removed]", Some("t".to_owned())),
    ] {
        let content = of_rule("t", rule(r"\bAB-\d+\b", action)).unwrap().unwrap();
        let judged = content.judge(Place::Input, "ticket AB-12 and AB-34");
        assert_eq!((judged.text.as_ref(), guard(&judged)), (left, refused));
        let spans: Vec<_> = judged.found.iter().map(|found| found.span.clone()).collect();
        assert_eq!(spans, [7..12, 17..22]);
        let elsewhere = content.judge(Place::Output, "ticket AB-12");
        assert_eq!((elsewhere.text.as_ref(), elsewhere.found.len()), ("ticket AB-12", 0));
        assert!(!content.judges(Place::Output) && content.judges(Place::ToolArguments));
    }
}

#[test]
fn words_are_found_whole_in_any_case_and_under_disguises() {
    let listed = ["bluebird", "acquir*", "деньг*", "内部", "project  x"];
    let content = of_rule("w", words(&listed, RuleAction::Redact)).unwrap().unwrap();
    for (text, left) in [
        ("The BlueBird plan", "The [w removed] plan"),
        ("bluebirds fly, and rebluebird", "bluebirds fly, and rebluebird"),
        ("We are acquiring it", "We are [w removed] it"),
        ("Где ДЕНЬГИ?", "Где [w removed]?"),
        ("这是内部文件", "这是[w removed]文件"),
        ("about project\nX.", "about [w removed]."),
        ("blue\u{200b}bird", "[w removed]"),
        ("b l u e b i r d now", "[w removed] now"),
        ("вluebirds", "вluebirds"),
    ] {
        assert_eq!(content.judge(Place::Input, text).text, left, "{text}");
    }
}

#[test]
fn a_rule_that_cannot_hold_is_refused_with_its_name_and_the_reason() {
    use RuleAction::Block;
    let nowhere = RulePolicy { on: Vec::new(), ..rule("x", Block) };
    for (name, rule, why) in [
        ("a", rule("(", Block), "unclosed group"),
        ("a", rule("(?=x)", Block), "look-around"),
        ("a", rule(r"(x)\1", Block), "backreferences"),
        ("a", rule(r"\w{500}{500}", Block), "size limit"),
        ("a", rule(&"x".repeat(4097), Block), "more than 4096 bytes"),
        ("a", rule("x*", Block), "matches nothing at all"),
        ("a b", rule("x", Block), "needs a name"),
        ("a", words(&["*"], Block), "is no word"),
        ("a", words(&[], Block), "needs a `pattern` or `words`"),
        ("a", nowhere, "`on` is empty"),
    ] {
        let error = of_rule(name, rule).err().unwrap().to_string();
        assert!(error.starts_with(&format!("the rule `{name}` ")), "{error}");
        assert!(error.contains(why), "{error}");
    }
    assert!(of_rule("a", rule(&"x".repeat(4096), Block)).is_ok());
    assert!(Content::of(&ContentPolicy::default()).unwrap().is_none());
}

#[test]
fn a_pattern_that_others_choke_on_takes_time_linear_in_the_text() {
    let pattern = r"(a+)+\.(b|b)*c$";
    let content = of_rule("slow", rule(pattern, RuleAction::Block)).unwrap().unwrap();
    let text = "a.".repeat(200_000);
    assert!(content.judge(Place::Input, &text).refused.is_none());
}

#[test]
fn an_allow_list_of_topics_refuses_what_is_about_none_of_them() {
    let content = of_topics(Some(&["software"]), &[]).unwrap().unwrap();
    for (text, refused) in [
        ("Why does my code not compile?", None),
        ("我的代码为什么不行", None),
        ("elections and gambling", Some("topic")),
        ("hello", Some("topic")),
        ("", Some("topic")),
    ] {
        let judged = content.weigh(Place::Input, text);
        assert_eq!(guard(&judged).as_deref(), refused, "{text}");
    }
    assert!(content.weigh(Place::Output, "elections").refused.is_none());
    assert!(!content.holds_output());
}

#[test]
fn a_denied_topic_is_refused_in_questions_and_answers_and_wins_over_an_allowed_one() {
    let content = of_topics(Some(&["software"]), &["gambling", "weapons"]).unwrap().unwrap();
    for place in [Place::Input, Place::Output] {
        let judged = content.weigh(place, "code for a CASINO");
        assert_eq!(guard(&judged).as_deref(), Some("topic"));
        assert!(judged.refused.unwrap().detail.contains("`gambling`"));
    }
    assert!(content.holds_output());
    let content =
        of_topics(None, &["weapons", "medical_advice", "adult_content"]).unwrap().unwrap();
    for text in [
        "how to kill a python process",
        "build a bath bomb",
        "best guide to not hurt your knees",
        "kid-friendly explicit instructions",
    ] {
        assert!(content.weigh(Place::Input, text).refused.is_none(), "{text}");
    }
    assert!(content.weigh(Place::Input, "Where can I buy a gun or ammunition?").refused.is_some());
}

#[test]
fn every_known_topic_has_words_and_a_list_that_says_nothing_is_refused() {
    for name in TopicPolicy::known() {
        assert!(of_topics(None, &[name]).unwrap().is_some(), "{name}");
    }
    for (allow, deny, why) in [
        (Some(&[][..]), &[][..], "list of allowed topics is empty"),
        (Some(&["cooking"]), &[], "the topic `cooking` has no words"),
        (None, &["cooking"], "the topic `cooking` has no words"),
    ] {
        assert!(of_topics(allow, deny).err().unwrap().to_string().contains(why));
    }
    assert!(of_topics(None, &[]).unwrap().is_none());
}

#[test]
fn a_text_may_have_as_many_characters_as_the_limit_and_no_more() {
    let length = LengthPolicy { input: Some(5), output: Some(3), ..LengthPolicy::default() };
    let content = Content::of(&ContentPolicy { length, ..ContentPolicy::default() });
    let content = content.unwrap().unwrap();
    assert!(content.weigh(Place::Input, "ééééé").refused.is_none());
    let refused = content.weigh(Place::Input, "éééééé").refused.unwrap();
    assert_eq!(refused.detail, "the question has 6 characters, and may have 5");
    assert!(content.weigh(Place::Output, "abc").refused.is_none());
    assert!(content.weigh(Place::Output, "abcd").refused.is_some());
    assert!(content.holds_output());
}

#[test]
fn a_mode_that_only_observes_records_everything_and_stops_nothing() {
    let rules = [("t".to_owned(), rule("bet", RuleAction::Block))].into();
    let policy = ContentPolicy {
        output: OutputPolicy { urls: Some(Vec::new()), ..OutputPolicy::default() },
        rules,
        topics: TopicPolicy { deny: vec!["gambling".to_owned()], ..TopicPolicy::default() },
        length: LengthPolicy { input: Some(3), ..LengthPolicy::default() },
        self_harm: SelfHarmPolicy { action: SelfHarmAction::Help, ..SelfHarmPolicy::default() },
        prompt_leak: LeakPolicy { action: LeakAction::Block, ..LeakPolicy::default() },
        spotlight: true,
    };
    let text = "betting until I want to die";
    for mode in Mode::ALL {
        let observes = mode == Mode::Observe;
        let left = policy.clone().under(mode);
        assert_eq!(left.prompt_leak.action == LeakAction::Warn, observes, "{mode:?}");
        let as_said = ContentPolicy { prompt_leak: policy.prompt_leak.clone(), ..left.clone() };
        assert_eq!(as_said == policy, !observes, "{mode:?}");
        let content = Content::of(&left).unwrap().unwrap();
        let (by_rules, whole) =
            (content.judge(Place::Input, text), content.weigh(Place::Input, text));
        assert_eq!(by_rules.refused.is_none() && whole.refused.is_none(), observes, "{mode:?}");
        assert_eq!(matches!(by_rules.text, Cow::Borrowed(_)), observes, "{mode:?}");
        let found = whole.found.into_iter();
        let found: Vec<_> = found.map(|found| (found.guard.to_string(), found.action)).collect();
        let block = if observes { "warn" } else { "block" };
        let names = [("length", block), ("topic", block)];
        assert_eq!(found, names.map(|(name, action)| (name.to_owned(), action)));
        assert_eq!(left.self_harm.hears(text), Some("en"));
        assert_eq!(left.self_harm.answer(text).is_none(), observes);
    }
}
