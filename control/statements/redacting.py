"""Takes secrets out of the text of a statement before it is kept; nothing here changes what runs.

Three things are taken out: the values of all secrets that the caller may read, as
`control.secrets.redaction` finds them; literals that stand behind a word such as PASSWORD or TOKEN;
and passwords in URLs. Where it is unclear whether a literal is a secret, it is taken out.
"""

import re
from collections.abc import Iterator

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.secrets.reading import redactor_for

MARK = "[REDACTED]"
MOST_CHARACTERS = 64 * 1024
"""Of a longer text, so much of its beginning is kept."""


def _tokens(escapes: str) -> re.Pattern[str]:
    # Possessive, so that no text takes more than one pass.
    single, double = (rf"(?:[^{quote}\\]|{quote}{quote}|{escapes})*+" for quote in "'\"")
    return re.compile(
        rf"""(?P<space>\s++|--[^\n]*+|/\*.*?(?:\*/|\Z))
        |(?P<literal>(?:\b[A-Za-z]{{1,2}})?'(?P<single>{single})(?:'|\Z)
            |"(?P<double>{double})(?:"|\Z)
            |\$(?P<tag>\w*+)\$(?P<dollar>.*?)(?:\$(?P=tag)\$|\Z))
        |(?P<word>`[^`]*+`?|\w++(?:[.\-]\w++)*+)
        |(?P<between>=>|:=|==|[=:,])
        |(?P<other>.)""",
        re.DOTALL | re.VERBOSE,
    )


_READINGS = (_tokens(r"\\"), _tokens(r"\\.?"))
"""A backslash escapes in some dialects and not in others: a secret by either reading is one."""
_WORDS = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private)[_-]?key)s?"
)
_NAMES_A_SECRET = re.compile(rf"{_WORDS}|\bidentified\b", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?:access|api)[_-]?key[_-]?id\W?\Z", re.IGNORECASE)
"""The public half of a pair."""
_LINKING = frozenset({"by", "with", "as", "to", "is"})
_SETTING = re.compile(
    rf"""{_WORDS}[\w.\-]{{0,40}}["']?\s{{0,9}}[=:]\s{{0,9}}["']?(?P<value>[^\s"'&;,}}]+)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Inside a literal or a comment: JSON, a connection string, the query of a URL."""
_ANYWHERE = (
    re.compile(r"://[^\s/:@'\"]{0,200}:(?P<value>[^\s/'\"]{1,1000})@"),
    re.compile(r"\b(?:Bearer|Basic)\s{1,9}(?P<value>[\w.~+/\-]{8,}=*)", re.IGNORECASE),
)


async def redacted_text(session: AsyncSession, deps: Deps, caller: Caller, text: str) -> str:
    """Return a statement's text, or an error that quotes it, as it may be kept and shown.

    Args:
        session: Any; nothing is written.
        deps: The collaborators.
        caller: Whose secrets are looked for: those that the caller may read at this moment.
        text: As sent.

    Returns:
        At most `MOST_CHARACTERS` characters of it, and an ellipsis when there were more.
    """
    redactor = await redactor_for(deps, session, caller)
    if len(text) <= MOST_CHARACTERS:
        return without_literals(redactor.text(text))
    return without_literals(redactor.cut_text(text[:MOST_CHARACTERS])) + "…"


def without_literals(text: str) -> str:
    """Return SQL without the literals that look like secrets by what stands before them; pure."""
    spans = [found.span("value") for pattern in _ANYWHERE for found in pattern.finditer(text)]
    for reading in _READINGS:
        spans += _spans(text, reading)
    pieces: list[str] = []
    at = 0
    for start, stop in sorted(spans):
        if start >= at:
            pieces += [text[at:start], MARK]
        at = max(at, stop)
    return "".join([*pieces, text[at:]])


def _spans(text: str, reading: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand."""
    named, in_list = False, False
    # What stands before, apart from links, names a secret; in_list: it is IN and what follows.
    for token in reading.finditer(text):
        piece = token.group()
        if token["literal"]:
            if named and not _NAMES_A_SECRET.search(piece):
                named = in_list
                yield next(
                    token.span(form)
                    for form in ("single", "double", "dollar")
                    if token[form] is not None
                )
            else:
                named, in_list = _is_name(piece), False
                yield from _settings(text, token)
        elif token["space"]:
            yield from _settings(text, token)
        elif token["word"]:
            in_list = named and piece.lower() == "in"
            named = in_list or _is_name(piece) or (named and piece.lower() in _LINKING)
        elif not token["between"] and not (in_list and piece == "("):
            named = in_list = False


def _settings(text: str, token: re.Match[str]) -> Iterator[tuple[int, int]]:
    for found in _SETTING.finditer(text, *token.span()):
        yield found.span("value")


def _is_name(piece: str) -> bool:
    return bool(_NAMES_A_SECRET.search(piece)) and not _IDENTIFIER.search(piece)
