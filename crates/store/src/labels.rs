//! Label names and values of blocks: from the index-header alone, or of the series that matchers select.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, TryStreamExt, stream};
use model::matcher::{MatchType, Matcher};
use storeapi::{Error, ErrorKind};

use crate::{
    block::Block,
    error::{blocking, of_data},
    gateway::Request,
    select::select,
    series::for_each_labels,
};

/// Blocks looked into at once.
const BLOCKS_AT_ONCE: usize = 16;

/// Names of the labels that the series of blocks have, external labels included.
pub(crate) async fn names(
    blocks: Vec<(Arc<Block>, Vec<Matcher>)>,
    request: &Arc<Request>,
) -> Result<BTreeSet<String>, Error> {
    stream::iter(blocks)
        .map(|(block, matchers)| async move {
            let names = if matchers.is_empty() {
                all_names(&block, request).await
            } else {
                selected_names(&block, &matchers, request).await
            };
            names.map_err(|error| of_block(error, "label names", &block))
        })
        .buffer_unordered(BLOCKS_AT_ONCE)
        .try_fold(BTreeSet::new(), |mut all, mut names| async move {
            all.append(&mut names);
            Ok(all)
        })
        .await
}

/// Values of a label in the series of blocks, external labels included.
pub(crate) async fn values(
    blocks: Vec<(Arc<Block>, Vec<Matcher>)>,
    label: &str,
    request: &Arc<Request>,
) -> Result<BTreeSet<String>, Error> {
    stream::iter(blocks)
        .map(|(block, matchers)| async move {
            let values = if matchers.is_empty() {
                all_values(&block, label).await
            } else {
                selected_values(&block, label, matchers, request).await
            };
            values.map_err(|error| of_block(error, "label values", &block))
        })
        .buffer_unordered(BLOCKS_AT_ONCE)
        .try_fold(BTreeSet::new(), |mut all, mut values| async move {
            all.append(&mut values);
            Ok(all)
        })
        .await
}

/// Failures of data are internal ones in these calls, as in Thanos; limits keep their kind.
fn of_block(error: Error, doing: &str, block: &Block) -> Error {
    let error = error.context(format!("{doing} for block {}", block.id));
    if error.kind() == ErrorKind::Aborted { error.with_kind(ErrorKind::Internal) } else { error }
}

async fn all_names(block: &Arc<Block>, request: &Request) -> Result<BTreeSet<String>, Error> {
    let header = block.header.get().await?;
    let external = block.labels.iter().map(|(name, _)| name.to_owned());
    let mut names: BTreeSet<String> = header.label_names().into_iter().chain(external).collect();
    names.retain(|name| !request.without.contains(name));
    Ok(names)
}

async fn selected_names(
    block: &Arc<Block>,
    matchers: &[Matcher],
    request: &Arc<Request>,
) -> Result<BTreeSet<String>, Error> {
    let selected = select(block, matchers, request).await?;
    request.reserve_series(selected.len() as u64)?;
    let mut names = BTreeSet::new();
    for_each_labels(block, &selected, request, |labels| {
        for (name, _) in labels {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
        true
    })
    .await?;
    Ok(names)
}

async fn all_values(block: &Arc<Block>, label: &str) -> Result<BTreeSet<String>, Error> {
    // Differs from Thanos: values that the external label covers are not those of any series that is served.
    if let Some(value) = block.labels.get(label) {
        return Ok(BTreeSet::from([value.to_owned()]));
    }
    let header = block.header.get().await?;
    let name = label.to_owned();
    let values = blocking(move || header.label_values(&name).map_err(of_data)).await?;
    Ok(values.into_iter().collect())
}

async fn selected_values(
    block: &Arc<Block>,
    label: &str,
    mut matchers: Vec<Matcher>,
    request: &Arc<Request>,
) -> Result<BTreeSet<String>, Error> {
    let external = block.labels.get(label).is_some();
    let by_name = matchers
        .iter()
        .any(|matcher| matcher.name() == model::labels::METRIC_NAME && matcher.ty() == MatchType::Eq);
    // Series without the label need not be read; a metric name selects few enough.
    if !external && !by_name {
        matchers.push(Matcher::not_equal(label, ""));
    }
    let selected = select(block, &matchers, request).await?;
    request.reserve_series(selected.len() as u64)?;
    let mut values = BTreeSet::new();
    for_each_labels(block, &selected, request, |labels| {
        let value = labels.value(label);
        if !value.is_empty() && !values.contains(value) {
            values.insert(value.to_owned());
        }
        // All series have the same external label, so that one is enough.
        !external || values.is_empty()
    })
    .await?;
    Ok(values)
}
