"""Cutting UTF-8 where a character ends; pure."""

_LONGEST = 4


def whole_characters(content: bytes) -> tuple[str, bytes]:
    """Decode all but a character that is cut off at the end; return both parts.

    Bytes that are no UTF-8 become U+FFFD.
    """
    cut = len(content)
    for back in range(1, min(_LONGEST, len(content)) + 1):
        byte = content[-back]
        if byte & 0xC0 == 0x80:
            continue
        if byte >= 0xC0 and back < _length(byte):
            cut = len(content) - back
        break
    return content[:cut].decode("utf-8", "replace"), content[cut:]


def _length(first: int) -> int:
    return 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2
