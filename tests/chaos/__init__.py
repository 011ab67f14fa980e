"""Chaos: a real stack, a mix of jobs, faults from a seed, and promises checked from outside.

`python -m tests.chaos --help` says how to run it; docs/reliability.md what it has shown so far.

    client.py        a user of the API who tries again until it answers
    workload.py      the jobs, and the runs of one trial
    program.py       what their tasks do: tell the witness, print numbered lines
    witness.py       a database of the harness, in which tasks write down that they begin and end
    plan.py          which faults a seed stands for
    faults.py        how each fault is made, and how it is seen that it fired
    crew.py          OpenLake's own processes, kept running as an operator's supervisor would
    proxy.py         a TCP proxy between two parts: slow, cut, half closed
    disk.py          a data folder on a disk of its own, that can be filled
    ground.py        all of that, put together and mended again
    evidence.py      what can be seen of a trial when all is over
    gather.py        looks: API, PostgreSQL, Temporal, catalog, /proc
    invariants.py    what has to hold of it; pure
    trial.py         one trial from seed to verdict
    campaign.py      trial after trial
    ledger.py        one line a trial, kept for good; seeds that failed
    promises.py      what is promised, and the tests that show it
    page.py          docs/reliability.md's text, figures computed from the ledger
"""
