//! Remote endpoints as our traits.

use async_trait::async_trait;
use client::grpc::Channel;
use futures::{StreamExt, TryStreamExt};
use proto::thanos;
use proto::thanos::info::InfoRequest;
use proto::thanos::info::info_client::InfoClient;
use proto::thanos::store_client::StoreClient;
use tonic::{Request, Streaming};

use super::MAX_MESSAGE_SIZE;
use super::batch::Events;
use super::server::{TENANT_METADATA, VERSION_METADATA};
use crate::Error;
use crate::api::*;
use crate::info::Info;
use crate::sister::{ExemplarsApi, MetadataApi, RulesApi, StatusApi, TargetsApi, WithWarnings};

/// Longest text that is taken for a version, bytes.
const MAX_VERSION: usize = 64;

/// A remote endpoint: every API of ours over one channel. Clones share the channel.
#[derive(Clone, Debug)]
pub struct Remote {
    channel: Channel,
}

impl Remote {
    /// The endpoint behind a channel.
    pub fn new(channel: Channel) -> Self {
        Remote { channel }
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn store(&self) -> StoreClient<Channel> {
        StoreClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_SIZE)
            .max_encoding_message_size(MAX_MESSAGE_SIZE)
    }

    /// What the endpoint serves.
    pub async fn info(&self) -> Result<Info, Error> {
        let mut client = InfoClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_SIZE);
        let response = client.info(InfoRequest {}).await?;
        let version = response.metadata().get(VERSION_METADATA).and_then(|version| version.to_str().ok());
        let version = version.filter(|version| version.len() <= MAX_VERSION).map(str::to_owned);
        Ok(Info { version, ..Info::from_proto(&response.into_inner()) })
    }
}

/// A call with the tenant in its metadata.
pub(super) fn request_for<T>(message: T, context: &RequestContext) -> Result<Request<T>, Error> {
    let mut request = Request::new(message);
    if let Some(tenant) = &context.tenant {
        let value = tenant.parse().map_err(|_| {
            Error::invalid_argument(format!("tenant {tenant:?} cannot be sent as gRPC metadata"))
        })?;
        request.metadata_mut().insert(TENANT_METADATA, value);
    }
    Ok(request)
}

#[async_trait]
impl StoreApi for Remote {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let context = request.context.clone();
        let frames = self.store().series(request_for(request.into_proto(), &context)?).await?.into_inner();
        Ok(match context.call {
            Some(call) => Events::new(frames.inspect_ok(move |_| call.frame())).boxed(),
            None => Events::new(frames).boxed(),
        })
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let context = request.context.clone();
        Ok(self.store().label_names(request_for(request.into_proto(), &context)?).await?.into_inner().into())
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        let context = request.context.clone();
        Ok(self.store().label_values(request_for(request.into_proto(), &context)?).await?.into_inner().into())
    }
}

/// Reads a sister API's stream to its end, sorting parts from warnings by `take`.
async fn gather<R, T: Default>(
    mut frames: Streaming<R>,
    mut take: impl FnMut(R, &mut WithWarnings<T>),
) -> Result<WithWarnings<T>, Error> {
    let mut answer = WithWarnings::default();
    while let Some(frame) = frames.message().await? {
        take(frame, &mut answer);
    }
    Ok(answer)
}

macro_rules! sister_client {
    (
        $api:ident :: $call:ident ($request:ident) -> $value:ty,
        $client_mod:ident :: $client:ident :: $method:ident, $response_mod:ident :: $variant:ident,
        |$part:ident, $whole:ident| $merge:expr
    ) => {
        #[async_trait]
        impl $api for Remote {
            async fn $call(&self, request: thanos::$request) -> Result<WithWarnings<$value>, Error> {
                let mut client = thanos::$client_mod::$client::new(self.channel.clone())
                    .max_decoding_message_size(MAX_MESSAGE_SIZE);
                let frames = client.$method(request).await?.into_inner();
                gather(frames, |frame, answer: &mut WithWarnings<$value>| match frame.result {
                    Some(thanos::$response_mod::Result::$variant($part)) => {
                        let $whole = &mut answer.value;
                        $merge
                    }
                    Some(thanos::$response_mod::Result::Warning(text)) => answer.warnings.push(text),
                    None => {}
                })
                .await
            }
        }
    };
}

sister_client!(
    RulesApi::rules(RulesRequest) -> Vec<thanos::RuleGroup>,
    rules_client::RulesClient::rules, rules_response::Group, |group, groups| groups.push(group)
);
sister_client!(
    TargetsApi::targets(TargetsRequest) -> thanos::TargetDiscovery,
    targets_client::TargetsClient::targets, targets_response::Targets,
    |part, whole| {
        whole.active_targets.extend(part.active_targets);
        whole.dropped_targets.extend(part.dropped_targets);
    }
);
sister_client!(
    MetadataApi::metric_metadata(MetricMetadataRequest) -> thanos::MetricMetadata,
    metadata_client::MetadataClient::metric_metadata, metric_metadata_response::Metadata,
    |part, whole| for (metric, entry) in part.metadata {
        whole.metadata.entry(metric).or_default().metas.extend(entry.metas);
    }
);
sister_client!(
    ExemplarsApi::exemplars(ExemplarsRequest) -> Vec<thanos::ExemplarData>,
    exemplars_client::ExemplarsClient::exemplars, exemplars_response::Data, |part, whole| whole.push(part)
);
sister_client!(
    StatusApi::tsdb_statistics(TsdbStatisticsRequest) -> thanos::TsdbStatistics,
    status_client::StatusClient::tsdb_statistics, tsdb_statistics_response::Statistics,
    |part, whole| whole.statistics.extend(part.statistics)
);
