//! The measuring stick: a synthetic web, two floors, and the comparison of Trawl with them.
//!
//! | module | what it is |
//! |---|---|
//! | [`web`] | hosts, pages, links, errors and robots rules drawn from a seed, served on loopback |
//! | [`floor`] | the least that a crawler can cost: a streaming pass, and a DOM, without anything around them |
//! | [`measure`] | crawlers as child processes, in turn, over one web: what each cost and whether it crawled the same; what telemetry costs the fleet |
//! | [`frontier`] | the frontier as it grows: links, dispatch, memory and disk at each size |
//! | [`parsing`] | what the parser costs a page, beside a bare pass and a bare tree |
//! | [`retries`] | delayed retries: how late they come, and what waits in memory |
//! | `delivery` | what exactly once costs on Kafka |
//! | [`storing`] | how fast batches are stored, beside a bare COPY and a bare transaction |
//! | [`cli`] | all of it as commands |

pub mod cli;
#[cfg(feature = "kafka")]
pub mod delivery;
pub mod floor;
pub mod frontier;
mod gauge;
pub mod measure;
pub mod parsing;
pub mod retries;
pub mod storing;
pub mod web;
