"""Writes test/golden/events.json: records as TensorBoard's own writer makes them.

    python3 -m venv .venv && .venv/bin/pip install tensorboard && .venv/bin/python scripts/golden/events.py
"""
import io
import json
import pathlib

import tensorboard
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event) -> str:
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString())
    return file.getvalue().hex()


def scalars(step, values):
    summary = summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, simple_value=float(value)) for tag, value in values]
    )
    return event_pb2.Event(wall_time=0.0, step=step, summary=summary)


steps = [
    (0, [("loss", 0.0)]),
    (1, [("loss", 2.5), ("grad_norm", 1e-8)]),
    (127, [("val/loss", -0.1)]),
    (128, [("loss", "NaN"), ("clipped_norm", "Infinity"), ("x", "-Infinity")]),
    (3_000_000_000, [("µ/ä " + "long" * 60, 3.4e38)]),
]
golden = {
    "made_with": tensorboard.__version__,
    "start": record(event_pb2.Event(wall_time=0.0, file_version="brain.Event:2")),
    "events": [{"step": step, "scalars": values, "record": record(scalars(step, values))} for step, values in steps],
}
target = pathlib.Path(__file__).parents[2] / "test" / "golden" / "events.json"
target.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
print(f"wrote {target}")
