//! Several servers behind one name, taken in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::{Dialer, Options};

type Members = Vec<(String, tonic::transport::Channel)>;

/// The servers of a group; see [`Dialer::dial_group`].
pub struct Group {
    dialer: Dialer,
    options: Options,
    members: ArcSwap<Members>,
    next: AtomicUsize,
}

impl Group {
    pub(super) fn new(dialer: Dialer, options: Options) -> Self {
        Self { dialer, options, members: ArcSwap::from_pointee(Vec::new()), next: AtomicUsize::new(0) }
    }

    /// Replaces the group's servers. Connections to those that stay are kept.
    ///
    /// # Errors
    /// When an address is malformed; the group then stays as it was.
    pub fn set_addresses(&self, addresses: &[String]) -> Result<(), super::Error> {
        let current = self.members.load();
        let known: HashMap<&str, &tonic::transport::Channel> =
            current.iter().map(|(address, channel)| (address.as_str(), channel)).collect();
        let mut members = Members::with_capacity(addresses.len());
        for address in addresses {
            let channel = match known.get(address.as_str()) {
                Some(channel) => (*channel).clone(),
                None => self.dialer.transport(address, &self.options)?,
            };
            members.push((address.clone(), channel));
        }
        self.members.store(Arc::new(members));
        Ok(())
    }

    /// The addresses of the group's servers.
    pub fn addresses(&self) -> Vec<String> {
        self.members.load().iter().map(|(address, _)| address.clone()).collect()
    }

    /// The server whose turn it is.
    pub(super) fn pick(&self) -> Option<tonic::transport::Channel> {
        let members = self.members.load();
        if members.is_empty() {
            return None;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        Some(members[turn % members.len()].1.clone())
    }
}
