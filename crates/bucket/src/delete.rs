//! Removes a block from a bucket.

use futures::TryStreamExt;
use objstore::{Bucket, IterOptions};
use ulid::Ulid;

use crate::{
    Result, block,
    marks::{self, DeletionMark},
};

/// Removes a block: its meta.json first, so that from then on it counts as partial, and its deletion mark last, so that a removal that was
/// broken off is taken up again.
pub async fn delete(bucket: &dyn Bucket, id: Ulid) -> Result<()> {
    let (meta, mark) = (block::meta(id), marks::object::<DeletionMark>(id));
    bucket.delete(&meta).await?;
    let mut objects = bucket.iter(&id.to_string(), IterOptions::recursive());
    while let Some(object) = objects.try_next().await? {
        if object.name != meta && object.name != mark {
            bucket.delete(&object.name).await?;
        }
    }
    bucket.delete(&mark).await?;
    tracing::debug!(block = %id, "block has been removed");
    Ok(())
}
