"""The gRPC service `databricks.zerobus.Zerobus`: streams of records in, cumulative acknowledgements out.

Facts of the protocol were read off the public SDK 1.10.0. An acknowledgement means durable. It covers all messages up to its
offset, is sent at once for a lone message, and covers under load whatever has become durable meanwhile.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import grpc
import grpc.aio

from pitlake.ingest.access import Access, Unauthenticated
from pitlake.ingest.door import Group
from pitlake.ingest.doors import Doors, OpenTable
from pitlake.ingest.formats import BadFormat, BadRecord, Decoder, avro_decoder, proto_decoder, verbatim
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
)

SERVICE = "databricks.zerobus.Zerobus"
MOST_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message. The SDK sends at most 10,420,224 bytes of records in one."""

TABLE_HEADER = "x-databricks-zerobus-table-name"

_FIELDS = {PROTO: "proto_encoded", JSON: "json", AVRO: "avro_encoded"}
_END = grpc.aio.EOF


class Refusal(Exception):
    """A stream ends with this status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def _invalid(text: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, text)


class ZerobusService:
    """The streams of one server. Once it is told to `drain`, its clients come back elsewhere, or later, with nothing lost."""

    def __init__(self, doors: Doors, access: Access) -> None:
        self._doors = doors
        self._access = access
        self._drain_seconds: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given to serve."""
        stream = grpc.stream_stream_rpc_method_handler(
            self._ephemeral_stream,
            request_deserializer=EphemeralStreamRequest.FromString,
            response_serializer=EphemeralStreamResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"EphemeralStream": stream})

    def drain(self, seconds: float) -> None:
        """Ask the clients to send no more, and to go within that time once all that they have sent is acknowledged."""
        self._drain_seconds.set_result(seconds)

    async def _ephemeral_stream(
        self, _requests: AsyncIterator[EphemeralStreamRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        try:
            await self._serve(context)
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.text)

    async def _serve(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        headers = dict(context.invocation_metadata() or ())
        try:
            grant = self._access.grant(headers.get("authorization"))
        except Unauthenticated as fault:
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, str(fault)) from fault
        # The client waits for these before it says anything.
        await context.send_initial_metadata(())
        request = await context.read()
        if request is _END:
            return
        if not request.HasField("create_stream"):
            raise _invalid("A stream begins with create_stream.")
        wanted: CreateIngestStreamRequest = request.create_stream
        if headers.get(TABLE_HEADER, wanted.table_name) != wanted.table_name:
            raise _invalid(f"The header {TABLE_HEADER} names another table than {wanted.table_name}.")
        table = await self._doors.find(wanted.table_name)
        if table is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"There is no landing table {wanted.table_name}.")
        if not grant.may_write(wanted.table_name):
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, f"{grant.client_id} may not write to {wanted.table_name}.")
        stream = _Stream(context, table, wanted.record_type, _decoder(wanted), grant.client_id.encode())
        created = CreateIngestStreamResponse(stream_id=str(uuid.uuid4()))
        await context.write(EphemeralStreamResponse(create_stream_response=created))
        with table.metrics.streams.track_inprogress():
            await stream.serve(self._drain_seconds)


def _decoder(wanted: CreateIngestStreamRequest) -> Decoder:
    try:
        match wanted.record_type:
            case _ if wanted.record_type == JSON:
                return verbatim
            case _ if wanted.record_type == PROTO:
                return proto_decoder(wanted.descriptor_proto)
            case _ if wanted.record_type == AVRO:
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
        return self.group is None or self.group.written.done()


class _Stream:
    """One stream, from its creation to its end."""

    def __init__(
        self, context: grpc.aio.ServicerContext[Any, Any], table: OpenTable, record_type: int, decode: Decoder, origin: bytes
    ) -> None:
        self._context = context
        self._table = table
        self._record_field = f"{_FIELDS[record_type]}_record"
        self._batch_field = f"{_FIELDS[record_type]}_batch"
        self._decode = decode
        self._origin = origin
        self._next_offset = 0
        self._unacknowledged: deque[_Message] = deque()
        self._arrived = asyncio.Event()
        self._has_ended = False
        self._writing = asyncio.Lock()

    async def serve(self, drain_seconds: asyncio.Future[float]) -> None:
        """Take what the client sends until it ends, and acknowledge all of it. Raises Refusal."""
        acknowledging = asyncio.create_task(self._acknowledge())
        signalling = asyncio.create_task(self._signal_end(drain_seconds))
        try:
            while (request := await self._context.read()) is not _END:
                self._take(request)
                await self._table.door.room()
            self._has_ended = True
            self._arrived.set()
            await acknowledging
        finally:
            acknowledging.cancel()
            signalling.cancel()

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
        kind = request.WhichOneof("payload")
        if kind == "ingest_record":
            record = request.ingest_record
            if record.WhichOneof("record") == self._record_field:
                return record.offset_id, [getattr(record, self._record_field)]
        elif kind == "ingest_record_batch":
            batch = request.ingest_record_batch
            if batch.WhichOneof("batch") == self._batch_field:
                return batch.offset_id, list(getattr(batch, self._batch_field).records)
        raise _invalid(f"A message is neither {self._record_field} nor {self._batch_field}, as the stream was created for.")

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
            await self._write(
                EphemeralStreamResponse(ingest_record_response=IngestRecordResponse(durability_ack_up_to_offset=offset))
            )
            self._table.metrics.acks.inc()
            self._table.metrics.latency.observe(time.perf_counter() - oldest.arrived)

    async def _signal_end(self, drain_seconds: asyncio.Future[float]) -> None:
        signal = CloseStreamSignal()
        signal.duration.FromMilliseconds(int(1000 * await asyncio.shield(drain_seconds)))
        await self._write(EphemeralStreamResponse(close_stream_signal=signal))

    async def _write(self, response: EphemeralStreamResponse) -> None:
        async with self._writing:
            await self._context.write(response)
