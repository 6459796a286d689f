"""Descends until something gives."""

import sys

sys.setrecursionlimit(10**9)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def conv2d(x, weight, bias, stride, padding):
    return repr([Deep().a, conv2d(x, weight, bias, stride, padding)])
