//! Counters, gauges and histograms of the [catalog](super::catalog): the only way to a metric.
//!
//! An instrument works from its beginning; that it is scraped is a matter of [`Metrics::add`](super::Metrics::add). So a
//! part that has no bus yet, or never gets one, counts all the same.

use super::catalog::{Kind, Metric};
use crate::message::TraceContext;
use prometheus_client::{
    metrics::{counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use std::{
    fmt,
    sync::atomic::AtomicU64,
    time::{Duration, SystemTime},
};

/// The labels of a series: names of the catalog, values of the moment.
type Labels = Vec<(&'static str, Box<str>)>;
/// A label of an exemplar.
type Exemplar = [(&'static str, String); 1];

/// A gauge whose values have fractions.
pub type FloatGauge = Gauge<f64, AtomicU64>;

/// Something of the catalog that can be scraped.
pub trait Instrument {
    /// Its entry.
    fn metric(&self) -> &'static Metric;

    /// Puts it into a registry.
    fn register(&self, registry: &mut Registry);
}

fn labels(metric: &'static Metric, values: &[&str]) -> Labels {
    debug_assert_eq!(metric.labels.len(), values.len(), "{} has labels {:?}", metric.name, metric.labels);
    metric.labels.iter().zip(values).map(|(name, value)| (*name, Box::from(*value))).collect()
}

fn register<M: prometheus_client::registry::Metric>(registry: &mut Registry, metric: &Metric, family: M) {
    // The library appends unit and `_total` itself.
    let base = metric.name.strip_suffix("_total").unwrap_or(metric.name);
    if metric.unit.is_empty() {
        registry.register(base, metric.help, family);
    } else {
        let base = base.strip_suffix(metric.unit).unwrap_or(base).trim_end_matches('_');
        registry.register_with_unit(base, metric.help, Unit::Other(metric.unit.to_owned()), family);
    }
}

macro_rules! family {
    ($name:ident, $of:ty, $kind:pat, $what:literal) => {
        #[doc = $what]
        #[derive(Clone)]
        pub struct $name {
            metric: &'static Metric,
            family: Family<Labels, $of>,
        }

        impl $name {
            #[doc = concat!("The ", $what, ", none with a value yet.")]
            #[must_use]
            pub fn new(metric: &'static Metric) -> Self {
                debug_assert!(matches!(metric.kind, $kind), "{} is a {}", metric.name, metric.kind.as_str());
                Self { metric, family: Family::default() }
            }

            /// The series with these values, in the order of the catalog's labels. It costs a look-up: who needs it
            /// for each message keeps it.
            #[must_use]
            pub fn of(&self, values: &[&str]) -> $of {
                self.family.get_or_create(&labels(self.metric, values)).clone()
            }

            /// Takes a series out.
            pub fn forget(&self, values: &[&str]) {
                self.family.remove(&labels(self.metric, values));
            }
        }

        impl Instrument for $name {
            fn metric(&self) -> &'static Metric {
                self.metric
            }

            fn register(&self, registry: &mut Registry) {
                if self.metric.labels.is_empty() {
                    register(registry, self.metric, self.of(&[]));
                } else {
                    register(registry, self.metric, self.family.clone());
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.metric.name).finish()
            }
        }
    };
}

family!(Counters, Counter, Kind::Counter, "counters of one name");
family!(FloatCounters, Counter<f64, AtomicU64>, Kind::Counter, "counters of one name that grow by fractions");
family!(Gauges, Gauge, Kind::Gauge, "gauges of one name");
family!(FloatGauges, FloatGauge, Kind::Gauge, "gauges of one name whose values have fractions");

/// Histograms of one name.
#[derive(Clone)]
pub struct Histograms {
    metric: &'static Metric,
    family: Family<Labels, HistogramWithExemplars<Exemplar>, Buckets>,
}

#[derive(Clone)]
struct Buckets(&'static [f64]);

impl prometheus_client::metrics::family::MetricConstructor<HistogramWithExemplars<Exemplar>> for Buckets {
    fn new_metric(&self) -> HistogramWithExemplars<Exemplar> {
        HistogramWithExemplars::new(self.0.iter().copied())
    }
}

/// One histogram of times.
#[derive(Clone, Debug)]
pub struct Timer(HistogramWithExemplars<Exemplar>);

impl Histograms {
    /// The histograms of an entry, none with a value yet.
    #[must_use]
    pub fn new(metric: &'static Metric) -> Self {
        let Kind::Histogram(buckets) = metric.kind else {
            unreachable!("{} is a {}, as the catalog has it", metric.name, metric.kind.as_str())
        };
        Self { metric, family: Family::new_with_constructor(Buckets(buckets)) }
    }

    /// The series with these values, in the order of the catalog's labels.
    #[must_use]
    pub fn of(&self, values: &[&str]) -> Timer {
        Timer(self.family.get_or_create(&labels(self.metric, values)).clone())
    }
}

impl Timer {
    /// Notes a time. A trace that is sampled becomes the bucket's exemplar.
    pub fn observe(&self, took: Duration, trace: Option<TraceContext>) {
        let exemplar = trace.filter(|trace| trace.is_sampled());
        let at = exemplar.map(|_| SystemTime::now());
        let exemplar = exemplar.map(|trace| [("trace_id", format!("{:032x}", trace.trace_id))]);
        self.0.observe(took.as_secs_f64(), exemplar, at);
    }
}

impl Instrument for Histograms {
    fn metric(&self) -> &'static Metric {
        self.metric
    }

    fn register(&self, registry: &mut Registry) {
        if self.metric.labels.is_empty() {
            register(registry, self.metric, self.of(&[]).0);
        } else {
            register(registry, self.metric, self.family.clone());
        }
    }
}

impl fmt::Debug for Histograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Histograms").field(&self.metric.name).finish()
    }
}
