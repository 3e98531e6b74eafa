//! What the corpus promises about itself, so that figures measured on it mean something.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::fmt::Write as _;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::corpus::{CHANNELS, LANGUAGES, Label, Record, files, folder, records};

type Tested = Result<(), Box<dyn Error>>;

/// The halves, apart by family.
const HALVES: &[&str] = &["dev", "held"];
/// Those, and what the weights are fitted to besides.
const PARTS: &[&str] = &["dev", "held", "known", "more", "common", "plain"];
/// Jaccard overlap of five-grams above which two texts are near copies.
const NEAR: f64 = 0.6;
/// Near copies that a half may hold.
const NEAR_PAIRS: usize = 5;
/// Overlap from which two texts count as one template filled twice.
const TEMPLATE: f64 = 0.3;
/// Of a hundred texts of a half, those that may come from one template.
const TEMPLATE_PERCENT: usize = 2;

/// At least so many of a half, of each of its languages and of each of its channels.
const fn least(label: Label) -> (usize, usize, usize) {
    match label {
        Label::Attack => (750, 60, 20),
        Label::Benign => (1_500, 110, 20),
    }
}

#[test]
fn every_record_says_what_it_is_once() -> Tested {
    let mut ids = HashSet::new();
    for half in PARTS {
        for record in records(half)? {
            let id = &record.id;
            assert!(ids.insert(id.clone()), "{id} stands twice");
            assert!(id.starts_with(&record.family), "{id} is not named after its family");
            assert!(!record.kind.is_empty(), "{id} has no kind");
            assert!(LANGUAGES.contains(&record.lang.as_str()), "{id}: {}", record.lang);
            assert!(CHANNELS.contains(&record.channel.as_str()), "{id}: {}", record.channel);
            assert!(!record.words().trim().is_empty(), "{id} is empty");
            assert!(!record.words().contains(['⟦', '⟧', '‖']), "{id} holds the source's marks");
            let told = record.messages.as_ref().map_or(0, Vec::len);
            let split = record.channel == "split";
            assert_eq!(told > 1, split, "{id}: several messages are what `split` means");
            assert_eq!(record.text.is_none(), split, "{id}: either a text or messages");
            let roles = record.messages.iter().flatten().map(|message| message.role.as_str());
            assert!(roles.into_iter().all(|role| matches!(role, "user" | "assistant")), "{id}");
        }
    }
    Ok(())
}

#[test]
fn each_half_holds_enough_of_every_language_and_channel() -> Tested {
    for half in HALVES {
        let records = records(half)?;
        for label in [Label::Attack, Label::Benign] {
            let (all, language, channel) = least(label);
            let count = |holds: &dyn Fn(&Record) -> bool| {
                records.iter().filter(|record| record.label == label && holds(record)).count()
            };
            assert!(count(&|_| true) >= all, "{half} {label:?}: {}", count(&|_| true));
            for name in LANGUAGES {
                let found = count(&|record| record.lang == *name);
                assert!(found >= language, "{half} {label:?} {name}: {found}");
            }
            for name in CHANNELS {
                let found = count(&|record| record.channel == *name);
                assert!(found >= channel, "{half} {label:?} {name}: {found}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_family_belongs_to_one_half_one_label_and_one_kind() -> Tested {
    let mut families = HashMap::new();
    for half in PARTS {
        for record in records(half)? {
            let of = (*half, record.label, record.kind.clone());
            let first = families.entry(record.family).or_insert_with(|| of.clone());
            assert_eq!(*first, of, "{}", record.id);
        }
    }
    Ok(())
}

/// Pairs of texts with at least one shared five-gram: their places and their Jaccard overlap.
fn overlaps(records: &[Record]) -> Vec<(usize, usize, f64)> {
    let sets: Vec<_> = records.iter().map(Record::five_grams).collect();
    let mut holders: HashMap<&Vec<String>, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    for (at, grams) in sets.iter().enumerate() {
        let mut shared: BTreeMap<usize, u32> = BTreeMap::new();
        for gram in grams {
            let before = holders.entry(gram).or_default();
            for other in before.iter() {
                *shared.entry(*other).or_default() += 1;
            }
            before.push(at);
        }
        for (other, common) in shared {
            let sizes = u32::try_from(grams.len() + sets.get(other).map_or(0, HashSet::len))
                .unwrap_or(u32::MAX);
            pairs.push((other, at, f64::from(common) / f64::from(sizes - common)));
        }
    }
    pairs
}

#[test]
fn near_copies_are_rare_in_a_half_and_absent_across_parts() -> Tested {
    let mut all = Vec::new();
    let mut half_of = Vec::new();
    for half in PARTS {
        all.extend(records(half)?);
        half_of.resize(all.len(), *half);
    }
    let mut inside: HashMap<&str, usize> = HashMap::new();
    for (one, other, overlap) in overlaps(&all) {
        if overlap <= NEAR {
            continue;
        }
        let (one_id, other_id) = (&all[one].id, &all[other].id);
        assert_eq!(half_of[one], half_of[other], "{one_id} and {other_id}: {overlap:.2}");
        *inside.entry(half_of[one]).or_default() += 1;
    }
    for half in HALVES {
        assert!(inside.get(half).is_none_or(|pairs| *pairs <= NEAR_PAIRS), "{inside:?}");
    }
    Ok(())
}

#[test]
fn no_template_makes_more_than_its_share_of_a_half() -> Tested {
    for half in HALVES {
        let records = records(half)?;
        let most = records.len() * TEMPLATE_PERCENT / 100;
        let mut group: Vec<usize> = (0..records.len()).collect();
        for (one, other, _) in overlaps(&records).into_iter().filter(|pair| pair.2 > TEMPLATE) {
            let (from, to) = (group[other], group[one]);
            group.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
        }
        let mut sizes: HashMap<String, usize> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            *sizes.entry(records[group[at]].id.clone()).or_default() += 1;
            *sizes.entry(opening(record)).or_default() += 1;
        }
        for (template, texts) in sizes {
            assert!(texts <= most, "{half}: {texts} texts are like {template}");
        }
    }
    Ok(())
}

/// How a text begins: its first five words without digits, in Chinese and Japanese its first
/// eight characters.
fn opening(record: &Record) -> String {
    let words: String = record.words().chars().filter(|c| !c.is_numeric()).collect();
    let start: String = if matches!(record.lang.as_str(), "zh" | "ja") {
        words.chars().filter(|c| c.is_alphabetic()).take(8).collect()
    } else {
        words.split_whitespace().take(5).collect::<Vec<_>>().join(" ")
    };
    format!("{}: {}", record.lang, start.to_lowercase())
}

/// SHA-256 over the files of a half, one after the other by name.
fn hash(half: &str) -> Result<String, Box<dyn Error>> {
    let mut sum = Sha256::new();
    for path in files(half) {
        sum.update(std::fs::read(path)?);
    }
    let mut hex = String::new();
    for byte in sum.finalize() {
        write!(hex, "{byte:02x}")?;
    }
    Ok(hex)
}

#[test]
fn the_readme_names_each_parts_counts_and_families_and_the_hashes_of_the_halves() -> Tested {
    let readme = std::fs::read_to_string(folder().join("README.md"))?;
    for half in PARTS {
        if HALVES.contains(half) {
            let hash = hash(half)?;
            assert!(readme.contains(&format!("`{half}` sha256 `{hash}`")), "{half} is {hash}");
        }
        let list = readme.split(&format!("### Families of `{half}`")).nth(1).unwrap_or_default();
        let list = list.split("###").next().unwrap_or_default();
        let records = records(half)?;
        for record in &records {
            let name = &record.family;
            assert!(list.contains(&format!("`{name}`")), "{name} is not listed in {half}");
        }
        let count = |label| records.iter().filter(|record| record.label == label).count();
        let (attacks, benign) = (count(Label::Attack), count(Label::Benign));
        let line = format!("| `{half}` | {attacks} | {benign} |");
        assert!(readme.contains(&line), "the table of the README lacks {line}");
    }
    Ok(())
}

#[test]
fn the_records_are_what_the_sources_say() -> Tested {
    for half in PARTS {
        let script = folder().join("build.py");
        let checked = Command::new("python3").arg(script).args([half, "--check"]).status()?;
        assert!(checked.success(), "run tests/corpus/build.py {half}");
    }
    Ok(())
}
