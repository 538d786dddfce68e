//! Every target over mutations of its seeds: short here, long with `make fuzz`.
//!
//! `FUZZ_ITERS` sets the rounds per target, `FUZZ_SEED` the random state; a failing input is printed before it runs again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fuzz::mutate::{Random, mutate};
use fuzz::targets;

#[global_allocator]
static ALLOCATOR: fuzz::LimitedAllocator = fuzz::LimitedAllocator;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[test]
fn targets_survive_mutated_seeds() {
    let rounds = number("FUZZ_ITERS", 3_000);
    let mut failed = Vec::new();
    for target in targets::all() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for seed in &seeds {
            (target.run)(seed);
        }
        let mut random = Random::new(number("FUZZ_SEED", 1));
        for round in 0..rounds {
            let mut data = seeds[random.below(seeds.len())].clone();
            mutate(&mut data, &mut random);
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&data))).is_err() {
                let shown = &data[..data.len().min(4096)];
                failed.push(format!("{} in round {round}: {} bytes {shown:02x?}", target.name, data.len()));
                break;
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
