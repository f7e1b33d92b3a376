//! The allocator of the daemon.

/// Events and rows are many small texts, made by one thread and dropped by another; glibc's allocator spends a quarter of an
/// append's time on them. It keeps freed memory in one arena per thread, too, which looks like a leak to whoever watches the
/// limit of a container.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
