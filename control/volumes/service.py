"""What may be done to volumes: any user of the workspace may, and nobody else sees them.

The files of a volume are in the lakehouse's bucket under `volumes/<workspace>/<volume id>/`.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.ids import new_id
from control.lakehouse import unity
from control.runs.views import millis
from control.volumes import store
from control.volumes.paths import VolumePath
from control.volumes.tables import Volume
from control.volumes.tree import Tree
from control.workspaces import principals
from spec.api.volumes import CreateVolume, UpdateVolume, VolumeInfo, VolumeList
from spec.errors import Conflict, Invalid, NotFound

KEPT = timedelta(days=1)
"""How long the files of a deleted volume stay: longer than any transfer that was under way."""

_PAGE = 1000
_MOST = 10_000
_AT_A_TIME = 20


class VolumeExists(Conflict):
    """There is a volume of this name."""

    code = "RESOURCE_ALREADY_EXISTS"


def prefix_of(workspace_id: int, name: str) -> str:
    """Return where in the bucket the files of a volume, or of another tree, are."""
    return f"volumes/{workspace_id}/{name}/"


def tree_of(deps: Deps, volume: Volume) -> Tree:
    """Return a volume's files."""
    title = f"/Volumes/{volume.catalog_name}/{volume.schema_name}/{volume.name}"
    return Tree(deps.files, prefix_of(volume.workspace_id, volume.volume_id), title)


async def tree_at(deps: Deps, caller: Caller, path: VolumePath) -> Tree:
    """Return the files of the volume that a path names.

    Raises:
        NotFound: the workspace has no such volume.
    """
    async with deps.database.read_session() as session:
        where = (path.catalog, path.schema, path.volume)
        return tree_of(deps, await store.get(session, caller.workspace_id, *where))


async def content_of(deps: Deps, workspace_id: int, path: VolumePath, most_bytes: int) -> bytes:
    """Return a whole file of a volume.

    Raises:
        NotFound: the workspace has no such volume, or the volume no such file.
        Invalid: the file is larger than this.
    """
    async with deps.database.read_session() as session:
        where = (path.catalog, path.schema, path.volume)
        tree = tree_of(deps, await store.get(session, workspace_id, *where))
    size = (await tree.file(path.inside)).size_bytes
    if size > most_bytes:
        raise Invalid(f"'{path}' has {size} bytes; a task takes files of at most {most_bytes}")
    opened = await tree.open(path.inside, {})
    return b"".join([piece async for piece in opened.body])


async def create(deps: Deps, caller: Caller, request: CreateVolume) -> VolumeInfo:
    """Make a volume.

    Raises:
        NotFound: the schema does not exist.
        VolumeExists: the volume does.
        Invalid: it is to be external, or its name cannot be one.
    """
    if request.volume_type != "MANAGED" or request.storage_location is not None:
        raise Invalid(
            "OpenLake makes MANAGED volumes only; EXTERNAL ones would need credentials for"
            " storage of your own. Leave 'storage_location' out and use volume_type MANAGED"
        )
    _check_name(request.name)
    await unity.get_schema(deps, f"{request.catalog_name}.{request.schema_name}")
    now = datetime.now(UTC)
    volume = Volume(
        volume_id=new_id(),
        workspace_id=caller.workspace_id,
        catalog_name=request.catalog_name,
        schema_name=request.schema_name,
        name=request.name,
        comment=request.comment,
        owner=caller.user_name,
        created_by=caller.user_name,
        created_at=now,
        updated_by=caller.user_name,
        updated_at=now,
    )
    try:
        async with deps.database.session() as session:
            session.add(volume)
            audit.record(session, caller, "volume.created", "volume", volume.full_name)
    except IntegrityError:
        raise VolumeExists(f"Volume '{volume.full_name}' already exists.") from None
    return info(deps, volume)


def _check_name(name: str) -> None:
    # Unity Catalog's rule ("Names", SQL language reference).
    if any(c in "./ " or ord(c) < 0x20 or c == "\x7f" for c in name) or len(name.encode()) > 255:
        raise Invalid(
            f"'{name}' cannot name a volume: it has at most 255 bytes, and no '.', '/', space or"
            " control character"
        )


async def get(deps: Deps, caller: Caller, full_name: str) -> VolumeInfo:
    """Return a volume."""
    async with deps.database.read_session() as session:
        return info(deps, await store.get(session, caller.workspace_id, *_parts(full_name)))


async def list_volumes(
    deps: Deps, caller: Caller, catalog: str, schema: str, limit: int, token: str | None
) -> VolumeList:
    """Return one page of a schema's volumes by name.

    Raises:
        NotFound: the schema does not exist.
    """
    await unity.get_schema(deps, f"{catalog}.{schema}")
    size = min(limit or _PAGE, _MOST)
    after = paging.decode(token).get("after")
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller.workspace_id,
            catalog,
            schema,
            after=None if after is None else str(after),
            limit=size + 1,
        )
    shown = rows[:size]
    return VolumeList(
        volumes=tuple(info(deps, row) for row in shown),
        next_page_token=paging.encode(after=shown[-1].name) if len(rows) > size else None,
    )


async def update(deps: Deps, caller: Caller, full_name: str, request: UpdateVolume) -> VolumeInfo:
    """Change a volume's name, comment or owner; its files stay where they are."""
    where = _parts(full_name)
    try:
        async with deps.database.session() as session:
            row = await store.get(session, caller.workspace_id, *where)
            if request.new_name is not None:
                _check_name(request.new_name)
                row.name = request.new_name
            if request.comment is not None:
                row.comment = request.comment
            if request.owner is not None:
                await _check_owner(session, caller.workspace_id, request.owner)
                row.owner = request.owner
            row.updated_by, row.updated_at = caller.user_name, datetime.now(UTC)
            session.add(row)
            given = request.model_dump(exclude_none=True)
            audit.record(session, caller, "volume.updated", "volume", full_name, **given)
    except IntegrityError:
        taken = f"{where[0]}.{where[1]}.{request.new_name}"
        raise VolumeExists(f"Volume '{taken}' already exists.") from None
    return info(deps, row)


async def _check_owner(session: AsyncSession, workspace_id: int, name: str) -> None:
    for find in (principals.find, principals.find_group):
        if await find(session, workspace_id, name) is not None:
            return
    raise Invalid(f"'{name}' is no user, service principal or group of this workspace")


async def delete(deps: Deps, caller: Caller, full_name: str) -> None:
    """Delete a volume; its files are removed a day later."""
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, *_parts(full_name))
        row.deleted_at = datetime.now(UTC)
        session.add(row)
        audit.record(session, caller, "volume.deleted", "volume", full_name)


async def purge(deps: Deps, now: datetime) -> int:
    """Remove the files of volumes that were deleted long enough ago; return how many volumes.

    Harmless when repeated: a volume's row goes when its last file has gone.
    """
    async with deps.database.read_session() as session:
        rows = await store.deleted(session, now - KEPT, _AT_A_TIME)
    for row in rows:
        await tree_of(deps, row).delete_all("")
        async with deps.database.session() as session:
            await store.forget_volume(session, row.volume_id)
    return len(rows)


def _parts(full_name: str) -> tuple[str, str, str]:
    """Take a full name apart; a schema's own name may hold dots."""
    catalog, _, rest = full_name.partition(".")
    schema, _, name = rest.rpartition(".")
    if not (catalog and schema and name):
        raise NotFound(
            f"Volume '{full_name}' does not exist: a full name is '<catalog>.<schema>.<volume>'."
        )
    return catalog, schema, name


def info(deps: Deps, row: Volume) -> VolumeInfo:
    """Return a volume as Databricks shows it."""
    place = prefix_of(row.workspace_id, row.volume_id)
    return VolumeInfo(
        name=row.name,
        catalog_name=row.catalog_name,
        schema_name=row.schema_name,
        full_name=row.full_name,
        volume_id=row.volume_id,
        storage_location=f"s3://{deps.files.bucket}/{place[:-1]}",
        comment=row.comment,
        owner=row.owner,
        created_at=millis(row.created_at),
        created_by=row.created_by,
        updated_at=millis(row.updated_at),
        updated_by=row.updated_by,
    )
