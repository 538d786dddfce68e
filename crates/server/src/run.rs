//! The run group: actors that live and end together.
//!
//! All actors start at once. When the first one returns, for whatever reason, the others are stopped one after the other
//! in the order in which they were added, each being waited for before the next is told; so a component adds first what has
//! to stop first. The group's outcome is that of the first actor.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

/// What an actor may fail with.
pub type ActorError = Box<dyn StdError + Send + Sync + 'static>;
type Handle = JoinHandle<Result<(), ActorError>>;
type Actor =
    Box<dyn FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = Result<(), ActorError>> + Send>> + Send>;

/// Why a group ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An actor returned an error.
    #[error("{actor}: {source}")]
    Actor {
        /// The actor's name.
        actor: &'static str,
        /// What it returned.
        source: ActorError,
    },
    /// An actor panicked.
    #[error("{actor}: panicked: {message}")]
    Panicked {
        /// The actor's name.
        actor: &'static str,
        /// The panic's message.
        message: String,
    },
}

/// A set of actors that run until the first of them ends.
#[derive(Default)]
pub struct Group {
    actors: Vec<(&'static str, Actor)>,
}

impl Group {
    /// Creates an empty group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an actor. `actor` gets the token that tells it to stop and has to return once it is drained.
    pub fn add<F, Fut>(&mut self, name: &'static str, actor: F)
    where
        F: FnOnce(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), ActorError>> + Send + 'static,
    {
        self.actors.push((name, Box::new(move |token| Box::pin(actor(token)))));
    }

    /// Runs the actors to their end.
    ///
    /// # Errors
    /// The error of the actor that ended first. Errors of those stopped afterwards are logged.
    pub async fn run(self) -> Result<(), Error> {
        let mut tokens = Vec::with_capacity(self.actors.len());
        let mut handles: Vec<(&'static str, Option<Handle>)> = Vec::new();
        for (name, actor) in self.actors {
            let token = CancellationToken::new();
            tokens.push(token.clone());
            handles.push((name, Some(tokio::spawn(actor(token)))));
        }
        if handles.is_empty() {
            return Ok(());
        }
        let first = {
            let mut running: FuturesUnordered<_> = handles
                .iter_mut()
                .enumerate()
                .map(|(index, (_, handle))| async move {
                    let outcome = handle.as_mut().expect("every handle is present until one ends").await;
                    (index, outcome)
                })
                .collect();
            running.next().await.expect("the group is not empty")
        };
        let (index, outcome) = first;
        handles[index].1 = None;
        let result = settle(handles[index].0, outcome);
        for (position, (name, handle)) in handles.into_iter().enumerate() {
            tokens[position].cancel();
            let Some(handle) = handle else { continue };
            if let Err(error) = settle(name, handle.await) {
                tracing::warn!(err = %error, "stopping ended with an error");
            }
        }
        result
    }
}

fn settle(actor: &'static str, outcome: Result<Result<(), ActorError>, JoinError>) -> Result<(), Error> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(Error::Actor { actor, source }),
        Err(join) => Err(Error::Panicked { actor, message: panic_message(join) }),
    }
}

fn panic_message(join: JoinError) -> String {
    match join.try_into_panic() {
        Ok(payload) => crate::panic::message(&*payload).to_owned(),
        Err(join) => join.to_string(),
    }
}

/// Adds the actor that ends the group on SIGINT or SIGTERM.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn add_interrupt(group: &mut Group) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    group.add("interrupt", move |stop| async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "interrupt",
            _ = terminate.recv() => "terminated",
            () = stop.cancelled() => return Ok(()),
        };
        tracing::info!(signal = name, "caught signal. Exiting.");
        Ok(())
    });
    Ok(())
}

/// Adds the actor that logs SIGHUP and passes it on through `reload`. A reload that is still pending absorbs later ones.
///
/// # Errors
/// When the signal handler cannot be installed.
pub fn add_reload(group: &mut Group, reload: tokio::sync::mpsc::Sender<()>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    group.add("reload", move |stop| async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = stop.cancelled() => return Ok(()),
            }
            tracing::info!(signal = "hangup", "caught signal. Reloading.");
            if reload.try_send(()).is_ok() {
                tracing::info!("reload dispatched.");
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    fn waiting(group: &mut Group, name: &'static str, log: &Arc<Mutex<Vec<&'static str>>>) {
        let log = log.clone();
        group.add(name, move |stop| async move {
            stop.cancelled().await;
            log.lock().push(name);
            Ok(())
        });
    }

    #[tokio::test]
    async fn first_to_end_stops_the_others_in_order() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut group = Group::new();
        waiting(&mut group, "a", &log);
        group.add("b", |_| async { Err("broken".into()) });
        waiting(&mut group, "c", &log);
        waiting(&mut group, "d", &log);
        let error = group.run().await.unwrap_err();
        assert_eq!(error.to_string(), "b: broken");
        assert_eq!(*log.lock(), ["a", "c", "d"]);
    }

    #[tokio::test]
    async fn panic_of_an_actor_is_an_error() {
        let mut group = Group::new();
        group.add("a", |_| async { panic!("boom") });
        assert_eq!(group.run().await.unwrap_err().to_string(), "a: panicked: boom");
    }

    #[tokio::test]
    async fn ends_well_when_the_first_ends_well() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut group = Group::new();
        waiting(&mut group, "a", &log);
        group.add("b", |_| async { Ok(()) });
        group.run().await.unwrap();
        assert_eq!(*log.lock(), ["a"]);
        Group::new().run().await.unwrap();
    }
}
