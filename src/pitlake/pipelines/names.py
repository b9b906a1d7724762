"""Names of datasets, as they are written in a pipeline's queries."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def bare_name(name: str, catalog: str, schema: str) -> str:
    """A name without the parts that go without saying: backticks, `LIVE.`, the pipeline's own catalog and schema.

    A name of another catalog or schema is returned whole.
    """
    parts = [part.strip().strip("`") for part in name.split(".")]
    own = [part.lower() for part in (catalog, schema)]
    qualifiers = [part.lower() for part in parts[:-1]]
    if qualifiers in ([], ["live"], own[1:], own):
        return parts[-1]
    return ".".join(parts)


def suggestion(name: str, known: Iterable[str], *, what: str) -> str:
    """What to do about an unknown name: the nearest known one, or all that are known. `what` names the kind, in the plural."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"The known {what} are {', '.join(choices)}." if choices else f"There are no {what} yet."
