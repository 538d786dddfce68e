//! `/api/v1/blocks`: the whole meta.json of every block, as Thanos gives it.

use std::sync::Arc;

use bucket::views::Look;
use serde::Serialize;
use serde_json::value::RawValue;
use tsdb::meta::BlockMeta;

use crate::answer::Failure;

/// What Thanos calls `BlocksInfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View {
    label: String,
    blocks: Vec<Box<RawValue>>,
    refreshed_at: String,
    err: Option<String>,
}

pub(crate) fn view(look: Look, label: &str) -> Result<View, Failure> {
    Ok(View {
        label: label.to_owned(),
        blocks: look.metas.values().map(json).collect::<Result<_, _>>()?,
        refreshed_at: time(look.refreshed_ms),
        err: look.error,
    })
}

/// A block's meta.json.
pub(crate) fn json(meta: &Arc<BlockMeta>) -> Result<Box<RawValue>, Failure> {
    let json = meta.to_json().ok().and_then(|json| String::from_utf8(json).ok());
    json.and_then(|json| RawValue::from_string(json).ok())
        .ok_or_else(|| Failure::internal(format!("encode meta of block {}", meta.ulid)))
}

/// A time as Go writes it; Go's zero time for none.
pub(crate) fn time(ms: i64) -> String {
    match ms {
        0 => "0001-01-01T00:00:00Z".to_owned(),
        ms => model::time::format_rfc3339(ms),
    }
}
