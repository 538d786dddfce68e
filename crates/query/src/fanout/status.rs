//! Statistics of TSDB heads of all endpoints.

use async_trait::async_trait;
use proto::thanos::{HeadStatistics, Statistic, TsdbStatistics, TsdbStatisticsEntry, TsdbStatisticsRequest};
use storeapi::{Error, StatusApi, WithWarnings};

use super::{Fanout, ask_all};

#[async_trait]
impl StatusApi for Fanout {
    async fn tsdb_statistics(
        &self,
        request: TsdbStatisticsRequest,
    ) -> Result<WithWarnings<TsdbStatistics>, Error> {
        let asked = self
            .serving(|info| info.status)
            .into_iter()
            .map(|endpoint| (endpoint, request.clone()))
            .collect();
        let what = "status";
        let answers =
            ask_all(asked, request.partial_response_strategy, what, |endpoint, request| async move {
                endpoint.remote.tsdb_statistics(request).await
            })
            .await?;
        let mut joined = TsdbStatistics::default();
        for (tenant, entry) in answers.value.into_iter().flat_map(|answer| answer.value.statistics) {
            add(joined.statistics.entry(tenant).or_default(), entry);
        }
        Ok(WithWarnings { value: joined, warnings: answers.warnings })
    }
}

/// Adds the statistics of one head to those of others.
pub(crate) fn add(sum: &mut TsdbStatisticsEntry, entry: TsdbStatisticsEntry) {
    let head = entry.head_statistics.unwrap_or_default();
    let total = sum.head_statistics.get_or_insert_with(HeadStatistics::default);
    total.num_series += head.num_series;
    total.num_label_pairs += head.num_label_pairs;
    total.chunk_count += head.chunk_count;
    if total.min_time <= 0 || total.min_time > head.min_time {
        total.min_time = head.min_time;
    }
    total.max_time = total.max_time.max(head.max_time);
    let plus = |a: u64, b: u64| a.saturating_add(b);
    join(&mut sum.series_count_by_metric_name, entry.series_count_by_metric_name, plus);
    // Replicas have the same values, so the larger number is nearer to the truth than the sum.
    join(&mut sum.label_value_count_by_label_name, entry.label_value_count_by_label_name, u64::max);
    join(&mut sum.memory_in_bytes_by_label_name, entry.memory_in_bytes_by_label_name, plus);
    join(&mut sum.series_count_by_label_value_pair, entry.series_count_by_label_value_pair, plus);
}

/// Joins two lists by name, largest value first.
fn join(sum: &mut Vec<Statistic>, more: Vec<Statistic>, combine: impl Fn(u64, u64) -> u64) {
    let mut by_name: std::collections::BTreeMap<String, u64> =
        std::mem::take(sum).into_iter().map(|s| (s.name, s.value)).collect();
    for Statistic { name, value } in more {
        by_name.entry(name).and_modify(|known| *known = combine(*known, value)).or_insert(value);
    }
    *sum = by_name.into_iter().map(|(name, value)| Statistic { name, value }).collect();
    // Stable, so that equal values stay in the order of their names.
    sum.sort_by_key(|statistic| std::cmp::Reverse(statistic.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_added_up() {
        let entry = |min_time, value| TsdbStatisticsEntry {
            head_statistics: Some(HeadStatistics {
                num_series: 2,
                min_time,
                max_time: 10,
                ..HeadStatistics::default()
            }),
            series_count_by_metric_name: vec![Statistic { name: "up".into(), value }],
            label_value_count_by_label_name: vec![Statistic { name: "job".into(), value }],
            ..TsdbStatisticsEntry::default()
        };
        let mut sum = TsdbStatisticsEntry::default();
        add(&mut sum, entry(5, 1));
        add(&mut sum, entry(3, 4));
        let head = sum.head_statistics.unwrap();
        assert_eq!((head.num_series, head.min_time, head.max_time), (4, 3, 10));
        assert_eq!(
            (sum.series_count_by_metric_name[0].value, sum.label_value_count_by_label_name[0].value),
            (5, 4)
        );
    }
}
