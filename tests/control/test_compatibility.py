"""The page of what works of the SDK is as the record says."""

from tests.conformance.page import PAGE, page


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == page(), "renew it with `make gen`"
