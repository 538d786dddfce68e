//! Ways to find the blocks of a bucket.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use objstore::{Bucket, EntryStream, IterOptions};
use ulid::Ulid;

use crate::{Result, block};

/// Questions for a meta.json under way at once; the number of Thanos's.
const CONCURRENCY: usize = 64;

/// How blocks are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discovery {
    /// List the root and ask for each block's meta.json. Does not see that a meta.json changed.
    #[default]
    Concurrent,
    /// List every object of the bucket, with its time: one kind of request, many pages. Sees changed metas.
    Recursive,
}

impl std::str::FromStr for Discovery {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "concurrent" => Ok(Discovery::Concurrent),
            "recursive" => Ok(Discovery::Recursive),
            other => Err(format!("unknown sync strategy {other}")),
        }
    }
}

/// A block's folder that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// With a meta.json, and its time where the listing gives one.
    Active(Ulid, Option<SystemTime>),
    /// Without.
    Partial(Ulid),
}

/// Lists the blocks, each once, in no order.
pub(super) fn list(bucket: &Arc<dyn Bucket>, discovery: Discovery) -> BoxStream<'static, Result<Listed>> {
    match discovery {
        Discovery::Concurrent => concurrent(Arc::clone(bucket)),
        Discovery::Recursive => recursive(bucket.iter("", IterOptions::recursive().with_last_modified())),
    }
}

fn concurrent(bucket: Arc<dyn Bucket>) -> BoxStream<'static, Result<Listed>> {
    bucket
        .iter("", IterOptions::default())
        .try_filter_map(|entry| async move { Ok(block::parse_dir(&entry.name).filter(|_| entry.is_dir())) })
        .map(move |id| {
            let bucket = Arc::clone(&bucket);
            async move {
                let id = id?;
                let there = bucket.exists(&block::meta(id)).await?;
                Ok(if there { Listed::Active(id, None) } else { Listed::Partial(id) })
            }
        })
        .buffer_unordered(CONCURRENCY)
        .boxed()
}

fn recursive(entries: EntryStream) -> BoxStream<'static, Result<Listed>> {
    // Folders seen, and whether their meta.json was among the objects. What is left without one at the end is partial.
    let state = (Some(entries), BTreeMap::<Ulid, bool>::new());
    stream::try_unfold(state, |(mut entries, mut seen)| async move {
        while let Some(stream) = entries.as_mut() {
            let Some(entry) = stream.try_next().await? else {
                entries = None;
                seen.retain(|_, active| !*active);
                break;
            };
            let Some((dir, file)) = entry.name.split_once('/') else { continue };
            let Some(id) = block::parse_dir(dir) else { continue };
            let active = seen.entry(id).or_default();
            if file == block::META_FILE && !std::mem::replace(active, true) {
                return Ok(Some((Listed::Active(id, entry.last_modified), (entries, seen))));
            }
        }
        Ok(seen.pop_first().map(|(id, _)| (Listed::Partial(id), (entries, seen))))
    })
    .boxed()
}
