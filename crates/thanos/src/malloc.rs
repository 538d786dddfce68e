//! Settings of the C library's allocator.

/// As many heaps as processors. By default glibc makes up to eight times as many, one for each thread that happens to meet another: each
/// keeps what was once freed into it, and the blocking threads of the runtime come and go.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn limit_heaps() {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let heaps = i32::try_from(processors.max(2)).unwrap_or(i32::MAX);
    // SAFETY: sets a number within the allocator; no other thread runs yet.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
}

/// Other allocators have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn limit_heaps() {}
