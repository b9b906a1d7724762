"""What becomes of a record on its way to JSON: nothing is lost."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pitlake.ingest.formats import BadFormat, BadRecord, avro_decoder, proto_decoder, verbatim

FIELD = descriptor_pb2.FieldDescriptorProto


def _field(name, number, kind, *, repeated=False, type_name="", **more):
    label = FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
    return FIELD(name=name, number=number, type=kind, label=label, type_name=type_name or None, **more)


def _message(name, *fields, nested=(), enums=()):
    return descriptor_pb2.DescriptorProto(name=name, field=fields, nested_type=nested, enum_type=enums)


def _class(descriptor, package=""):
    """The class that the client has: from a whole file of its own."""
    file = descriptor_pb2.FileDescriptorProto(name="own.proto", package=package, message_type=[descriptor])
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{descriptor.name}".lstrip(".")))


def _through(descriptor, package="", **values):
    record = _class(descriptor, package)(**values)
    return json.loads(proto_decoder(descriptor.SerializeToString())(record.SerializeToString()))


def test_json_lands_as_it_came():
    assert verbatim(b'{"a": 1.10, broken') == b'{"a": 1.10, broken'


def test_integers_of_64_bits_stay_integers():
    descriptor = _message(
        "M", _field("a", 1, FIELD.TYPE_INT64), _field("b", 2, FIELD.TYPE_UINT64), _field("c", 3, FIELD.TYPE_SINT64)
    )
    extremes = {"a": -(2**63), "b": 2**64 - 1, "c": 2**63 - 1}
    assert _through(descriptor, **extremes) == extremes


def test_a_timestamp_in_microseconds_stays_that_number():
    descriptor = _message("M", _field("timestamp", 1, FIELD.TYPE_INT64))
    assert _through(descriptor, timestamp=1771128729113001) == {"timestamp": 1771128729113001}


def test_bytes_become_base64():
    assert _through(_message("M", _field("b", 1, FIELD.TYPE_BYTES)), b=b"\x00\xff") == {"b": "AP8="}


def test_what_is_no_finite_number_becomes_text():
    descriptor = _message("M", _field("a", 1, FIELD.TYPE_DOUBLE, repeated=True))
    assert _through(descriptor, a=[1.5, float("nan"), float("inf"), float("-inf")]) == {
        "a": [1.5, "NaN", "Infinity", "-Infinity"]
    }


def test_a_double_keeps_its_value():
    assert _through(_message("M", _field("a", 1, FIELD.TYPE_DOUBLE)), a=0.1 + 0.2) == {"a": 0.1 + 0.2}


def test_fields_that_are_not_set_are_absent():
    descriptor = _message("M", _field("a", 1, FIELD.TYPE_INT64), _field("b", 2, FIELD.TYPE_INT64))
    assert _through(descriptor, b=0) == {"b": 0}


def test_of_proto3_a_default_is_a_value():
    optional = _field("o", 2, FIELD.TYPE_INT64, proto3_optional=True, oneof_index=0)
    descriptor = _message("M", _field("a", 1, FIELD.TYPE_INT64), optional)
    descriptor.oneof_decl.add(name="_o")
    assert json.loads(proto_decoder(descriptor.SerializeToString())(b"")) == {"a": 0}


@pytest.mark.parametrize("package", ["", "mine.v1"])
def test_nested_messages_maps_and_enums_are_read(package):
    prefix = f".{package}" if package else ""
    entry = _message("TagsEntry", _field("key", 1, FIELD.TYPE_STRING), _field("value", 2, FIELD.TYPE_STRING))
    entry.options.map_entry = True
    update = _message(
        "Update",
        _field("equipment_id", 1, FIELD.TYPE_STRING),
        _field("tags", 2, FIELD.TYPE_MESSAGE, repeated=True, type_name=f"{prefix}.Landing.Update.TagsEntry"),
        nested=[entry],
    )
    state = descriptor_pb2.EnumDescriptorProto(
        name="State", value=[{"name": "STOPPED", "number": 0}, {"name": "RUNNING", "number": 1}]
    )
    descriptor = _message(
        "Landing",
        _field("batch", 1, FIELD.TYPE_MESSAGE, repeated=True, type_name=f"{prefix}.Landing.Update"),
        _field("state", 2, FIELD.TYPE_ENUM, type_name=f"{prefix}.Landing.State"),
        nested=[update],
        enums=[state],
    )
    batch = [{"equipment_id": "CR_002", "tags": {"Vibration_MM_S": "42.3"}}]
    assert _through(descriptor, package, batch=batch, state=1) == {"batch": batch, "state": "RUNNING"}


@pytest.mark.parametrize(
    "descriptor", [b"", b"\xff\xff", _message("M", _field("a", 1, FIELD.TYPE_MESSAGE, type_name=".Absent")).SerializeToString()]
)
def test_a_descriptor_that_describes_nothing_is_refused(descriptor):
    with pytest.raises(BadFormat):
        proto_decoder(descriptor)


def test_a_record_that_is_not_as_described_is_refused():
    decode = proto_decoder(_message("M", _field("a", 1, FIELD.TYPE_STRING)).SerializeToString())
    with pytest.raises(BadRecord):
        decode(b"\x0a\xff")


AVRO = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "n", "type": "long"},
        {"name": "b", "type": "bytes"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "tags", "type": {"type": "map", "values": ["null", "double", "string"]}},
    ],
}
DATUM = {
    "n": 2**63 - 1,
    "b": b"\x00\xff",
    "at": datetime(2026, 2, 15, 4, 12, 9, 113_001, tzinfo=UTC),
    "day": date(2026, 2, 15),
    "price": Decimal("12345.60"),
    "tags": {"v": 42.3, "s": "RUNNING", "z": None, "x": float("nan")},
}


def _avro(datum):
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(AVRO), datum)
    return stream.getvalue()


def test_avro_becomes_json_without_loss():
    assert json.loads(avro_decoder(json.dumps(AVRO))(_avro(DATUM))) == {
        "n": 2**63 - 1,
        "b": "AP8=",
        "at": "2026-02-15T04:12:09.113001Z",
        "day": "2026-02-15",
        "price": "12345.60",
        "tags": {"v": 42.3, "s": "RUNNING", "z": None, "x": "NaN"},
    }


def test_a_datum_of_a_decimal_without_precision_is_refused():
    decode = avro_decoder('{"type": "bytes", "logicalType": "decimal"}')
    with pytest.raises(BadRecord):
        decode(b"\x02\x01")


@pytest.mark.parametrize("change", [lambda record: record[:-1], lambda record: record + b"x", lambda _: b""])
def test_a_datum_that_does_not_fit_its_schema_is_refused(change):
    with pytest.raises(BadRecord):
        avro_decoder(json.dumps(AVRO))(change(_avro(DATUM)))


def test_a_local_timestamp_has_no_zone():
    schema = {"type": "long", "logicalType": "local-timestamp-micros"}
    stream, local = io.BytesIO(), datetime(2026, 2, 15, 4, 12, 9, 113001)  # noqa: DTZ001
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), local)
    assert avro_decoder(json.dumps(schema))(stream.getvalue()) == b'"2026-02-15T04:12:09.113001"'


NO_SCHEMAS = ["", "{", "5", '{"type": "unheard-of"}', '{"type": "array"}', '{"type": "record"}', "[" * 100_000 + "]" * 100_000]


@pytest.mark.parametrize("schema", NO_SCHEMAS)
def test_a_schema_that_is_none_is_refused(schema):
    with pytest.raises(BadFormat):
        avro_decoder(schema)
