"""Parameters of saved queries, in Databricks' shapes, and the values they come to; pure.

A parameter has a default, and a run may give it another value. A value is always bound, never
pasted into the text, and has the type that its kind says: text and choices are STRING, whole
numbers BIGINT and others DOUBLE, dates DATE or, when they tell the time, TIMESTAMP.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, StrictFloat, StrictInt, StrictStr, model_validator

from spec.dynamic_dates import DatePrecision, DynamicDate, DynamicDateRange, instant_of, range_of
from spec.errors import Invalid
from spec.model import Model

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]
"""As a marker `:name` can spell it."""

Given = StrictStr | StrictInt | StrictFloat | tuple[StrictStr, ...] | None
"""What a run gives for a parameter; a list for one that takes several values, None for NULL."""


class SqlType(StrEnum):
    """The type that a value is bound as."""

    STRING = "STRING"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"


@dataclass(frozen=True)
class Bound:
    """What a parameter comes to in one run."""

    type: SqlType
    values: tuple[str | None, ...]
    """One; of a range its ends; of a list as many as were chosen."""
    is_range: bool = False
    is_list: bool = False


class TextValue(Model):
    """Any text."""

    value: str | None = None


class NumericValue(Model):
    """A number."""

    value: StrictInt | FiniteFloat | None = None


class DateValue(Model):
    """A date, or a point in time."""

    date_value: str | None = None
    """ISO 8601; used as far as the precision goes."""
    dynamic_date_value: DynamicDate | None = None
    precision: DatePrecision = DatePrecision.DAY

    @model_validator(mode="after")
    def _one(self) -> "DateValue":
        if self.date_value is not None and self.dynamic_date_value is not None:
            raise ValueError("give one of 'date_value' and 'dynamic_date_value', not both")
        if self.date_value is not None:
            _date(self.date_value, self.precision)
        return self


class DateRange(Model):
    """The ends of a range."""

    start: str
    end: str


class DateRangeValue(Model):
    """A range of dates, or of points in time; `:name.min` and `:name.max` in the text."""

    date_range_value: DateRange | None = None
    dynamic_date_range_value: DynamicDateRange | None = None
    precision: DatePrecision = DatePrecision.DAY
    start_day_of_week: int = Field(default=1, ge=0, le=7)
    """Of THIS_WEEK and LAST_WEEK: 1 is Monday, 6 Saturday, 0 and 7 are Sunday."""

    @model_validator(mode="after")
    def _one(self) -> "DateRangeValue":
        if self.date_range_value is not None:
            if self.dynamic_date_range_value is not None:
                raise ValueError(
                    "give one of 'date_range_value' and 'dynamic_date_range_value', not both"
                )
            for end in (self.date_range_value.start, self.date_range_value.end):
                _date(end, self.precision)
        return self


class MultiValuesOptions(Model):
    """Several values may be chosen. Each is bound by itself, as in `IN (:name)`.

    How Databricks' older editor puts them into the text (`prefix`, `separator`, `suffix`) is
    accepted without effect.
    """

    prefix: str | None = None
    separator: str | None = None
    suffix: str | None = None


class EnumValue(Model):
    """One of a list of values, or several."""

    enum_options: str = ""
    """One a line; empty lines are none."""
    values: tuple[str, ...] = ()
    """Those chosen by default."""
    multi_values_options: MultiValuesOptions | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The values that may be chosen."""
        return tuple(line.strip() for line in self.enum_options.splitlines() if line.strip())

    @model_validator(mode="after")
    def _chosen(self) -> "EnumValue":
        if unknown := [value for value in self.values if value not in self.options]:
            raise ValueError(f"{unknown} are not among the 'enum_options'")
        _few_enough(self.values, self.multi_values_options)
        return self


class QueryBackedValue(Model):
    """One value, or several, out of the first column of another query's answer.

    The other query must exist. Its answer is for whoever offers a choice; a run does not look
    whether the value is in it.
    """

    query_id: str = Field(min_length=1)
    values: tuple[str, ...] = ()
    multi_values_options: MultiValuesOptions | None = None

    @model_validator(mode="after")
    def _chosen(self) -> "QueryBackedValue":
        _few_enough(self.values, self.multi_values_options)
        return self


def _few_enough(values: Sequence[str], several: MultiValuesOptions | None) -> None:
    if len(values) > 1 and several is None:
        raise ValueError("several values need 'multi_values_options'")


_KINDS = (
    "text_value",
    "numeric_value",
    "date_value",
    "date_range_value",
    "enum_value",
    "query_backed_value",
)


class QueryParameter(Model):
    """One parameter of a query and its default."""

    name: ParameterName
    title: str = ""
    """What people see; the name when it is empty."""
    text_value: TextValue | None = None
    numeric_value: NumericValue | None = None
    date_value: DateValue | None = None
    date_range_value: DateRangeValue | None = None
    enum_value: EnumValue | None = None
    query_backed_value: QueryBackedValue | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "QueryParameter":
        if sum(getattr(self, kind) is not None for kind in _KINDS) != 1:
            raise ValueError(f"parameter '{self.name}' needs exactly one of {', '.join(_KINDS)}")
        return self

    @property
    def is_list(self) -> bool:
        """True when several values may be chosen."""
        choice = self.enum_value or self.query_backed_value
        return choice is not None and choice.multi_values_options is not None

    def default(self, now: datetime) -> Bound | None:
        """Return what it comes to when nobody gives a value; None when it must be given one."""
        if (text := self.text_value) is not None:
            return None if text.value is None else Bound(SqlType.STRING, (text.value,))
        if (number := self.numeric_value) is not None:
            return None if number.value is None else _number(number.value)
        if (date := self.date_value) is not None:
            said = date.dynamic_date_value or date.date_value
            return None if said is None else _dates(str(said), date.precision, now)
        if (dates := self.date_range_value) is not None:
            if (fixed := dates.date_range_value) is not None:
                return self._range(f"{fixed.start}..{fixed.end}", now)
            said = dates.dynamic_date_range_value
            return None if said is None else self._range(said, now)
        choice = self.enum_value or self.query_backed_value
        values = choice.values if choice is not None else ()
        return self._choice(values) if values or self.is_list else None

    def given(self, value: Given, now: datetime) -> Bound:
        """Return what it comes to when a run gives this value.

        Args:
            value: As text, numbers and dates are read from it; a range is `start..end` or the name
                of a dynamic one; several values are a list, also as JSON text.
            now: What dynamic dates count from; UTC.

        Raises:
            Invalid: the value does not fit; names the parameter.
        """
        try:
            return self._given(value, now)
        except ValueError as error:
            raise Invalid(f"parameter '{self.name}': {error}", parameter=self.name) from None

    def _given(self, value: Given, now: datetime) -> Bound:
        if self.is_list:
            return self._choice(_several(value))
        if isinstance(value, tuple):
            raise ValueError("takes one value, not a list")
        if value is None:
            return self._null()
        if self.numeric_value is not None:
            return _number(value)
        text = str(value)
        if self.date_value is not None:
            return _dates(text, self.date_value.precision, now)
        if self.date_range_value is not None:
            return self._range(text, now)
        return self._choice((text,)) if self.text_value is None else Bound(SqlType.STRING, (text,))

    def _null(self) -> Bound:
        if self.date_range_value is not None:
            raise ValueError("a range cannot be NULL")
        if self.numeric_value is not None:
            return Bound(SqlType.DOUBLE, (None,))
        date = self.date_value
        return Bound(SqlType.STRING if date is None else _type_of(date.precision), (None,))

    def _range(self, text: str, now: datetime) -> Bound:
        kind = self.date_range_value or DateRangeValue()
        if text in DynamicDateRange.__members__:
            chosen = DynamicDateRange(text)
            ends = range_of(chosen, now, kind.start_day_of_week)
            values = tuple(kind.precision.spell(end) for end in ends)
        else:
            start, dots, end = text.partition("..")
            if not dots:
                names = ", ".join(DynamicDateRange)
                raise ValueError(f"'{text}' is no range: write start..end, or one of {names}")
            values = (_date(start, kind.precision), _date(end, kind.precision))
            if values[0] > values[1]:
                raise ValueError(f"the range '{text}' ends before it starts")
        return Bound(_type_of(kind.precision), values, is_range=True)

    def _choice(self, values: tuple[str, ...]) -> Bound:
        choice = self.enum_value
        if choice is not None and (unknown := [v for v in values if v not in choice.options]):
            options = ", ".join(choice.options)
            raise ValueError(f"'{unknown[0]}' is not among its values: {options}")
        return Bound(SqlType.STRING, values, is_list=self.is_list)


def bound_values(
    parameters: Sequence[QueryParameter], given: Mapping[str, Given], now: datetime
) -> dict[str, Bound]:
    """Return what each parameter comes to: what was given for it, else its default.

    What is given without being declared is bound by its own type. Parameters that have no value are
    left out.

    Raises:
        Invalid: a value does not fit its parameter.
    """
    bound: dict[str, Bound] = {}
    declared = {parameter.name: parameter for parameter in parameters}
    for name, value in given.items():
        bound[name] = declared[name].given(value, now) if name in declared else _free(name, value)
    for name, parameter in declared.items():
        if name not in bound and (default := parameter.default(now)) is not None:
            bound[name] = default
    return bound


def _free(name: str, value: Given) -> Bound:
    if isinstance(value, tuple):
        raise Invalid(f"parameter '{name}': only a declared parameter takes a list", parameter=name)
    if not isinstance(value, int | float):
        return Bound(SqlType.STRING, (value,))
    try:
        return _number(value)
    except ValueError as error:
        raise Invalid(f"parameter '{name}': {error}", parameter=name) from None


def _number(value: str | float) -> Bound:
    number = _read_number(value) if isinstance(value, str) else value
    if not isfinite(number):
        raise ValueError(f"'{value}' is not a finite number")
    if number != int(number):
        return Bound(SqlType.DOUBLE, (repr(number),))
    whole = int(number)
    kind = SqlType.BIGINT if -(2**63) <= whole < 2**63 else SqlType.DOUBLE
    return Bound(kind, (str(whole),))


def _read_number(text: str) -> float:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    raise ValueError(f"'{text}' is not a number")


def _dates(text: str, precision: DatePrecision, now: datetime) -> Bound:
    if text in DynamicDate.__members__:
        value = precision.spell(instant_of(DynamicDate(text), now))
    else:
        value = _date(text, precision)
    return Bound(_type_of(precision), (value,))


def _date(text: str, precision: DatePrecision) -> str:
    try:
        at = datetime.fromisoformat(text.strip())
        return precision.spell(at.astimezone(UTC) if at.tzinfo else at)
    except ValueError:
        raise ValueError(
            f"'{text}' is not a date; write 2024-02-29 or 2024-02-29 13:45:00"
        ) from None


def _type_of(precision: DatePrecision) -> SqlType:
    return SqlType.DATE if precision is DatePrecision.DAY else SqlType.TIMESTAMP


def _several(value: Given) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    if value is None:
        return ()
    if isinstance(value, str) and value.lstrip().startswith("["):
        return _listed(value)
    return (str(value),)


def _listed(text: str) -> tuple[str, ...]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return (text,)
    return tuple(each if isinstance(each, str) else json.dumps(each) for each in found)
