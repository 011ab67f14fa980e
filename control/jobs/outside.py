"""Fetches what a run takes from outside the database, before the transaction that admits it."""

from collections.abc import Iterable

from control.deps import Deps
from control.files import store as files
from control.files.service import MOST_FILE_BYTES
from control.jobs.materials import Outside, check_profiles
from control.jobs.sources import needs_checkout
from control.volumes.paths import VolumePath, volume_path
from control.volumes.service import content_of
from spec.errors import Invalid, NotFound
from spec.jobs import JobSettings


async def gather(deps: Deps, settings: JobSettings, commit: str | None = None) -> Outside:
    """Return the files of the job's repository at the commit that its branch or tag is at now.

    Args:
        deps: Of this process.
        settings: What the run works from; `pin` refuses what was gathered for others.
        commit: Take this one instead, e.g. that of the run which is repaired.

    Raises:
        CheckoutFailed: the repository cannot be read.
        Invalid: a compute profile does not exist.
    """
    check_profiles(settings, deps.profiles)
    checkout = None
    if settings.git_source is not None and needs_checkout(settings):
        source = settings.git_source
        wanted = commit or await deps.git.resolve(source)
        checkout = await deps.checkouts.get(deps.database, deps.git, source, wanted)
    return Outside(checkout, deps.profiles)


async def fetch(deps: Deps, workspace_id: int, keys: Iterable[str]) -> dict[str, str | Invalid]:
    """Store files of volumes as they are now; return key → SHA-256, or why there is none."""
    return {key: await _fetch(deps, workspace_id, volume_path(key)) for key in keys}


async def _fetch(deps: Deps, workspace_id: int, path: VolumePath) -> str | Invalid:
    try:
        content = await content_of(deps, workspace_id, path, MOST_FILE_BYTES)
    except (Invalid, NotFound) as error:
        return Invalid(error.message)
    async with deps.database.session() as session:
        return await files.put_blob(session, content)
