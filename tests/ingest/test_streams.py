"""Streams, as the unmodified SDK makes them: what it sends is in the topic once it is acknowledged, in order, each once."""

from __future__ import annotations

import io
import json
import uuid

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from zerobus.sdk.shared import (
    AckCallback,
    HeadersProvider,
    NonRetriableException,
    StreamConfigurationOptions,
    TableProperties,
    ZerobusException,
)
from zerobus.sdk.sync import ZerobusSdk

from pitlake.ingest.tables import declare_landing_table
from tests.support.waiting import await_that


class _Acks(AckCallback):
    def __init__(self):
        super().__init__()
        self.offsets = []

    def on_ack(self, offset):
        self.offsets.append(offset)

    def on_error(self, offset, error_message):
        self.offsets.append(error_message)


def test_a_record_is_in_the_topic_once_it_is_acknowledged(endpoint, table, stream_to, landed):
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_record_offset('{"a": 1}'))
        await_that(lambda: landed(table) == [b'{"a": 1}'], "the record is visible")


def test_a_batch_lands_record_by_record_in_order(endpoint, table, stream_to, landed):
    sent = [json.dumps({"n": n}) for n in range(5000)]
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_records_offset(sent))
    assert landed(table) == [text.encode() for text in sent]


def test_records_are_acknowledged_in_order_and_a_flush_waits_for_all(endpoint, table, stream_to, landed):
    acks = _Acks()
    with stream_to(endpoint, table.name, ack_callback=acks) as stream:
        for n in range(2000):
            stream.ingest_record_nowait(f'{{"n":{n}}}')
        stream.flush()
        assert len(landed(table)) == 2000
        await_that(lambda: len(acks.offsets) == 2000, "every record is acknowledged")
    assert acks.offsets == list(range(2000))


def test_records_of_one_source_keep_their_order(endpoint, table, stream_to, landed):
    sent = [f'{{"source":"gateway_{n % 7}","n":{n}}}' for n in range(700)]
    with stream_to(endpoint, table.name) as stream:
        for text in sent:
            stream.ingest_record_offset(text)
        stream.flush()
    values = landed(table)
    for source in range(7):
        mine = [json.loads(value)["n"] for value in values if b"gateway_%d" % source in value]
        assert mine == list(range(source, 700, 7))


def test_a_record_that_is_no_json_is_kept(endpoint, table, stream_to, landed):
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_record_offset("not JSON at all"))
    assert landed(table) == [b"not JSON at all"]


def test_a_record_of_ten_megabytes_lands(endpoint, table, stream_to, landed):
    text = json.dumps({"filler": "x" * 10_400_000})
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_record_offset(text))
    assert landed(table) == [text.encode()]


def test_a_known_record_is_acknowledged_and_not_written_again(endpoint, table, stream_to, landed):
    for _ in range(2):
        with stream_to(endpoint, table.name) as stream:
            stream.wait_for_offset(stream.ingest_records_offset(['{"message_id":"1"}', '{"message_id":"2"}']))
    with stream_to(endpoint, table.name) as stream:
        stream.wait_for_offset(stream.ingest_records_offset(['{"message_id":"2"}', '{"message_id":"3"}']))
    assert landed(table) == [b'{"message_id":"1"}', b'{"message_id":"2"}', b'{"message_id":"3"}']


def test_protobuf_becomes_json(endpoint, table, stream_to, landed):
    field = descriptor_pb2.FieldDescriptorProto
    descriptor = descriptor_pb2.DescriptorProto(
        name="Reading",
        field=[
            field(name="message_id", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL),
            field(name="timestamp", number=2, type=field.TYPE_INT64, label=field.LABEL_OPTIONAL),
        ],
    )
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="reading.proto", package="mine", message_type=[descriptor])
    pool.AddSerializedFile(file.SerializeToString())
    reading = message_factory.GetMessageClass(pool.FindMessageTypeByName("mine.Reading"))
    with stream_to(endpoint, table.name, TableProperties(table.name, reading.DESCRIPTOR)) as stream:
        stream.ingest_record_offset(reading(message_id="1", timestamp=2**62).SerializeToString())
        stream.ingest_records_offset([reading(message_id=str(n)).SerializeToString() for n in (2, 3)])
        stream.flush()
    assert [json.loads(value) for value in landed(table)] == [
        {"message_id": "1", "timestamp": 2**62},
        {"message_id": "2"},
        {"message_id": "3"},
    ]


def test_avro_becomes_json(endpoint, table, stream_to, landed):
    schema = {"type": "record", "name": "Reading", "fields": [{"name": "n", "type": "long"}]}
    parsed = fastavro.parse_schema(schema)

    def encoded(n):
        datum = io.BytesIO()
        fastavro.schemaless_writer(datum, parsed, {"n": n})
        return datum.getvalue()

    with stream_to(endpoint, table.name, TableProperties(table.name, avro_schema=json.dumps(schema))) as stream:
        stream.ingest_record_offset(encoded(2**63 - 1))
        stream.ingest_records_offset([{"n": 1}, {"n": 2}])
        stream.flush()
    assert [json.loads(value)["n"] for value in landed(table)] == [2**63 - 1, 1, 2]


def test_a_record_that_does_not_fit_its_descriptor_is_refused(endpoint, table):
    schema = {"type": "record", "name": "Reading", "fields": [{"name": "n", "type": "string"}]}
    sdk = ZerobusSdk(endpoint.addresses.endpoint, endpoint.addresses.workspace)
    stream = sdk.create_stream(endpoint.client_id, endpoint.secret, TableProperties(table.name, avro_schema=json.dumps(schema)))
    with pytest.raises(ZerobusException, match="does not fit the Avro schema"):
        stream.wait_for_offset(stream.ingest_record_offset(b"\xff"))


def _create(endpoint, table, *, secret=None, provider=None):
    sdk = ZerobusSdk(endpoint.addresses.endpoint, endpoint.addresses.workspace)
    options = StreamConfigurationOptions(recovery_backoff_ms=100)
    if provider:
        return sdk.create_stream(table_properties=TableProperties(table), headers_provider=provider, options=options)
    return sdk.create_stream(endpoint.client_id, secret or endpoint.secret, TableProperties(table), options)


def test_an_unknown_table_is_not_found(endpoint):
    with pytest.raises(NonRetriableException, match=r"There is no landing table c\.s\.unknown"):
        _create(endpoint, "c.s.unknown")


def test_a_wrong_secret_is_refused(endpoint, table):
    with pytest.raises(NonRetriableException, match="invalid_client"):
        _create(endpoint, table.name, secret=endpoint.secret[::-1])


def test_a_table_that_the_client_may_not_write_is_refused(endpoint, broker):
    other = declare_landing_table(broker.bootstrap, f"c.other.t{uuid.uuid4().hex}")
    with pytest.raises(NonRetriableException, match=r"tester may not write to c\.other"):
        _create(endpoint, other.name)


class _Bearer(HeadersProvider):
    """Gives one token after the other, the last one for good."""

    def __init__(self, table, *tokens):
        super().__init__()
        self.table = table
        self.tokens = list(tokens)

    def get_headers(self):
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return [("authorization", f"Bearer {token}"), ("x-databricks-zerobus-table-name", self.table)]


def test_an_expired_token_is_refused(endpoint, table):
    with pytest.raises(NonRetriableException, match="expired"):
        _create(endpoint, table.name, provider=_Bearer(table.name, endpoint.token(table.name, age=3601)))


def test_a_client_that_refreshes_its_token_is_let_in(endpoint, table, landed):
    tokens = endpoint.token(table.name, age=3601), endpoint.token(table.name)
    stream = _create(endpoint, table.name, provider=_Bearer(table.name, *tokens))
    stream.wait_for_offset(stream.ingest_record_offset("{}"))
    stream.close()
    assert landed(table) == [b"{}"]
