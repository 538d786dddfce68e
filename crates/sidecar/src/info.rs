//! What the sidecar says about itself.

use server::Probes;
use storeapi::{ComponentType, Error, ErrorKind, Info, InfoProvider, StoreDetails, TsdbRange};

use crate::peer::Peer;

pub(crate) struct SidecarInfo {
    pub(crate) peer: Peer,
    pub(crate) probes: Probes,
}

impl InfoProvider for SidecarInfo {
    fn info(&self) -> Info {
        let labels = self.peer.labels();
        let (min_time, max_time) = self.peer.range();
        let label_sets: Vec<_> = (!labels.is_empty()).then_some(labels).into_iter().collect();
        let tsdb_infos =
            label_sets.iter().map(|labels| TsdbRange { labels: labels.clone(), min_time, max_time });
        Info {
            store: Some(StoreDetails {
                min_time,
                max_time,
                supports_sharding: true,
                supports_without_replica_labels: true,
                supports_projections: false,
                tsdb_infos: tsdb_infos.collect(),
            }),
            label_sets,
            // Thanos gives no range either.
            exemplars: Some((0, 0)),
            rules: true,
            metric_metadata: true,
            targets: true,
            status: true,
            ..Info::new(ComponentType::Sidecar)
        }
    }

    fn try_info(&self) -> Result<Info, Error> {
        if self.probes.is_ready() {
            Ok(self.info())
        } else {
            Err(Error::new(ErrorKind::Unknown, "Not ready"))
        }
    }
}
