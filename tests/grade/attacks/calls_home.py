"""Asks somebody else for the answer, over the network."""

import contextlib
import socket

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=1):
        return "stolen: a connection"
    return np.zeros((1, 1))
