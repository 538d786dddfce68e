//! Our traits served over gRPC. Thin: decode, call, encode.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use proto::thanos;
use proto::thanos::info::info_server::{Info, InfoServer};
use proto::thanos::info::{InfoRequest, InfoResponse};
use proto::thanos::store_server::{Store, StoreServer};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::MAX_MESSAGE_SIZE;
use super::batch::Frames;
use crate::api::{LabelNamesRequest, LabelValuesRequest, RequestContext, SeriesRequest, StoreApi};
use crate::info::InfoProvider;
use crate::sister::{ExemplarsApi, MetadataApi, RulesApi, StatusApi, TargetsApi, WithWarnings};

/// Metadata key under which the tenant travels.
pub(crate) const TENANT_METADATA: &str = "thanos-tenant";

/// Metadata key of an Info answer under which our components tell their version; no message of Thanos has a field for it.
pub(super) const VERSION_METADATA: &str = "thanos-version";

/// The tenant a call's metadata names.
pub fn tenant_of<T>(request: &Request<T>) -> Option<String> {
    request.metadata().get(TENANT_METADATA).and_then(|tenant| tenant.to_str().ok()).map(str::to_owned)
}

fn context_of<T>(request: &Request<T>) -> RequestContext {
    RequestContext { tenant: tenant_of(request), ..RequestContext::default() }
}

/// Serves a store as `thanos.Store`.
pub struct StoreService(Arc<dyn StoreApi>);

/// The gRPC service of a store.
pub fn store(api: Arc<dyn StoreApi>) -> StoreServer<StoreService> {
    StoreServer::new(StoreService(api))
        .max_decoding_message_size(MAX_MESSAGE_SIZE)
        .max_encoding_message_size(MAX_MESSAGE_SIZE)
}

#[tonic::async_trait]
impl Store for StoreService {
    type SeriesStream = Frames;

    async fn series(
        &self,
        request: Request<thanos::SeriesRequest>,
    ) -> Result<Response<Self::SeriesStream>, Status> {
        let context = context_of(&request);
        let request = SeriesRequest { context, ..SeriesRequest::from_proto(request.into_inner())? };
        let batch_size = request.response_batch_size;
        let events = self.0.series(request).await?;
        Ok(Response::new(Frames::new(events, batch_size)))
    }

    async fn label_names(
        &self,
        request: Request<thanos::LabelNamesRequest>,
    ) -> Result<Response<thanos::LabelNamesResponse>, Status> {
        let context = context_of(&request);
        let request = LabelNamesRequest { context, ..LabelNamesRequest::from_proto(request.into_inner())? };
        Ok(Response::new(self.0.label_names(request).await?.into()))
    }

    async fn label_values(
        &self,
        request: Request<thanos::LabelValuesRequest>,
    ) -> Result<Response<thanos::LabelValuesResponse>, Status> {
        let context = context_of(&request);
        let request = LabelValuesRequest { context, ..LabelValuesRequest::from_proto(request.into_inner())? };
        Ok(Response::new(self.0.label_values(request).await?.into()))
    }
}

/// Serves `thanos.info.Info`.
pub struct InfoService(Arc<dyn InfoProvider>);

/// The gRPC service that tells what this endpoint serves.
pub fn info(provider: Arc<dyn InfoProvider>) -> InfoServer<InfoService> {
    InfoServer::new(InfoService(provider)).max_encoding_message_size(MAX_MESSAGE_SIZE)
}

#[tonic::async_trait]
impl Info for InfoService {
    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        let mut response = Response::new(self.0.try_info()?.to_proto());
        let version = MetadataValue::from_static(env!("CARGO_PKG_VERSION"));
        response.metadata_mut().insert(VERSION_METADATA, version);
        Ok(response)
    }
}

/// The frames of a sister API's answer: its parts, then its warnings.
fn frames<P, R>(parts: impl IntoIterator<Item = P>, warnings: Vec<String>) -> SisterFrames<R>
where
    R: From<Part<P>> + Send + 'static,
{
    let parts = parts.into_iter().map(|part| Ok(R::from(Part::Value(part))));
    let warnings = warnings.into_iter().map(|text| Ok(R::from(Part::Warning(text))));
    stream::iter(parts.chain(warnings).collect::<Vec<_>>()).boxed()
}

type SisterFrames<R> = BoxStream<'static, Result<R, Status>>;

/// One part of a sister API's answer.
enum Part<P> {
    Value(P),
    Warning(String),
}

macro_rules! sister_service {
    (
        $(#[$doc:meta])* $service:ident, $make:ident, $api:ident :: $call:ident,
        $server_mod:ident :: $server:ident / $trait:ident :: $method:ident, $stream:ident,
        $request:ident -> $response:ident, $response_mod:ident :: $variant:ident ($part:ty), $parts:expr
    ) => {
        $(#[$doc])*
        pub struct $service(Arc<dyn $api>);

        #[doc = concat!("The gRPC service of a [`", stringify!($api), "`].")]
        pub fn $make(api: Arc<dyn $api>) -> thanos::$server_mod::$server<$service> {
            thanos::$server_mod::$server::new($service(api))
                .max_decoding_message_size(MAX_MESSAGE_SIZE)
                .max_encoding_message_size(MAX_MESSAGE_SIZE)
        }

        impl From<Part<$part>> for thanos::$response {
            fn from(part: Part<$part>) -> Self {
                let result = match part {
                    Part::Value(value) => thanos::$response_mod::Result::$variant(value),
                    Part::Warning(text) => thanos::$response_mod::Result::Warning(text),
                };
                thanos::$response { result: Some(result) }
            }
        }

        #[tonic::async_trait]
        impl thanos::$server_mod::$trait for $service {
            type $stream = SisterFrames<thanos::$response>;

            async fn $method(&self, request: Request<thanos::$request>) -> Result<Response<Self::$stream>, Status> {
                let WithWarnings { value, warnings } = self.0.$call(request.into_inner()).await?;
                #[allow(clippy::redundant_closure_call)]
                Ok(Response::new(frames::<$part, thanos::$response>(($parts)(value), warnings)))
            }
        }
    };
}

sister_service!(
    /// Serves `thanos.Rules`.
    RulesService, rules, RulesApi::rules, rules_server::RulesServer / Rules::rules, RulesStream,
    RulesRequest -> RulesResponse, rules_response::Group(thanos::RuleGroup), |groups: Vec<_>| groups
);
sister_service!(
    /// Serves `thanos.Targets`.
    TargetsService, targets, TargetsApi::targets, targets_server::TargetsServer / Targets::targets, TargetsStream,
    TargetsRequest -> TargetsResponse, targets_response::Targets(thanos::TargetDiscovery), |one| [one]
);
sister_service!(
    /// Serves `thanos.Metadata`.
    MetadataService, metadata, MetadataApi::metric_metadata, metadata_server::MetadataServer / Metadata::metric_metadata,
    MetricMetadataStream, MetricMetadataRequest -> MetricMetadataResponse,
    metric_metadata_response::Metadata(thanos::MetricMetadata), |one| [one]
);
sister_service!(
    /// Serves `thanos.Exemplars`.
    ExemplarsService, exemplars, ExemplarsApi::exemplars, exemplars_server::ExemplarsServer / Exemplars::exemplars,
    ExemplarsStream, ExemplarsRequest -> ExemplarsResponse, exemplars_response::Data(thanos::ExemplarData),
    |data: Vec<_>| data
);
sister_service!(
    /// Serves `thanos.Status`.
    StatusService, status, StatusApi::tsdb_statistics, status_server::StatusServer / Status::tsdb_statistics,
    TSDBStatisticsStream, TsdbStatisticsRequest -> TsdbStatisticsResponse,
    tsdb_statistics_response::Statistics(thanos::TsdbStatistics), |one| [one]
);
