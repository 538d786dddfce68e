//! libFuzzer over the target that `FUZZ_TARGET` names.

// libFuzzer brings `main`.
#![no_main]

use std::sync::OnceLock;

use fuzz::targets::{self, Target};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: fuzz::LimitedAllocator = fuzz::LimitedAllocator;

fn target() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        targets::by_name(&name).unwrap_or_else(|| {
            let names: Vec<_> = targets::all().map(|t| t.name).collect();
            panic!("FUZZ_TARGET is {name:?}; the targets are {}", names.join(" "))
        })
    })
}

fuzz_target!(|data: &[u8]| (target().run)(data));
