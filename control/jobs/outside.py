"""Fetches what a run takes from outside the database, before the transaction that admits it."""

from control.deps import Deps
from control.jobs.materials import Outside, check_profiles
from control.jobs.sources import needs_checkout
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
