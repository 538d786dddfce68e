//! A simulation: producers, compactors that fail and are killed, and weeks that pass in seconds.
//!
//! Blocks are metas; everything else is real: sync, planner, marks, jobs, retention, cleaner. After each pass nothing may be lost, and in
//! the end, with all faults gone, everything has to be in order. `SIMULATION_SEEDS=5000` runs more seeds than the few of the default,
//! `SIMULATION_SEED=n` one; a seed that failed once goes into [`KEPT`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compact::coverage::Retention;
use objstore::{Bucket, Fault, FaultyBucket, MemoryBucket};
use ulid::Ulid;

use crate::blocks::{H, scratch, served, unmarked, whole};
use crate::fake::{FakeWork, put};
use crate::lab::{Lab, TestClock};
use crate::timed::TimedBucket;

/// Seeds that failed once. 1580: a raw block that is marked, since its 5-minute copy is there, was merged with its neighbour.
const KEPT: [u64; 1] = [1580];

/// Seeds that `make test` runs.
const DEFAULT_SEEDS: u64 = 16;

const DAY: i64 = 24 * H;

/// xorshift64*: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A stream of 2-hour blocks.
struct Producer {
    cluster: String,
    next: i64,
    /// Blocks whose upload was held up.
    late: Vec<(Ulid, i64)>,
}

struct World {
    seed: u64,
    random: Random,
    clock: TestClock,
    memory: Arc<MemoryBucket>,
    bucket: Arc<dyn Bucket>,
    faulty: Arc<FaultyBucket>,
    producers: Vec<Producer>,
    /// The end in ms of each block that was uploaded whole.
    uploaded: BTreeMap<Ulid, i64>,
    lab: Lab,
    /// Ids are told apart by a counter, since time stands still between the events.
    ids: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let start = 1_209_600_000 * 1000;
        let clock = TestClock::at(start);
        let memory = Arc::new(MemoryBucket::new());
        let bucket = TimedBucket::new(memory.clone(), clock.clone());
        let faulty = Arc::new(FaultyBucket::new(bucket.clone(), seed));
        let vertical = random.one_in(2);
        let keep = |random: &mut Random, days: [i64; 3]| days[random.below(3) as usize] * DAY;
        let retention = Retention {
            keep_ms: [
                keep(&mut random, [0, 3, 12]),
                keep(&mut random, [0, 15, 30]),
                keep(&mut random, [0, 40, 80]),
            ],
        };
        let lab = Lab {
            work: Arc::new(FakeWork::at(clock.clone())),
            clock: Some(clock.clone()),
            retention,
            vertical,
            downsampling: !random.one_in(4),
            delete_delay_ms: [0, 4 * H, 48 * H][random.below(3) as usize],
            consistency_delay_ms: [0, H / 2][random.below(2) as usize],
            max_level: 2 + random.below(3) as usize,
            ..Lab::default()
        };
        let producers = (0..1 + random.below(2))
            .map(|n| Producer {
                cluster: format!("c{n}"),
                next: start - random.below(5) as i64 * 2 * H,
                late: vec![],
            })
            .collect();
        Self {
            seed,
            random,
            clock,
            memory,
            bucket,
            faulty,
            producers,
            uploaded: BTreeMap::new(),
            lab,
            ids: 0,
        }
    }

    fn new_id(&mut self) -> Ulid {
        self.ids += 1;
        Ulid::from_parts(self.clock.now_ms() as u64, u128::from(self.ids))
    }

    /// Uploads what was measured since the last time; some of it breaks off or comes late.
    async fn produce(&mut self) {
        let now = self.clock.now_ms();
        for at in 0..self.producers.len() {
            while self.producers[at].next + 2 * H <= now {
                let (id, mint) = (self.new_id(), self.producers[at].next);
                self.producers[at].next += 2 * H;
                match self.random.below(30) {
                    // A block that comes into a range that may be compacted by then needs vertical compaction.
                    0 if self.lab.vertical => self.producers[at].late.push((id, mint)),
                    1 => {
                        let bytes = "half of a chunk".into();
                        self.bucket.upload(&format!("{id}/chunks/000001"), bytes).await.expect("memory");
                        // The uploader starts again with another name, or never.
                        let again = self.new_id();
                        self.upload(at, again, mint).await;
                    }
                    2 => {} // Nothing was measured.
                    _ => self.upload(at, id, mint).await,
                }
            }
            if !self.producers[at].late.is_empty() && self.random.one_in(4) {
                let (id, mint) = self.producers[at].late.remove(0);
                self.upload(at, id, mint).await;
            }
        }
    }

    async fn upload(&mut self, producer: usize, id: Ulid, mint: i64) {
        put(self.bucket.as_ref(), id, mint, mint + 2 * H, &self.producers[producer].cluster).await;
        self.uploaded.insert(id, mint + 2 * H);
    }

    /// One pass with the faults that the dice give, of one compactor or of two at once.
    async fn compact(&mut self) {
        self.faulty.heal();
        match self.random.below(4) {
            0 => {}
            1 => self.faulty.cut_after(self.random.below(600)),
            _ => {
                let chance = [0.0005, 0.003, 0.02][self.random.below(3) as usize];
                for fault in [Fault::Before, Fault::After, Fault::Midway] {
                    self.faulty.inject_all(fault, chance);
                }
            }
        }
        let (a, b) = (scratch(), scratch());
        let first = self.lab.pass(self.faulty.clone(), a.path());
        if self.random.one_in(5) {
            let _ = futures::join!(first, self.lab.pass(self.faulty.clone(), b.path()));
        } else {
            let _ = first.await;
        }
        self.faulty.heal();
    }

    /// How often each level-1 block stands behind the given blocks.
    fn sources<'a>(
        metas: impl IntoIterator<Item = &'a Arc<tsdb::meta::BlockMeta>>,
        resolution: i64,
    ) -> BTreeMap<Ulid, u64> {
        let mut sources = BTreeMap::new();
        for meta in metas.into_iter().filter(|m| m.thanos.downsample.resolution == resolution) {
            for source in &meta.compaction.sources {
                *sources.entry(*source).or_default() += 1;
            }
        }
        sources
    }

    /// Every block that was uploaded has its data in an unmarked block, of the resolution that its age asks for or a finer one; and what
    /// is visible is whole.
    async fn check_nothing_lost(&self, when: &str) {
        let now = self.clock.now_ms();
        let left = unmarked(self.memory.as_ref()).await;
        let by_level: Vec<_> =
            [0, 300_000, 3_600_000].into_iter().map(|r| Self::sources(left.values(), r)).collect();
        for (id, end) in &self.uploaded {
            let past = |level: usize| {
                let keep = self.lab.retention.keep_ms[level];
                keep > 0 && now > end + keep
            };
            // Without downsampling each resolution has its own end, and raw data have no coarser copy.
            let wanted = match self.lab.downsampling {
                true => (0..3).any(|level| !past(level)),
                false => !past(0),
            };
            let kept = (0..3).any(|level| by_level[level].contains_key(id));
            assert!(kept || !wanted, "seed {}, {when}: data of {id} are lost", self.seed);
            let raw = by_level[0].contains_key(id);
            assert!(raw || past(0), "seed {}, {when}: raw data of {id} are lost early", self.seed);
        }
        for meta in whole(self.memory.as_ref()).await.values() {
            for file in meta.thanos.files.iter().filter(|f| f.rel_path != "meta.json") {
                let object = format!("{}/{}", meta.ulid, file.rel_path);
                let there = self.memory.exists(&object).await.expect("memory");
                assert!(there, "seed {}, {when}: {object} is missing", self.seed);
            }
        }
    }

    async fn check_in_order(&self) {
        let seed = self.seed;
        let served = served(self.memory.as_ref()).await;
        for (id, times) in Self::sources(served.values(), 0) {
            assert_eq!(times, 1, "seed {seed}: data of {id} are served {times} times");
        }
        let left = unmarked(self.memory.as_ref()).await;
        for resolution in [0, 300_000, 3_600_000] {
            for (id, times) in Self::sources(left.values(), resolution) {
                assert_eq!(times, 1, "seed {seed}: {id} is in {times} blocks at {resolution}");
            }
        }
        let folders: BTreeSet<Ulid> = self
            .memory
            .objects()
            .into_keys()
            .filter_map(|name| name.split('/').next()?.parse().ok())
            .collect();
        for id in folders {
            assert!(left.contains_key(&id), "seed {seed}: {id} is neither whole and unmarked nor deleted");
        }
    }

    async fn run(mut self) {
        for step in 0..14 {
            let hours = [1, 2, 3, 6, 14, 40][self.random.below(6) as usize];
            self.clock.set(self.clock.now_ms() + hours * H);
            self.produce().await;
            self.compact().await;
            self.check_nothing_lost(&format!("step {step}")).await;
        }
        // All is well again: passes succeed, and with the days the marked and the partial blocks go.
        for day in 0..3 {
            let dir = scratch();
            let done = self.lab.pass(self.bucket.clone(), dir.path()).await;
            assert!(done.is_ok(), "seed {}, day {day} without faults: {done:?}", self.seed);
            self.check_nothing_lost(&format!("day {day} without faults")).await;
            // New data would only make new marks.
            self.clock.set(self.clock.now_ms() + 49 * H);
        }
        // Retention goes on to mark as the time passes; with the delay over, a last pass deletes what the one before marked.
        for hours in [0, 49, 49] {
            self.clock.set(self.clock.now_ms() + hours * H);
            let dir = scratch();
            let lab = Lab { retention: Retention::default(), ..self.lab.clone() };
            lab.pass(self.bucket.clone(), dir.path()).await.expect("a clean pass");
        }
        self.check_in_order().await;
    }
}

fn run_seed(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(World::new(seed).run());
}

#[test]
fn weeks_of_faults_lose_nothing_and_end_in_order() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("SIMULATION_SEED") {
        return run_seed(seed);
    }
    let seeds = number("SIMULATION_SEEDS").unwrap_or(DEFAULT_SEEDS);
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    match KEPT.get(n as usize) {
                        Some(kept) => run_seed(*kept),
                        None if n < seeds => run_seed(n),
                        None => break,
                    }
                }
            });
        }
    });
}
