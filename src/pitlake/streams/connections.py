"""Settings that every client of the broker shares, and librdkafka's faults as errors for people."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from pitlake.errors import BrokerError

MAX_RECORD_BYTES = 48 * 1024 * 1024
"""The largest record that topics take: a row of bronze repeats its message of 10 MB, escaped, beside what was read out of it."""

ANSWER_SECONDS = 15.0
"""How long the broker may take over a question about itself."""

_AWAY = {
    KafkaError._TRANSPORT,  # noqa: SLF001 - librdkafka's own names, here and below
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
}

_log = logging.getLogger("pitlake.kafka")
_log.addHandler(logging.NullHandler())  # what matters is raised; the rest is for processes that keep a log


def client_config(bootstrap: str, **settings: object) -> dict[str, Any]:
    """The librdkafka configuration of one client; `settings` are its dotted names with `_` in place of `.`."""
    common: dict[str, Any] = {"bootstrap.servers": bootstrap, "logger": _log, "log.connection.close": False}
    return common | {name.replace("_", "."): value for name, value in settings.items()}


def no_answer(bootstrap: str) -> BrokerError:
    """The error for a broker that cannot be reached."""
    return BrokerError(
        f"Kafka at {bootstrap} does not answer.",
        do="Start it (`pitlake up` brings its own broker), or give the address of the one that runs.",
    )


def broker_error(bootstrap: str, fault: KafkaException | KafkaError, doing: str) -> BrokerError:
    """`fault` as a BrokerError that says what was being done."""
    error = fault.args[0] if isinstance(fault, KafkaException) else fault
    if error.code() in _AWAY:
        return no_answer(bootstrap)
    return BrokerError(f"Kafka at {bootstrap} refused {doing}: {error.str()}.", do="Look in the broker's log for the reason.")
