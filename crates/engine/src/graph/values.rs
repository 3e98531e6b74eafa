//! Keys with values, shared between moments: each visit keeps the state that it saw, and a copy for
//! each of a thousand branches would cost the square of them. The keys stand in sorted blocks; a write
//! copies one block and the list of blocks, and no value.

use std::sync::Arc;

use serde_json::Value;

/// Entries of a block before it is parted.
const MOST: usize = 32;

type Block = Vec<(Arc<str>, Arc<Value>)>;

/// A sorted map that is cheap to copy.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(Vec<Arc<Block>>);

impl Values {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Arc<Value>> {
        let block = self.0.get(self.block_of(key))?;
        let at = block.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        block.get(at).map(|(_, value)| value)
    }

    /// The place of a value that is there, to change it. It is copied where somebody else holds it.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Arc<Value>> {
        let at = self.block_of(key);
        let block = Arc::make_mut(self.0.get_mut(at)?);
        let at = block.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        block.get_mut(at).map(|(_, value)| value)
    }

    pub(super) fn insert(&mut self, key: Arc<str>, value: Arc<Value>) {
        let at = self.block_of(&key);
        let Some(block) = self.0.get_mut(at) else {
            self.0.push(Arc::new(vec![(key, value)]));
            return;
        };
        let block = Arc::make_mut(block);
        match block.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(known) => {
                if let Some((_, old)) = block.get_mut(known) {
                    *old = value;
                }
            }
            Err(free) => block.insert(free, (key, value)),
        }
        if block.len() > MOST {
            let behind = block.split_off(MOST / 2);
            self.0.insert(at + 1, Arc::new(behind));
        }
    }

    /// Keys in order, with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Value>)> {
        self.0.iter().flat_map(|block| block.iter().map(|(key, value)| (key, value)))
    }

    /// The block in which a key stands, or would.
    fn block_of(&self, key: &str) -> usize {
        let starts_before =
            |block: &Arc<Block>| block.first().is_some_and(|(first, _)| **first <= *key);
        self.0.partition_point(starts_before).saturating_sub(1)
    }
}

impl PartialEq for Values {
    /// By what stands in them, wherever the blocks are parted.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(writes in proptest::collection::vec((0..200_u32, any::<u8>()), 0..400)) {
            let (mut values, mut map) = (Values::default(), BTreeMap::new());
            for (key, value) in writes {
                let key: Arc<str> = format!("k{key}").into();
                values.insert(Arc::clone(&key), Arc::new(json!(value)));
                map.insert(key, json!(value));
            }
            for (key, value) in &map {
                prop_assert_eq!(values.get(key).map(|value| &**value), Some(value));
            }
            prop_assert!(values.get("other").is_none() && values.get("").is_none());
            let all: Vec<_> = values.iter().map(|(key, value)| (key.clone(), (**value).clone())).collect();
            prop_assert_eq!(all, map.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_copy_shares_every_block_but_the_one_that_is_written() {
        let mut values = Values::default();
        for n in 0..1_000 {
            values.insert(format!("k{n:04}").into(), Arc::new(json!(n)));
        }
        let before = values.clone();
        values.insert("k0500".into(), Arc::new(json!("new")));
        let copied = before.0.iter().zip(&values.0).filter(|(one, other)| !Arc::ptr_eq(one, other));
        assert_eq!(copied.count(), 1);
        assert_eq!(before.get("k0500").map(|value| &**value), Some(&json!(500)));
        assert!(before.0.len() < 100, "{} blocks", before.0.len());
    }
}
