//! The contract of the store ports, as one suite that every adapter passes.
//!
//! A case is an `async fn` over a fresh, empty [`Subject`] and panics with what doesn't hold. [`store_contract!`] makes one
//! test of each; an adapter whose database several daemons share adds [`shared_store_contract!`]. A case says only what the
//! ports promise; what one database does by its own means (its triggers, its files) is tested beside the adapter.
//!
//! To add a case: the function in its room, and its name in the table below (a test tells when it is missing there).

#![allow(clippy::unwrap_used, reason = "a case is a test: it panics with what doesn't hold")]

pub mod appending;
pub mod broker;
pub mod concurrency;
pub mod costs;
pub mod dead_letters;
pub mod execution_logs;
pub mod guards;
pub mod idempotency;
pub mod inbox;
pub mod leader;
pub mod leases;
pub mod log;
pub mod operational;
pub mod outbox;
pub mod rebuild;
pub mod rows;
pub mod runtime;
pub mod shared;
pub(crate) mod story;
pub mod tokens;

use std::any::Any;
use std::sync::Arc;

use conductor_core::port::Store;

/// A fresh, empty store, and whatever must live as long as it (a folder, a database server).
pub struct Subject {
    store: Arc<dyn Store>,
    sibling: Option<Arc<dyn Store>>,
    _kept: Box<dyn Any + Send>,
}

impl Subject {
    /// A store whose data `kept` holds.
    pub fn new(store: Arc<dyn Store>, kept: impl Any + Send) -> Self {
        Self { store, sibling: None, _kept: Box::new(kept) }
    }

    /// With a second handle on the same database, as another daemon would have.
    #[must_use]
    pub fn with_sibling(mut self, sibling: Arc<dyn Store>) -> Self {
        self.sibling = Some(sibling);
        self
    }

    fn sibling(&self) -> &Arc<dyn Store> {
        self.sibling.as_ref().expect("cases of the shared contract are given two handles")
    }
}

/// Makes one test of each case; the argument is an `async fn() -> Subject`.
#[macro_export]
macro_rules! store_contract {
    ($fresh:path) => {
        $crate::contract_cases! { $fresh;
            appending {
                appended_events_read_back_as_they_were,
                versions_have_no_holes,
                a_stale_append_learns_the_version_and_leaves_no_trace,
                several_events_of_one_append_stand_together,
                a_stream_is_one_in_any_casing_and_keeps_its_first_spelling,
                an_append_without_events_is_refused,
                load_gives_the_state_at_its_version,
                reading_begins_after_a_version_and_stops_at_the_limit,
                a_closed_store_is_unavailable,
                a_store_tells_what_and_where_it_is,
            }
            idempotency {
                a_repeated_key_gets_the_first_receipt_and_no_second_event,
                a_repeated_key_is_recognised_before_the_version_is_looked_at,
                a_key_of_another_request_is_refused,
                the_same_key_in_another_scope_is_another_key,
                a_refused_append_keeps_no_key,
                an_answer_that_was_kept_literally_bars_an_append,
                racing_repeats_have_one_effect,
                the_first_answer_stays,
            }
            guards {
                a_neighbour_that_moved_on_refuses_the_append,
                a_version_is_looked_at_before_the_guards,
                leases_count_over_all_instances_of_an_agent,
                a_lease_given_back_counts_no_more,
                whoever_has_not_started_gets_its_stream_back,
                racing_claims_of_one_agent_give_one_lease,
                racing_claims_of_one_issue_give_one_lease,
                a_guard_that_fails_leaves_no_trace,
            }
            concurrency {
                one_callers_conflict_fails_nobody_else,
                racing_writers_of_one_stream_leave_no_hole,
                a_tailing_reader_meets_every_event_once_and_in_order,
                a_dropped_append_happened_entirely_or_not_at_all,
            }
            log {
                the_log_gives_all_streams_in_order_of_position,
                the_log_filters_by_type,
                the_log_reads_from_any_position_up_to_the_limit,
                a_waiter_wakes_when_the_log_grows,
                a_waiter_for_what_is_there_already_does_not_wait,
            }
            rows {
                a_row_appears_with_its_append_and_keeps_its_body,
                rows_come_by_repository_without_case_and_number,
                pages_meet_without_gap_or_repeat,
                rows_filter_by_repository_state_priority_and_agent,
                an_issue_that_was_never_approved_has_no_row_to_show,
                agents_come_by_id,
                pull_requests_are_found_by_their_current_head,
                a_number_is_known_as_issue_or_pull_request,
            }
            rebuild {
                every_row_equals_a_replay_of_its_stream,
            }
            outbox {
                effects_come_oldest_first_with_what_caused_them,
                delivered_effects_do_not_come_again,
                obsolete_effects_do_not_come_again,
                a_failed_effect_waits_and_holds_back_its_key_alone,
                a_dead_letter_frees_its_key,
                the_depth_counts_what_waits_and_what_is_dead,
                a_refused_append_leaves_no_effect,
            }
            inbox {
                a_delivery_is_received_once,
                deliveries_wait_in_order_of_receipt,
                a_failed_delivery_holds_back_its_key_until_its_time,
                deliveries_without_a_key_hold_nobody_back,
                an_ignored_delivery_is_known_and_does_not_wait,
                a_dead_delivery_frees_its_key_and_is_counted,
            }
            dead_letters {
                dead_letters_come_oldest_first_and_say_what_they_were,
                a_dead_letter_is_tried_again_when_somebody_says_so,
                what_is_not_dead_is_not_tried_again,
            }
            operational {
                the_later_heartbeat_stays,
                heartbeats_come_by_agent_and_instance,
                early_checks_are_found_by_repository_and_head,
                nothing_is_pruned_before_its_time,
                answers_effects_and_checks_are_pruned_after_seven_days,
                deliveries_lose_their_bodies_first_and_their_ids_last,
                what_still_waits_is_never_pruned,
            }
            leader {
                one_of_two_holders_is_elected_until_it_gives_the_term_back,
                a_term_that_ran_out_goes_to_the_next_and_never_comes_back,
                a_renewed_term_outlasts_its_first_length,
                whoever_asks_again_gets_a_new_term,
                only_its_holder_renews_or_ends_a_term,
                racing_candidates_elect_one,
            }
            leases {
                signs_of_a_lease_come_back_and_the_later_ones_stay,
                a_newer_lease_has_signs_of_its_own,
                silence_is_guarded_at_the_append,
                signs_are_pruned_a_week_after_the_last_one,
                a_store_with_a_clock_of_its_own_tells_one_that_goes_on,
            }
            execution_logs {
                a_run_reads_back_as_it_began,
                an_id_is_of_one_run,
                steps_and_lines_come_back_in_order,
                beyond_its_limits_a_run_is_counted_and_not_kept,
                a_run_ends_once,
                runs_are_found_the_latest_first,
                old_runs_are_dropped_whole,
            }
            runtime {
                lines_come_back_the_latest_first,
                lines_filter_by_agent_level_and_place,
                old_lines_and_those_beyond_an_agents_share_are_dropped,
                the_latest_word_about_a_key_stands,
                notes_beyond_what_is_kept_give_way_by_age,
            }
            costs {
                sums_of_one_moment_agree_whatever_they_are_summed_by,
                costs_filter_by_first_day_and_by_issue,
                rebuilt_costs_equal_those_of_the_appends,
                a_row_of_costs_stops_counting,
                costs_of_racing_agents_add_up,
            }
            tokens {
                a_token_is_found_by_its_digest_as_it_was_kept,
                an_id_and_a_digest_are_of_one_token,
                tokens_are_listed_in_order_of_making,
                a_token_is_taken_back_once,
                the_later_use_stays,
            }
        }
    };
}

/// Makes one test of each case for two handles on one database; the argument's subjects have a sibling.
#[macro_export]
macro_rules! shared_store_contract {
    ($fresh:path) => {
        $crate::contract_cases! { $fresh;
            shared {
                two_handles_write_one_log_in_order,
                a_conflict_is_seen_across_handles,
                a_key_is_recognised_across_handles,
                racing_claims_across_handles_give_one_lease,
                a_waiter_wakes_for_an_append_on_the_other_handle,
                a_term_is_one_across_handles,
            }
        }
    };
}

/// Makes one test of each case for a broker; the argument is an `async fn() -> BrokerSubject`.
#[macro_export]
macro_rules! broker_contract {
    ($fresh:path) => {
        $crate::contract_cases! { $fresh;
            broker {
                a_group_is_there_before_the_first_entry,
                agents_with_streams_are_found,
                an_entry_has_all_its_fields_and_one_signal,
                the_same_event_twice_adds_nothing,
                entries_are_read_in_order_and_once,
                what_nobody_read_is_taken_back_with_its_own_signal,
                what_was_read_stays,
                what_was_never_added_is_missing,
                what_was_taken_back_is_not_added_again,
                only_what_is_acknowledged_is_trimmed,
                pending_entries_are_found_with_their_event,
                a_dead_entry_is_acknowledged_once_and_leaves_no_signal,
                racing_offers_of_one_event_add_one_entry,
                a_session_is_forgotten,
                a_closed_broker_is_away,
            }
        }
    };
}

/// The tests themselves, as modules named after the rooms.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($fresh:path; $( $room:ident { $( $case:ident ),* $(,)? } )*) => {
        $(
            mod $room {
                #[allow(unused_imports, reason = "the path to the factory may be absolute")]
                use super::*;
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $case() {
                        $crate::contract::$room::$case($fresh().await).await;
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_stands_in_the_table() {
        let table = include_str!("mod.rs");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
        let mut cases = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let named = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            for name in named.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name) {
                assert!(table.contains(&format!(" {name},")), "{name} is in no table");
                cases += 1;
            }
        }
        assert!(cases > 50, "only {cases} cases were found");
    }
}
