"""Every field of a job has a row that says what becomes of it, and every row a field."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from spec.field_support import SECTIONS, Support
from spec.jobs import JobSettings


def reachable(model: type[BaseModel], found: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """Return every model that this one's fields lead to, itself included, by name."""
    if model.__name__ in found:
        return found
    found[model.__name__] = model
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            reachable(annotation, found)
        waiting += get_args(annotation)
    return found


MODELS = reachable(JobSettings, {})
ALL = [(name, field, row) for name, each in SECTIONS.items() for field, row in each.fields.items()]


def fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_walk_sees_what_stands_deep():
    assert {"JobSettings", "Task", "Subscription", "GitSnapshot", "Autoscale"} <= MODELS.keys()


def test_every_model_has_its_section_and_every_section_its_model():
    assert SECTIONS.keys() == MODELS.keys()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_field_has_its_row_and_every_row_its_field(name: str):
    accepted = {
        field for field, row in SECTIONS[name].fields.items() if row.support is not Support.REFUSED
    }
    assert accepted == fields(MODELS[name])


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, field, row in ALL if row.support is Support.REFUSED]
)
def test_refused_fields_are_refused_by_name(name: str, field: str):
    assert field not in fields(MODELS[name])
    with pytest.raises(ValueError, match=field):
        MODELS[name].model_validate({field: {"any": 1}})


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name, field, row in ALL if row.support is not Support.WORKS],
)
def test_what_does_not_work_has_a_remark(name: str, field: str):
    assert SECTIONS[name].fields[field].remark
