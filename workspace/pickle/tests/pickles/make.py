"""Writes the pickles that the tests read, with CPython's own `pickle` and with NumPy.

    python make.py

The files here are from Python 3.11.7 and NumPy 2.4.6. NAME.P.pickle is NAME by protocol P. Protocols 0 to 5 hold the same.
"""

import pathlib
import pickle

import numpy as np

HERE = pathlib.Path(__file__).parent
shared = [0.5]
VALUES = {
    # What the public reward servers answer with.
    "outputs": {"outputs": [0.5, -1.25, 1e300, 3]},
    "geneval": {
        "scores": [1.0, 0.5],
        "rewards": [0.0, 0.0],
        "strict_rewards": [1.0, 0.0],
        "group_rewards": {"counting": [0.0, 0.0], "colors": [-10.0, -10.0]},
        "group_strict_rewards": {"counting": [1.0, 0.0], "colors": [-10.0, -10.0]},
    },
    # Every kind of plain data, and parts that are shared.
    "plain": {
        "none": None,
        "truths": (True, False),
        "ints": [0, 1, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**63 - 1, -(2**63)],
        "floats": [0.0, -0.0, 1.5, float("inf"), float("-inf")],
        "texts": ["", "plain", "schön\n\\ \u4e2d \U0001f600", "x" * 300],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "shared": [shared, shared],
        "empty": [[], {}],
    },
    "bytes": {"images": [b"", b"\x00\xff\n", b"x" * 300]},
    # What servers answer with that forget to convert.
    "float32s": {"outputs": [np.float32(0.5), np.float32(-0.25), np.float64(1.5)]},
}
# Protocol 5 writes arrays another way, which is not read.
ARRAYS = {"array32": {"outputs": np.array([0.5, -0.25], "f4")}, "array64": {"outputs": np.array([0.5, -0.25])}}

for name, value in VALUES.items():
    for protocol in range(6):
        (HERE / f"{name}.{protocol}.pickle").write_bytes(pickle.dumps(value, protocol))
for name, value in ARRAYS.items():
    for protocol in range(5):
        (HERE / f"{name}.{protocol}.pickle").write_bytes(pickle.dumps(value, protocol))
(HERE / "array64.5.pickle").write_bytes(pickle.dumps(ARRAYS["array64"], 5))
