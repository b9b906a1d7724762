"""Where flows stand: the checkpoints of their queries, forgotten or given to a second query."""

from __future__ import annotations

import json
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from pitlake.engine.planning import StreamPlan
from pitlake.errors import FlowError

_QUERY_ID, _ITS_CHECKSUM = "metadata", ".metadata.crc"
"""The file of a checkpoint that says which query's it is: no two that run may have one id."""


def forget_place(plan: StreamPlan, checkpoints: str) -> None:
    """Delete a flow's checkpoint: started again, it begins at the oldest records that its topics hold. Raises FlowError."""
    place = Path(checkpoints) / plan.checkpoint
    aside = place.with_name(f"{place.name}.forgotten")
    try:
        if aside.exists():  # by one that was ended meanwhile
            shutil.rmtree(aside)
        place.rename(aside)  # in one step: of a checkpoint that is half deleted Spark would make something else
        shutil.rmtree(aside)
    except OSError as error:
        raise FlowError(f"the checkpoint {place} cannot be deleted: {error}", do="Move it away and start again.") from error


def share_place(plan: StreamPlan, replica: StreamPlan, checkpoints: str) -> None:
    """Let a replica begin where the flow's own query stands, by a copy of its checkpoint. The flow may run. Raises FlowError.

    Whatever the replica has been at before is forgotten: it may have been left out for long, and never has a history of its own.
    """
    own, place = Path(checkpoints) / plan.checkpoint, Path(checkpoints) / replica.checkpoint
    if place.exists():
        forget_place(replica, checkpoints)
    if not own.exists():
        return
    try:
        _copy(own, place)
        (place / _ITS_CHECKSUM).unlink(missing_ok=True)
        (place / _QUERY_ID).write_text(json.dumps({"id": str(uuid.uuid4())}))
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)  # the flow needs what there is of the disk
        what = f"the checkpoint {own} cannot be copied to {place}: {error}"
        raise FlowError(what, do="See that the disk has space.") from error


def _copy(own: Path, place: Path) -> None:
    """Copy a checkpoint whose query may run and end a batch meanwhile.

    In real time Spark writes state, then offsets, then the commit: what is copied in the other order lacks nothing that it speaks
    of. Offsets without a commit it forgets when a query starts. It tends to the state of a query that has ended for a while, so
    the folders may be there already.
    """
    unfinished = shutil.ignore_patterns(".*.tmp", ".*.tmp.crc")
    place.mkdir(parents=True, exist_ok=True)
    for part in sorted(own.iterdir(), key=lambda part: (part.name != "commits", part.name != "offsets")):
        if part.is_dir():
            shutil.copytree(part, place / part.name, ignore=unfinished, copy_function=_copy_if_there, dirs_exist_ok=True)
        else:
            _copy_if_there(part, place / part.name)


def _copy_if_there(own: Path | str, place: Path | str) -> None:
    with suppress(FileNotFoundError):  # deleted meanwhile, as it was of a batch that is long over
        shutil.copy(own, place)
