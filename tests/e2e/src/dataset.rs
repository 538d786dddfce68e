//! A small made-up world of measurements, the same every time: a harbour's cranes, gates and tide gauges.
//!
//! Times have a jitter of some milliseconds, so that no sample lies exactly on the edge of a window: Prometheus 3
//! reads windows as left-open, Prometheus 2 as closed, and the two have to agree here.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::programs::create_blocks;

/// Start of the data: 2024-03-01T00:00:00Z, in seconds.
pub const START: i64 = 1_709_251_200;
/// Length of the data in seconds: five hours, so that several two-hour blocks are needed.
pub const LENGTH: i64 = 5 * 3600;
/// Distance of the samples in seconds.
pub const INTERVAL: i64 = 15;

/// xorshift64*: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The value of a series at each tick (`None`: no sample).
type Next = Box<dyn FnMut(i64, &mut Random) -> Option<f64>>;

/// Name, type, and the series with their labels as OpenMetrics text.
type Family = (&'static str, &'static str, Vec<(String, Next)>);

/// A counter far from zero, even after a reset: how `rate` extrapolates near zero changed between Prometheus 2 and 3.
fn counter(step: u64, reset_every: i64) -> Next {
    let mut total = 100_000u64;
    Box::new(move |tick, random| {
        if reset_every > 0 && tick > 0 && tick % reset_every == 0 {
            total = 50_000;
        }
        total += random.below(step + 1);
        Some(total as f64)
    })
}

fn gauge(base: f64, swing: f64, holes: bool) -> Next {
    Box::new(move |tick, random| {
        let gone = holes && (tick / 40) % 5 == 3;
        let value = base + swing * (tick as f64 / 97.0).sin() + random.unit();
        (!gone).then_some((value * 1000.0).round() / 1000.0)
    })
}

/// Makes blocks of the data set in `dir/data`, and returns that folder.
pub fn blocks(dir: &Path) -> Result<PathBuf> {
    let (text, data) = (dir.join("data.om"), dir.join("data"));
    write_openmetrics(&text)?;
    create_blocks(&text, &data)?;
    Ok(data)
}

/// Writes the data as OpenMetrics text.
pub fn write_openmetrics(file: &Path) -> Result<()> {
    let mut families: Vec<Family> = Vec::new();

    let mut moves = Vec::new();
    for berth in ["north", "south", "west"] {
        for crane in 1..=4 {
            for result in ["ok", "failed"] {
                let step = if result == "ok" { 9 } else { 1 };
                let reset = if crane == 2 { 333 } else { 0 };
                let labels =
                    format!("{{berth=\"{berth}\",crane=\"c{crane}\",result=\"{result}\",job=\"crane\"}}");
                moves.push((labels, counter(step, reset)));
            }
        }
    }
    families.push(("crane_moves", "counter", moves));

    let mut power = Vec::new();
    for berth in ["north", "south", "west"] {
        for crane in 1..=4 {
            let labels = format!("{{berth=\"{berth}\",crane=\"c{crane}\",job=\"crane\"}}");
            power.push((labels, gauge(40.0 + f64::from(crane) * 7.5, 12.0, crane == 3)));
        }
    }
    families.push(("crane_power_kilowatts", "gauge", power));

    let tide = (0..3)
        .map(|pier| (format!("{{pier=\"{pier}\",job=\"tide\"}}"), gauge(2.0, 1.5 + f64::from(pier), false)))
        .collect();
    families.push(("tide_metres", "gauge", tide));

    let berths = vec![
        ("{berth=\"north\",job=\"office\",quay=\"old\"}".to_owned(), gauge(1.0, 0.0, false)),
        ("{berth=\"south\",job=\"office\",quay=\"old\"}".to_owned(), gauge(1.0, 0.0, false)),
        ("{berth=\"west\",job=\"office\",quay=\"new\"}".to_owned(), gauge(1.0, 0.0, false)),
    ];
    families.push(("berth_info", "gauge", berths));

    let mut waits = Vec::new();
    for gate in ["a", "b"] {
        let bounds = ["0.5", "1", "2.5", "5", "10", "+Inf"];
        for (i, le) in bounds.iter().enumerate() {
            // Each bucket counts at least what the one below it counts: the same seed for all, with a rising step.
            let mut totals = vec![0u64; i + 1];
            let next: Next = Box::new(move |tick, _| {
                for (b, total) in totals.iter_mut().enumerate() {
                    *total += (tick as u64 * 7 + b as u64 * 13) % (4 + b as u64);
                }
                Some(totals.iter().sum::<u64>() as f64)
            });
            waits.push((format!("{{gate=\"{gate}\",le=\"{le}\",job=\"gate\"}}"), next));
        }
    }
    families.push(("gate_wait_seconds_bucket", "untyped", waits));

    let mut text = String::new();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (name, kind, series) in families {
        let kind_text = if kind == "untyped" { "unknown" } else { kind };
        writeln!(text, "# TYPE {name} {kind_text}")?;
        let sample_name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        for (labels, mut next) in series {
            for tick in 0..LENGTH / INTERVAL {
                let Some(value) = next(tick, &mut random) else { continue };
                let time_ms = (START + tick * INTERVAL) * 1000 + 1 + random.below(700) as i64;
                writeln!(text, "{sample_name}{labels} {value} {}.{:03}", time_ms / 1000, time_ms % 1000)?;
            }
        }
    }
    text.push_str("# EOF\n");
    std::fs::write(file, text)?;
    Ok(())
}
