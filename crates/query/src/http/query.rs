//! Instant and range queries, and their explanations.

use std::sync::Arc;
use std::time::Duration;

use promql::engine::QueryParams;
use promql::stats::QueryStats;

use super::Call;
use super::analysis::{push_analysis, push_blocks};
use super::json::{ValuePieces, escape_html, push_float, push_list};
use super::object::Object;
use super::params::{engine, query_options};
use super::respond::{Answer, ApiError, ApiResult, Data};
use crate::api::{QueryApi, QueryOptions, evaluation_error, now_ms};
use crate::config::EngineName;
use crate::params::{parse_duration_ns, parse_time};
use crate::select::FanoutDetail;

/// Most steps of a range query.
const MAX_POINTS: i64 = 11_000;
/// Most warnings and most infos of PromQL in an answer.
const MAX_ANNOTATIONS: usize = 10;

pub(super) async fn instant(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let (params, options) = instant_params(&api, &call)?;
    run(api, call, params, options).await
}

pub(super) async fn range(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let (params, options) = range_params(&api, &call)?;
    api.requested_range.observe((params.end - params.start) as f64 / 1000.0);
    run(api, call, params, options).await
}

pub(super) async fn explain_instant(api: Arc<QueryApi>, call: Call) -> ApiResult {
    only_thanos(&api, &call)?;
    let (params, options) = instant_params(&api, &call)?;
    explain(&api, &call, params, &options)
}

pub(super) async fn explain_range(api: Arc<QueryApi>, call: Call) -> ApiResult {
    only_thanos(&api, &call)?;
    let (params, options) = range_params(&api, &call)?;
    explain(&api, &call, params, &options)
}

fn only_thanos(api: &QueryApi, call: &Call) -> Result<(), ApiError> {
    match engine(api, call)? {
        EngineName::Thanos => Ok(()),
        EngineName::Prometheus => Err(ApiError::bad_data("engine type must be 'thanos'")),
    }
}

fn instant_params(api: &QueryApi, call: &Call) -> Result<(QueryParams, QueryOptions), ApiError> {
    let t = call.form.time("time", now_ms())?;
    let options = query_options(api, call, api.config.instant_max_source_resolution)?;
    Ok((QueryParams::instant(t), options))
}

fn range_params(api: &QueryApi, call: &Call) -> Result<(QueryParams, QueryOptions), ApiError> {
    let start = parse_time(call.form.get("start"))?;
    let end = parse_time(call.form.get("end"))?;
    if end < start {
        return Err(ApiError::bad_data("end timestamp must not be before start time"));
    }
    let step_ns = match call.form.get("step") {
        // Whole seconds, as the web UI computes it.
        "" => {
            let by_range = (end - start) / 1000 / 250;
            by_range.max(api.config.default_step.as_secs() as i64).saturating_mul(1_000_000_000)
        }
        text => parse_duration_ns(text)
            .map_err(|error| ApiError::bad_data(format!("'step' parameter: {error}")))?,
    };
    if step_ns <= 0 {
        return Err(ApiError::bad_data(
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    let range_ns = i128::from(end - start) * 1_000_000;
    if range_ns / i128::from(step_ns) > i128::from(MAX_POINTS) {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let auto = Duration::from_nanos(step_ns as u64 / 5);
    let options = query_options(api, call, auto)?;
    // Steps below a millisecond cannot be told apart by the times of samples.
    Ok((QueryParams::range(start, end, (step_ns / 1_000_000).max(1)), options))
}

async fn run(
    api: Arc<QueryApi>,
    call: Call,
    mut params: QueryParams,
    mut options: QueryOptions,
) -> ApiResult {
    let tenant = options.tenant.clone().unwrap_or_default();
    let analyze = flag(&call, "analyze");
    let analyzable = options.engine == EngineName::Thanos;
    params.analyze = analyze && analyzable;
    let blocks = flag(&call, "blocks");
    options.fanout = match (blocks, params.analyze) {
        (true, _) => Some(FanoutDetail::Blocks),
        (false, true) => Some(FanoutDetail::Figures),
        (false, false) => None,
    };
    params.per_step_stats = call.form.get("stats") == "all";
    let expr = api.parse(call.form.get("query"), &tenant)?;
    let query = api.prepare(expr, params, &options)?;
    // Ours, and only when asked for.
    let reach = flag(&call, "endpoints").then(|| api.reach(&query, &options));
    let evaluated = api.evaluate(query, &options).await?;
    let (series, _, samples) = evaluated.stats.counts();
    if series > 0 && samples > 0 {
        api.telemetry.observe(series, samples, &tenant, evaluated.took);
    }
    let value = evaluated.result.value.map_err(|error| evaluation_error(&error))?;
    let annotations = &evaluated.result.annotations;
    let mut warnings = annotations.with_all_of_storage(call.form.get("query"), MAX_ANNOTATIONS);
    if analyze && !analyzable {
        warnings.push("Query not analyzable; change engine to 'thanos'.".to_owned());
    }
    let mut head = format!("{{\"resultType\":\"{}\",\"result\":", value.value_type());
    let mut tail = String::new();
    if !call.form.get("stats").is_empty() {
        tail.push_str(",\"stats\":");
        tail.push_str(&stats_json(&evaluated.result.stats));
    }
    if flag(&call, "resolutions") {
        tail.push_str(&format!(",\"resolutions\":{:?}", evaluated.stats.resolutions()));
    }
    if let Some(reach) = reach {
        let reach = serde_json::to_string(&reach.with_warnings(&warnings)).map_err(ApiError::internal)?;
        tail.push_str(&format!(",\"endpoints\":{}", escape_html(reach)));
    }
    if blocks {
        tail.push_str(",\"blocks\":");
        push_blocks(&mut tail, &evaluated.fanouts.by_store());
    }
    tail.push_str(",\"analysis\":");
    match &evaluated.result.stats.analysis {
        Some(analysis) => push_analysis(&mut tail, analysis, &evaluated.fanouts),
        None => tail.push_str("{}"),
    }
    tail.push('}');
    let mut pieces = ValuePieces::new(value);
    if let Some(first) = pieces.next() {
        head.push_str(&first);
    }
    let pieces = std::iter::once(head).chain(pieces).chain(std::iter::once(tail));
    Ok(Answer { data: Data::Pieces(Box::new(pieces)), warnings })
}

/// Whether a parameter of a query says yes.
fn flag(call: &Call, name: &str) -> bool {
    matches!(call.form.get(name), "true" | "1")
}

fn explain(api: &QueryApi, call: &Call, params: QueryParams, options: &QueryOptions) -> ApiResult {
    let expr = api.parse(call.form.get("query"), options.tenant.as_deref().unwrap_or_default())?;
    let query = api.prepare(expr, params, options)?;
    let query = api.split(&query, options).map_or(query, |split| split.query);
    let json = serde_json::to_string(&query.explain()).map_err(ApiError::internal)?;
    Ok(Answer::json(escape_html(json)))
}

/// The `stats` object; numbers as Go writes them.
fn stats_json(stats: &QueryStats) -> String {
    let timings = stats.timings;
    let total = timings.prepare + timings.inner_eval + timings.result_sort;
    let times = [
        ("evalTotalTime", total),
        ("resultSortTime", timings.result_sort),
        ("queryPreparationTime", timings.prepare),
        ("innerEvalTime", timings.inner_eval),
        // Waiting happens at the gate, before a query is executed.
        ("execQueueTime", Duration::ZERO),
        ("execTotalTime", total),
    ];
    let mut json = String::from("{\"timings\":{");
    for (index, (name, time)) in times.into_iter().enumerate() {
        json.push_str(if index > 0 { ",\"" } else { "\"" });
        json.push_str(name);
        json.push_str("\":");
        push_float(&mut json, time.as_secs_f64());
    }
    let samples = &stats.samples;
    json.push_str("},\"samples\":");
    let mut object = Object::new(&mut json);
    if let Some(per_step) = samples.total_per_step.as_ref().filter(|steps| !steps.is_empty()) {
        let steps =
            per_step.iter().enumerate().map(|(at, count)| (stats.start + at as i64 * stats.step, count));
        object.field("totalQueryableSamplesPerStep", |out| {
            push_list(out, steps, |out, (t, count)| {
                out.push('[');
                push_float(out, t as f64 / 1000.0);
                out.push_str(&format!(",{count}]"));
            });
        });
    }
    object.display("totalQueryableSamples", samples.total_queryable).display("peakSamples", samples.peak);
    object.end();
    json.push('}');
    json
}
