//! Where to begin in a topic, as people write it.

use jiff::{SignedDuration, Timestamp};
use trawl_shared::broker::kafka::inspect::Place;

/// Reads `beginning`, `end`, an offset, an instant (RFC 3339), or how long ago (`15m`, `2h`).
///
/// # Errors
/// Says what is understood.
pub(super) fn place(text: &str) -> Result<Place, String> {
    match text {
        "beginning" | "earliest" => return Ok(Place::Beginning),
        "end" | "latest" => return Ok(Place::End),
        _ => {}
    }
    if let Ok(offset) = text.parse::<i64>() {
        return if offset >= 0 { Ok(Place::Offset(offset)) } else { Err("offsets begin at 0".to_owned()) };
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Place::Time(instant));
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok()).map(Place::Time).ok_or_else(|| {
        format!("{text:?} is no place: beginning, end, an offset, an instant such as 2026-11-21T08:00:00Z, or how long ago, such as 15m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("beginning"), Ok(Place::Beginning));
        assert_eq!(place("end"), Ok(Place::End));
        assert_eq!(place("42"), Ok(Place::Offset(42)));
        assert_eq!(place("2026-11-21T08:00:00Z"), Ok(Place::Time("2026-11-21T08:00:00Z".parse().unwrap())));
        let Ok(Place::Time(ago)) = place("15m") else { panic!("15m is a time") };
        let minutes = Timestamp::now().duration_since(ago).as_mins();
        assert!((14..=15).contains(&minutes), "{minutes}");
        for bad in ["-1", "yesterday", "", "2026-11-21"] {
            assert!(place(bad).unwrap_err().len() > 10, "{bad}");
        }
    }
}
