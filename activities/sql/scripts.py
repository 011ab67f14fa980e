"""A task's SQL as written, statement by statement, and how the engine is told each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from activities.sql import portable
from activities.sql.databricks import Columns, Table, entered, needs_columns, translate
from activities.sql.statements import Statement, check_values, split
from spec.attempts import SqlDialect
from spec.errors import EngineRejected
from spec.tasks import Engine


@dataclass(frozen=True)
class Step:
    """One statement of a script."""

    number: int
    """From 1."""
    written: Statement
    catalog: str
    schema: str
    """Where its names without catalog or schema are looked up."""


class SqlScript:
    """A script in the engine's dialect or in Databricks'; there `USE` counts for what follows.

    Args:
        text: One or more statements.
        dialect: What it is written in.
        engine: DuckDB or Trino.
        catalog: Of names that give none.
        schema: Of names that give none.

    Raises:
        EngineRejected: a quote or comment is never closed.
    """

    def __init__(
        self, text: str, dialect: SqlDialect, engine: Engine, catalog: str, schema: str
    ) -> None:
        """See class."""
        self._engine = engine
        self._is_translated = dialect is SqlDialect.DATABRICKS
        self.dialect = "databricks" if self._is_translated else engine.value
        """Of the statements as written, as sqlglot calls it."""
        self.steps: list[Step] = []
        for number, written in enumerate(split(text, self.dialect), 1):
            self.steps.append(Step(number, written, catalog, schema))
            if self._is_translated:
                catalog, schema = entered(written.text, catalog=catalog, schema=schema)

    def check(self, values: dict[str, str]) -> None:
        """Make sure that every parameter has a value, and every statement a translation.

        Raises:
            EngineRejected: says of which statement.
        """
        check_values([step.written for step in self.steps], values)
        for step in self.steps:
            try:
                self.spelled(step, _AnyColumns())
            except EngineRejected as error:
                raise EngineRejected(f"Statement {step.number}: {error}", **error.facts) from error

    def tree(self, step: Step) -> exp.Expr | None:
        """Return a statement as it was written as a tree; None when its form is not known."""
        return portable.parse(step.written.bound(lambda name: "?"), self.dialect)

    def unknown_tables(self, step: Step) -> list[Table]:
        """Return the tables whose columns `spelled` must be told."""
        if not self._is_translated:
            return []
        return needs_columns(
            step.written.text, self._engine, catalog=step.catalog, schema=step.schema
        )

    def spelled(self, step: Step, columns: Columns | None = None) -> Statement:
        """Return a statement in the engine's dialect, with its markers.

        Raises:
            EngineRejected: it has no translation.
        """
        if not self._is_translated:
            return step.written
        text = translate(
            step.written.text,
            self._engine,
            catalog=step.catalog,
            schema=step.schema,
            columns=columns or {},
        )
        (statement,) = split(text, self._engine.value)
        return statement


class _AnyColumns(Mapping[Table, Sequence[str]]):
    """Stands for what is not known yet: a table may be made by an earlier statement."""

    def __getitem__(self, table: Table) -> Sequence[str]:
        return ("column",)

    def __iter__(self) -> Iterator[Table]:
        return iter(())

    def __len__(self) -> int:
        return 1
