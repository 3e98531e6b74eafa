//! The questions with everything that could be quoted for them, measured.

use std::collections::BTreeMap;

use largestack_knowledge::SearchKnowledge;
use largestack_knowledge::answer::clean::inline;
use largestack_knowledge::answer::{Features, Quote, Weights, candidates};
use largestack_knowledge::model::Reading;

use crate::labelled::{Folder, Question, folder, questions, tool};
use crate::run::searched;

/// A question with the candidates of each of its clauses.
pub(crate) struct Case {
    pub(crate) folder: String,
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) answerable: bool,
    /// Asked of its folder without documents of others.
    pub(crate) alone: bool,
    pub(crate) clauses: Vec<Vec<Candidate>>,
}

/// A unit of text that could be quoted.
pub(crate) struct Candidate {
    pub(crate) features: Features,
    pub(crate) passage: usize,
    pub(crate) lines: (u32, u32),
    pub(crate) text: String,
    /// The lines that would be cited hold the labelled answer.
    pub(crate) cites: bool,
    /// The unit itself does.
    pub(crate) says: bool,
}

/// All questions of a file, by folder; folders that are not on this machine are left out.
pub(crate) fn load(file: &str) -> Vec<Case> {
    let mut by_folder: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for question in questions(file) {
        by_folder.entry(question.folder.clone()).or_default().push(question);
    }
    let folders: BTreeMap<String, Folder> =
        by_folder.keys().filter_map(|name| Some((name.clone(), folder(name)?))).collect();
    let mut out = Vec::new();
    for (name, questions) in &by_folder {
        let Some(documents) = folders.get(name) else { continue };
        for (alone, documents) in
            [(true, documents.clone()), (false, among(documents, name, &folders))]
        {
            let tool = tool(&documents);
            let case = |question| case(&tool, question, &documents, alone);
            out.extend(questions.iter().filter_map(case));
        }
    }
    out
}

/// A folder among documents of others: a question meets more that is like its answer in a large collection.
fn among(documents: &Folder, name: &str, folders: &BTreeMap<String, Folder>) -> Folder {
    let others = folders.iter().filter(|(other, _)| *other != name);
    let others = others.flat_map(|(_, documents)| documents.iter().take(OTHERS).enumerate());
    let mut out: Folder = documents.clone();
    for (number, (path, bytes)) in others {
        out.entry(format!("{number}/{path}")).or_insert_with(|| bytes.clone());
    }
    out
}

/// Documents of each other folder.
const OTHERS: usize = 6;

fn case(
    tool: &SearchKnowledge,
    question: &Question,
    documents: &Folder,
    alone: bool,
) -> Option<Case> {
    let messages = searched(tool, &question.question).ok()?;
    let reading = Reading::of(messages.iter().map(AsRef::as_ref));
    let found =
        candidates(&question.question, &reading.passages, &reading.corpus, &Weights::default());
    let clauses = found.into_iter().map(|(_, quotes)| {
        quotes.into_iter().map(|quote| candidate(quote, question, documents)).collect()
    });
    Some(Case {
        clauses: clauses.collect(),
        folder: question.folder.clone(),
        id: question.id.clone(),
        answerable: question.answerable,
        alone,
        question: question.question.clone(),
    })
}

fn candidate(quote: Quote, question: &Question, documents: &Folder) -> Candidate {
    let cites = question.answerable && question.answered_by(documents, &quote.path, quote.lines);
    let said = question.answer.iter().any(|answer| quote.text.contains(&inline(answer)));
    Candidate {
        features: quote.features,
        passage: quote.passage,
        lines: quote.lines,
        text: quote.text,
        cites,
        says: cites && said,
    }
}
