"""The endpoint's figures, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one endpoint, per landing table."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._records = Counter("pitlake_ingest_records", "Records received", ["table"], registry=self.registry)
        self._bytes = Counter("pitlake_ingest_bytes", "Bytes of the records received", ["table"], registry=self.registry)
        self._duplicates = Counter(
            "pitlake_ingest_duplicates_refused", "Records not written, as they were known", ["table"], registry=self.registry
        )
        self._acks = Counter("pitlake_ingest_acks", "Acknowledgements sent", ["table"], registry=self.registry)
        self._latency = Histogram(
            "pitlake_ingest_ack_latency_seconds",
            "From the arrival of the oldest message that an acknowledgement covers to that acknowledgement",
            ["table"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._streams = Gauge("pitlake_ingest_open_streams", "Streams that are open", ["table"], registry=self.registry)

    def of(self, table: str) -> TableMetrics:
        """The figures of one table."""
        return TableMetrics(self, table)


class TableMetrics:
    """The figures of one table; a label is looked up once and not for each record."""

    def __init__(self, metrics: Metrics, table: str) -> None:
        self.records = metrics._records.labels(table)  # noqa: SLF001 - the two are one
        self.bytes = metrics._bytes.labels(table)  # noqa: SLF001
        self.duplicates = metrics._duplicates.labels(table)  # noqa: SLF001
        self.acks = metrics._acks.labels(table)  # noqa: SLF001
        self.latency = metrics._latency.labels(table)  # noqa: SLF001
        self.streams = metrics._streams.labels(table)  # noqa: SLF001
