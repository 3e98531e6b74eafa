//! How a key is spelt: as a variable of the environment, and as people type it.

use super::{KEYS, Key, WORKFLOW_KEYS};

/// Where an unknown key belongs, when it is the beginning of a key of a file that does not have
/// the known ones.
pub(crate) fn other_file(path: &str, known: &[&str]) -> Option<String> {
    let top = |key: &Key| key.path.split('.').next().unwrap_or(key.path).to_owned();
    let key = KEYS.iter().chain(WORKFLOW_KEYS).find(|key| top(key) == path)?;
    let same = known.iter().all(|name| key.place.keys().any(|k| top(k) == *name));
    (!same).then(|| format!("It belongs in {}", key.place.file()))
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        let path = self.path.replace('*', "<NAME>").replace('.', "__").replace('-', "_");
        format!("LARGESTACK_{}", path.to_ascii_uppercase())
    }

    /// Reads the key's own spelling of a path: each level as the table writes it, names of the
    /// user's own as they are. `None` when the path is another key's.
    pub(crate) fn spell<'p>(&'p self, path: &[&'p str]) -> Option<Vec<&'p str>> {
        let levels: Vec<&str> = self.path.split('.').collect();
        let fold = |text: &str| text.replace('-', "_");
        let same = |level: &str, given: &str| level == "*" || fold(level) == fold(given);
        let fits = levels.len() == path.len()
            && levels.iter().zip(path).all(|(level, given)| same(level, given));
        fits.then(|| {
            let spelt = levels.iter().zip(path);
            spelt.map(|(level, given)| if *level == "*" { *given } else { *level }).collect()
        })
    }
}
