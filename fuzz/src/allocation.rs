//! An allocator that fails the run when one allocation is larger than any honest input could ask for.

use std::alloc::{GlobalAlloc, Layout, System};

/// The largest single allocation in bytes that a target may make. Inputs are at most a few hundred KiB, and decoding makes
/// at most some hundred bytes of one: what is larger was dictated by a length field.
const LARGEST: usize = 256 << 20;

/// The system allocator, but for allocations of more than 256 MiB, which abort.
#[derive(Debug)]
pub struct LimitedAllocator;

fn check(size: usize) {
    if size > LARGEST {
        // Unwinding out of an allocator is not allowed; an abort is what libFuzzer reports as a crash.
        std::process::abort();
    }
}

// SAFETY: every call is passed on to the system allocator unchanged; the check in front of it neither allocates nor unwinds.
unsafe impl GlobalAlloc for LimitedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same for the system allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        check(new_size);
        // SAFETY: as in `dealloc`, and the caller keeps the contract for `new_size`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
