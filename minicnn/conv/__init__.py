"""The gallery: one equation, one file for each way to compute it, one signature for all.

Every algorithm file has the same functions, so that they can be read side by side:

    why_not(x_shape, w_shape, window, dtype)  -> str | None   the reason why it does not apply
    prepare(weight, window, groups)           -> Prepared     what can be done once per layer
    run(x, prepared, bias, activation)        -> y            the work, once per input
    error_factor(terms)                       -> float        m of the tolerance contract (contract.py)
    workspace_bytes(x_shape, w_shape, window, itemsize)  -> int    what it holds while it runs
    prepared_bytes(x_shape, w_shape, window, itemsize)   -> int    what prepare keeps, where that is more than a view

Read in this order: reference.py (the law), im2col.py, direct.py, pointwise.py, depthwise.py, gemm.py,
winograd.py, fft.py, cuda/; then gallery.py and dispatch.py, which checks the arguments and picks one.  The words that fast kernels are written
in are jit/words.py and jit/tile.py.
"""
