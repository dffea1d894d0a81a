//! CPU time and memory, as the kernel counts them.

use std::fs;
use std::time::Duration;

/// CPU time of the calling thread so far (`/proc/thread-self/schedstat`, first field, nanoseconds).
pub fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanos = text.split_whitespace().next().and_then(|field| field.parse().ok()).expect("its first field is a number");
    Duration::from_nanos(nanos)
}

/// CPU time of another process so far, all its threads, user and system (`/proc/PID/stat`, in ticks of 10 ms).
pub fn time_of(process: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let fields = text.rsplit(')').next().expect("a name before").split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory in bytes of this process.
pub fn resident_bytes() -> u64 {
    resident_bytes_of(std::process::id())
}

/// Of another one (`/proc/PID/statm`, second field, pages of 4 KiB).
pub fn resident_bytes_of(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/statm")).expect("it lives");
    let pages: u64 = text.split_whitespace().nth(1).and_then(|field| field.parse().ok()).expect("its second field is a number");
    pages * 4_096
}
