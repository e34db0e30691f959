//! The statements. Each has a file of its own for each database, with a comment on what it does.

/// One statement in the words of each database.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(super) name: &'static str,
    pub(super) sqlite: &'static str,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "built without PostgreSQL"))]
    pub(super) postgres: &'static str,
}

/// Columns of a job, as [`crate::jobs::JobRecord`] reads them: what `{job}` stands for.
pub(super) const JOB_COLUMNS: &str =
    "j.id, j.uuid, j.name, j.spec, j.state, j.generation, j.created_at, j.finished_at";

/// Columns of a row, as [`crate::row::UrlRow`] reads them: what `{url}` stands for.
pub(super) const URL_COLUMNS: &str = "u.id, u.queue, u.state, u.depth, u.parent, u.redirects, u.round, u.evidence, \
     u.status, u.lease_until, u.failures, u.code, u.detail, u.redirect_to";

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) static $name: Statement = Statement {
            name: $file,
            sqlite: include_str!(concat!("sql/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("sql/postgres/", $file, ".sql")),
        };)*

        #[cfg(test)]
        pub(super) static ALL: &[&Statement] = &[$(&$name),*];
    };
}

statements! {
    INSERT_JOB = "insert_job";
    FIND_JOBS = "find_jobs";
    LIST_JOBS = "list_jobs";
    RUNNING_JOBS = "running_jobs";
    JOB_VERSIONS = "job_versions";
    RAISE_GENERATION = "raise_generation";
    FINISH_JOB = "finish_job";
    REVIVE_JOBS = "revive_jobs";
    SET_JOB_STATE = "set_job_state";
    ADD_EXCLUSIONS = "add_exclusions";
    LIST_EXCLUSIONS = "list_exclusions";
    OLDEST_WAITING = "oldest_waiting";
    ADD_HOST_USE = "add_host_use";
    HOST_USE = "host_use";
    SPENT_URLS = "spent_urls";
    SAVE_ATTEMPTS = "save_attempts";
    DELETE_ATTEMPTS = "delete_attempts";
    DELETE_REVISITS = "delete_revisits";
    DELETE_EXCLUSIONS = "delete_exclusions";
    DELETE_HOST_USE = "delete_host_use";
    SET_JOB_SPEC = "set_job_spec";
    BURY_JOB = "bury_job";
    DELETE_ANCHORS = "delete_anchors";
    DELETE_COUNTS = "delete_counts";
    DELETE_URLS = "delete_urls";
    EMPTY_QUEUES = "empty_queues";
    INSERT_ANCHORS = "insert_anchors";
    LOAD_ANCHORS = "load_anchors";
    ADD_COUNTS = "add_counts";
    COUNT_OF = "count_of";
    FIND_QUEUES = "find_queues";
    INSERT_HOSTS = "insert_hosts";
    INSERT_QUEUES = "insert_queues";
    ADD_QUEUE_COUNTS = "add_queue_counts";
    SET_CRAWL_DELAYS = "set_crawl_delays";
    DUE_QUEUES = "due_queues";
    SERVE_QUEUES = "serve_queues";
    SERVE_HOSTS = "serve_hosts";
    LOAD_URLS = "load_urls";
    INSERT_URLS = "insert_urls";
    SAVE_URLS = "save_urls";
    PICK_URLS = "pick_urls";
    LEASE_URLS = "lease_urls";
    EXPIRED_URLS = "expired_urls";
    QUEUED_URLS = "queued_urls";
    WALK_URLS = "walk_urls";
    COUNT_URLS = "count_urls";
    EXPLAIN_URL = "explain_url";
    DATABASE_SIZE = "database_size";
    JOIN_MANAGERS = "join_managers";
    LIVE_MANAGERS = "live_managers";
    LEAVE_MANAGERS = "leave_managers";
    LOCK_SHARDS = "lock_shards";
    OWN_SHARDS = "own_shards";
    SET_SHARDS = "set_shards";
    LOCK_PACE = "lock_pace";
    SET_PACE = "set_pace";
    BUSY_HOSTS = "busy_hosts";
    PUSH_HOSTS = "push_hosts";
    SET_ADDRESSES = "set_addresses";
    LOAD_REVISITS = "load_revisits";
    SAVE_REVISITS = "save_revisits";
    DUE_REVISITS = "due_revisits";
}

/// A statement with the columns of its rows spelled out.
pub(super) fn spelled(text: &str, json_array: &str) -> String {
    text.replace("{job}", &format!("{json_array}({JOB_COLUMNS})"))
        .replace("{url}", &format!("{json_array}({URL_COLUMNS})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_a_statement() {
        let listed: BTreeSet<String> =
            ALL.iter().map(|statement| format!("{}.sql", statement.name)).collect();
        for folder in ["sqlite", "postgres"] {
            let path = format!("{}/src/store/sql/{folder}", env!("CARGO_MANIFEST_DIR"));
            let names =
                std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            assert_eq!(names.collect::<BTreeSet<_>>(), listed, "{folder}");
        }
    }

    /// SQLite is given the table first and the values behind it, in the order of PostgreSQL's.
    #[test]
    fn values_stand_behind_the_table() {
        for statement in ALL {
            let scalars = statement.sqlite.matches('?').count();
            let table = statement.sqlite.contains("{rows}");
            assert_eq!(statement.postgres.contains("$1::json"), table, "{}", statement.name);
            let last = format!("${}", scalars + usize::from(table));
            assert!(scalars == 0 || statement.postgres.contains(&last), "{}", statement.name);
            if let Some(first) = statement.sqlite.find('?') {
                assert!(!table || statement.sqlite.find("{rows}") < Some(first), "{}", statement.name);
            }
        }
    }
}
