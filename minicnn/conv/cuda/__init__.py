"""The ladder: the same equation on a GPU, one rung a file, each with one idea more than the one before.

    naive            a thread for every output; neighbours in a warp read far apart
    coalesced        the same sums; neighbours in a warp read neighbours in memory
    tiled            16×16 outputs share what they read, through shared memory
    register_tiled   8×8 outputs a thread, in registers: the product of matrices that the GPU is built for
    pointwise        1×1 kernels: that product without windows
    depthwise        one channel a group: no product of matrices at all

Each file has the gallery's family signature (minicnn/conv/__init__.py).  Arrays may be NumPy's, which are copied to the device and back, or
live on a device already (__cuda_array_interface__: Numba, CuPy, PyTorch), and then so does the result.

Numba's own simulator (NUMBA_ENABLE_CUDASIM=1) runs every kernel without a GPU, slowly; kernel.py shows its PTX without one, too.
Read in this order: kernel.py, words.py, naive.py, coalesced.py, implicit.py, tiled.py, occupancy.py, product.py, register_tiled.py, pointwise.py,
depthwise.py, ladder.py (which rung takes what), on_device.py; device.py is about arrays and what may be wrong with them.
"""
