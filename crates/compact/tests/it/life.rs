//! A month of three producers, from 2-hour blocks to the last retention: an HA pair that is merged for good, and a stream with native
//! histograms. Time passes a day at a pass; at stages on the way all that is left is read and compared with what was measured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use bucket::fetcher::Metas;
use compact::coverage::Retention;
use compact::work::Merge;
use objstore::{Bucket, MemoryBucket};
use tsdb::chunk::AggregateKind;
use ulid::Ulid;

use crate::blocks::{
    Contents, H, TestSeries, aggregates, contents, present_ms, put_block, scratch, uncovered, unmarked,
};
use crate::lab::{Lab, TestClock};
use crate::timed::TimedBucket;

const DAY: i64 = 24 * H;
/// Distance of the samples.
const STEP: i64 = 300_000;
/// Days of data.
const DAYS: i64 = 30;

const RAW_DAYS: i64 = 12;
const FIVE_MINUTES_DAYS: i64 = 40;

/// The replicas of the pair measure at other moments. The penalty algorithm takes samples up to 5 s apart for the same at the beginning
/// of a block.
fn offset(replica: &str) -> i64 {
    if replica == "a" { 1_000 } else { 2_013 }
}

/// Is the replica down at this hour? For some hours each day, by turns and sometimes together.
fn is_down(replica: &str, hour: i64) -> bool {
    match replica {
        "a" => (5..9).contains(&(hour % 31)),
        _ => (7..8).contains(&(hour % 31)) || (20..22).contains(&(hour % 43)),
    }
}

/// The first border of 14 days that is yet to come: results are named by the system's time, which has to be past for the simulated one.
fn start() -> i64 {
    static START: OnceLock<i64> = OnceLock::new();
    *START.get_or_init(|| (present_ms() / (14 * DAY) + 1) * 14 * DAY)
}

fn tick_of(t: i64) -> i64 {
    (t - start()).div_euclid(STEP)
}

/// The ticks of the 2-hour block with this number.
fn ticks(block: i64) -> impl Iterator<Item = i64> + Clone {
    let per_block = 2 * H / STEP;
    block * per_block..(block + 1) * per_block
}

/// A replica of the pair: the value is the tick, so that a sample tells where it comes from.
fn replica_series(replica: &str, block: i64) -> Vec<TestSeries> {
    let up = ticks(block).filter(|tick| !is_down(replica, tick * STEP / H));
    vec![TestSeries::floats("tick", up.map(|tick| (start() + tick * STEP + offset(replica), tick as f64)))]
}

/// The third producer: a gauge, a counter and a native histogram.
fn emden_series(block: i64) -> Vec<TestSeries> {
    let time = |tick: i64| start() + tick * STEP + 7_000;
    vec![
        TestSeries::floats("tide", ticks(block).map(|tick| (time(tick), (tick * 7 % 101) as f64))),
        TestSeries::floats("moves", ticks(block).map(|tick| (time(tick), (tick * 3) as f64))),
        TestSeries::histograms("wait", ticks(block).map(|tick| (time(tick), tick as u64 * 5 + 9))),
    ]
}

/// Count, sum, least and greatest of an hour.
type Hour = (f64, f64, f64, f64);

fn add_sample(hours: &mut BTreeMap<i64, Hour>, t: i64, value: f64) {
    let hour = hours.entry(t.div_euclid(H)).or_insert((0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY));
    *hour = (hour.0 + 1.0, hour.1 + value, hour.2.min(value), hour.3.max(value));
}

struct Life {
    bucket: Arc<MemoryBucket>,
    timed: Arc<dyn Bucket>,
    clock: TestClock,
    lab: Lab,
    ids: u64,
}

impl Life {
    fn new() -> Self {
        let (bucket, clock) = (Arc::new(MemoryBucket::new()), TestClock::at(start()));
        let lab = Lab {
            clock: Some(clock.clone()),
            merge: Merge::Penalty,
            vertical: true,
            replica_labels: vec!["replica".to_owned()],
            downsampling: true,
            retention: Retention { keep_ms: [RAW_DAYS * DAY, FIVE_MINUTES_DAYS * DAY, 80 * DAY] },
            ..Lab::default()
        };
        let timed = TimedBucket::new(bucket.clone(), clock.clone());
        Self { bucket, timed, clock, lab, ids: 0 }
    }

    async fn put(&mut self, block: i64, labels: &[(&str, &str)], series: &[TestSeries]) {
        if series.iter().all(|s| s.samples.is_empty()) {
            return;
        }
        self.ids += 1;
        let id = Ulid::from_parts(self.clock.now_ms() as u64, u128::from(self.ids));
        let range = start() + block * 2 * H..start() + (block + 1) * 2 * H;
        put_block(self.timed.as_ref(), id, range, labels, series).await;
    }

    /// Uploads a day's blocks and runs a pass in the evening.
    async fn day(&mut self, day: i64) {
        self.clock.set(start() + (day + 1) * DAY);
        if day < DAYS {
            for block in day * 12..(day + 1) * 12 {
                for replica in ["a", "b"] {
                    let labels = [("harbour", "brake"), ("replica", replica)];
                    self.put(block, &labels, &replica_series(replica, block)).await;
                }
                self.put(block, &[("harbour", "emden")], &emden_series(block)).await;
            }
        }
        let dir = scratch();
        let done = self.lab.pass(self.timed.clone(), dir.path()).await;
        assert!(done.is_ok(), "day {day}: {done:?}");
    }

    /// Reads all that is left and compares it with what was measured.
    async fn check(&self, day: i64) {
        let blocks = uncovered(unmarked(self.bucket.as_ref()).await).await;
        let end = start() + (day.min(DAYS - 1) + 1) * DAY;
        let mut covered: BTreeSet<i64> = BTreeSet::new();
        for (level, resolution) in [0, 300_000, 3_600_000].into_iter().enumerate() {
            let what = format!("day {day} at {resolution}");
            let mut of_it: Metas = blocks.clone();
            of_it.retain(|_, m| m.thanos.downsample.resolution == resolution);
            let mut hours = BTreeSet::new();
            for harbour in ["brake", "emden"] {
                let mut of_harbour = of_it.clone();
                of_harbour.retain(|_, m| m.thanos.labels["harbour"] == harbour);
                let found = match (harbour, level) {
                    ("brake", 0) => self.check_pair(&of_harbour, &what).await,
                    ("brake", _) => self.check_coarse_pair(&of_harbour, &what).await,
                    (_, 0) => self.check_raw(&of_harbour, &what).await,
                    _ => self.check_coarse(&of_harbour, &what).await,
                };
                if harbour == "emden" {
                    hours = found;
                } else if level == 0 {
                    // Where both were down there is nothing.
                    assert!(found.iter().all(|hour| hours.is_empty() || *hour >= start() / H));
                }
            }
            // A level has all that its retention asks for and no other level need have.
            let keep = [RAW_DAYS, FIVE_MINUTES_DAYS, 80][level] * DAY;
            let young = |hour: &i64| (hour + 1) * H + keep >= self.clock.now_ms();
            if level == 0 {
                let wanted: Vec<i64> = (start() / H..end / H).filter(young).collect();
                let lost: Vec<_> = wanted.iter().filter(|hour| !hours.contains(hour)).collect();
                assert!(lost.is_empty(), "{what}: raw hours {lost:?} are lost");
            }
            covered.extend(hours);
        }
        let keep = 80 * DAY;
        let wanted = (start() / H..end / H).filter(|hour| (hour + 1) * H + keep >= self.clock.now_ms());
        let lost: Vec<i64> = wanted.filter(|hour| !covered.contains(hour)).collect();
        assert!(lost.is_empty(), "day {day}: hours {lost:?} are lost at all resolutions");
    }

    /// Raw data of the single producer: every sample as it was. Returns the hours there are.
    async fn check_raw(&self, blocks: &Metas, what: &str) -> BTreeSet<i64> {
        let found = contents(self.bucket.as_ref(), blocks.values(), what).await;
        let mut hours = BTreeSet::new();
        for (series, samples) in &found {
            let all: BTreeMap<i64, _> = (0..DAYS * 12)
                .flat_map(|block| crate::blocks::expected(&[("harbour", "emden")], &emden_series(block)))
                .filter(|(key, _)| key == series)
                .flat_map(|(_, samples)| samples)
                .collect();
            let (first, last) = (samples.keys().next(), samples.keys().next_back());
            let (Some(first), Some(last)) = (first, last) else { continue };
            for (t, print) in all.range(first..=last) {
                // Blocks go whole, so that what is left may have holes only at hours that are past.
                let old = t + RAW_DAYS * DAY < self.clock.now_ms();
                assert!(old || samples.get(t) == Some(print), "{what}: {series} at {t}");
            }
            for (t, print) in samples {
                assert_eq!(all.get(t), Some(print), "{what}: {series} at {t}");
                hours.insert(t.div_euclid(H));
            }
        }
        hours
    }

    /// The merged pair: each sample is one of a replica, none comes twice, and there is one wherever a replica was up for long.
    async fn check_pair(&self, blocks: &Metas, what: &str) -> BTreeSet<i64> {
        let found = merged(contents(self.bucket.as_ref(), blocks.values(), what).await);
        let Some(samples) = found.get("tick") else { return BTreeSet::new() };
        let mut last: Option<(i64, i64)> = None;
        for (t, (bits, _)) in samples {
            let tick = f64::from_bits(*bits) as i64;
            assert_eq!(tick_of(*t), tick, "{what}: sample at {t}");
            let at = t - start() - tick * STEP;
            assert!(at == offset("a") || at == offset("b"), "{what}: no replica measured at {t}");
            if let Some((last_t, last_tick)) = last {
                assert!(tick > last_tick, "{what}: tick {tick} comes twice, at {last_t} and {t}");
                let missing = (last_tick + 1..tick)
                    .filter(|tick| ["a", "b"].iter().any(|r| !is_down(r, tick * STEP / H)))
                    .count();
                // Penalty deduplication waits up to two intervals before it goes to the other replica.
                let old = last_t + RAW_DAYS * DAY < self.clock.now_ms();
                assert!(old || missing <= 3, "{what}: {missing} ticks are lost between {last_t} and {t}");
            }
            last = Some((*t, tick));
        }
        samples.keys().map(|t| t.div_euclid(H)).collect()
    }

    /// The aggregates of the merged pair: their mean is that of the ticks, and no hour has more samples than were measured by one.
    async fn check_coarse_pair(&self, blocks: &Metas, what: &str) -> BTreeSet<i64> {
        let read = |kind| aggregates(self.bucket.as_ref(), blocks.values(), kind, what);
        let (counts, sums) =
            (merged(read(AggregateKind::Count).await), merged(read(AggregateKind::Sum).await));
        let mut hours = BTreeSet::new();
        for (series, counts) in &counts {
            let mut by_hour: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
            for (t, (count, _)) in counts {
                let hour = by_hour.entry(t.div_euclid(H)).or_default();
                hour.0 += f64::from_bits(*count);
                hour.1 += f64::from_bits(sums[series][t].0);
            }
            for (hour, (count, sum)) in by_hour {
                assert!(count <= (H / STEP + 1) as f64, "{what}: {count} samples in hour {hour}");
                let middle = (hour * H - start()) as f64 / STEP as f64 + 5.5;
                assert!((sum / count - middle).abs() < 6.5, "{what}: mean of hour {hour} is {}", sum / count);
                hours.insert(hour);
            }
        }
        hours
    }

    /// The aggregates of the single producer: hour by hour those of the samples.
    async fn check_coarse(&self, blocks: &Metas, what: &str) -> BTreeSet<i64> {
        let read = |kind| aggregates(self.bucket.as_ref(), blocks.values(), kind, what);
        let (counts, sums) = (read(AggregateKind::Count).await, read(AggregateKind::Sum).await);
        let (least, greatest) = (read(AggregateKind::Min).await, read(AggregateKind::Max).await);
        let counters = read(AggregateKind::Counter).await;
        let mut hours = BTreeSet::new();
        for name in ["tide", "moves", "wait"] {
            let mut wanted: BTreeMap<i64, Hour> = BTreeMap::new();
            for tick in 0..DAYS * DAY / STEP {
                let value = match name {
                    "tide" => (tick * 7 % 101) as f64,
                    "moves" => (tick * 3) as f64,
                    _ => (tick * 5 + 9) as f64,
                };
                add_sample(&mut wanted, start() + tick * STEP + 7_000, value);
            }
            let of_name = |all: &Contents| -> BTreeMap<i64, (f64, f64)> {
                let series =
                    all.iter().find(|(key, _)| key.contains(&format!("\"{name}\"")) || key.contains(name));
                let samples = series.into_iter().flat_map(|(_, samples)| samples);
                samples.map(|(t, (a, b))| (*t, (f64::from_bits(*a), f64::from_bits(*b)))).collect()
            };
            let (count, sum) = (of_name(&counts), of_name(&sums));
            let (min, max) = (of_name(&least), of_name(&greatest));
            let mut found: BTreeMap<i64, Hour> = BTreeMap::new();
            for (t, (samples, _)) in &count {
                let hour =
                    found.entry(t.div_euclid(H)).or_insert((0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY));
                hour.0 += samples;
                hour.1 += sum[t].0;
                if name != "wait" {
                    hour.2 = hour.2.min(min[t].0);
                    hour.3 = hour.3.max(max[t].0);
                }
            }
            for (hour, found) in &found {
                let wanted = wanted[hour];
                assert_eq!((found.0, found.1), (wanted.0, wanted.1), "{what}: {name} in hour {hour}");
                if name != "wait" {
                    assert_eq!((found.2, found.3), (wanted.2, wanted.3), "{what}: {name} in hour {hour}");
                }
                hours.insert(*hour);
            }
            if name == "moves" {
                for (t, (value, _)) in of_name(&counters) {
                    let last_tick = (t - start() - 7_000).div_euclid(STEP);
                    let (now, before) = ((last_tick * 3) as f64, ((last_tick - 12) * 3) as f64);
                    assert!(value <= now && value >= before, "{what}: counter is {value} at {t}, not {now}");
                }
            }
        }
        hours
    }
}

/// The pair's series with the replica taken away.
fn merged(found: Contents) -> Contents {
    let mut merged = Contents::new();
    for (_, samples) in found {
        merged.entry("tick".to_owned()).or_default().extend(samples);
    }
    merged
}

#[tokio::test]
async fn a_month_of_three_producers_from_upload_to_retention() {
    let mut life = Life::new();
    let stages = [0, 2, 7, 15, 22, 29, 31, 44, 60, 72];
    for day in 0..=115 {
        // Once everything is uploaded only some days are worth a pass.
        if day > DAYS + 2 && day % 4 != 0 && !stages.contains(&day) {
            continue;
        }
        life.day(day).await;
        if stages.contains(&day) {
            life.check(day).await;
        }
    }
    let resolutions: BTreeSet<i64> =
        unmarked(life.bucket.as_ref()).await.values().map(|m| m.thanos.downsample.resolution).collect();
    assert!(resolutions.is_empty(), "all is past its retention: {resolutions:?}");
    assert!(life.bucket.objects().len() < 200, "and nearly all is deleted");
}
