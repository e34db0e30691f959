//! W3C trace context (<https://www.w3.org/TR/trace-context/>), version 00.

use std::{fmt, str::FromStr};

/// The `traceparent` of a message: which trace it belongs to, and its own span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Shared by all messages that one root led to; never zero.
    pub trace_id: u128,
    /// This message's span; never zero.
    pub span_id: u64,
    /// Flags; bit 0 is `sampled`.
    pub flags: u8,
}

/// A `traceparent` that does not follow the specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: {0:?} (expected 00-<32 hex>-<16 hex>-<2 hex>, ids not zero)")]
pub struct TraceError(String);

impl TraceContext {
    /// A new trace.
    #[must_use]
    pub fn root() -> Self {
        Self { trace_id: fastrand::u128(1..), span_id: fastrand::u64(1..), flags: 1 }
    }

    /// Whether its spans are kept: decided once for a trace, where it begins.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: fastrand::u64(1..), ..self }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| TraceError(text.chars().take(80).collect()))
    }
}

/// Later versions may add fields behind the fourth; version `ff` is forbidden.
fn parse(text: &str) -> Option<TraceContext> {
    let lower_hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed =
        lower_hex(version, 2) && lower_hex(trace, 32) && lower_hex(span, 16) && lower_hex(flags, 2);
    if !well_formed || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let context = TraceContext {
        trace_id: u128::from_str_radix(trace, 16).ok()?,
        span_id: u64::from_str_radix(span, 16).ok()?,
        flags: u8::from_str_radix(flags, 16).ok()?,
    };
    (context.trace_id != 0 && context.span_id != 0).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_children() {
        let root = TraceContext::root();
        assert_eq!(root.to_string().parse(), Ok(root));
        let child = root.child();
        assert_eq!(child.trace_id, root.trace_id);
        assert_ne!(child.span_id, root.span_id);
    }

    #[test]
    fn what_the_specification_refuses() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(good.parse::<TraceContext>().is_ok());
        assert!(
            format!("01{}-extra", &good[2..]).parse::<TraceContext>().is_ok(),
            "a later version may add fields"
        );
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &format!("{good}-extra"),
            &format!("ff{}", &good[2..]),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            assert!(bad.parse::<TraceContext>().is_err(), "{bad}");
        }
    }
}
