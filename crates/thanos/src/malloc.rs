//! Settings of the C library's allocator.

/// Blocks from this size on are mapped by themselves and go back when they are freed. By itself glibc begins at 128 KiB, and the buffers
/// of a query would be mapped anew and filled with zeros by the kernel each time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM: i32 = 8 << 20;
/// Free memory at the end of a heap that is kept for what comes next, for each heap. What is free further inside, between buffers in
/// use, stays as well.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 16 << 20;

/// As many heaps as processors: by default glibc makes up to eight times as many, one for each thread that happens to meet another, and
/// each keeps what was once freed into it, while the blocking threads of the runtime come and go. And sizes for buffers of megabytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn configure() {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let heaps = i32::try_from(processors.max(2)).unwrap_or(i32::MAX);
    // SAFETY: sets numbers within the allocator; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, heaps);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn configure() {}
