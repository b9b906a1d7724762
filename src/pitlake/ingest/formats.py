"""What the clients send, as the JSON that lands: JSON verbatim, Protobuf by the client's descriptor, Avro by its schema.

Nothing is lost on the way: integers of 64 bits stay integers, timestamps keep their microseconds (Zerobus sends them as integers,
which they stay; Avro's logical types become ISO 8601, in UTC where they are instants, without a zone where they are local), bytes
are base64, NaN and the infinities are text.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import orjson
from fastavro.schema import SchemaParseException
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

Decoder = Callable[[bytes], bytes]
"""One record as it was sent → the JSON that lands. Raises BadRecord."""

_FILE = "client.proto"
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class BadFormat(Exception):
    """A descriptor or schema by which nothing can be read."""


class BadRecord(Exception):
    """A record that is not what the descriptor or schema says."""


def verbatim(record: bytes) -> bytes:
    """A JSON record lands as it came, also when it is none: bronze keeps it, and says what is wrong with it."""
    return record


def proto_decoder(descriptor: bytes) -> Decoder:
    """The decoder of a serialized DescriptorProto. Raises BadFormat."""
    message_class = _message_class(descriptor)

    def decode(record: bytes) -> bytes:
        try:
            return orjson.dumps(_fields(message_class.FromString(record)))
        except (DecodeError, orjson.JSONEncodeError) as fault:
            raise BadRecord(f"A record is no {message_class.DESCRIPTOR.full_name}: {fault}") from fault

    return decode


def avro_decoder(schema: str) -> Decoder:
    """The decoder of an Avro schema, given as JSON; a record is one datum without a header. Raises BadFormat."""
    try:
        parsed = fastavro.parse_schema(json.loads(schema))
    except (ValueError, TypeError, KeyError, RecursionError, SchemaParseException) as fault:
        raise BadFormat(f"The Avro schema cannot be read: {fault}") from fault

    def decode(record: bytes) -> bytes:
        datum = io.BytesIO(record)
        try:
            value = fastavro.schemaless_reader(datum, parsed, None)
            rest = len(record) - datum.tell()
            if rest:
                raise BadRecord(f"{rest} bytes of a record are left over when it is read by the Avro schema.")
            return orjson.dumps(_plain(value))
        except (EOFError, LookupError, TypeError, ValueError, OverflowError, RecursionError, orjson.JSONEncodeError) as fault:
            raise BadRecord(f"A record does not fit the Avro schema: {fault}") from fault

    return decode


def _message_class(descriptor: bytes) -> type[Message]:
    """The class of a message whose descriptor came without its file: a file is made for it."""
    try:
        message = descriptor_pb2.DescriptorProto.FromString(descriptor)
        file = descriptor_pb2.FileDescriptorProto(
            name=_FILE, package=_package(message), syntax=_syntax(message), message_type=[message]
        )
        pool = descriptor_pool.DescriptorPool()
        pool.AddSerializedFile(file.SerializeToString())
        full_name = f"{file.package}.{message.name}" if file.package else message.name
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
    except (DecodeError, TypeError, KeyError, ValueError) as fault:
        raise BadFormat(f"The descriptor cannot be read, or names types that it does not hold: {fault}") from fault


def _package(message: descriptor_pb2.DescriptorProto) -> str:
    """The package by which the message's own fields name the types that are nested in it."""
    for inner in _nested(message):
        for field in inner.field:
            package, found, _ = field.type_name.partition(f".{message.name}.")
            if found:
                return package.lstrip(".")
    return ""


def _syntax(message: descriptor_pb2.DescriptorProto) -> str:
    """What the descriptor does not say; only proto3 marks fields `optional` in it."""
    is_proto3 = any(field.proto3_optional for inner in _nested(message) for field in inner.field)
    return "proto3" if is_proto3 else "proto2"


def _nested(message: descriptor_pb2.DescriptorProto) -> Iterator[descriptor_pb2.DescriptorProto]:
    yield message
    for inner in message.nested_type:
        yield from _nested(inner)


def _fields(message: Message) -> dict[str, Any]:
    """The fields that are set; of proto3 also those at their default, which are not sent."""
    present = {field.name: _field(field, value) for field, value in message.ListFields()}
    for field in message.DESCRIPTOR.fields:
        if field.name not in present and not field.has_presence and not field.is_repeated:
            present[field.name] = _scalar(field, field.default_value)  # type: ignore[arg-type]  # the stubs know two kinds
    return present


def _field(field: FieldDescriptor, value: Any) -> Any:
    if not field.is_repeated:
        return _scalar(field, value)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {_map_key(key): _scalar(inner, item) for key, item in value.items()}
    return [_scalar(field, item) for item in value]


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _fields(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return named.name if named else value
    return _plain(value)


def _map_key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _plain(value: Any) -> Any:
    """A value as JSON can have it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    as_json = _AS_JSON.get(type(value))
    return as_json(value) if as_json else value


def _timestamp(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(timespec="microseconds")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_AS_JSON: dict[type, Callable[[Any], object]] = {
    float: lambda value: value if math.isfinite(value) else _NOT_FINITE[str(value)],
    bytes: lambda value: base64.b64encode(value).decode(),
    datetime: _timestamp,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
    UUID: str,
}
