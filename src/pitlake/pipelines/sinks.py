"""The format and the options of a sink, checked where they are given."""

from __future__ import annotations

from collections.abc import Mapping

from pitlake.pipelines.definitions import Location, SinkFormat
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.names import suggestion

_KAFKA = "kafka."
_KAFKA_OPTIONS = ("topic", "includeHeaders", "kafka.bootstrap.servers")
_DELTA_OPTIONS = ("path", "tableName")


def sink_format(name: str, given: str, location: Location) -> SinkFormat:
    """The format of that name. Raises DefinitionError for one that there is not."""
    if given not in list(SinkFormat):
        do = suggestion(str(given), list(SinkFormat), what="formats")
        raise error_at(location, f"the sink {name} has the unknown format {given!r}", do)
    return SinkFormat(given)


def sink_options(name: str, kind: SinkFormat, given: Mapping[str, object], location: Location) -> dict[str, str]:
    """The options as text. Raises DefinitionError for one that the format does not know, and for a Delta sink without a place."""
    known = _KAFKA_OPTIONS if kind is SinkFormat.KAFKA else _DELTA_OPTIONS
    for option in given:
        if option not in known and not (kind is SinkFormat.KAFKA and option.startswith(_KAFKA)):
            what = f"the {kind} sink {name} has the unknown option {option}"
            raise error_at(location, what, suggestion(option, known, what="options"))
    if kind is SinkFormat.DELTA:
        _check_place(name, given, location)
    return {option: str(value) for option, value in given.items()}


def _check_place(name: str, given: Mapping[str, object], location: Location) -> None:
    if len(given) != 1:
        what = f"the delta sink {name} has {'both' if given else 'neither'} path {'and' if given else 'nor'} tableName"
        raise error_at(location, what, "Give one of the two: where the table lies, or its name.")
    path = str(given.get("path", "/"))
    if not path.startswith("/") and "://" not in path:
        what = f"the delta sink {name} has the path {path!r}, which depends on where it is read"
        raise error_at(location, what, "Give a path from the root, or a URL of an object store.")
