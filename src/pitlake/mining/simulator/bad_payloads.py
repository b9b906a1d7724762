"""Messages that are wrong on purpose, each in its own way, from a gateway of their own: the good ones stay what they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pitlake.mining.simulator.messages import Message, Reading, Value, iso, message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pitlake.mining.simulator.stories import PlayedStory

SOURCE = "ignition_gateway_03"
INTERVAL = timedelta(seconds=10)
FAR_FUTURE = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

Contract = dict[str, Any]
Made = tuple[bytes, tuple[tuple[str, str, Value, datetime], ...]]


def _contract(moment: datetime, identity: str, machine: str | None, tags: dict[str, Any]) -> Contract:
    update = {"equipment_id": machine, "equipment_type": "Crusher", "tags": tags}
    return {"timestamp": iso(moment), "source": SOURCE, "message_id": identity, "batch": [update]}


def _dumped(message: Contract) -> bytes:
    # The standard library writes NaN as a bare token, as the gateways do that this is about.
    return json.dumps(message, separators=(",", ":")).encode()


def _truncated_json(moment: datetime, identity: str) -> Made:
    return _dumped(_contract(moment, identity, "CR_003", {"Vibration_MM_S": 20.5}))[:-12], ()


def _invalid_utf8(moment: datetime, identity: str) -> Made:
    return _dumped(_contract(moment, identity, "CR_003", {"Status": "?"})).replace(b"?", b"\xff\xfe"), ()


def _wrong_types(moment: datetime, identity: str) -> Made:
    message = _contract(moment, identity, "CR_003", {"Vibration_MM_S": "high", "Motor_Temp_C": 75.5})
    return _dumped({**message, "sequence": "twelve"}), (("CR_003", "Motor_Temp_C", 75.5, moment),)


def _wrong_shape(moment: datetime, identity: str) -> Made:
    return _dumped({**_contract(moment, identity, None, {}), "batch": "none"}), ()


def _null_id(moment: datetime, identity: str) -> Made:
    return _dumped(_contract(moment, identity, None, {"Vibration_MM_S": 20.5})), ()


def _null_value(moment: datetime, identity: str) -> Made:
    return _dumped(_contract(moment, identity, "CR_003", {"Vibration_MM_S": None})), ()


def _not_a_number(moment: datetime, identity: str) -> Made:
    return _dumped(_contract(moment, identity, "CR_003", {"Vibration_MM_S": float("nan")})), ()


def _out_of_range(moment: datetime, identity: str) -> Made:
    tags = {"Motor_Temp_C": 99999.0}
    return _dumped(_contract(moment, identity, "CR_003", tags)), (("CR_003", "Motor_Temp_C", 99999.0, moment),)


def _unknown_machine(moment: datetime, identity: str) -> Made:
    tags = {"Vibration_MM_S": 20.5}
    return _dumped(_contract(moment, identity, "XX_999", tags)), (("XX_999", "Vibration_MM_S", 20.5, moment),)


def _far_future(moment: datetime, identity: str) -> Made:  # noqa: ARG001
    tags = {"Chute_Level_Pct": 60.5}
    return _dumped(_contract(FAR_FUTURE, identity, "CR_003", tags)), (("CR_003", "Chute_Level_Pct", 60.5, FAR_FUTURE),)


FAULTS: dict[str, Callable[[datetime, str], Made]] = {
    "truncated-json": _truncated_json,
    "wrong-types": _wrong_types,
    "null-id": _null_id,
    "not-a-number": _not_a_number,
    "out-of-range": _out_of_range,
    "unknown-machine": _unknown_machine,
    "far-future": _far_future,
    "null-value": _null_value,
    "wrong-shape": _wrong_shape,
    "invalid-utf8": _invalid_utf8,
}


def bad_messages(played: PlayedStory, start: datetime) -> Iterator[Message]:
    """One bad message every ten seconds of the story, each fault in turn; `start` is that of the run."""
    makers = list(FAULTS.items())
    for sequence in range(played.story.duration // INTERVAL):
        moment = played.begins + sequence * INTERVAL
        fault, make = makers[sequence % len(makers)]
        identity = message_id(SOURCE, start, sequence)
        value, readings = make(moment, identity)
        yield Message(moment, SOURCE, identity, value, tuple(Reading(*reading) for reading in readings), fault)
