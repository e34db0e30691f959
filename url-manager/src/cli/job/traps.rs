//! Which corners of sites a job leaves out.

use crate::{JobSpec, TrapRules};

/// Corners of sites that never end. 0 switches a rule off.
#[derive(Clone, Debug, clap::Args)]
pub struct TrapArgs {
    /// trap_long_url: longest URL, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = TrapRules::default().url_length)]
    pub max_url_length: u32,
    /// trap_repeating_path: how often one segment may stand in a path
    #[arg(long, value_name = "N", default_value_t = TrapRules::default().repeats)]
    pub max_repeats: u32,
    /// trap_query_variants: URLs of a host that differ only in their query
    #[arg(long, value_name = "N", default_value_t = TrapRules::default().query_variants)]
    pub max_query_variants: u32,
    /// trap_calendar: URLs of a host that differ only in dates
    #[arg(long, value_name = "N", default_value_t = TrapRules::default().dates)]
    pub max_dates: u32,
    /// trap_pagination: URLs of a host that differ only in page numbers
    #[arg(long, value_name = "N", default_value_t = TrapRules::default().pages)]
    pub max_list_pages: u32,
    /// Switch all of them off
    #[arg(long, conflicts_with_all = ["max_url_length", "max_repeats", "max_query_variants", "max_dates", "max_list_pages"])]
    pub no_traps: bool,
}

impl TrapArgs {
    pub(super) fn apply(&self, spec: &mut JobSpec) {
        spec.traps = if self.no_traps {
            TrapRules::off()
        } else {
            TrapRules {
                url_length: self.max_url_length,
                repeats: self.max_repeats,
                query_variants: self.max_query_variants,
                dates: self.max_dates,
                pages: self.max_list_pages,
            }
        };
    }
}
