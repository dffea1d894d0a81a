//! CPU time and memory of this process, as the kernel counts them.

use std::fs;
use std::time::Duration;

/// CPU time of the calling thread so far (`/proc/thread-self/schedstat`, first field, nanoseconds).
pub fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanos = text.split_whitespace().next().and_then(|field| field.parse().ok()).expect("its first field is a number");
    Duration::from_nanos(nanos)
}

/// Resident memory in bytes (`/proc/self/statm`, second field, pages of 4 KiB).
pub fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux tells it");
    let pages: u64 = text.split_whitespace().nth(1).and_then(|field| field.parse().ok()).expect("its second field is a number");
    pages * 4_096
}
