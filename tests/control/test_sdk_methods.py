"""Every method of the SDK does something here, or is refused as docs/compatibility.md says."""

import httpx2

from tests.conformance.asking import Asked, account, workspace
from tests.conformance.page import undriven
from tests.conformance.routing import reason_of


async def answer_of(api: httpx2.AsyncClient, asked: Asked) -> str | None:
    """Send a request; say what is wrong with the answer if it is not the one announced."""
    reason = reason_of(asked)
    answer = await api.request(asked.verb, asked.path)
    if asked.verb == "HEAD":
        return None if answer.status_code == 404 else str(answer.status_code)
    error = answer.json()
    given = (answer.status_code, error.get("error_code"))
    if reason is None:
        wanted = given == (404, "ENDPOINT_NOT_FOUND")
    else:
        wanted = given == (501, "NOT_IMPLEMENTED") and reason in error["message"]
    return None if wanted else f"{given}: {error}"


async def test_what_is_not_served_is_refused_with_its_reason(api: httpx2.AsyncClient) -> None:
    refused = {n: a for n, a in workspace().items() if reason_of(a) != ""}
    answers = {name: await answer_of(api, asked) for name, asked in refused.items()}
    assert len(answers) > 500
    assert {name: text for name, text in answers.items() if text} == {}


async def test_the_api_of_accounts_is_refused(api: httpx2.AsyncClient) -> None:
    answers = {name: await answer_of(api, asked) for name, asked in account().items()}
    assert {name: text for name, text in answers.items() if text} == {}


def test_what_is_served_is_driven_by_a_conformance_test() -> None:
    assert undriven() == [], "call these in tests/conformance"
