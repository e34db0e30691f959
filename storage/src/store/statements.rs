//! Statements that take one JSON text (or name) and answer JSON texts: the same call for both databases.

/// A statement in both dialects.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    pub(super) sqlite: &'static str,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "built for SQLite alone"))]
    pub(super) postgres: &'static str,
}

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: Statement = Statement {
            sqlite: include_str!(concat!("sql/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("sql/postgres/", $file, ".sql")),
        };)*
    };
}

statements! {
    ADD_ITEMS = "add_items";
    CLEAR_ITEMS = "clear_items";
    USE_RULES = "use_rules";
    NAME_JOBS = "name_jobs";
    JOBS_NAMED = "jobs_named";
    ITEMS = "items";
    ADD_ARCHIVE = "add_archive";
    ARCHIVES = "archives";
    CAPTURED = "captured";
    ADD_CAPTURES = "add_captures";
    FORGET_CAPTURES = "forget_captures";
    TAKEN_BY = "taken_by";
    TASKS_WITH_BODY = "tasks_with_body";
    FINGERPRINTS = "fingerprints";
}
