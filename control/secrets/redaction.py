"""Takes secret values out of bytes; pure.

A value is found as it is, and as it looks in base64 (also inside a longer encoded text), in a URL
and in JSON. Values of fewer than four characters are left: they would blot out ordinary text.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_from_bytes, quote_plus

MARK = b"[REDACTED]"
LEAST_CHARACTERS = 4


class Redactor:
    """Replaces the values that one attempt was given."""

    def __init__(self, values: Iterable[bytes]) -> None:
        """See class."""
        kept = [value for value in values if len(value) >= LEAST_CHARACTERS]
        self._patterns = sorted({form for value in kept for form in _forms(value)})

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return bool(self._patterns)

    def text(self, content: str) -> str:
        """Return text with every value replaced."""
        redacted, _ = self.whole(content.encode("utf-8", "surrogatepass"))
        return redacted.decode("utf-8", "replace")

    def cut_text(self, content: str) -> str:
        """Redact text that may have been cut off in the middle of a value."""
        raw = content.encode("utf-8", "surrogatepass")
        held = self._held(raw)
        more = [(len(raw) - held, len(raw))] if held >= LEAST_CHARACTERS else []
        return _replace(raw, self._found(raw, more)).decode("utf-8", "replace")

    def tree(self, content: Any) -> Any:
        """Return a JSON value with every text, key and number in it redacted."""
        if isinstance(content, list):
            return [self.tree(each) for each in cast("list[Any]", content)]
        if isinstance(content, dict):
            fields = cast("dict[str, Any]", content)
            return {self.text(key): self.tree(each) for key, each in fields.items()}
        if content is None or isinstance(content, bool):
            return content
        redacted = self.text(str(content))
        return content if redacted == str(content) else redacted

    def whole(self, content: bytes) -> tuple[bytes, int]:
        """Redact the last bytes of a stream; as `part`, but all of them are judged."""
        return _replace(content, self._found(content)), len(content)

    def part(self, content: bytes, most: int) -> tuple[bytes, int]:
        """Redact what of a stream's next bytes can be judged already.

        Args:
            content: The bytes that follow those already judged; more will come.
            most: If content is as long as this, some progress is made in any case.

        Returns:
            The redacted bytes, and how many bytes of `content` they stand for; the rest may be the
            beginning of a value, and must come again with what follows it.
        """
        found = self._found(content)
        cut = len(content) - self._held(content)
        for start, stop in found:
            if start < cut < stop:
                cut = start if start > 0 or len(content) < most else stop
        return _replace(content[:cut], [span for span in found if span[1] <= cut]), cut

    def _found(self, content: bytes, more: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
        """Return where values stand, and these places too; those that overlap are one."""
        spans = [*more]
        for pattern in self._patterns:
            at = content.find(pattern)
            while at >= 0:
                spans.append((at, at + len(pattern)))
                at = content.find(pattern, at + 1)
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(spans):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return merged

    def _held(self, content: bytes) -> int:
        """Return how many of the last bytes may be the beginning of a value."""
        held = 0
        for pattern in self._patterns:
            tail = content[-(len(pattern) - 1) :]
            at = tail.find(pattern[:1])
            while 0 <= at < len(tail) - held:
                if pattern.startswith(tail[at:]):
                    held = len(tail) - at
                    break
                at = tail.find(pattern[:1], at + 1)
        return held


def _replace(content: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    parts: list[bytes] = []
    end = 0
    for start, stop in spans:
        parts += [content[end:start], MARK]
        end = stop
    return b"".join([*parts, content[end:]])


def _forms(value: bytes) -> set[bytes]:
    """Return the value as it is and as people and programs write it."""
    forms = {value, quote_from_bytes(value).encode(), quote_from_bytes(value, safe="").encode()}
    forms |= _base64(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {form for form in forms if len(form) >= LEAST_CHARACTERS}
    forms |= {quote_plus(text).encode(), quote(text, safe="~()*!'").encode()}
    for plain in (True, False):
        forms.add(json.dumps(text, ensure_ascii=plain)[1:-1].encode())
    forms.add(repr(text)[1:-1].encode("utf-8", "surrogatepass"))
    forms |= {form.strip() for form in list(forms)}
    return {form for form in forms if len(form) >= LEAST_CHARACTERS}


def _base64(value: bytes) -> set[bytes]:
    """Return the value in base64, and what of it shows inside a longer text at each alignment."""
    forms: set[bytes] = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(value)
        forms |= {whole, whole.rstrip(b"=")}
        for before in range(3):
            encoded = encode(b"\0" * before + value)
            first = (before * 8 + 5) // 6
            last = (before + len(value)) * 8 // 6
            forms.add(encoded[first:last])
    return forms
