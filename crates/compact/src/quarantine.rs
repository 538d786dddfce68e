//! Groups that are set aside because their data cannot be worked on, while all others go on.
//!
//! Differs from Thanos: there, one such group halts the whole compactor, and with it the downsampling, retention and deletion of all
//! others. Here the group alone waits, until its blocks change or some time has passed.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use ulid::Ulid;

/// After this time in ms a group is tried again although its blocks are the same: the cause may have been ours.
const TRY_AGAIN_AFTER_MS: i64 = 6 * 3_600_000;

/// Why and since when a group is set aside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Case {
    /// What was found.
    pub reason: String,
    /// When, in ms.
    pub since_ms: i64,
    /// The blocks of the group at that time, sorted.
    pub blocks: Vec<Ulid>,
}

/// The groups set aside, by key.
#[derive(Debug, Default)]
pub struct Quarantine {
    cases: Mutex<BTreeMap<String, Case>>,
}

impl Quarantine {
    /// Sets a group aside. True when it was not so before for the same reason, which is when it is worth a log line.
    pub fn add(&self, group: &str, reason: String, mut blocks: Vec<Ulid>, now_ms: i64) -> bool {
        blocks.sort_unstable();
        let mut cases = self.cases.lock();
        let is_new = cases.get(group).is_none_or(|case| case.reason != reason);
        cases.insert(group.to_owned(), Case { reason, since_ms: now_ms, blocks });
        is_new
    }

    /// Does the group with these blocks still have to wait? One whose blocks have changed, or that has waited long, is let go.
    pub fn holds(&self, group: &str, blocks: impl IntoIterator<Item = Ulid>, now_ms: i64) -> bool {
        let mut cases = self.cases.lock();
        let Some(case) = cases.get(group) else { return false };
        let mut blocks: Vec<Ulid> = blocks.into_iter().collect();
        blocks.sort_unstable();
        if blocks == case.blocks && now_ms.saturating_sub(case.since_ms) < TRY_AGAIN_AFTER_MS {
            return true;
        }
        if blocks != case.blocks {
            cases.remove(group);
        }
        false
    }

    /// The group has been worked on without trouble.
    pub fn release(&self, group: &str) {
        self.cases.lock().remove(group);
    }

    /// Forgets the groups that are no longer there.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.cases.lock().retain(|group, _| is_there(group));
    }

    /// All cases, by group.
    pub fn cases(&self) -> BTreeMap<String, Case> {
        self.cases.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_waits_until_its_blocks_change_or_time_has_passed() {
        let quarantine = Quarantine::default();
        assert!(quarantine.add("g", "broken index".into(), vec![Ulid(2), Ulid(1)], 0));
        assert!(!quarantine.add("g", "broken index".into(), vec![Ulid(2), Ulid(1)], 5), "said once");
        assert!(quarantine.holds("g", [Ulid(1), Ulid(2)], 10));
        assert!(!quarantine.holds("h", [Ulid(1)], 10));
        assert!(!quarantine.holds("g", [Ulid(1), Ulid(2)], 5 + TRY_AGAIN_AFTER_MS));
        assert!(!quarantine.holds("g", [Ulid(1), Ulid(2), Ulid(3)], 10));
        assert!(quarantine.cases().is_empty());
    }
}
