"""Cuts a job into the tasks of a DAG: each becomes a run of its own in OpenLake.

One Airflow task a job task is the aim. Some tasks cannot be pulled apart, though: what they mean
depends on the run they share. They stay together in one Airflow task:

- a task that refers to another (`{{tasks.a.values.n}}`), and that other one;
- a condition task, and those that follow one of its outcomes;
- a task whose `run_if` no trigger rule of Airflow's says, and its dependencies.

Such a group waits, and ends, as a whole. So it grows until that makes no difference: all that comes
before it comes before its first task, and all that comes after it comes after its last one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from spec.jobs import JobSettings
from spec.references import find
from spec.tasks import RunIf, Task


@dataclass(frozen=True)
class Step:
    """One task of the DAG."""

    task_id: str
    keys: tuple[str, ...]
    """The job's tasks that it runs, in the job's order."""
    needs: tuple[str, ...]
    """The ids of the steps before it, in the job's order."""
    rule: str
    """Airflow's trigger rule."""


def steps_of(settings: JobSettings, *, whole: bool = False) -> tuple[Step, ...]:
    """Return the DAG's tasks in the job's order; with `whole`, the job is one task."""
    cut = _Cut(settings.tasks)
    cut.unite(_bound(settings))
    if whole:
        cut.unite((settings.tasks[0].task_key, task.task_key) for task in settings.tasks)
    cut.grow()
    while unsayable := [key for key, rule in cut.rules().items() if rule is None]:
        cut.unite((key, needed) for key in unsayable for needed in cut.needs[key])
        cut.grow()
    return cut.steps()


def _bound(settings: JobSettings) -> Iterable[tuple[str, str]]:
    """Return the pairs of tasks that one run must hold."""
    keys = {task.task_key for task in settings.tasks}
    for parameter in settings.parameters:
        for named in _named(parameter.default) & keys:
            # Every task is given the job's parameters.
            yield from ((named, key) for key in keys)
    for task in settings.tasks:
        for named in _named(task.model_dump_json(exclude_none=True)) & keys:
            yield task.task_key, named
        for edge in task.depends_on:
            if edge.outcome is not None:
                yield task.task_key, edge.task_key


def _named(text: str) -> set[str]:
    return {parts[1] for parts in find(text) if parts[:1] == ("tasks",) and len(parts) > 1}


class _Cut:
    """A partition of the job's tasks that only gets coarser."""

    def __init__(self, tasks: tuple[Task, ...]) -> None:
        self._tasks = {task.task_key: task for task in tasks}
        self._place = {key: i for i, key in enumerate(self._tasks)}
        self.needs = {
            key: tuple(edge.task_key for edge in task.depends_on)
            for key, task in self._tasks.items()
        }
        self._order = tuple(TopologicalSorter(self.needs).static_order())
        self._group = {key: frozenset({key}) for key in self._tasks}

    def unite(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Put each pair into one group."""
        for one, other in pairs:
            group = self._group[one] | self._group[other]
            self._group.update(dict.fromkeys(group, group))

    def grow(self) -> None:
        """Unite groups with their neighbours until every group is one that may stand alone."""
        while True:
            outside = [
                pair for group in self._groups() if len(group) > 1 for pair in self._torn(group)
            ]
            if not outside:
                return
            self.unite(outside)

    def _torn(self, group: frozenset[str]) -> list[tuple[str, str]]:
        """Return the edges across a group's border that do not pass its first or last task."""
        entering = [(key, up) for key in group for up in self.needs[key] if up not in group]
        leaving = [
            (up, key)
            for key in self._tasks
            if key not in group
            for up in self.needs[key]
            if up in group
        ]
        inner = {key: [up for up in self.needs[key] if up in group] for key in group}
        starts = {key for key in group if not inner[key]}
        ends = group - {up for ups in inner.values() for up in ups}
        # If its one first task does not run, nothing does, and for the same reason …
        follows = all(self._tasks[key].run_if is RunIf.ALL_SUCCESS for key in group - starts)
        first = starts if follows and len(starts) == 1 else frozenset[str]()
        # … and its one last task succeeds when all do.
        branches = any(
            edge.outcome is not None for key in group for edge in self._tasks[key].depends_on
        )
        last = ends if follows and not branches and len(ends) == 1 else frozenset[str]()
        torn = [(key, up) for key, up in entering if key not in first]
        return torn + [(up, key) for up, key in leaving if up not in last]

    def firsts(self) -> list[str]:
        """Return the first task of each group, in the job's order."""
        return sorted((self._first(group) for group in self._groups()), key=self._place.__getitem__)

    def rules(self) -> dict[str, str | None]:
        """Return the first task of each group → its trigger rule; None: Airflow has none."""
        skippable = self._skippable()
        return {first: self._rule(first, skippable) for first in self.firsts()}

    def _rule(self, first: str, may_be_skipped: set[str]) -> str | None:
        task, group = self._tasks[first], self._group[first]
        needs = [need for need in self.needs[first] if need not in group]
        if not needs:
            return "all_success"
        skippable = [need in may_be_skipped for need in needs]
        match task.run_if:
            case RunIf.ALL_SUCCESS:
                return "none_failed_min_one_success" if any(skippable) else "all_success"
            case RunIf.NONE_FAILED:
                return "none_failed_min_one_success"
            case RunIf.ALL_DONE:
                return None if all(skippable) else "all_done"
            case RunIf.AT_LEAST_ONE_SUCCESS:
                return None if any(skippable) else "all_done_min_one_success"
            case RunIf.ALL_FAILED:
                return "all_failed"
            case RunIf.AT_LEAST_ONE_FAILED:
                # Airflow's `one_failed` does not wait for the others.
                return None

    def _skippable(self) -> set[str]:
        """Return the tasks whose group Airflow may skip."""
        found: set[str] = set()
        for key in self._order:
            first = self._first(self._group[key])
            needs = [need for need in self.needs[first] if need not in self._group[first]]
            only_on_failure = self._tasks[first].run_if is RunIf.ALL_FAILED
            if needs and (only_on_failure or all(need in found for need in needs)):
                found.add(key)
        return found

    def steps(self) -> tuple[Step, ...]:
        """Return the groups as the DAG's tasks."""
        names = {self._group[first]: self._name(first) for first in self.firsts()}
        found: list[Step] = []
        for first, rule in self.rules().items():
            group = self._group[first]
            before = {self._group[up] for key in group for up in self.needs[key]} - {group}
            needs = tuple(name for each, name in names.items() if each in before)
            keys = tuple(sorted(group, key=self._place.__getitem__))
            found.append(Step(names[group], keys, needs, rule or "all_success"))
        return tuple(found)

    def _name(self, first: str) -> str:
        others = len(self._group[first]) - 1
        return first if others == 0 else f"{first}.and_{others}_more"

    def _groups(self) -> set[frozenset[str]]:
        return set(self._group.values())

    def _first(self, group: frozenset[str]) -> str:
        """Return the task that waits for what is outside; the job's first where none does."""
        inside = [key for key in group if not any(up in group for up in self.needs[key])]
        return min(inside, key=self._place.__getitem__)
