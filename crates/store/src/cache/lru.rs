//! A map bounded by bytes that throws out what was not used for longest: a hash map into a slab of doubly linked entries.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Bytes that an entry takes besides its value and the text in its key: slab entry, map entry twice the key, the value's allocation.
pub(super) const ENTRY_OVERHEAD: usize = 192;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: Option<V>,
    size: u64,
    newer: u32,
    older: u32,
}

#[derive(Debug)]
pub(super) struct Lru<K, V> {
    map: FxHashMap<K, u32>,
    slab: Vec<Entry<K, V>>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    size: u64,
    max_size: u64,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    pub(super) fn new(max_size: u64) -> Self {
        Lru {
            map: FxHashMap::default(),
            slab: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            size: 0,
            max_size,
        }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// The value of a key, which from now on is the newest.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        let at = *self.map.get(key)?;
        self.unlink(at);
        self.link_newest(at);
        self.slab[at as usize].value.as_ref()
    }

    /// Keeps a value of a key that is new, and says whether it was; a key that is there keeps its value. What had to go is put into
    /// `evicted` with its size.
    pub(super) fn insert(&mut self, key: K, value: V, size: u64, evicted: &mut Vec<(K, u64)>) -> bool {
        if size > self.max_size || self.map.contains_key(&key) {
            return false;
        }
        while self.size + size > self.max_size {
            evicted.extend(self.evict_oldest());
        }
        let entry = Entry { key: key.clone(), value: Some(value), size, newer: NONE, older: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                self.slab[at as usize] = entry;
                at
            }
            // More entries than 32 bits count would need terabytes.
            None if self.slab.len() >= NONE as usize => return false,
            None => {
                self.slab.push(entry);
                (self.slab.len() - 1) as u32
            }
        };
        self.map.insert(key, at);
        self.link_newest(at);
        self.size += size;
        true
    }

    fn evict_oldest(&mut self) -> Option<(K, u64)> {
        let at = self.oldest;
        if at == NONE {
            return None;
        }
        self.unlink(at);
        let entry = &mut self.slab[at as usize];
        entry.value = None;
        let (key, size) = (entry.key.clone(), entry.size);
        self.map.remove(&key);
        self.free.push(at);
        self.size -= size;
        Some((key, size))
    }

    fn unlink(&mut self, at: u32) {
        let (newer, older) = (self.slab[at as usize].newer, self.slab[at as usize].older);
        match newer {
            NONE => self.newest = older,
            newer => self.slab[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.slab[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, at: u32) {
        let entry = &mut self.slab[at as usize];
        entry.newer = NONE;
        entry.older = self.newest;
        match self.newest {
            NONE => self.oldest = at,
            newest => self.slab[newest as usize].newer = at,
        }
        self.newest = at;
    }
}
