"""Where a request of the SDK ends in the API: at what is served, at a refusal, or nowhere."""

import functools

from fastapi.routing import APIRoute
from starlette.routing import Match

from control import app, refusals
from tests.conformance.asking import Asked


def reason_of(asked: Asked) -> str | None:
    """Say why a request is refused: empty where it is served, None where there is no route."""
    scope = {"type": "http", "path": asked.path, "root_path": "", "method": asked.verb}
    for route in _routes():
        if route.matches(scope)[0] is Match.FULL:
            return route.description if route in refusals.router.routes else ""
    return None


@functools.cache
def _routes() -> tuple[APIRoute, ...]:
    """All routes, in the order in which the API tries them."""
    routers = (*app.ROUTERS, refusals.router)
    return tuple(r for router in routers for r in router.routes if isinstance(r, APIRoute))
