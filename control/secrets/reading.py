"""Gives values to running attempts, and notes each one so that it can be redacted.

An attempt's user code has a token of its own that is good for reading secrets only, and only while
the attempt is open. What it may read are the scopes that its run's user may read.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller, bearer, caller_named, caller_of
from control.deps import Deps
from control.gateway import tokens
from control.gateway.tables import AttemptRow, AttemptState
from control.gateway.tokens import AttemptClaims
from control.runs.tables import Run
from control.secrets import store
from control.secrets.access import Reader, permitted, readable
from control.secrets.redaction import Redactor
from control.secrets.tables import AttemptSecret
from control.workspaces.principals import find
from spec.api.secrets import Permission, SecretValue
from spec.attempts import AttemptOutput, Compute
from spec.errors import Forbidden, Invalid, NotFound, Unauthenticated

REFERENCE = re.compile(r"\{\{\s*secrets/([A-Za-z0-9_.-]{1,128})/([A-Za-z0-9_.-]{1,128})\s*\}\}")
"""Databricks' form in `spark_conf` and `spark_env_vars`."""


class NotInAJob(Invalid):
    """Somebody who is no running task asks for a value."""

    code = "BAD_REQUEST"


def attempt_token(request: Request) -> str | None:
    """Return the token of an attempt (a JWT) that a request carries.

    None when a person asks: by an access token, or by the console's cookie.
    """
    header = request.headers.get("authorization")
    token = bearer(header) if header is not None else ""
    return token if token.count(".") == 2 else None


async def reader_of(deps: Deps, token: str) -> Reader:
    """Return whom an attempt's token speaks for.

    Raises:
        Unauthenticated: it is not our token, or it was made for something else.
        Forbidden: the attempt is over.
    """
    claims = tokens.verify(deps.access.signing_key, token, audience=tokens.API_AUDIENCE)
    if not isinstance(claims, AttemptClaims):
        raise Unauthenticated("the token does not belong to a task's attempt")
    async with deps.database.read_session() as session:
        attempt = await session.get(AttemptRow, claims.task_run_id)
        run = await session.get(Run, claims.run_id)
        if attempt is None or run is None or attempt.state != AttemptState.OPEN:
            raise Forbidden(
                f"attempt {claims.task_run_id} is over, and its token with it",
                task_run_id=claims.task_run_id,
            )
        return Reader(await _user_of(session, run), claims.task_run_id)


async def _user_of(session: AsyncSession, run: Run) -> Caller:
    return await caller_named(session, run.workspace_id, run.run_as or run.creator)


async def get(deps: Deps, reader: Reader, scope: str, key: str) -> SecretValue:
    """Give a value to an attempt.

    Raises:
        NotInAJob: a person asks.
        NotFound: there is no such scope or key.
        Forbidden: the run's user may not read the scope.
    """
    if reader.task_run_id is None:
        raise NotInAJob("Secret values are given to running tasks only: use dbutils.secrets there.")
    async with deps.database.session() as session:
        value = await _give(deps, session, reader, reader.task_run_id, scope, key)
    return SecretValue(key=key, value=base64.b64encode(value).decode())


async def resolve(
    deps: Deps, run: Run, task_run_id: int, texts: Mapping[str, str]
) -> dict[str, str]:
    """Replace every `{{secrets/scope/key}}` in the texts, for this attempt alone.

    An attempt that is opened again gets what it was given the first time.

    Args:
        deps: The collaborators.
        run: The attempt's run; its user's rights count.
        task_run_id: The attempt, which must have been opened.
        texts: E.g. `spark_conf`: setting → text.

    Raises:
        Invalid: a secret does not exist, may not be read, or is no text; names setting and secret.
    """
    if not any(REFERENCE.search(text) for text in texts.values()):
        return dict(texts)
    resolved: dict[str, str] = {}
    async with deps.database.session() as session:
        reader = Reader(await _user_of(session, run), task_run_id)
        given = {(row.scope, row.key): row for row in await store.given(session, task_run_id)}
        for name, text in texts.items():
            for whole, scope, key in {each.group(0, 1, 2) for each in REFERENCE.finditer(text)}:
                try:
                    note = given.get((scope, key))
                    value = (
                        _value_of(deps, note)
                        if note is not None
                        else await _give(deps, session, reader, task_run_id, scope, key)
                    )
                    text = text.replace(whole, value.decode())
                except (NotFound, Forbidden, UnicodeDecodeError) as error:
                    reason = getattr(error, "message", "its value is not UTF-8 text")
                    said = f"'{name}' refers to the secret {scope}/{key}: {reason}"
                    raise Invalid(said) from None
            resolved[name] = text
    return resolved


async def _give(
    deps: Deps, session: AsyncSession, reader: Reader, task_run_id: int, scope_name: str, key: str
) -> bytes:
    scope = await permitted(session, reader.caller, scope_name, Permission.READ)
    row = await store.secret(session, scope, key)
    value = deps.sealer.unseal(row.sealed, table="secrets", row=f"{row.scope_id}/{row.key}")
    note = AttemptSecret(
        task_run_id=task_run_id, scope=scope_name, key=key, version=row.version, sealed=""
    )
    note.sealed = deps.sealer.seal(value, table="attempt_secrets", row=_place(note))
    if await store.note_given(session, note):
        where = f"{scope_name}/{key}"
        audit.record(
            session, reader.caller, "secret.read", "secret", where, task_run_id=str(task_run_id)
        )
    return value


def _value_of(deps: Deps, note: AttemptSecret) -> bytes:
    return deps.sealer.unseal(note.sealed, table="attempt_secrets", row=_place(note))


def _place(note: AttemptSecret) -> str:
    return f"{note.task_run_id}/{note.scope}/{note.key}/{note.version}"


async def redactor_of(deps: Deps, session: AsyncSession, task_run_id: int) -> Redactor:
    """Return what takes every value out that an attempt was given so far."""
    notes = await store.given(session, task_run_id)
    return Redactor([_value_of(deps, note) for note in notes])


async def redactor_for(deps: Deps, session: AsyncSession, caller: Caller) -> Redactor:
    """Return what takes every value out that a caller may read at this moment.

    Of the control plane itself, that is what the user may read for whom it acts; all, when that
    user is not there any more.
    """
    if not caller.principal_id:
        user = await find(session, caller.workspace_id, caller.user_name)
        caller = caller if user is None else await caller_of(session, user)
    scopes = await readable(session, caller)
    rows = await store.secrets_of(session, scopes) if scopes else ()
    return Redactor(
        [
            deps.sealer.unseal(row.sealed, table="secrets", row=f"{row.scope_id}/{row.key}")
            for row in rows
        ]
    )


async def redact(deps: Deps, task_run_id: int, text: str) -> str:
    """Return text of an attempt, which may have been cut off, without the values it was given."""
    async with deps.database.read_session() as session:
        return (await redactor_of(deps, session, task_run_id)).cut_text(text)


def redact_output(redactor: Redactor, output: AttemptOutput) -> dict[str, Any]:
    """Return an output as it is stored; its error is cut off where it is long."""
    content = redactor.tree(output.model_dump(mode="json"))
    for name in ("error", "error_trace"):
        content[name] = content[name] and redactor.cut_text(content[name])
    return content


async def with_secrets(deps: Deps, run: Run, task_run_id: int, compute: Compute) -> Compute:
    """Return what an attempt runs on with the secrets in its Spark settings and variables.

    Raises:
        Invalid: as `resolve`.
    """
    return compute.model_copy(
        update={
            "spark_conf": await resolve(deps, run, task_run_id, compute.spark_conf),
            "environment": await resolve(deps, run, task_run_id, compute.environment),
        }
    )
