//! One suite, both databases: what must hold of a frontier. Each scenario has a database to itself.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod bounds;
mod facts;
mod jobs;
mod links;
mod revisits;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod turns;

use std::future::Future;
use support::Manager;
use trawl_shared::sql::DatabaseUrl;
use trawl_url_manager::Settings;

/// A test for each scenario and database.
macro_rules! suite {
    ($($module:ident { $($scenario:ident),* $(,)? })*) => {
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() { super::on_sqlite(super::$module::$scenario).await; })*)*
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() { super::on_postgres(super::$module::$scenario).await; })*)*
        }
    };
}

suite! {
    facts {
        a_crawl_runs_to_its_end_and_knows_each_url_once,
        facts_may_come_twice,
        dead_letters_and_replays,
        facts_about_strangers_are_refused_alone,
        text_that_a_database_can_not_hold_is_mended,
        going_on_after_everything_in_memory_was_lost,
    }
    links {
        a_shorter_way_brings_a_url_within_the_depth,
        links_that_ask_not_to_be_followed_wait_for_one_that_does_not,
        a_seed_that_moved_takes_its_job_along,
        a_process_with_an_old_copy_of_the_scope_asks_again,
        redirects_end,
        scopes_of_every_kind,
        a_front_that_forgets_changes_nothing,
    }
    jobs {
        rules_and_traps_keep_urls_out,
        one_page_has_one_url,
        budgets_of_bytes_and_time,
        a_budget_for_each_host,
        a_stopped_job_ends_all_it_has,
        other_settings_judge_what_was_found,
        a_deleted_job_is_forgotten,
        the_job_of_higher_priority_comes_first,
    }
    turns {
        a_budget_is_kept,
        an_ended_lease_gives_the_same_task_again,
        a_task_that_waits_keeps_its_lease,
        the_gap_between_requests_is_kept_by_all_jobs_together,
        a_slot_beyond_the_horizon_is_not_given_out,
        a_hot_host_starves_nobody,
        more_jobs_than_room_take_turns,
        the_best_urls_go_first,
        a_paused_job_gives_nothing_out,
        two_dispatchers_never_give_out_the_same,
        a_host_of_many_urls_delays_no_small_job,
    }
    bounds {
        hosts_of_one_domain_share_a_bound,
        hosts_of_one_address_share_a_bound,
        all_hosts_together_keep_a_rate,
        a_host_that_throttles_is_left_alone_over_a_restart,
        a_late_request_moves_the_next_slot,
    }
    revisits {
        a_page_is_fetched_again_and_asked_for_news,
        an_interval_follows_its_page,
        a_page_whose_fetch_was_given_up_comes_again,
    }
    sharing {
        a_budget_is_kept_by_two,
        the_hosts_of_one_that_is_gone_are_taken_over,
    }
}

async fn on_sqlite<F: Future<Output = ()>>(scenario: impl FnOnce(DatabaseUrl) -> F) {
    let folder = tempfile::tempdir().unwrap();
    scenario(DatabaseUrl::sqlite(folder.path())).await;
}

#[cfg(feature = "postgres")]
async fn on_postgres<F: Future<Output = ()>>(scenario: impl FnOnce(DatabaseUrl) -> F) {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    scenario(database.url()).await;
    database.remove().await;
}

pub(crate) async fn manager(url: &DatabaseUrl) -> Manager {
    Manager::open(url, Settings::default()).await
}
