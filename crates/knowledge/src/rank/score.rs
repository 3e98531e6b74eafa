//! BM25 over fields (Robertson, Zaragoza: "The Probabilistic Relevance Framework", section 3.6): term counts are weighted and length-
//! normalised per field, added up, and only then saturated.

use std::collections::{BTreeMap, HashMap};

use super::query::Query;
use crate::analysis::terms;

/// Fields of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The outermost heading (the document's title) and the words of its path.
    Title = 0,
    /// The headings above the chunk.
    Heading = 1,
    /// The text.
    Body = 2,
}

/// All fields in the order of [`Profile`]'s counts.
pub const FIELDS: [Field; 3] = [Field::Title, Field::Heading, Field::Body];

impl Field {
    /// How much a term in this field counts against one in the body.
    fn weight(self) -> f64 {
        match self {
            Self::Title => 1.2,
            Self::Heading => 2.0,
            Self::Body => 1.0,
        }
    }

    /// Its usual length in terms. Fixed, so that a score needs nothing of an index but document frequencies.
    fn usual_length(self) -> f64 {
        match self {
            Self::Title | Self::Heading => 6.0,
            Self::Body => 80.0,
        }
    }

    /// How much the field's length discounts: headings are short by nature.
    fn b(self) -> f64 {
        match self {
            Self::Title | Self::Heading => 0.3,
            Self::Body => 0.75,
        }
    }
}

/// A field shorter than this share of the usual gains nothing more by it.
const SHORT: f64 = 0.5;
/// Term saturation.
const K1: f64 = 1.2;

/// Term counts of one chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Occurrences of a stem in each field.
    pub counts: HashMap<String, [u32; 3]>,
    /// Terms in each field.
    pub lengths: [u32; 3],
}

impl Profile {
    /// Counts the terms of a chunk.
    pub fn of(path: &str, headings: &[String], text: &str) -> Self {
        let name = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let title = headings.first().map(String::as_str).unwrap_or_default();
        Self::of_fields(&format!("{title} {name}"), &headings.join(" "), text)
    }

    /// Counts the terms of three fields.
    pub fn of_fields(title: &str, heading: &str, body: &str) -> Self {
        let mut out = Self::default();
        for (at, text) in [title, heading, body].into_iter().enumerate() {
            for term in terms(text) {
                if let Some(count) = out.counts.entry(term).or_default().get_mut(at) {
                    *count += 1;
                }
                if let Some(length) = out.lengths.get_mut(at) {
                    *length += 1;
                }
            }
        }
        out
    }
}

/// What a score needs to know of the whole index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Chunks in the index.
    pub chunks: u32,
    /// Chunks that hold a stem, for every stem of the query.
    pub frequencies: BTreeMap<String, u32>,
}

impl Statistics {
    fn idf(&self, stem: &str) -> f64 {
        let found = f64::from(self.frequencies.get(stem).copied().unwrap_or(0));
        let all = f64::from(self.chunks).max(found);
        (1.0 + (all - found + 0.5) / (found + 0.5)).ln()
    }
}

/// The score of a chunk; 0 when it holds none of the query's terms.
pub fn score(query: &Query, profile: &Profile, statistics: &Statistics) -> f64 {
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    for want in &query.wants {
        let Some(counts) = profile.counts.get(&want.stem) else { continue };
        let mut frequency = 0.0;
        for field in FIELDS {
            let count = f64::from(counts.get(field as usize).copied().unwrap_or(0));
            let length = f64::from(profile.lengths.get(field as usize).copied().unwrap_or(0))
                / field.usual_length();
            frequency += field.weight() * count / (1.0 - field.b() + field.b() * length.max(SHORT));
        }
        let gain =
            want.weight * statistics.idf(&want.stem) * frequency * (K1 + 1.0) / (frequency + K1);
        let entry = best.entry(want.word).or_default();
        *entry = entry.max(gain);
    }
    best.values().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(question: &str, texts: &[(&str, &str)]) -> Vec<usize> {
        let query = Query::parse(question);
        let profiles: Vec<Profile> =
            texts.iter().map(|(heading, body)| Profile::of_fields("", heading, body)).collect();
        let mut statistics =
            Statistics { chunks: u32::try_from(texts.len()).unwrap(), ..Statistics::default() };
        for profile in &profiles {
            for stem in profile.counts.keys() {
                *statistics.frequencies.entry(stem.clone()).or_default() += 1;
            }
        }
        let mut order: Vec<(usize, f64)> =
            profiles.iter().map(|p| score(&query, p, &statistics)).enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        order.into_iter().filter(|(_, score)| *score > 0.0).map(|(at, _)| at).collect()
    }

    #[test]
    fn rare_words_count_more_than_frequent_ones() {
        let texts = [
            ("", "the return form and the return box"),
            ("", "the return of the lamp"),
            ("", "the return desk"),
        ];
        assert_eq!(rank("lamp return", &texts)[0], 1);
    }

    #[test]
    fn a_heading_counts_more_than_the_body() {
        let texts = [
            ("Other", "warranty and a few other words here"),
            ("Warranty", "these are some other words right here"),
        ];
        assert_eq!(rank("warranty", &texts)[0], 1);
    }

    #[test]
    fn a_synonym_is_found_below_the_word_itself() {
        let texts = [("", "shipping is five"), ("", "postage is five"), ("", "apples are red")];
        assert_eq!(rank("postage", &texts), [1, 0]);
    }
}
