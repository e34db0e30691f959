//! What this process has used so far, as the kernel counts it.

use std::fs;
use std::time::Instant;

/// A moment, by the clock and by the processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    wall: Instant,
    cpu_s: f64,
}

/// Time between two moments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

impl Moment {
    /// This one. The kernel books a thread's time when it leaves the processor, so this one leaves it for a moment.
    pub(crate) fn now() -> Self {
        std::thread::yield_now();
        Self { wall: Instant::now(), cpu_s: cpu_s() }
    }

    /// Adds what was spent since then to `spent`.
    pub(crate) fn spend(self, spent: &mut Spent) {
        let now = Self::now();
        spent.wall_s += now.wall.duration_since(self.wall).as_secs_f64();
        spent.cpu_s += now.cpu_s - self.cpu_s;
    }
}

/// CPU seconds of all threads.
fn cpu_s() -> f64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0.0 };
    let of_thread = |thread: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.filter_map(of_thread).sum::<f64>() / 1e9
}

/// Peak resident memory since [`forget_peak`], in MiB.
pub(crate) fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Starts a new peak. Where the kernel does not allow it, the peak is that of all sizes so far, of which the last
/// is the largest.
pub(crate) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
