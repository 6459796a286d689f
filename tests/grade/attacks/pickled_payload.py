"""Returns objects that run code where they are unpickled, and a frame that says it holds some."""

import contextlib
import json
import os
import pickle
import struct
import sys

import numpy as np


class Payload:
    def __reduce__(self):
        return (os.system, ("touch @CANARY@",))


def conv2d(x, weight, bias, stride, padding):
    request = sys._getframe(2).f_locals.get("request") or {"nonce": ""}
    raw = pickle.dumps(Payload())
    header = {"kind": "value", "value": {"tuple": [{"array": ["object", [1], None]}]}, "after": [], "nonce": request["nonce"]}
    text = json.dumps(header).encode()
    if x.shape[0] % 2:
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(descriptor, struct.pack(">IQ", len(text), len(raw)) + text + raw)
    return np.array([Payload()], dtype=object)
