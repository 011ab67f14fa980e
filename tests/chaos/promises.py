"""What OpenLake promises about faults, each with the fault and the tests that show it.

docs/reliability.md is made from this; a test checks that every test named here exists.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """One promise.

    Args:
        text: What holds.
        fault: What it survives.
        tests: `path::function`, below tests/.
        invariants: Names in `invariants.INVARIANTS` that try it under every fault of the harness.
    """

    text: str
    fault: str
    tests: tuple[str, ...]
    invariants: tuple[str, ...] = ()


PROMISES = (
    Promise(
        "A run that was accepted is never lost, and one idempotency token is one run",
        "death of the API, of PostgreSQL or Temporal at any moment, answers that are lost",
        (
            "control/test_admission.py::test_fifty_asks_with_one_token_are_one_run",
            "control/test_admission.py::test_a_crash_between_commit_and_start_loses_nothing",
            "control/test_admission.py::test_the_relay_starts_what_the_request_could_not",
        ),
        ("no_run_is_lost_or_doubled",),
    ),
    Promise(
        "Every run ends, in one terminal state, and goes on where it was",
        "death of any part",
        (
            "integration/test_crash.py::test_a_run_survives_the_death_of",
            "control/test_upkeep.py::"
            "test_a_run_whose_workflow_was_terminated_ends_and_lets_the_next_one_start",
        ),
        ("every_run_ends",),
    ),
    Promise(
        "The work of one attempt is started once",
        "death of the worker before and after each step of a submission, on Spark, Trino, DuckDB"
        " and Python",
        (
            "integration/test_submit.py::test_one_attempt_is_one_outside_application",
            "integration/test_submit.py::test_a_landed_insert_is_not_sent_again_by_another_host",
            "activities/test_folder.py::test_of_racing_runners_one_wins_and_the_work_runs_once",
        ),
        ("each_attempt_runs_once",),
    ),
    Promise(
        "A task that has succeeded never runs again in its run",
        "death of workers, Temporal and database; repairs",
        (
            "integration/test_crash.py::test_a_run_survives_the_death_of",
            "integration/test_control_flow.py::"
            "test_a_repair_keeps_what_succeeded_and_needs_the_latest_id",
        ),
        ("what_finished_never_runs_again",),
    ),
    Promise(
        "The death of a part of OpenLake costs a task no attempt; only what hits its own process"
        " does, and a lost one costs no retry",
        "death or suspension of workers, API, Temporal, PostgreSQL",
        (
            "integration/test_crash.py::test_a_run_survives_the_death_of",
            "workflows/test_job_run.py::test_a_lost_attempt_is_made_again_without_costing_a_retry",
            "activities/test_folder.py::test_given_up_work_stays_lost_and_can_never_be_started",
        ),
        ("attempts_are_owed_to_faults",),
    ),
    Promise(
        "What an attempt that was declared lost writes to tables later is refused",
        "a machine that sleeps (SIGSTOP) and wakes",
        (
            "integration/test_crash.py::test_a_zombie_is_fenced",
            "gateway/test_fence.py::test_every_kind_of_change_is_refused_after_the_end",
        ),
        ("what_finished_never_runs_again",),
    ),
    Promise(
        "`max_concurrent_runs` is never exceeded",
        "requests at the same instant, deaths between the steps of an admission",
        ("control/test_admission.py::test_the_limit_holds_under_concurrency",),
        ("limits_are_kept",),
    ),
    Promise(
        "With `publish`, all tables of a run become visible at once and once, or none does",
        "death of control worker, Nessie, API and Temporal between any two steps",
        (
            "integration/test_transactions.py::"
            "test_deaths_between_any_two_steps_leave_all_tables_or_none_and_each_once",
            "gateway/test_transactions.py::"
            "test_killed_between_any_two_steps_a_run_is_published_exactly_once",
            "gateway/test_transactions.py::"
            "test_killed_between_any_two_steps_a_branch_is_cut_anew_exactly_once",
            "gateway/test_transactions.py::test_a_reader_of_main_never_sees_a_part_of_a_run",
        ),
        ("published_is_all_or_none",),
    ),
    Promise(
        "A commit that a client sends again is done once",
        "death of the gateway with a commit under way",
        (
            "gateway/test_once.py::test_a_commit_sent_again_after_the_gateway_died_is_done_once",
            "gateway/test_once.py::test_a_transaction_over_tables_is_done_once",
            "gateway/test_once.py::test_an_insert_of_duckdb_lands_once_though_the_gateway_died",
        ),
        ("published_is_all_or_none",),
    ),
    Promise(
        "What people read of a run in PostgreSQL is what happened in Temporal",
        "death of control worker, PostgreSQL or Temporal; a database that is away for long",
        (
            "control/test_projection.py::test_rows_equal_the_folded_events",
            "workflows/test_job_run.py::test_events_wait_for_the_database_and_none_is_lost",
        ),
        ("postgres_agrees_with_temporal",),
    ),
    Promise(
        "Logs of attempts are whole, in order and each line once",
        "death of API, engine worker or object store while logs are shipped",
        (
            "activities/test_shipping.py::test_a_log_goes_on_where_the_api_ends",
            "activities/test_shipping.py::test_bytes_that_are_not_taken_come_again",
        ),
        ("logs_have_no_gap",),
    ),
    Promise(
        "Each instant of a schedule starts at most one run; the last missed one is made up for",
        "death of the worker that waits for it; a stack that is down",
        (
            "integration/test_triggers.py::test_a_schedule_survives_the_death_of_its_worker",
            "control/test_triggers.py::test_missed_instants_fire_once_for_the_latest",
            "control/test_triggers.py::test_a_firing_that_is_repeated_makes_one_run",
        ),
        ("no_run_is_lost_or_doubled",),
    ),
    Promise(
        "A statement ends, and never with a wrong answer; a write is not sent again unless it is"
        " known not to have landed",
        "death of its warehouse, of the API, of the catalog",
        (
            "integration/test_statements.py::test_a_query_outlives_its_process_and_the_api",
            "integration/test_statements.py::"
            "test_what_became_of_a_killed_insert_is_found_in_the_catalog",
            "workflows/test_statement.py::test_a_statement_that_kills_every_worker_comes_to_an_end",
        ),
        ("statements_end",),
    ),
    Promise(
        "A read that was accepted is answered, though the catalog is away for up to 20 s",
        "death of its warehouse, of the API, of the catalog",
        (
            "integration/test_statements.py::test_a_query_outlives_its_process_and_the_api",
            "activities/test_duckdb_patience.py::test_it_waits_until_the_catalog_is_back",
        ),
        ("statements_are_answered",),
    ),
    Promise(
        "A cancelled run stops all its real work, and starts nothing more",
        "cancelling at any moment, also while a worker is dead",
        (
            "integration/test_cancel.py::test_cancelling_a_run_stops_all_its_real_work",
            "workflows/test_job_run.py::test_a_stop_finds_the_host_that_has_the_work",
            "workflows/test_job_run.py"
            "::test_a_cancel_during_the_last_projection_of_a_history_is_not_lost",
        ),
        ("what_has_ended_does_nothing_more", "nothing_is_left"),
    ),
    Promise(
        "A minute after a run no process, branch, lock, message or temporary file of it is left",
        "every fault of the harness",
        ("integration/test_cancel.py::test_cancelling_a_run_stops_all_its_real_work",),
        ("nothing_is_left",),
    ),
    Promise(
        "Runs that began with older workflow code go on with today's",
        "an upgrade while runs are open",
        ("workflows/test_replay.py::test_a_recorded_history_replays",),
        ("histories_replay",),
    ),
    Promise(
        "Who asked for a run is in the audit trail, written in the run's own transaction",
        "death of API or PostgreSQL",
        (),
        ("deeds_are_audited",),
    ),
    Promise(
        "A part ends only when it is killed: it waits for its neighbours, whatever they do",
        "every fault of the harness",
        (),
        ("nobody_ends_by_itself",),
    ),
    Promise(
        "`openlake up` mends what died or does not respond, and leaves alone what is well",
        "SIGKILL and SIGSTOP of any part",
        (
            "stack/test_supervisor.py::test_up_mends_what_died_or_does_not_respond",
            "stack/test_supervisor.py::test_up_twice_starts_nothing_anew",
        ),
    ),
)
