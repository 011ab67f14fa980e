"""A Trino script on its way: where it stands, and how it is taken one step further."""

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from sqlglot import exp

from activities.folder import AttemptFolder
from activities.sql import portable
from activities.sql.checks import broken_rule
from activities.sql.gateway_tables import Commit, GatewayTables
from activities.sql.lineage import Touched, statement_event, touched
from activities.sql.scripts import SqlScript, Step
from activities.sql.statements import Statement
from activities.sql.trino_client import Page, Query, QueryGone, TrinoClient, kill_all, literal
from spec.attempts import AttemptWork, Frozen, SqlProgram, SqlResult
from spec.errors import EngineRejected, EngineUnavailable
from spec.tasks import Engine

MOST_ROWS = 1000
_SETTLE_S = 2.0


class Place(Frozen):
    """Where a script stands."""

    index: int = 0
    """The statement under way, counted from 0."""
    asked: bool = False
    """It may have been submitted: the intent is written before."""
    query_id: str | None = None
    next_uri: str | None = None
    noted: int = 0
    """The id of the last commit of the statements before."""
    lent: int | None = None
    """Another host may have sent the statements from here on: it told less than it did."""
    began_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    trace: str | None = None
    canceled: bool = False
    lost: str | None = None
    sql: SqlResult | None = None
    """Of the statement under way, or of the last one."""

    @property
    def may_be_sent(self) -> bool:
        """The statement under way has been submitted, or may have been."""
        lent = self.lent is not None and self.index >= self.lent
        return self.asked or lent or self.next_uri is not None

    def moved(self, **changes: Any) -> "Place":
        """Return it with changes."""
        return self.model_copy(update=changes)

    def ended(self, **changes: Any) -> "Place":
        """Return it as the end of the script."""
        return self.moved(ended_at=datetime.now(UTC), next_uri=None, **changes)


class Script:
    """Takes a script one step further; the caller writes down where it stands in between."""

    def __init__(
        self, trino: TrinoClient, tables: GatewayTables, work: AttemptWork, folder: AttemptFolder
    ) -> None:
        """See class."""
        self._trino = trino
        self._tables = tables
        self._work = work
        self._folder = folder
        self._script = script_of(work)
        self._steps = self._script.steps

    def is_at_end(self, place: Place) -> bool:
        """All statements have been run."""
        return place.index == len(self._steps)

    def finish(self, place: Place) -> Place:
        """Return it as the end of a script all of whose statements have run."""
        broken = broken_rule(place.sql) if program_of(self._work).check else None
        if broken is None:
            return place.ended()
        self._say(place.moved(index=max(0, place.index - 1)), broken)
        return place.ended(error=broken, trace=f"{program_of(self._work).text}\n\n{broken}")

    def intend(self, place: Place) -> Place:
        """Return it as it is written down before the statement is sent."""
        self._say(place, _first_line(self._step(place).written.text))
        return place.moved(asked=True, sql=None)

    async def send(self, place: Place) -> Place:
        """Submit the statement under way."""
        step = self._step(place)
        try:
            statement = await self._spelled(step)
        except EngineRejected as error:
            self._say(place, str(error))
            return place.ended(error=str(error), trace=f"{step.written.text}\n\n{error}")
        text = f"/* {self._label(place)} */ {_bound(statement, program_of(self._work).parameters)}"
        token = self._work.catalog.token
        page = await self._trino.submit(text, self._work.key, step.catalog, token, step.schema)
        return await self._taken(place, page)

    async def advance(self, place: Place) -> Place:
        """Read the next page, or find out what became of a statement out of sight."""
        if place.next_uri is None:
            return await self._recovered(place)
        try:
            page = await self._trino.read(place.next_uri)
        except QueryGone:
            return await self._recovered(place)
        return await self._taken(place, page)

    async def _taken(self, place: Place, page: Page) -> Place:
        """Take in what a page says."""
        place = place.moved(query_id=page.query_id, next_uri=page.next_uri)
        if page.error is not None:
            error = f"{page.error.get('errorName')}: {page.error.get('message')}"
            statement = self._step(place).written.text
            trace = f"Statement {place.index + 1}, query {page.query_id}:\n{statement}\n\n{error}"
            self._say(place, error)
            return place.ended(error=error, trace=trace)
        place = place.moved(sql=_added(place.sql, page))
        if page.next_uri is not None and place.sql is not None and place.sql.truncated:
            await self._trino.close(page.next_uri)
            place = place.moved(sql=place.sql.model_copy(update={"row_count": None}))
            return await self._done(place)
        return place if page.next_uri is not None else await self._done(place)

    async def _recovered(self, place: Place) -> Place:
        """Settle a statement that was sent, or may have been, and cannot be followed any more."""
        queries = await self._trino.find(self._work.key, self._label(place))
        if any(not query.has_ended for query in queries):
            await kill_all(self._trino, self._work.key)
            # A commit that was on its way when its query was killed arrives within this time.
            await asyncio.sleep(_SETTLE_S)
            queries = await self._trino.find(self._work.key, self._label(place))
        tree = self._tree(place)
        if isinstance(tree, portable.Query):
            # Its rows are gone with its pages; reading again is harmless.
            lent = None if place.lent is None else place.index + 1
            return self._again(place, queries).moved(lent=lent)
        known = {query.query_id for query in queries}
        known |= {place.query_id} if place.query_id is not None else set()
        own = first_of(await self._tables.commits(place.noted), known)
        if any(commit.state == "pending" for commit in own):
            raise EngineUnavailable("the catalog gateway is finding out whether a commit landed")
        finished = any(query.state == "FINISHED" for query in queries)
        if finished or any(commit.state == "committed" for commit in own):
            self._say(place, "found done after its worker was lost")
            return await self._done(place, own)
        unknown = any(commit.state == "unknown" for commit in own)
        if not unknown and (self._facts(place).output is not None or portable.is_repeatable(tree)):
            # Who did not get this far has sent nothing after it.
            return self._again(place, queries).moved(lent=None)
        return place.ended(
            lost=f"It cannot be known whether statement {place.index + 1} took effect."
        )

    def _again(self, place: Place, queries: Sequence[Query]) -> Place:
        """Let the statement be sent."""
        if queries or place.lent is None:
            self._say(place, "sent again after its worker was lost")
        return place.moved(asked=False, query_id=None, next_uri=None, sql=None)

    async def _done(self, place: Place, own: Sequence[Commit] = ()) -> Place:
        """Go on to the next statement, and tell what this one read and wrote."""
        if not own and not isinstance(self._tree(place), portable.Query):
            commits = await self._tables.commits(place.noted)
            own = first_of(commits, {place.query_id or ""}) if place.lent is not None else commits
        count = place.sql.row_count if place.sql is not None else None
        self._say(place, f"query {place.query_id}: {'many' if count is None else count} rows")
        facts = self._facts(place)
        if facts.inputs or facts.output is not None:
            await self._tell_lineage(place, facts)
        noted = max([place.noted, *(commit.id for commit in own)])
        return place.moved(
            index=place.index + 1, asked=False, noted=noted, query_id=None, next_uri=None
        )

    async def _tell_lineage(self, place: Place, facts: Touched) -> None:
        columns: dict[tuple[str, str, str], dict[str, str]] = {}
        for table in {*facts.inputs, *([facts.output] if facts.output is not None else [])}:
            if table[0] == self._work.catalog.name:
                state = await self._tables.load(table[1], table[2])
                columns[table] = {} if state is None else state.columns
        parent = self._work.lineage
        told = statement_event(
            self._step(place).written.text,
            datetime.now(UTC),
            {"namespace": parent.namespace, "name": parent.job_name},
            parent.run_id,
            facts,
            lambda table: columns.get(table, {}),
            self._script.dialect,
        )
        with self._folder.lineage.open("a") as file:
            file.write(json.dumps(told) + "\n")

    def _facts(self, place: Place) -> Touched:
        tree = self._tree(place)
        if tree is None:
            return Touched((), None, None)
        step = self._step(place)
        return touched(tree, step.catalog, step.schema)

    def _tree(self, place: Place) -> exp.Expr | None:
        return self._script.tree(self._step(place))

    def _step(self, place: Place) -> Step:
        return self._steps[place.index]

    async def _spelled(self, step: Step) -> Statement:
        """Return the statement as Trino is told it."""
        columns: dict[tuple[str, str, str], list[str]] = {}
        for table in self._script.unknown_tables(step):
            state = await self._tables.load(table[1], table[2])
            columns[table] = [] if state is None else list(state.columns)
        return self._script.spelled(step, columns)

    def _label(self, place: Place) -> str:
        return f"{self._work.key} statement {place.index + 1}"

    def _say(self, place: Place, text: str) -> None:
        with self._folder.log.open("a") as file:
            file.write(f"[{place.index + 1}/{len(self._steps)}] {text}\n")


def first_of(commits: Sequence[Commit], queries: Collection[str]) -> list[Commit]:
    """Return the commits of one statement: those of the first query, if it is among these.

    Args:
        commits: Since before the statement, oldest first; later statements may have made some.
        queries: Under which the statement is known to have run; empty when Trino has forgotten.
    """
    named = [each.query_id for each in commits if each.query_id is not None]
    first = named[0] if named else None
    if queries and first is not None and first not in queries:
        return []
    return list(takewhile(lambda each: each.query_id in (None, first), commits))


def program_of(work: AttemptWork) -> SqlProgram:
    """Return the attempt's SQL.

    Raises:
        EngineRejected: it is another kind of program.
    """
    if not isinstance(work.program, SqlProgram):
        raise EngineRejected(f"Trino runs SQL, not a {work.program.type} program")
    return work.program


def script_of(work: AttemptWork) -> SqlScript:
    """Return the attempt's statements.

    Raises:
        EngineRejected: see `program_of` and `SqlScript`.
    """
    program = program_of(work)
    catalog = program.catalog or work.catalog.name
    schema = program.schema_name or "default"
    return SqlScript(program.text, program.dialect, Engine.TRINO, catalog, schema)


def _bound(statement: Statement, values: dict[str, str]) -> str:
    """Bind the parameters as Trino does: positions in the text, values after USING."""
    if not statement.names:
        return statement.text
    using = ", ".join(literal(values[name]) for name in statement.names)
    return f"EXECUTE IMMEDIATE {literal(statement.bound(lambda name: '?'))} USING {using}"


def _added(so_far: SqlResult | None, page: Page) -> SqlResult:
    known = so_far or SqlResult(row_count=0)
    room = MOST_ROWS - len(known.rows)
    count = (known.row_count or 0) + len(page.rows)
    rows = tuple(tuple(_text(cell) for cell in row) for row in page.rows[:room])
    return SqlResult(
        columns=tuple(name for name, _ in page.columns) or known.columns,
        types=tuple(kind for _, kind in page.columns) or known.types,
        rows=known.rows + rows,
        row_count=count,
        truncated=count > MOST_ROWS,
    )


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return json.dumps(cell) if isinstance(cell, dict | list) else str(cell)


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0]
    return line if len(line) <= 100 else f"{line[:99]}…"
