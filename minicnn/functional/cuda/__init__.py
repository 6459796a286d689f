"""The operations beside convolution, on a GPU: so that a whole network stays there.

    launch           what all of them share: who does how much, and where results go
    activation       ReLU and its relatives: one kernel that is told which
    add, concat      where branches meet
    batch_norm       a line per channel
    pooling          the largest and the mean of each window
    pooling_down     the largest again, four windows a thread
    adaptive         the mean of shares of a map, global pooling among them
    linear           a product of matrices by way of shared memory
    softmax          a block a line, which sums in shared memory
    conv_transpose   a convolution walked backwards, each output for itself
    upsample         nearest and bilinear

Every function takes and returns Numba's device arrays (float32, C order) and takes `out=`, an array to fill; settings and errors
are those of the function of the same name in minicnn.functional.  All but linear and softmax are limited by memory: what counts is that
each number is moved once, 16 bytes at a time where that can be.

Read in this order: launch.py, activation.py, pooling.py, softmax.py, linear.py.  network/on_device.py puts them behind one another.
"""
