"""Regular expressions that somebody wrote for others: only such that are matched in no time.

Python's engine tries alternatives one after another; a pattern such as `(a+)+b` takes it years on a
short text. So a pattern is refused in which that could be, and long texts match none.
"""

import re

MOST_CHARACTERS = 128
"""Of a text that is matched."""
_MOST_LOOPS = 4


def check_pattern(pattern: str) -> None:
    """Raise when a pattern is no regular expression, or one that could take long.

    Raises:
        ValueError: says why.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
    plain = _without_classes(pattern)
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", plain):
        raise ValueError(f"'{pattern}' refers back to one of its groups; say it without")
    if _has_loop_in_loop(plain):
        raise ValueError(
            f"'{pattern}' repeats a group that itself repeats or has alternatives; say it without"
        )
    if len(_LOOP.findall(plain)) > _MOST_LOOPS:
        raise ValueError(f"'{pattern}' has more than {_MOST_LOOPS} repetitions")


def matches(pattern: str, text: str) -> bool:
    """Tell whether a checked pattern matches the whole of a text."""
    return len(text) <= MOST_CHARACTERS and re.fullmatch(pattern, text) is not None


_LOOP = re.compile(r"[*+]|\{\d*,?\d*\}")
_REPEATED = re.compile(r"[*+{]")


def _without_classes(pattern: str) -> str:
    """Return a pattern with a plain letter for every class and every escape but references back."""
    pattern = re.sub(r"\\[^1-9]", "x", pattern)
    return re.sub(r"\[\^?\]?[^\]]*\]", "x", pattern)


def _has_loop_in_loop(pattern: str) -> bool:
    opened: list[int] = []
    for place, letter in enumerate(pattern):
        if letter == "(":
            opened.append(place)
        elif letter == ")" and opened:
            inside = pattern[opened.pop() : place]
            if _REPEATED.match(pattern, place + 1) and re.search(r"[*+{|]", inside):
                return True
    return False
