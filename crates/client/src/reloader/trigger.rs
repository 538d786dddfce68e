//! The two ways to make Prometheus reload: its HTTP call, and a signal.

use std::time::Duration;

use http::Method;

use super::process;
use crate::prometheus::{Client, Error as ClientError};

/// How often the state of a reload by signal is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Makes Prometheus reload its configuration.
pub enum Trigger {
    /// `POST /-/reload`.
    Http(Client),
    /// SIGHUP to the process of that name; the runtime information of the server then says whether it went well.
    Signal {
        /// Name of the executable.
        process_name: String,
        /// Client of the same Prometheus.
        client: Client,
    },
}

/// Why a reload could not be triggered, or failed.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The reload call did not answer 200.
    #[error(
        "received non-200 response: {code}; have you set `--web.enable-lifecycle` Prometheus flag? Body: {body}"
    )]
    Refused {
        /// HTTP status code.
        code: u16,
        /// Body of the answer: why the reload failed.
        body: String,
    },
    /// A call failed.
    #[error("{action}: {source}")]
    Client {
        /// What was asked.
        action: &'static str,
        /// Why it failed.
        source: ClientError,
    },
    /// The processes could not be listed.
    #[error("list processes: {0}")]
    List(std::io::Error),
    /// There is no such process.
    #[error("failed to find process matching {0:?}")]
    NoProcess(String),
    /// The signal could not be sent.
    #[error("failed to send SIGHUP to pid {pid}: {source}")]
    Signal {
        /// Process.
        pid: i32,
        /// What the system says.
        source: std::io::Error,
    },
    /// Prometheus says that its new configuration is bad.
    #[error("post-reload check failed: configuration reload has failed")]
    Failed,
}

impl Trigger {
    /// Value of the `method` label.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Trigger::Http(_) => "http",
            Trigger::Signal { .. } => "signal",
        }
    }

    pub(super) fn description(&self) -> &'static str {
        match self {
            Trigger::Http(_) => "HTTP",
            Trigger::Signal { .. } => "process signal",
        }
    }

    /// Triggers one reload, and waits for its end. Without a limit of its own: the caller sets one.
    pub(super) async fn trigger(&self) -> Result<(), TriggerError> {
        match self {
            Trigger::Http(client) => match client.reload().await {
                Ok(()) => Ok(()),
                Err(ClientError::Status { code, body }) => Err(TriggerError::Refused { code, body }),
                Err(source) => Err(TriggerError::Client { action: "reload request failed", source }),
            },
            Trigger::Signal { process_name, client } => by_signal(process_name, client).await,
        }
    }
}

async fn by_signal(name: &str, client: &Client) -> Result<(), TriggerError> {
    let ask = |action: &'static str| move |source| TriggerError::Client { action, source };
    let before = client.runtime_info().await.map_err(ask("pre-reload check failed"))?;
    let pid = process::find(name).map_err(TriggerError::List)?;
    let pid = pid.ok_or_else(|| TriggerError::NoProcess(name.to_string()))?;
    process::hang_up(pid).map_err(|source| TriggerError::Signal { pid, source })?;
    loop {
        let now = client.runtime_info().await.map_err(ask("post-reload check failed"))?;
        if now.reload_config_success && now.last_config_time > before.last_config_time {
            return Ok(());
        }
        // It was good before and is bad now: no need to ask again. If it was bad before, this may still be the old state.
        if before.reload_config_success && !now.reload_config_success {
            return Err(TriggerError::Failed);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

impl Client {
    /// `POST /-/reload`; anything but 200 is an error.
    pub(crate) async fn reload(&self) -> Result<(), ClientError> {
        let url = self.url(&["-", "reload"]);
        let response = self.send(Method::POST, url, Default::default(), Default::default()).await?;
        match response.status().as_u16() {
            200 => Ok(()),
            code => Err(ClientError::Status { code, body: crate::prometheus::error_body(response).await }),
        }
    }
}
