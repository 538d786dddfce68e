//! Merging series on several threads: one walks over the indexes, the others merge chunks in batches, and the caller's
//! writes the batches in their order.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::chunks::{OutChunk, Part};
use super::series::{Write, for_each_series};
use super::symbols::SymbolTable;
use super::{MergeInput, MergeOptions, Process};
use crate::error::Error;

/// Chunks of a batch, about: enough that handing it over costs nothing, and little memory (some 200 KiB when all of
/// them are encoded again).
const BATCH_CHUNKS: usize = 1024;
/// Batches that may wait for a thread or for being written, for each thread.
const WAITING: usize = 2;

/// Labels by merged symbols.
type SeriesLabels = Vec<(u32, u32)>;

/// Series to be merged.
#[derive(Default)]
struct Batch {
    series: Vec<(SeriesLabels, Vec<Part>)>,
    chunks: usize,
}

/// Series that are merged: labels and the end of their chunks.
#[derive(Default)]
struct Done<'a> {
    series: Vec<(SeriesLabels, usize)>,
    chunks: Vec<OutChunk<'a>>,
}

/// A batch and where its result goes.
type Job<'a> = (Batch, SyncSender<Result<Done<'a>, Error>>);

pub(super) fn run<P: Process>(
    inputs: &[MergeInput],
    tables: &[SymbolTable],
    options: &MergeOptions,
    process: &P,
    write: &mut Write<'_>,
) -> Result<(), Error> {
    let waiting = WAITING * options.threads;
    let (send_job, jobs) = sync_channel::<Job<'_>>(waiting);
    // The results in the order of the batches, each yet to come.
    let (send_result, results) = sync_channel::<Receiver<Result<Done<'_>, Error>>>(waiting);
    let jobs = Mutex::new(jobs);
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| work(inputs, process, &jobs));
        }
        let walk = scope.spawn(move || feed(inputs, tables, options, &send_job, &send_result));
        let mut written = Ok(());
        for result in &results {
            // An error leaves the loop; the channels then fail on the other side, which ends the threads.
            let Ok(done) = result.recv() else { break };
            written = done.and_then(|done| write_batch(&done, write));
            if written.is_err() {
                break;
            }
        }
        drop(results);
        let walked = walk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(walked)
    })
}

fn write_batch(done: &Done<'_>, write: &mut Write<'_>) -> Result<(), Error> {
    let mut from = 0;
    for (labels, to) in &done.series {
        write(labels, &done.chunks[from..*to])?;
        from = *to;
    }
    Ok(())
}

/// Walks over all series and hands them out in batches.
fn feed<'a>(
    inputs: &'a [MergeInput],
    tables: &[SymbolTable],
    options: &MergeOptions,
    jobs: &SyncSender<Job<'a>>,
    results: &SyncSender<Receiver<Result<Done<'a>, Error>>>,
) -> Result<(), Error> {
    let mut batch = Batch::default();
    let mut stopped = false;
    let hand_out = |batch: Batch| {
        let (send, receive) = sync_channel(1);
        // Nobody listens any more once writing has failed; its error is the one that counts.
        results.send(receive).is_ok() && jobs.send((batch, send)).is_ok()
    };
    let walked = for_each_series(inputs, tables, options, &mut |labels, parts| {
        batch.chunks += parts.iter().map(|p| p.chunks.len()).sum::<usize>();
        batch.series.push((labels.to_vec(), parts.to_vec()));
        if batch.chunks >= BATCH_CHUNKS && !stopped {
            stopped = !hand_out(std::mem::take(&mut batch));
        }
        if stopped { Err(stop()) } else { Ok(()) }
    });
    match walked {
        Err(_) if stopped => Ok(()),
        Ok(()) => {
            hand_out(batch);
            Ok(())
        }
        other => other,
    }
}

/// Ends the walk; never seen outside.
fn stop() -> Error {
    Error::io("", std::io::Error::from(std::io::ErrorKind::Interrupted))
}

/// Merges batches until there are no more.
fn work<'a, P: Process>(inputs: &'a [MergeInput], process: &P, jobs: &Mutex<Receiver<Job<'a>>>) {
    let mut scratch = P::Scratch::default();
    loop {
        let job = jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
        let Ok((batch, result)) = job else { return };
        // The receiver may be gone after an error elsewhere.
        let _ = result.send(merge_batch(inputs, process, batch, &mut scratch));
    }
}

fn merge_batch<'a, P: Process>(
    inputs: &'a [MergeInput],
    process: &P,
    batch: Batch,
    scratch: &mut P::Scratch,
) -> Result<Done<'a>, Error> {
    let mut done =
        Done { series: Vec::with_capacity(batch.series.len()), chunks: Vec::with_capacity(batch.chunks) };
    for (labels, parts) in batch.series {
        process.series(inputs, &parts, scratch, &mut done.chunks)?;
        done.series.push((labels, done.chunks.len()));
    }
    Ok(done)
}
