//! Random queries over all of the language, and a list of corners: the querier answers as Prometheus does.
//!
//! By default that is the Prometheus on the PATH, which may be an old one: it is asked what it knows, and the last digits of
//! values may differ. `PROMETHEUS=/path` names another one; a Prometheus 3.14 has to be met to the bit, with errors and
//! annotations, on data with native histograms, start timestamps and staleness. `QUERIES` says how many, `SEED` where they
//! begin, `QUESTIONS` names a file with further queries, one a line, and `FEATURES` (comma-separated) is what both get as
//! `--enable-feature` in place of [`LANGUAGE`].

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use corpus::data::{BASE_MS, Data, LENGTH_MS};
use corpus::{Generator, HARBOUR, LOADED, Random, corners, data, write_block};
use e2e::exact::{self, Answer};
use e2e::process::Process;
use e2e::programs::{Prometheus, Thanos, create_blocks, filesystem_bucket};
use e2e::{compare, dataset, http};

use model::histogram::CounterResetHint;
use model::series::{SampleBuffer, SampleRef};

use crate::differential::questions;

fn number(variable: &str, otherwise: u64) -> Result<u64> {
    match std::env::var_os(variable) {
        None => Ok(otherwise),
        Some(text) => text
            .to_str()
            .and_then(|text| text.parse().ok())
            .with_context(|| format!("{variable} is no number: {text:?}")),
    }
}

fn ask(base: &str, kind: &str, params: &[(&str, String)]) -> Result<Answer> {
    let params: Vec<(&str, &str)> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = http::post_form(&format!("{base}/api/v1/{kind}"), &params)?;
    Ok(Answer { status: answer.status, json: answer.json()? })
}

/// Features of Prometheus that the querier has too and that do not change what other queries mean.
const LANGUAGE: &str =
    "promql-experimental-functions,promql-extended-range-selectors,promql-binop-fill-modifiers";

fn features() -> String {
    std::env::var("FEATURES").unwrap_or_else(|_| LANGUAGE.to_owned())
}

#[test]
fn random_queries_are_answered_as_the_prometheus_at_hand_answers() -> Result<()> {
    match std::env::var_os("PROMETHEUS") {
        Some(program) => to_the_bit(Path::new(&program)),
        None => as_far_as_it_knows(),
    }
}

/// The data of the harbour, and an old Prometheus.
fn as_far_as_it_knows() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let text = dir.join("data.om");
    dataset::write_openmetrics(&text)?;
    let data = dir.join("data");
    create_blocks(&text, &data)?;
    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("replica", "0")])?;
    let sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, None)?;
    let querier = Thanos::query(dir, "query", &[&sidecar.grpc], &[])?;

    let mut generator = Generator::of(HARBOUR, number("SEED", 1)?);
    let (mut compared, mut wrong) = (0, Vec::new());
    let wanted = number("QUERIES", 1000)?;
    while compared < wanted {
        let query = generator.query(false);
        if changed_since_2(&query) {
            continue;
        }
        for (kind, params) in questions(&query) {
            let want = ask(&prometheus.url, kind, &params)?;
            if want.json["errorType"] == "bad_data" {
                // Syntax or a function that it does not know yet.
                break;
            }
            compared += 1;
            let got = ask(&querier.url, kind, &params)?;
            if let Some(difference) = compare::difference(&want.json, &got.json, false) {
                wrong.push(format!("{kind} {query}\n    {difference}"));
            }
        }
    }
    report(compared, 0, &[], &wrong)
}

/// What Prometheus 2 answers otherwise than Prometheus 3, or picks among equals by the order of a hash map.
fn changed_since_2(query: &str) -> bool {
    const CHANGED: [&str; 12] = [
        // Names of labels may have any characters.
        "a.b",
        "a-b",
        "dotted.name",
        "quantile.x",
        // Takes classic buckets, too.
        "histogram_fraction",
        // Drops the name of the metric.
        "atan2",
        // Of infinities there is none.
        "stddev",
        "stdvar",
        // The oldest step of a subquery is left out; odd numbers of series are no error, and ties are broken otherwise.
        ":",
        "topk",
        "bottomk",
        "count_values",
    ];
    CHANGED.iter().any(|word| query.contains(word))
}

/// A world of one data set.
struct World {
    name: String,
    /// First and last time of interest, ms.
    times: (i64, i64),
    prometheus: String,
    querier: String,
    _processes: Vec<Process>,
}

impl World {
    /// The same block below Prometheus and in a bucket; the querier reads it through a store gateway or the sidecar.
    fn start(
        dir: &Path,
        program: &Path,
        name: &str,
        series: &Data,
        times: (i64, i64),
        by_sidecar: bool,
    ) -> Result<Self> {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir)?;
        let data = dir.join("data");
        write_block(&data, &[("replica", "0")], series)?;
        let features = features();
        let prometheus = Prometheus::start_program(
            &dir,
            program,
            &data,
            &[("replica", "0")],
            &[format!("--enable-feature={features},promql-duration-expr")],
        )?;
        let source = if by_sidecar {
            Thanos::sidecar(&dir, "sidecar", &prometheus, None)?
        } else {
            let (bucket, config) = filesystem_bucket(&dir)?;
            write_block(&bucket, &[("replica", "0")], series)?;
            Thanos::store(&dir, "store", &config)?
        };
        let querier =
            Thanos::query(&dir, "query", &[&source.grpc], &[&format!("--enable-feature={features}")])?;
        Ok(Self {
            name: name.to_owned(),
            times,
            prometheus: prometheus.url,
            querier: querier.url,
            _processes: vec![querier.process, source.process, prometheus.process],
        })
    }

    /// An instant or a range in which there is data, as parameters of the API.
    fn question(
        &self,
        random: &mut Random,
        query: &str,
        instant: bool,
    ) -> (&'static str, Vec<(&'static str, String)>) {
        let (from, to) = self.times;
        let length = (to - from) as usize;
        let time = |random: &mut Random| {
            let at = from + random.below(length) as i64;
            let at = match random.below(4) {
                0 => at,
                1 => at - at.rem_euclid(1000),
                _ => at - at.rem_euclid(15_000),
            };
            (at, format!("{}", at as f64 / 1000.0))
        };
        let (start, start_text) = time(random);
        let mut params = vec![("query", query.to_owned())];
        if random.chance(12) {
            params.push(("lookback_delta", random.pick(&["30s", "1m", "1s", "15", "10m"]).to_owned()));
        }
        if instant {
            params.push(("time", start_text));
            return ("query", params);
        }
        let step = random.pick(&["15s", "60", "7", "33.333", "5m", "30s", "90s", "1h", "1.5"]);
        let (end, end_text) = match random.below(10) {
            0 => (start, start_text.clone()),
            _ => time(random),
        };
        let (start, end) = if start > end { (end_text, start_text) } else { (start_text, end_text) };
        params.extend([("start", start), ("end", end), ("step", step.to_owned())]);
        ("query_range", params)
    }

    fn compare(&self, kind: &str, params: &[(&str, String)]) -> Result<Outcome> {
        let want = ask(&self.prometheus, kind, params)?;
        let got = ask(&self.querier, kind, params)?;
        let Some(difference) = exact::difference(&want, &got, true) else { return Ok(Outcome::Same) };
        let mut steady = true;
        for _ in 0..24 {
            let again = ask(&self.prometheus, kind, params)?;
            if exact::difference(&again, &got, true).is_none() {
                return Ok(Outcome::OneOfSeveral);
            }
            steady &= exact::difference(&again, &want, true).is_none();
        }
        if !steady && exact::difference(&want, &got, false).is_none() {
            return Ok(Outcome::OneOfSeveral);
        }
        let shown: Vec<String> = params.iter().skip(1).map(|(k, v)| format!("{k}={v}")).collect();
        let steadiness = if steady { "" } else { " (Prometheus gives several answers)" };
        Ok(Outcome::Differs {
            text: format!(
                "{} {kind} {}{steadiness}\n  {}\n    {difference}",
                self.name,
                shown.join(" "),
                params[0].1
            ),
            steady,
        })
    }
}

/// How an answer compares with that of Prometheus.
enum Outcome {
    Same,
    /// Like one of those that Prometheus gives to the same question: sums and choices in the order of a hash map.
    OneOfSeveral,
    /// `steady`: Prometheus always gives the same; else there are too many answers to meet one of them.
    Differs {
        text: String,
        steady: bool,
    },
}

/// Series that Prometheus can answer remote reads of: of gauge histograms with a staleness marker it cannot cut a chunk.
fn readable(data: Data) -> Data {
    let gauge = |samples: &SampleBuffer| {
        (0..samples.len()).any(|at| match samples.sample(at) {
            SampleRef::Histogram(h) => h.counter_reset_hint == CounterResetHint::Gauge,
            SampleRef::Float(_) => false,
        })
    };
    data.into_iter().filter(|(_, samples)| !gauge(samples)).collect()
}

/// Data of every kind, and a Prometheus of our version.
fn to_the_bit(program: &Path) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (dir, seed) = (dir.path(), number("SEED", 1)?);
    let margin = 60_000;
    let aligned = (-margin, LENGTH_MS + margin);
    let irregular = (BASE_MS - margin, BASE_MS + LENGTH_MS + margin);
    let worlds = [
        World::start(dir, program, "aligned", &data::aligned()?, aligned, false)?,
        World::start(dir, program, "irregular", &data::irregular(seed)?, irregular, false)?,
        World::start(dir, program, "wide", &data::wide(seed)?, irregular, false)?,
        World::start(dir, program, "sidecar", &readable(data::irregular(seed + 1)?), irregular, true)?,
    ];
    let (mut compared, mut several, mut unsteady, mut wrong) = (0, 0, Vec::new(), Vec::new());
    let mut random = Random(seed);
    let mut one = |world: &World, kind: &str, params: &[(&str, String)]| -> Result<()> {
        compared += 1;
        match world.compare(kind, params)? {
            Outcome::Same => {}
            Outcome::OneOfSeveral => several += 1,
            Outcome::Differs { text, steady: true } => wrong.push(text),
            Outcome::Differs { text, steady: false } => unsteady.push(text),
        }
        Ok(())
    };
    let mut listed = match std::env::var_os("WITHOUT_CORNERS") {
        None => corners(),
        Some(_) => Vec::new(),
    };
    if let Some(file) = std::env::var_os("QUESTIONS") {
        listed.extend(questions_of(Path::new(&file))?);
    }
    if !listed.is_empty() {
        for query in listed {
            let instant = vec![("query", query.clone()), ("time", "900".to_owned())];
            one(&worlds[0], "query", &instant)?;
            let range = vec![
                ("query", query),
                ("start", "1000".to_owned()),
                ("end", "1360".to_owned()),
                ("step", "45".to_owned()),
            ];
            one(&worlds[0], "query_range", &range)?;
        }
    }
    let mut generator = Generator::of(LOADED, seed);
    for at in 0..number("QUERIES", 2000)? as usize {
        let instant = at % 3 == 0;
        let query = generator.query_or_mistake(instant || at % 50 == 1);
        let world = &worlds[at / 3 % worlds.len()];
        let (kind, params) = world.question(&mut random, &query, instant);
        one(world, kind, &params)?;
    }
    report(compared, several, &unsteady, &wrong)
}

/// Queries of a file in the notation of the corners.
fn questions_of(file: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Ok(corpus::queries_of(&text))
}

#[allow(clippy::print_stdout, reason = "how many were compared is the outcome of a long run")]
/// Fails where something differs; all of it goes into the file that `DIFFERENCES` names.
fn report(compared: u64, several: u64, unsteady: &[String], wrong: &[String]) -> Result<()> {
    let summary = format!(
        "{} of {compared} answers differ; of several that Prometheus gives to the same question {several} were like one and {} like none",
        wrong.len(),
        unsteady.len()
    );
    println!("{summary}");
    if let Some(file) = std::env::var_os("DIFFERENCES") {
        let file = PathBuf::from(file);
        let mut out = std::fs::File::create(&file).with_context(|| format!("create {}", file.display()))?;
        writeln!(out, "{summary}\n{}\n{}", wrong.join("\n"), unsteady.join("\n"))?;
    }
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    ensure!(wrong.is_empty(), "{summary} (Prometheus / querier):\n{}", shown.join("\n"));
    Ok(())
}
