"""Timeouts and retry policies, named by what they are for."""

from datetime import timedelta

from temporalio.common import RetryPolicy

HEARTBEAT = timedelta(seconds=5)
"""An engine worker that is silent for so long is taken for dead; another one re-attaches. It beats
each second; that it was only slow does no harm, for two may follow the same work."""

CONTROL_HEARTBEAT = timedelta(seconds=15)
"""The same for what the control worker does itself."""

ATTEMPT_LIMIT = timedelta(days=60)
"""Temporal wants a bound; a task's own `timeout_seconds` is kept by the worker."""

REATTACH = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=10),
)
"""Temporal's retries never make a new attempt: they find the work by its key and follow it."""

ONCE = RetryPolicy(maximum_attempts=1)

HOST_WAIT = timedelta(seconds=20)
"""How long the worker of one host may take to come back before its work is declared lost."""

STOP_WAIT = timedelta(seconds=10)
"""How long to look for a worker that can stop what a dead one left running."""

STOP_LIMIT = timedelta(minutes=2)

RECORD = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=5),
)
"""The database may be away for hours; events wait and none is skipped."""

CATALOG = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=5),
    non_retryable_error_types=["Conflict", "Forbidden", "Invalid", "NotFound"],
)
"""The catalog is asked until it has answered; that a branch is gone is an answer."""

RECORD_LIMIT = timedelta(seconds=10)

CONTROL_LIMIT = timedelta(seconds=60)

CATALOG_LIMIT = timedelta(minutes=10)
"""One try to land or publish; it heartbeats, so a dead control worker is noticed long before. The
catalog may be away for hours: it is asked again until it has answered."""

ADMISSION_LIMIT = timedelta(minutes=3)
"""A run that is admitted may have to wait for its git repository."""

PACE = timedelta(milliseconds=250)
"""Between two projections of a run: events of tasks that follow each other quickly go together."""

LOOK_ANYWAY = timedelta(minutes=1)
"""A signal says when something has changed; a look so often makes up for a lost one."""

LONG_HISTORY = 4_000
"""Events after which a workflow goes on in a fresh history at the next quiet moment."""

FULL_HISTORY = 8_000
"""Events after which it starts nothing more until such a moment has come; Temporal warns at 10,240
and ends a workflow at 51,200."""

LANES = 4
"""Parts of a for-each that are open at once: while one ends, the others keep its slots' worth of
work going."""

PART = 200
"""Iterations of a for-each that one child workflow runs at most."""

STATEMENT_WAIT = timedelta(hours=2)
"""How long a statement may wait for its warehouse: to start, to have room, or to come back."""

STATEMENT_LIMIT = timedelta(days=1)

STATEMENT_HEARTBEAT = timedelta(seconds=10)

STATEMENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=5,
)
"""Of a statement whose worker died, or whose engine does not answer; one that kills every worker
must come to an end."""
