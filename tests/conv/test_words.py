"""The vector words: compiled and as plain Python they do the same, and as Python they check their bounds."""

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from minicnn.conv.jit import jit, words
from minicnn.conv.jit.words import broadcast, fma, load, store, transpose

compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")


@jit
def every_word(x, y, number):
    """y[0:8] = x[1:9]·number + x[3:11]."""
    store(y, 0, fma(load(x, 1), broadcast(number), load(x, 3)))


@jit
def turned(x, y):
    rows = transpose(load(x, 0), load(x, 8), load(x, 16), load(x, 24), load(x, 32), load(x, 40), load(x, 48), load(x, 56))
    for i in range(8):
        store(y, 8 * i, rows[i])


@jit
def past_the_end(x, y, i):
    store(y, 0, load(x, i))


@pytest.mark.parametrize("kernel", [every_word, every_word.py_func], ids=["compiled", "python"])
def test_load_broadcast_fma_store(kernel):
    x, y = np.arange(16, dtype=np.float32), np.full(10, -1, np.float32)
    kernel(x, y, 10.0)
    np.testing.assert_array_equal(y, [*(10 * i + i + 2 for i in range(1, 9)), -1, -1])


@pytest.mark.parametrize("kernel", [turned, turned.py_func], ids=["compiled", "python"])
def test_transpose(kernel):
    x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    kernel(x, y)
    np.testing.assert_array_equal(y.reshape(8, 8), x.reshape(8, 8).T)


@pytest.mark.parametrize(("i", "j"), [(-1, 0), (3, 0)])
def test_a_stray_access_is_named_by_the_python_that_a_kernel_is(i, j):
    with pytest.raises(IndexError, match=rf"load: places {i} … {i + 7} of an array of 10"):
        past_the_end.py_func(np.zeros(10, np.float32), np.zeros(8, np.float32), i)
    with pytest.raises(IndexError, match=r"store: places 0 … 7 of an array of 7"):
        past_the_end.py_func(np.zeros(10, np.float32), np.zeros(7, np.float32), 0)


@compiled_only
def test_a_word_refuses_what_it_would_misread():
    locked = np.zeros(8, np.float32)
    locked.flags.writeable = False
    with pytest.raises(TypingError, match="store: the array is locked"):
        past_the_end(np.zeros(8, np.float32), locked, 0)
    for wrong in (np.zeros(8), np.zeros((2, 8), np.float32), np.zeros(16, np.float32)[::2]):
        with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
            past_the_end(wrong, np.zeros(8, np.float32), 0)


@compiled_only
def test_a_vector_stays_in_a_register():
    """The compiled loop multiplies eight numbers at a time: the machine code names a vector register, or LLVM's vector type does."""
    every_word(np.zeros(16, np.float32), np.zeros(8, np.float32), 1.0)
    (code,) = every_word.inspect_llvm().values()
    assert "<8 x float>" in code
    assert words.float32x8.name == "float32x8"
