//! What the stores did for each select of a query.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use promql::source::SelectParams;
use storeapi::{CallFigures, CallLog};

/// How much is to be told of the stores' answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanoutDetail {
    /// How long they took, and how much came.
    Figures,
    /// Besides, the blocks that were read, and what the stores say of their work.
    Blocks,
}

/// The logs of the selects of one query.
#[derive(Debug, Default)]
pub struct Fanouts {
    selects: Mutex<Vec<(SelectParams, Arc<CallLog>)>>,
    /// What other queriers computed in distributed mode, by leaf.
    leaves: Mutex<Vec<(usize, CallFigures)>>,
}

impl Fanouts {
    /// The log of a select that begins.
    pub(super) fn begin(&self, params: &SelectParams) -> Arc<CallLog> {
        let log = Arc::<CallLog>::default();
        self.selects.lock().push((params.clone(), log.clone()));
        log
    }

    /// Adds what a querier did for a leaf.
    pub(crate) fn add_leaf(&self, leaf: usize, figures: CallFigures) {
        self.leaves.lock().push((leaf, figures));
    }

    /// What the stores did for a select, by address.
    pub fn of(&self, params: &SelectParams) -> Vec<CallFigures> {
        if let Some(leaf) = params.remote {
            let leaves = self.leaves.lock();
            return leaves.iter().filter(|(of, _)| *of == leaf).map(|(_, call)| call.clone()).collect();
        }
        let logs = self.selects.lock();
        logs.iter().filter(|(known, _)| known == params).flat_map(|(_, log)| log.figures()).collect()
    }

    /// The same for all selects over stores together: one entry for each store.
    pub fn by_store(&self) -> Vec<CallFigures> {
        let mut stores: BTreeMap<String, CallFigures> = BTreeMap::new();
        for (_, log) in self.selects.lock().iter() {
            for figures in log.figures() {
                match stores.get_mut(&figures.address) {
                    Some(sum) => sum.add(figures),
                    None => drop(stores.insert(figures.address.clone(), figures)),
                }
            }
        }
        stores.into_values().collect()
    }
}
