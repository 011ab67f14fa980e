"""What an unmodified Databricks client asks about the server and about itself."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, json_answer
from control.tokens.service import FIRST_WORKSPACE

router = APIRouter(tags=["identity"])


@router.get("/.well-known/databricks-config")
async def host_config(deps: DepsArg) -> dict[str, str]:
    """Tell a client about this host; asked without a token, in its constructor.

    A token belongs to one workspace, whatever the client believes the host's workspace is.
    """
    return {"oidc_endpoint": f"{deps.public_url}/oidc", "workspace_id": str(FIRST_WORKSPACE)}


@router.get("/api/2.0/preview/scim/v2/Me")
async def me(caller: CallerArg) -> Response:
    """Return who the token speaks for (SCIM 2.0)."""
    body: dict[str, Any] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": str(caller.principal_id),
        "userName": caller.user_name,
        "displayName": caller.display_name,
        "active": True,
        "emails": [{"value": caller.user_name, "primary": True, "type": "work"}],
        "groups": [{"display": group, "value": group} for group in caller.groups],
        "name": {"givenName": caller.display_name, "familyName": ""},
    }
    answer = json_answer(body)
    # Clients that did not learn the workspace from the host ask for it here.
    answer.headers["X-Databricks-Org-Id"] = str(caller.workspace_id)
    return answer
