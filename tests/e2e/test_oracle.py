"""The oracle of the end-to-end tests finds what is missing, wrong or too much."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.support.oracle import compare_predictions

# A minute is judged by the baselines that were current meanwhile, by the time of their commits: it begins after these.
MINUTE = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)
STAMP = pa.timestamp("us", tz="UTC")
PREDICTION = pa.schema(
    [
        ("window_start", STAMP),
        ("equipment_id", pa.string()),
        ("sensor_name", pa.string()),
        ("reading_count", pa.int64()),
        ("avg_value", pa.float64()),
        ("baseline_avg", pa.float64()),
        ("baseline_stddev", pa.float64()),
        ("deviation_score", pa.float64()),
        ("confidence_score", pa.float64()),
    ]
)
RIGHT = (MINUTE, "CR_002", "Vibration_MM_S", 5, 30.0, 20.0, 2.0, 5.0, 0.99)


@pytest.fixture(name="found")
def _found(tmp_path):
    """What the oracle says of predictions, where CR_002 has shown 30.0 five times, its usual being 20.0 within 2.0."""

    def found(*rows):
        write_deltalake(str(tmp_path / "predictions"), pa.Table.from_pylist(_rows(rows), schema=PREDICTION))
        return compare_predictions(_ledger(tmp_path), str(tmp_path / "predictions"), _baseline(tmp_path)).differences

    return found


def _rows(rows):
    return [dict(zip(PREDICTION.names, row, strict=True)) for row in rows]


def _ledger(folder):
    stamps = [(MINUTE + timedelta(seconds=n)).isoformat().replace("+00:00", "Z") for n in range(5)]
    reading = {"kind": "reading", "equipment_id": "CR_002", "sensor_name": "Vibration_MM_S", "value": 30.0}
    lines = [json.dumps({**reading, "event_timestamp": stamp, "appended_at": stamp}) for stamp in stamps]
    (folder / "ledger").write_text("\n".join(lines))
    return folder / "ledger"


def _baseline(folder):
    usual = {"equipment_id": ["CR_002"], "sensor_name": ["Vibration_MM_S"], "baseline_avg": [20.0], "baseline_stddev": [2.0]}
    write_deltalake(str(folder / "baseline"), pa.table(usual))
    return str(folder / "baseline")


def test_right_predictions_do_not_differ(found):
    assert found(RIGHT) == []


def test_a_prediction_that_is_missing_is_found(found):
    [difference] = found()
    assert "CR_002" in difference
    assert "stored_deviation_score None" in difference


@pytest.mark.parametrize(("place", "value"), [(3, 4), (4, 31.0), (7, 4.9), (8, 0.5)])
def test_a_prediction_that_is_wrong_is_found(found, place, value):
    assert len(found((*RIGHT[:place], value, *RIGHT[place + 1 :]))) == 1


def test_a_prediction_of_a_minute_that_has_come_back_is_found(found):
    [difference] = found(RIGHT, (MINUTE, "CR_001", "Vibration_MM_S", 5, 30.0, 20.0, 2.0, 5.0, 0.99))
    assert "CR_001" in difference
