//! The rules, one file each. To add one: a file with `check` and a sample that breaks it, and a line here.

mod arrows;
mod length;
mod lints;
mod machine_paths;
mod module_docs;
mod rooms;
mod sql;
mod unfinished;
mod versions;

use super::Rule;

pub(super) const ALL: &[Rule] = &[
    Rule {
        name: "arrows",
        remedy: "crates point one way (trawl -> services -> shared): move what both need to `shared`, \
                 or pass it as a message",
        check: arrows::check,
    },
    Rule {
        name: "rooms",
        remedy: "one folder knows this library: use what that folder offers, or offer more there",
        check: rooms::check,
    },
    Rule {
        name: "module-docs",
        remedy: "begin the file with `//!`: what it holds, and why it is apart",
        check: module_docs::check,
    },
    Rule { name: "length", remedy: "split it: one idea a file", check: length::check },
    Rule {
        name: "unfinished",
        remedy: "finish it, or leave it out; a test runs or says why it cannot",
        check: unfinished::check,
    },
    Rule {
        name: "machine-paths",
        remedy: "paths are relative, or come from a setting",
        check: machine_paths::check,
    },
    Rule { name: "sql", remedy: "write its statement, or delete the file", check: sql::check },
    Rule {
        name: "lints",
        remedy: "add `[lints]` with `workspace = true`: one list of lints for all",
        check: lints::check,
    },
    Rule {
        name: "versions",
        remedy: "versions stand in the root Cargo.toml only; write `workspace = true` here",
        check: versions::check,
    },
];
