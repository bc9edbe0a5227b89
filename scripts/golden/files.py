"""Writes the small files that the tests read as a user's own: test/data/. Needs the standard library only.

python3 scripts/golden/files.py
"""

import gzip
import json
import pathlib
import random
import struct

folder = pathlib.Path(__file__).parents[2] / "test" / "data"
folder.mkdir(exist_ok=True)
rng = random.Random(6)

# Three kinds of plants, as a table: a number of its own for each row, three measurements, a colour.
COLOURS = [["white", "yellow"], ["white", "blue"], ["blue", "yellow"]]
rows = []
for number in range(60):
    kind = number % 3
    rows.append(
        {
            "number": number,
            "height": round(rng.gauss(10 + 5 * kind, 2), 2),
            "petals": rng.randint(4, 6) + kind,
            "weight": round(rng.gauss(1e-3 * (kind + 1), 2e-4), 6),
            "colour": rng.choice(COLOURS[kind]),
            "kind": kind,
        }
    )
with open(folder / "plants.csv", "w", newline="\n") as file:
    print(",".join(rows[0]), file=file)
    for row in rows:
        print(",".join(str(value) for value in row.values()), file=file)
with open(folder / "plants.jsonl", "w", newline="\n") as file:
    for row in rows:
        print(json.dumps(row), file=file)

# Images of 4 x 3 pixels with a bright row, by which they are labelled 2, 5 or 9.
LABELS = [2, 5, 9]
labels = bytes(LABELS[n % 3] for n in range(60))
pixels = b"".join(
    bytes(min(255, rng.randint(0, 90) + (160 if row == LABELS.index(label) else 0)) for row in range(4) for _ in range(3))
    for label in labels
)
images = struct.pack(">4B3I", 0, 0, 8, 3, 60, 4, 3) + pixels
(folder / "bars-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, mtime=0))
(folder / "bars-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 60) + labels)
