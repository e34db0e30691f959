//! What the process costs, as Linux tells it. Elsewhere these metrics stay without a value.

use super::{
    catalog,
    instruments::{FloatCounters, FloatGauge, FloatGauges, Gauges, Instrument},
};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use std::{fs, sync::atomic::AtomicU64};

/// Ticks of `/proc/self/stat` in a second: the same on every Linux, whatever the kernel's own clock is.
const TICKS: f64 = 100.0;

/// The metrics of the process.
#[derive(Debug)]
pub(super) struct Process {
    families: Families,
    series: Option<Series>,
}

#[derive(Debug)]
struct Families {
    cpu: FloatCounters,
    resident: Gauges,
    address_space: Gauges,
    fds: Gauges,
    max_fds: Gauges,
    threads: Gauges,
    start: FloatGauges,
}

#[derive(Debug)]
struct Series {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    address_space: Gauge,
    fds: Gauge,
    max_fds: Gauge,
    threads: Gauge,
    start: FloatGauge,
}

impl Default for Process {
    fn default() -> Self {
        let families = Families {
            cpu: FloatCounters::new(&catalog::PROCESS_CPU),
            resident: Gauges::new(&catalog::PROCESS_MEMORY),
            address_space: Gauges::new(&catalog::PROCESS_VIRTUAL),
            fds: Gauges::new(&catalog::PROCESS_FDS),
            max_fds: Gauges::new(&catalog::PROCESS_MAX_FDS),
            threads: Gauges::new(&catalog::PROCESS_THREADS),
            start: FloatGauges::new(&catalog::PROCESS_START),
        };
        Self { families, series: None }
    }
}

impl Process {
    pub(super) fn instruments(&self) -> [&dyn Instrument; 7] {
        let Families { cpu, resident, address_space, fds, max_fds, threads, start } = &self.families;
        [cpu, resident, address_space, fds, max_fds, threads, start]
    }

    /// Reads how things are now.
    pub(super) fn refresh(&mut self) {
        let Some(now) = Usage::read() else { return };
        let families = &self.families;
        let series = self.series.get_or_insert_with(|| Series {
            cpu: families.cpu.of(&[]),
            resident: families.resident.of(&[]),
            address_space: families.address_space.of(&[]),
            fds: families.fds.of(&[]),
            max_fds: families.max_fds.of(&[]),
            threads: families.threads.of(&[]),
            start: families.start.of(&[]),
        });
        series.cpu.inc_by((now.cpu_seconds - series.cpu.get()).max(0.0));
        series.resident.set(now.resident);
        series.address_space.set(now.address_space);
        series.fds.set(now.fds);
        series.max_fds.set(now.max_fds);
        series.threads.set(now.threads);
        series.start.set(now.start_seconds);
    }
}

#[derive(Debug)]
struct Usage {
    cpu_seconds: f64,
    resident: i64,
    address_space: i64,
    fds: i64,
    max_fds: i64,
    threads: i64,
    start_seconds: f64,
}

impl Usage {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let kib = |name: &str| number_behind(&status, name).map_or(0, |kib| kib * 1024);
        let machine = fs::read_to_string("/proc/stat").ok()?;
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let fds = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
        let booted = number_behind(&machine, "btime ")? as f64;
        Some(Self {
            // proc(5): utime and stime are fields 14 and 15, starttime is 22; the third comes behind the name.
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS,
            resident: kib("VmRSS:"),
            address_space: kib("VmSize:"),
            fds: i64::try_from(fds).unwrap_or(i64::MAX),
            max_fds: number_behind(&limits, "Max open files").unwrap_or(0),
            threads: number_behind(&status, "Threads:").unwrap_or(0),
            start_seconds: booted + ticks(19)? / TICKS,
        })
    }
}

/// The number behind a name that begins a line.
fn number_behind(text: &str, name: &str) -> Option<i64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn the_kernel_is_read_right() {
        let usage = Usage::read().unwrap();
        let now = jiff::Timestamp::now().as_second();
        #[expect(clippy::cast_possible_truncation, reason = "seconds")]
        let started = usage.start_seconds as i64;
        assert!((now - started).abs() < 24 * 3600, "this test runs since {started}");
        assert!(usage.resident > 1 << 20 && usage.address_space > usage.resident, "{usage:?}");
        assert!(usage.fds > 2 && usage.max_fds >= usage.fds && usage.threads > 0, "{usage:?}");
    }

    #[test]
    fn they_are_scraped() {
        let text = Metrics::default().render();
        let memory = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
        assert!(memory.unwrap().parse::<u64>().unwrap() > 1 << 20, "{text}");
        assert!(text.contains("process_cpu_seconds_total "), "{text}");
    }
}
