"""A Sender to a Zerobus endpoint, by Databricks' own SDK."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

# The SDK tells of every stream that it opens, unless this says otherwise when it is imported.
os.environ.setdefault("RUST_LOG", "warn")

from zerobus.sdk.shared import StreamConfigurationOptions, TableProperties, ZerobusException
from zerobus.sdk.sync import ZerobusSdk

from pitlake.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pitlake.mining.simulator.sender import Delivery

_RETRY_MS = 500
_RETRIES = 1200


@dataclass(frozen=True)
class Target:
    """A landing table and the way to it: the URLs of streams and of tokens, and a client that may write to the table."""

    endpoint: str
    workspace: str
    client_id: str
    client_secret: str
    table: str


class ZerobusSender:
    """Sends text without waiting for acknowledgements; `flush` waits for them. An endpoint that is away is waited for.

    An acknowledgement says that a message is durable, and not where it is: `on_delivery` is not called. The interface takes
    text, so a message that is none, as a broken gateway may send, has no way through it and is left out.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        options = StreamConfigurationOptions(recovery_retries=_RETRIES, recovery_backoff_ms=_RETRY_MS)
        sdk = ZerobusSdk(target.endpoint, target.workspace)
        try:
            self._stream = sdk.create_stream(target.client_id, target.client_secret, TableProperties(target.table), options)
        except ZerobusException as fault:
            raise self._refusal(fault) from fault

    def send(self, key: bytes, value: bytes, on_delivery: Callable[[Delivery], None]) -> None:  # noqa: ARG002
        """See Sender."""
        with suppress(UnicodeDecodeError):
            text = value.decode()
            try:
                # Not `ingest_record_nowait`: records sent by that may overtake each other.
                self._stream.ingest_record_offset(text)
            except ZerobusException as fault:
                raise self._refusal(fault) from fault

    def flush(self) -> None:
        """See Sender."""
        try:
            self._stream.flush()
        except ZerobusException as fault:
            raise self._refusal(fault) from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(ZerobusException):
            self._stream.close()

    def _refusal(self, fault: ZerobusException) -> BrokerError:
        return BrokerError(
            f"The endpoint {self._target.endpoint} does not take records for {self._target.table}: {fault}",
            do="Look into the endpoint's log.",
        )
