"""The gRPC service `databricks.zerobus.Zerobus`: streams of records in, cumulative acknowledgements out.

Facts of the protocol were read off the public SDK 1.10.0. An acknowledgement means durable. It covers all messages up to its
offset, is sent at once for a lone message, and covers under load whatever has become durable meanwhile.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from google.protobuf.message import DecodeError
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.server import Stream

from pitlake.errors import BrokerError
from pitlake.ingest.access import Access, Unauthenticated
from pitlake.ingest.door import Group
from pitlake.ingest.doors import Doors, OpenTable
from pitlake.ingest.formats import BadFormat, BadRecord, Decoder, avro_decoder, proto_decoder, verbatim
from pitlake.ingest.grpc import receive
from pitlake.ingest.tables import MOST_RECORD_BYTES
from pitlake.ingest.zerobus_pb2 import (
    AVRO,
    JSON,
    PROTO,
    CloseStreamSignal,
    CreateIngestStreamRequest,
    CreateIngestStreamResponse,
    EphemeralStreamRequest,
    EphemeralStreamResponse,
    IngestRecordResponse,
    RecordType,
)

METHOD = "/databricks.zerobus.Zerobus/EphemeralStream"
TABLE_HEADER = "x-databricks-zerobus-table-name"

_FIELDS = {
    PROTO: ("proto_encoded_record", "proto_encoded_batch"),
    JSON: ("json_record", "json_batch"),
    AVRO: ("avro_encoded_record", "avro_batch"),
}
_POLL_SECONDS = 0.01

ZerobusStream = Stream[EphemeralStreamRequest, EphemeralStreamResponse]


def _invalid(text: str) -> GRPCError:
    return GRPCError(Status.INVALID_ARGUMENT, text)


class ZerobusService:
    """The streams of one server."""

    def __init__(self, doors: Doors, access: Access) -> None:
        self._doors = doors
        self._access = access
        self._open = 0
        self._drain_seconds: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def __mapping__(self) -> dict[str, Handler]:
        """What grpclib serves, by the method's path."""
        return {METHOD: Handler(self._serve, Cardinality.STREAM_STREAM, EphemeralStreamRequest, EphemeralStreamResponse)}

    async def drain(self, seconds: float) -> None:
        """Ask the clients to send no more and to go once all that they have sent is acknowledged; wait for that long at most.

        They come back to another endpoint, or to this one when it is there again, with nothing lost.
        """
        self._drain_seconds.set_result(seconds)
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)

    async def _serve(self, stream: ZerobusStream) -> None:
        if self._drain_seconds.done():
            raise GRPCError(Status.UNAVAILABLE, "The endpoint is about to end.")
        headers: Mapping[str, str | bytes] = stream.metadata or {}
        try:
            grant = self._access.grant(_text(headers.get("authorization")))
        except Unauthenticated as fault:
            raise GRPCError(Status.UNAUTHENTICATED, str(fault)) from fault
        # The client waits for these before it says anything.
        await stream.send_initial_metadata()
        first = await receive(stream)
        if first is None:
            return
        request = _parsed(first)
        if not request.HasField("create_stream"):
            raise _invalid("A stream begins with create_stream.")
        wanted = request.create_stream
        if headers.get(TABLE_HEADER, wanted.table_name) != wanted.table_name:
            raise _invalid(f"The header {TABLE_HEADER} names another table than {wanted.table_name}.")
        table = await self._table(wanted.table_name)
        if table is None:
            raise GRPCError(Status.NOT_FOUND, f"There is no landing table {wanted.table_name}.")
        if not grant.may_write(wanted.table_name):
            raise GRPCError(Status.PERMISSION_DENIED, f"{grant.client_id} may not write to {wanted.table_name}.")
        ingest = _IngestStream(stream, table, wanted.record_type, _decoder(wanted), grant.client_id.encode())
        created = CreateIngestStreamResponse(stream_id=str(uuid.uuid4()))
        await stream.send_message(EphemeralStreamResponse(create_stream_response=created))
        self._open += 1
        try:
            with table.metrics.streams.track_inprogress():
                await ingest.serve(self._drain_seconds)
        finally:
            self._open -= 1

    async def _table(self, name: str) -> OpenTable | None:
        try:
            return await self._doors.find(name)
        except BrokerError as fault:
            raise GRPCError(Status.UNAVAILABLE, fault.what) from fault


def _text(header: str | bytes | None) -> str | None:
    return header.decode("latin-1") if isinstance(header, bytes) else header


def _parsed(message: bytes) -> EphemeralStreamRequest:
    try:
        return EphemeralStreamRequest.FromString(message)
    except DecodeError as fault:
        raise _invalid(f"A message is no EphemeralStreamRequest: {fault}") from fault


def _decoder(wanted: CreateIngestStreamRequest) -> Decoder:
    try:
        if wanted.record_type == JSON:
            return verbatim
        if wanted.record_type == PROTO:
            return proto_decoder(wanted.descriptor_proto)
        if wanted.record_type == AVRO:
            return avro_decoder(wanted.avro_schema_json)
    except BadFormat as fault:
        raise _invalid(str(fault)) from fault
    raise _invalid("The record type is neither PROTO, JSON nor AVRO.")


class _Message(NamedTuple):
    """A message that is not acknowledged yet; `group` is None when its records are durable already."""

    offset: int
    group: Group | None
    arrived: float

    @property
    def is_durable(self) -> bool:
        return self.group is None or self.group.is_durable


class _IngestStream:
    """One stream, from its creation to its end."""

    def __init__(self, stream: ZerobusStream, table: OpenTable, record_type: RecordType, decode: Decoder, origin: bytes) -> None:
        self._stream = stream
        self._table = table
        self._fields = _FIELDS[record_type]
        self._decode = decode
        self._origin = origin
        self._next_offset = 0
        self._unacknowledged: deque[_Message] = deque()
        self._arrived = asyncio.Event()
        self._has_ended = False
        self._sending = asyncio.Lock()

    async def serve(self, drain_seconds: asyncio.Future[float]) -> None:
        """Take what the client sends until it ends, and acknowledge all of it. Raises GRPCError."""
        acknowledging = asyncio.create_task(self._acknowledge())
        signalling = asyncio.create_task(self._signal_end(drain_seconds))
        try:
            while (message := await receive(self._stream)) is not None:
                self._take(_parsed(message))
                await self._table.door.room()
            self._has_ended = True
            self._arrived.set()
            await acknowledging
        finally:
            acknowledging.cancel()
            signalling.cancel()
            await asyncio.gather(acknowledging, signalling, return_exceptions=True)

    def _take(self, request: EphemeralStreamRequest) -> None:
        now = time.perf_counter()
        offset, records = self._opened(request)
        if offset != self._next_offset:
            raise _invalid(f"Offset {offset} came where {self._next_offset} was due.")
        self._next_offset += 1
        if self._decode is not verbatim:
            try:
                records = [self._decode(record) for record in records]
            except BadRecord as fault:
                raise _invalid(str(fault)) from fault
        if (longest := max(map(len, records), default=0)) > MOST_RECORD_BYTES:
            raise _invalid(f"A record has {longest:,} bytes, or becomes so many as JSON; {MOST_RECORD_BYTES:,} is the most.")
        receipt = self._table.submit(records, self._origin)
        self._unacknowledged.append(_Message(offset, receipt.group, now))
        self._arrived.set()

    def _opened(self, request: EphemeralStreamRequest) -> tuple[int, list[bytes]]:
        """The message's offset and its records, which must be of the stream's type."""
        record, batch = request.ingest_record, request.ingest_record_batch
        if field := record.WhichOneof("record"):
            offset, records = record.offset_id, [getattr(record, field)]
        elif field := batch.WhichOneof("batch"):
            offset, records = batch.offset_id, list(getattr(batch, field).records)
        if field not in self._fields:
            raise _invalid(f"A message holds {field or 'no records'}, and the stream was created for {self._fields[0]}.")
        return offset, records

    async def _acknowledge(self) -> None:
        waiting = self._unacknowledged
        while waiting or not self._has_ended:
            if not waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            oldest = waiting[0]
            if oldest.group is not None:
                await asyncio.shield(oldest.group.written)
            offset = oldest.offset
            while waiting and waiting[0].is_durable:
                offset = waiting.popleft().offset
            await self._send(
                EphemeralStreamResponse(ingest_record_response=IngestRecordResponse(durability_ack_up_to_offset=offset))
            )
            self._table.acknowledged(oldest.arrived)

    async def _signal_end(self, drain_seconds: asyncio.Future[float]) -> None:
        signal = CloseStreamSignal()
        signal.duration.FromMilliseconds(int(1000 * await asyncio.shield(drain_seconds)))
        await self._send(EphemeralStreamResponse(close_stream_signal=signal))

    async def _send(self, response: EphemeralStreamResponse) -> None:
        async with self._sending:
            await self._stream.send_message(response)
