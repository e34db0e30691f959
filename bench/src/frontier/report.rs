//! What was measured at one size, and the table of all.

use std::fmt::Write as _;

use serde::Serialize;

/// The figures of one size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// URLs in the frontier at the end.
    pub(super) urls: u64,
    /// Seconds that filling it took.
    pub(super) filled_s: f64,
    /// Links taken in a second, 95 of 100 of them known.
    pub(super) links_per_s: f64,
    /// CPU of this process for each of them, in microseconds.
    pub(super) cpu_us_per_link: f64,
    /// URLs given out in a second.
    pub(super) dispatched_per_s: f64,
    /// CPU of this process for each of them, in microseconds.
    pub(super) cpu_us_per_dispatch: f64,
    /// How long `status` takes, in milliseconds (median).
    pub(super) status_ms: f64,
    /// The database's size by its URLs.
    pub(super) bytes_per_url: f64,
    /// Peak resident memory of this process, in MiB.
    pub(super) peak_mib: f64,
}

/// The rows as a table, with the factor by which the two costs grew since the first.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "      URLs  fill s   links/s  CPU µs/link  growth  dispatched/s  CPU µs/URL  growth  status ms  bytes/URL  peak MiB\n",
    );
    for row in rows {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{:>10}  {:>6.1}  {:>8.0}  {:>11.2}  {:>6.2}  {:>12.0}  {:>10.1}  {:>6.2}  {:>9.2}  {:>9.0}  {:>8.1}",
            row.urls,
            row.filled_s,
            row.links_per_s,
            row.cpu_us_per_link,
            row.cpu_us_per_link / rows[0].cpu_us_per_link,
            row.dispatched_per_s,
            row.cpu_us_per_dispatch,
            row.cpu_us_per_dispatch / rows[0].cpu_us_per_dispatch,
            row.status_ms,
            row.bytes_per_url,
            row.peak_mib,
        );
    }
    text
}
