"""The order in which people read a job's tasks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any


def graph_order(tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return task keys so that each comes after what it depends on, else as they are written.

    Args:
        tasks: Task settings without cycles; a dependency that is not there counts for nothing.
    """
    places = {task["task_key"]: place for place, task in enumerate(tasks)}
    keys = list(places)
    needs = {key: _needs(task, places) for key, task in zip(keys, tasks, strict=True)}
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for key, needed in needs.items():
        for each in needed:
            followers[each].append(key)
    ready = [places[key] for key in keys if not needs[key]]
    heapify(ready)
    order: list[str] = []
    while ready:
        key = keys[heappop(ready)]
        order.append(key)
        for each in followers[key]:
            needs[each].discard(key)
            if not needs[each]:
                heappush(ready, places[each])
    return order


def _needs(task: Mapping[str, Any], places: Mapping[str, int]) -> set[str]:
    return {each["task_key"] for each in task.get("depends_on", ())} & places.keys()
