//! When letters died, as bars: inline SVG, coloured by the codes that are most frequent.

use crate::{
    filter::{Field, Filter},
    store::ReadLedger,
};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use trawl_shared::sql::SqlError;

/// Bars of a chart.
const BARS: i64 = 48;
/// Codes with a colour of their own; the others share one.
const CODES: usize = 4;
/// Size of the drawing, in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 160.0;

/// How far back a chart looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Span {
    #[serde(rename = "1h")]
    Hour,
    #[default]
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
}

impl Span {
    const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    const fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        }
    }
}

/// Deaths in steps of time.
pub(super) struct Chart {
    span: Span,
    from: Timestamp,
    step_ms: i64,
    /// A name and its deaths for each colour.
    series: Vec<(String, BTreeMap<i64, u64>)>,
    total: u64,
}

impl Chart {
    pub(super) async fn load<L: ReadLedger + ?Sized>(ledger: &L, span: Span) -> Result<Self, SqlError> {
        let step_ms = span.hours() * 3_600_000 / BARS;
        let now = Timestamp::now().as_millisecond();
        // Steps stand still while time moves, so that bars do not flicker.
        let from = crate::letter::moment((now / step_ms - BARS + 1) * step_ms);
        let code = Field::named("code").expect("there is a field of this name");
        let since: Filter = format!("died>={from}").parse().unwrap_or_default();
        let mut rest = ledger.timeline(&since, from, step_ms).await?;
        let total = rest.values().sum();
        let mut series = Vec::new();
        for group in ledger.groups(&since, &[code], CODES).await? {
            let Some(name) = group.key.into_iter().next().flatten() else { continue };
            let steps = ledger.timeline(&since.clone().with("code", &name), from, step_ms).await?;
            for (step, deaths) in &steps {
                rest.entry(*step).and_modify(|all| *all = all.saturating_sub(*deaths));
            }
            series.push((name, steps));
        }
        rest.retain(|_, deaths| *deaths > 0);
        if !rest.is_empty() {
            series.push(("others".to_owned(), rest));
        }
        Ok(Self { span, from, step_ms, series, total })
    }

    pub(super) fn markup(&self) -> Markup {
        let sum = |step| self.series.iter().filter_map(|(_, steps)| steps.get(&step)).sum::<u64>();
        let highest = (0..BARS).map(sum).max().unwrap_or(0).max(1);
        html! {
            section.card {
                div.row {
                    h2 { "Last deaths of letters" }
                    nav.spans aria-label="How far back" {
                        @for span in Span::ALL {
                            @if span == self.span { a.chosen aria-current="true" href=(format!("/?span={}", span.name())) { (span.name()) } }
                            @else { a href=(format!("/?span={}", span.name())) { (span.name()) } }
                        }
                    }
                }
                svg.chart viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 22.0)) role="img"
                    aria-label=(format!("{} letters died in the last {}, at most {highest} in one step", self.total, self.span.name())) {
                    line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                    @for step in 0..BARS { (self.bar(step, highest)) }
                    @for part in 0..=4_i64 { (self.label(part)) }
                    text.scale x="2" y="12" { (highest) }
                }
                p.legend {
                    @if self.series.is_empty() { "No letter died in this time." }
                    @for (at, (name, steps)) in self.series.iter().enumerate() {
                        span class=(format!("key c{at}")) {} (super::short(name, 40)) " " span.quiet { (steps.values().sum::<u64>()) } " "
                    }
                }
            }
        }
    }

    /// One step: its colours above each other, and what they stand for when it is pointed at.
    fn bar(&self, step: i64, highest: u64) -> Markup {
        let width = WIDTH / BARS as f64;
        let parts: Vec<(usize, &str, u64)> = (0..)
            .zip(&self.series)
            .filter_map(|(at, (name, steps))| Some((at, name.as_str(), *steps.get(&step)?)))
            .collect();
        let told: Vec<String> =
            parts.iter().map(|(_, name, deaths)| format!("{}: {deaths}", super::short(name, 40))).collect();
        let mut top = HEIGHT;
        let mut boxes = Vec::with_capacity(parts.len());
        for (at, _, deaths) in &parts {
            // A single death among thousands is still to be seen.
            let height = ((HEIGHT - 16.0) * *deaths as f64 / highest as f64).max(2.0);
            top -= height;
            boxes.push((*at, top, height));
        }
        html! {
            @if !parts.is_empty() {
                g {
                    title { (self.at(step).strftime("%Y-%m-%d %H:%M")) " " (told.join(", ")) }
                    @for (at, top, height) in boxes {
                        rect class=(format!("c{at}")) x=(format!("{:.1}", step as f64 * width + 1.0)) y=(format!("{top:.1}"))
                            width=(format!("{:.1}", width - 2.0)) height=(format!("{height:.1}")) {}
                    }
                }
            }
        }
    }

    fn label(&self, part: i64) -> Markup {
        let at = self.at(part * BARS / 4);
        let text = if self.span.hours() > 24 { at.strftime("%m-%d") } else { at.strftime("%H:%M") };
        let anchor = ["start", "middle", "middle", "middle", "end"][usize::try_from(part).unwrap_or(0)];
        html! { text.scale text-anchor=(anchor) x=(WIDTH * part as f64 / 4.0) y=(HEIGHT + 17.0) { (text) } }
    }

    fn at(&self, step: i64) -> Timestamp {
        let along = SignedDuration::from_millis(step * self.step_ms);
        self.from.checked_add(along).unwrap_or(self.from)
    }
}
