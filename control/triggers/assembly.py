"""Makes the triggers of a running stack."""

from datetime import timedelta

from control.deps import Deps
from control.stack.layout import Layout
from control.triggers.activities import Triggers
from control.triggers.watching import LakeWatcher


def make_triggers(layout: Layout, deps: Deps) -> Triggers:
    """Return the activity of triggers; it looks at files with the keys that user code has.

    Raises:
        Unavailable: a secret is missing; `openlake up` makes them.
    """
    store, settings = layout.s3("lakehouse"), layout.settings.triggers
    watcher = LakeWatcher(
        endpoint=store.endpoint,
        region=store.region,
        access_key=store.access_key,
        secret_key=store.secret_key,
        catalog=deps.catalog,
    )
    return Triggers(
        deps,
        watcher,
        catch_up=timedelta(seconds=settings.catch_up_s),
        look_every=timedelta(seconds=settings.look_every_s),
    )
