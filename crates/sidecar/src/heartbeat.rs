//! Getting to know Prometheus at the start, and looking after it from then on.

use std::fmt::Display;
use std::time::Duration;

use client::prometheus::{Error as ClientError, Flags};
use prometheus::IntGauge;
use server::Probes;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::checks::{BadFlags, check_flags};
use crate::config::Config;
use crate::peer::Peer;

/// Time between two tries within one look at the flags.
const FLAGS_RETRY: Duration = Duration::from_secs(2);

/// The one thing that ends the sidecar from here.
#[derive(Debug, thiserror::Error)]
#[error(
    "no external labels configured on Prometheus server, uniquely identifying external labels must be configured; see \
     https://thanos.io/tip/thanos/storage.md#external-labels for details."
)]
pub struct NoExternalLabels;

/// What the heartbeat works on.
pub(crate) struct Heartbeat {
    pub(crate) config: Config,
    pub(crate) peer: Peer,
    pub(crate) probes: Probes,
    pub(crate) up: IntGauge,
    /// Whether there is a bucket; the flags matter only then.
    pub(crate) uploads: bool,
    /// Told when the gRPC server may listen.
    pub(crate) start_grpc: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Flags(#[from] BadFlags),
    #[error("context deadline exceeded")]
    Timeout,
}

impl Heartbeat {
    /// Runs until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) -> Result<(), NoExternalLabels> {
        // Dropping a request to Prometheus half-way harms nothing: all of them only read.
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            outcome = self.follow() => outcome,
        }
    }

    async fn follow(self) -> Result<(), NoExternalLabels> {
        if self.uploads {
            self.until_done("failed to validate prometheus flags. Is Prometheus running? Retrying", || {
                self.validate()
            })
            .await;
            info!("successfully validated prometheus flags");
        }
        self.until_done("failed to fetch prometheus version. Is Prometheus running? Retrying", || {
            self.limited(self.peer.update_version())
        })
        .await;
        info!("successfully loaded prometheus version");
        self.until_done("failed to fetch initial external labels. Is Prometheus running? Retrying", || {
            self.look()
        })
        .await;
        let labels = self.peer.labels();
        info!(external_labels = %labels, "successfully loaded prometheus external labels");
        if labels.is_empty() {
            return Err(NoExternalLabels);
        }
        self.up.set(1);
        self.probes.ready();
        self.start_grpc.cancel();
        let mut ticks = interval(self.config.get_config_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(()) => {
                    self.up.set(1);
                    self.probes.ready();
                }
                Err(err) => {
                    warn!(%err, "updating labels and timestamps failed");
                    self.up.set(0);
                    self.probes.not_ready(Some(&err.to_string()));
                }
            }
        }
    }

    /// Tries for ever, one interval apart.
    async fn until_done<F, E: Display>(&self, complaint: &'static str, mut step: impl FnMut() -> F)
    where
        F: Future<Output = Result<(), E>>,
    {
        let mut ticks = interval(self.config.get_config_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match step().await {
                Ok(()) => return,
                Err(err) => warn!(%err, "{complaint}"),
            }
        }
    }

    async fn limited<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
        match timeout(self.config.get_config_timeout, call).await {
            Ok(outcome) => outcome.map_err(Failure::Client),
            Err(_) => Err(Failure::Timeout),
        }
    }

    /// Asks for the time range and the labels.
    async fn look(&self) -> Result<(), Failure> {
        self.limited(async {
            self.peer.update_range().await?;
            self.peer.update_labels().await
        })
        .await
    }

    async fn validate(&self) -> Result<(), Failure> {
        let flags =
            timeout(self.config.get_config_timeout, self.flags()).await.map_err(|_| Failure::Timeout)?;
        match flags {
            Some(flags) => Ok(check_flags(&flags, &self.config)?),
            None => {
                warn!(
                    "failed to check Prometheus flags, due to potentially older Prometheus. No extra validation is done."
                );
                Ok(())
            }
        }
    }

    async fn flags(&self) -> Option<Flags> {
        loop {
            match self.peer.client().flags().await {
                Ok(flags) => return flags,
                Err(err) => warn!(%err, "failed to get Prometheus flags. Is Prometheus running? Retrying"),
            }
            tokio::time::sleep(FLAGS_RETRY).await;
        }
    }
}
