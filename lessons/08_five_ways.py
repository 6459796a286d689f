import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="08 Five ways to compute one equation")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 08 · Five ways to compute one equation

    The equation of lesson 01 says *what* a convolution is. It does not say in which order to multiply, nor even which numbers to multiply. Five ways,
    one answer: loops, im2col, direct, Winograd and the Fourier transform. Each wins somewhere.

    **You will be able to**

    - count the multiplications of each way, and say what each of them pays with instead;
    - predict which way wins for a layer, measure it, and explain a prediction that failed;
    - see rounding: why five right programs give five different last digits, and what a tolerance has to be.

    About 60 minutes. You need lesson 03 (channels) and lesson 07 (im2col's appetite, cache lines). On its first run kernels are compiled, which
    may take a quarter of a minute; after that they are kept.
    """)
    return


@app.cell
def _():
    import os

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core for every way; NumPy reads it when it is first imported

    import time

    import matplotlib.cbook
    import numba
    import numpy as np
    import skimage.data
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from minicnn import Window, allowed_error, choose_algorithm, conv2d, load, models, nn, quiz, show, trace

    return (
        Figure,
        Rectangle,
        Window,
        allowed_error,
        choose_algorithm,
        conv2d,
        load,
        matplotlib,
        models,
        nn,
        np,
        numba,
        quiz,
        show,
        skimage,
        time,
        trace,
    )


@app.cell(hide_code=True)
def _(show):
    told, later = show.said, show.later

    return later, told


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1 · Loops: the equation as it stands

    $$y_{k,p,q} = \sum_{c}\sum_{i}\sum_{j} w_{k,c,i,j}\; x_{c,\,p+i,\,q+j}$$

    One image, stride 1, no padding, no bias: enough for this lesson. The photo is cut small, since Python is slow. The filters are four of those that
    EfficientNet-Lite0 has learned for its first layer.
    """)
    return


@app.cell
def _(load, matplotlib, models, told):
    photo_file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    photo = load.image(photo_file, **load.IMAGENET)  # (1, 3, 224, 224)
    filters = models.efficientnet_lite0(weights="pretrained").node("stem.conv").layer.weight  # (32, 3, 3, 3)

    x = photo[0, :, 40:64, 90:122].copy()  # 3 channels, 24 rows, 32 columns
    weight = filters[:4].copy()
    told(f"x {x.shape}, weight {weight.shape}")
    return filters, photo, photo_file, weight, x


@app.cell(hide_code=True)
def _(quiz):
    count_question = quiz.predict(
        "x has 3 channels of 24×32, weight 4 filters of 3×3×3, stride 1, no padding. How many multiplications does the equation ask for?",
        answer=71280,
        wrong={
            82944: "Without padding fewer positions fit: 24 - 3 + 1 = 22 rows and 32 - 3 + 1 = 30 columns.",
            23760: "Each output sums over all three channels.",
            17820: "That is one filter. There are four.",
            2640: "That is how many outputs there are. Each is a sum of products.",
            108: "Those are the weights. Each is used at every position.",
        },
        because=["outputs: 4 · 22 · 30 = 2,640", "products for each: 3 · 3 · 3 = 27", "2,640 · 27 = 71,280"],
        form="12345",
    )
    count_question
    return


@app.cell
def _(np):
    def by_loops(x, weight):
        K, C, R, S = weight.shape
        P, Q = x.shape[1] - R + 1, x.shape[2] - S + 1
        y, multiplications = np.zeros((K, P, Q), x.dtype), 0
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    for c in range(C):
                        for i in range(R):
                            for j in range(S):
                                y[k, p, q] += weight[k, c, i, j] * x[c, p + i, q + j]
                                multiplications += 1
        return y, multiplications

    return (by_loops,)


@app.cell
def _(by_loops, later, time, weight, x):
    loop_seconds = float("inf")
    for _ in range(3):  # the shortest counts; the others were disturbed by something else
        begin = time.perf_counter()
        law, multiplications = by_loops(x, weight)
        loop_seconds = min(loop_seconds, time.perf_counter() - begin)
    later(
        f"{multiplications:,} multiplications",
        f"The whole photo under all 32 filters has {32 * 222 * 222 * 27 / multiplications:,.0f} times as many.",
    )
    return law, loop_seconds


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Here is the same layer in the step viewer. Whatever the next four ways do inside, this is the number that they have to give.
    """)
    return


@app.cell
def _(load, nn, photo_file, show, trace, weight, x):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False).with_(weight=weight))
    pixels = load.image(photo_file, resize=256, crop=224)[0, :, 40:64, 90:122].transpose(1, 2, 0)
    show.stepper(net, trace(net, x[None]), "conv1", photo=pixels)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Is it Python that is slow, or are loops? The engine's `algorithm="reference"` is the same loops, compiled. They do the same multiplications in the same order.
    """)
    return


@app.cell
def _(conv2d, later, law, loop_seconds, np, numba, time, weight, x):
    def seconds(work, times=7):
        """Return the shortest of some times, after one that does not count."""
        numba.set_num_threads(1)  # a race of ways, not of cores
        work()
        found = []
        for _ in range(times):
            begin = time.perf_counter()
            work()
            found.append(time.perf_counter() - begin)
        return min(found)

    compiled = seconds(lambda: conv2d(x, weight, algorithm="reference"))
    later(
        f"same numbers: {np.allclose(law, conv2d(x, weight, algorithm='reference'), atol=1e-5)}",
        f"compiled, the loops are {loop_seconds / compiled:,.0f} times as fast as in Python, here and now",
    )
    return (seconds,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2 · im2col: one large matrix product

    Lay each window out as a column, each filter as a row, and multiply (lesson 07 has the picture). The multiplications are the same, every one. What changes
    is **who does them**: a matrix product is what libraries have been tuned for, for decades. The price is memory.
    """)
    return


@app.cell
def _(np):
    def by_im2col(x, weight):
        K, C, R, S = weight.shape
        windows = np.lib.stride_tricks.sliding_window_view(x, (R, S), axis=(1, 2))  # (C, P, Q, R, S), a view
        _, P, Q, _, _ = windows.shape
        columns = windows.transpose(0, 3, 4, 1, 2).reshape(C * R * S, P * Q)  # one column a position: this copies
        return (weight.reshape(K, C * R * S) @ columns).reshape(K, P, Q)

    return (by_im2col,)


@app.cell
def _(by_im2col, law, loop_seconds, np, seconds, told, weight, x):
    told(
        f"same numbers: {np.allclose(by_im2col(x, weight), law, atol=1e-5)}",
        f"same bits:    {np.array_equal(by_im2col(x, weight), law)}",
        f"{loop_seconds / seconds(lambda: by_im2col(x, weight)):,.0f} times as fast as the loops in Python, here and now",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The same numbers, and (nearly always) not the same bits. Keep that in mind; part 7 comes back to it.

    ## 3 · Direct: change the order, copy nothing

    A sum does not care in which order it is taken. So put the loop over kernel positions **outside**: for each (i, j) the whole
    photo, moved by (i, j), is multiplied by one number for each filter and channel. Nine matrix products of views, no columns.
    """)
    return


@app.cell
def _(np):
    def by_taps(x, weight):
        K, _, R, S = weight.shape
        P, Q = x.shape[1] - R + 1, x.shape[2] - S + 1
        y = np.zeros((K, P, Q), x.dtype)
        for i in range(R):
            for j in range(S):
                y += np.tensordot(weight[:, :, i, j], x[:, i : i + P, j : j + Q], axes=1)  # (K, C) · (C, P, Q)
        return y

    return (by_taps,)


@app.cell
def _(by_taps, law, np, told, weight, x):
    told(f"same numbers: {np.allclose(by_taps(x, weight), law, atol=1e-5)}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Written so, y is read and written nine times. A compiled direct convolution does better: it keeps the sums of **eight positions for a handful of filters in
    registers** and lets all kernel positions pass before it writes anything. A step then loads one vector of weights and eight numbers of x, and does
    eight vector multiply-adds with them (`minicnn/conv/direct.py`). The multiplications are still the equation's own.

    *Loops, im2col and direct multiply the same numbers.* They differ in the order, in what they copy and in how often each loaded number is used. The last
    two ways multiply **other** numbers, and fewer of them.

    ## 4 · Winograd: fewer multiplications

    Two neighbouring outputs of a filter with three weights, on one row:

        y0 = d0·g0 + d1·g1 + d2·g2
        y1 = d1·g0 + d2·g1 + d3·g2          6 multiplications

    They share inputs. Winograd's F(2, 3) uses that:

        m1 = (d0 - d2) · g0                     m3 = (d2 - d1) · (g0 - g1 + g2) / 2
        m2 = (d1 + d2) · (g0 + g1 + g2) / 2     m4 = (d1 - d3) · g2

        y0 = m1 + m2 + m3
        y1 = m2 - m3 - m4                       4 multiplications

    The sums of g are the same at every position, so they are taken once for each filter. As matrices, y = A·[(G·g) ⊙ (B·d)], where ⊙ multiplies
    number by number.
    """)
    return


@app.cell
def _(np, told):
    A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
    B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])

    def two_outputs(d, g):
        return A @ ((G @ g) * (B @ d))  # four numbers times four numbers

    d, g = np.array([3, 1, 4, 1]), np.array([2, 7, 1])
    told(f"F(2, 3):      {two_outputs(d, g)}", f"the equation: {np.correlate(d, g)}")
    return A, B, G


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    In two dimensions the same is done along rows and along columns. A **tile** of m × m outputs needs (m + 2) × (m + 2) inputs, and as many products.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    tile_question = quiz.predict(
        "A tile of 4×4 outputs of a 3×3 filter: the equation asks for 4·4·9 = 144 multiplications. How many products does Winograd's F(4×4, 3×3) take?",
        answer=36,
        wrong={
            16: "One for each output would be the least that there can be; and F(2×2, 3×3) has 16 for its tile of 2×2.",
            24: "Six for each of four rows: but the transform works along the columns too, and the tile has six rows of inputs.",
            6: "That is one row: F(4, 3). In two dimensions it is done along both axes.",
            144: "That is the equation. There is one product for each input of the tile, not nine for each output.",
            64: "The tile reads 4 + 2 = 6 inputs a side, not 8.",
        },
        because=[
            "inputs of the tile: (4 + 3 - 1) · (4 + 3 - 1) = 6 · 6 = 36, and one product for each",
            "144 / 36 = 4 times fewer than the equation",
        ],
    )
    tile_question
    return


@app.cell
def _(A, B, G, by_loops, later, np, weight, x):
    def one_tile(inputs, kernel):
        """Return 2×2 outputs of a 3×3 kernel from 4×4 inputs, and how many products that took."""
        products = (G @ kernel @ G.T) * (B @ inputs @ B.T)
        return A @ products @ A.T, products.size

    outputs, product_count = one_tile(x[0, 10:14, 10:14], weight[0, 0])
    expected, equation_count = by_loops(x[:1, 10:14, 10:14], weight[:1, :1])
    later(
        f"F(2×2, 3×3):  {outputs.round(4).tolist()}, {product_count} products",
        f"the equation: {expected[0].astype(float).round(4).tolist()}, {equation_count} products",
        f"same numbers: {np.allclose(outputs, expected[0], atol=1e-5)}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Move the slider**: a larger tile shares more.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    tile = mo.ui.slider(start=1, stop=8, value=2, label="m, outputs of a tile a side", show_value=True)
    tile
    return (tile,)


@app.cell
def _(tile, told):
    m = tile.value
    told(
        f"{m}×{m} outputs, {m + 2}×{m + 2} inputs: {(m + 2) ** 2} products for {m * m} outputs",
        f"{(m + 2) ** 2 / m**2:.2f} products for each output; the equation has 9, {9 * m**2 / (m + 2) ** 2:.2f} times as many",
    )
    return (m,)


@app.cell(hide_code=True)
def _(Figure, Rectangle, load, m, photo_file, show):
    def draw_tile():
        figure = Figure(figsize=(7.6, 3.2), layout="constrained")
        panel, curve = figure.subplots(1, 2, width_ratios=(1, 1.35))
        grey = load.image(photo_file, mode="L", resize=256, crop=224)[0, 0, 46:58, 96:108]
        panel.imshow(grey, cmap="gray", vmin=0, vmax=1)
        panel.add_artist(Rectangle((0.5, 0.5), m + 2, m + 2, fill=False, edgecolor="#56B4E9", linewidth=3, linestyle="--"))
        panel.add_artist(Rectangle((1.5, 1.5), m, m, fill=False, edgecolor="#E69F00", linewidth=3))
        panel.set_title(f"{m}×{m} outputs (solid), {m + 2}×{m + 2} inputs (dashed)", fontsize=9)
        panel.set_axis_off()
        sizes = range(1, 9)
        curve.plot(sizes, [(s + 2) ** 2 / s**2 for s in sizes], color="#0072B2", marker="o", markersize=4)
        curve.plot([m], [(m + 2) ** 2 / m**2], marker="D", markersize=9, color="#D55E00", linestyle="none")
        curve.axhline(9, color="#595959", linestyle=":", linewidth=1.2)
        curve.text(8, 8.85, "the equation: 9", ha="right", va="top", fontsize=8, color="#404040")
        curve.set_xlabel("m", fontsize=9)
        curve.set_ylabel("products for each output", fontsize=9)
        curve.set_ylim(0, 9.6)
        curve.spines[["top", "right"]].set_visible(False)
        return figure

    show.described(
        draw_tile(),
        f"Left, a tile on a patch of the photo: {m}×{m} outputs inside {m + 2}×{m + 2} inputs. Right, products for each output against m: "
        f"9 at m = 1, 4 at m = 2, 2.25 at m = 4, falling ever more slowly; the chosen tile has {(m + 2) ** 2 / m**2:.2f}.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Why not m = 8, then? The factors in A, B and G grow: at m = 4 there are 8, 1/6 and 1/24, and they multiply rounding errors. Engines stop at 4 or 6.
    And it needs stride 1 and small kernels. The transforms cost additions too: they pay only when each is used for many channels and filters.

    ### Find the erratum

    One sign in this copy is wrong.

        m1 = (d0 - d2) · g0                     m3 = (d2 - d1) · (g0 - g1 + g2) / 2
        m2 = (d1 + d2) · (g0 + g1 + g2) / 2     m4 = (d1 + d3) · g2
        y0 = m1 + m2 + m3                       y1 = m2 - m3 - m4

    You may compare with the formulas above. In a paper there is nothing to compare with, so do it as an engineer does: put a single 1 into d and
    a single 1 into g, all twelve pairs, and see which answers are wrong.
    """)
    return


@app.cell
def _(A, G, np, told):
    B_misprinted = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, 1]])

    wrong_pairs = []
    for a in range(4):
        for b in range(3):
            impulse, tap = np.eye(4)[a], np.eye(3)[b]
            got, wanted = A @ ((G @ tap) * (B_misprinted @ impulse)), np.correlate(impulse, tap)
            if not np.array_equal(got, wanted):
                wrong_pairs.append(f"d{a} = 1, g{b} = 1: y0, y1 = {got.tolist()}, but the equation says {wanted.tolist()}")
    told(*wrong_pairs)
    return


@app.cell(hide_code=True)
def _(quiz):
    misprint_question = quiz.predict(
        "One pair of twelve is wrong, and only in y1. Which of the four lines does that point to, without looking the formulas up?",
        answer="m4",
        choices=("m1", "m2", "m3", "m4"),
        wrong={
            "m1": "m1 has neither d3 nor g2 in it, and y1 does not use it.",
            "m2": "m2 has no d3, and it goes into y0 as well: y0 would be wrong too.",
            "m3": "m3 has no d3, and it goes into y0 as well: y0 would be wrong too.",
        },
        because=[
            "The pair is d3, g2. Only m4 has d3 in it, and only y1 uses m4.",
            "y1 needs + d3·g2 and subtracts m4, so d3 stands in m4 with a minus: (d1 - d3).",
        ],
    )
    misprint_question
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    A convolution is linear in d and in g. That is why twelve pairs of ones are a **proof** and not a spot check: if they are right, every number is.

    ## 5 · The Fourier transform: the kernel's size stops to matter

    Transform the photo, transform the filter, multiply frequency by frequency, transform back. A sliding sum becomes one product for each frequency. (The
    filter's transform is conjugated, since the equation does not flip the kernel.)
    """)
    return


@app.cell
def _(np):
    def by_fft(x, weight):
        (_, R, S), size = weight.shape[1:], x.shape[1:]
        fx = np.fft.rfft2(x)  # (C, frequencies)
        fw = np.conj(np.fft.rfft2(weight, size))  # (K, C, frequencies): the filter as large as the photo
        fy = (fx * fw).sum(axis=1)  # one product a frequency and channel
        return np.fft.irfft2(fy, size)[:, : size[0] - R + 1, : size[1] - S + 1].astype(x.dtype)

    return (by_fft,)


@app.cell
def _(by_fft, law, np, told, weight, x):
    told(f"same numbers: {np.allclose(by_fft(x, weight), law, atol=1e-4)}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    A transform of n numbers takes about n·log₂(n) multiplications, and three are needed: about 3 · log₂(n) for each output, some 50 for a photo of
    256×256. That does not mention the kernel. The equation's R·S does.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    kernel_question = quiz.predict(
        "One grey photo of 256×256, one filter of 31×31. The equation has 961 multiplications for each output, the FFT about 50. Which way wins?",
        answer="FFT",
        choices=("im2col", "direct", "FFT"),
        wrong={
            "im2col": "Its matrix has 961 rows of 226·226 numbers, almost 200 MB, for one photo of 0.26 MB.",
            "direct": "It is very good at multiplying. But nearly 20 times as many?",
        },
        because=[
            "31 · 31 = 961 products for each output",
            "3 · log2(256 · 256) = 3 · 16 = 48 by FFT, give or take",
            "a factor of 20 in work is hard to make up for",
        ],
    )
    kernel_question
    return


@app.cell
def _(conv2d, later, load, np, seconds, skimage):
    camera = load.image(skimage.data.camera(), mode="L", resize=256)  # (1, 1, 256, 256)
    sides = [3, 7, 11, 15, 21, 31]
    ways = "im2col", "direct", "fft"

    draws = np.random.default_rng(8)
    timed = {way: [] for way in ways}
    for side in sides:
        kernel = draws.standard_normal((1, 1, side, side)).astype(np.float32)
        for way in ways:
            timed[way].append(seconds(lambda way=way, kernel=kernel: conv2d(camera, kernel, algorithm=way), times=3))

    later(
        *(
            f"{side:2}×{side:<2}  " + "   ".join(f"{way} {t / row[2]:5.1f}" for way, t in zip(ways, row, strict=True))
            for side, *row in zip(sides, *timed.values(), strict=True)
        ),
        "The FFT's time is 1 in each line.",
    )
    return camera, sides, timed


@app.cell(hide_code=True)
def _(Figure, later, show, sides, timed):
    def draw_kernels():
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        panel = figure.subplots()
        unit = timed["fft"][0]
        looks = {"im2col": ("#D55E00", "s", "--"), "direct": ("#0072B2", "o", "-"), "fft": ("#009E73", "^", "-.")}
        for way, (colour, marker, dashes) in looks.items():
            times = [t / unit for t in timed[way]]
            panel.plot(sides, times, color=colour, marker=marker, linestyle=dashes, label=way)
            panel.text(sides[-1] + 0.5, times[-1], way, color=colour, fontsize=9, va="center")
        panel.set_yscale("log")
        panel.set_xticks(sides)
        panel.set_xlim(2, 34)
        panel.set_xlabel("kernel, cells a side", fontsize=9)
        panel.set_ylabel("time, FFT at 3×3 = 1", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        return figure

    last = {way: times[-1] / timed["fft"][-1] for way, times in timed.items()}
    later(
        show.described(
            draw_kernels(),
            "Time against the kernel's side, as measured just now. The FFT's line stays level; direct and im2col rise with the kernel's area. "
            f"At 31×31 im2col takes {last['im2col']:.0f} and direct {last['direct']:.0f} times as long as the FFT.",
        )
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    What is a kernel of 31×31 good for? A camera out of focus spreads every point over a disc. **Move the slider** and wait as long as the FFT does: not at all.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    blur = mo.ui.slider(start=1, stop=41, step=4, value=13, label="disc, pixels across", show_value=True)
    blur
    return (blur,)


@app.cell
def _(blur, camera, conv2d, np, told):
    across = np.arange(blur.value) - blur.value // 2
    disc = (across[:, None] ** 2 + across**2 <= (blur.value / 2) ** 2).astype(np.float32)
    disc /= disc.sum()
    blurred = conv2d(camera, disc[None, None], algorithm="fft")
    told(
        f"{blur.value}×{blur.value} kernel, multiplications for each output:",
        f"{blur.value**2:,} by the equation, about 48 by FFT",
    )
    return (blurred,)


@app.cell(hide_code=True)
def _(Figure, blur, blurred, camera, show):
    def draw_blur():
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        panels = figure.subplots(1, 2)
        for panel, image, title in zip(panels, (camera, blurred), ("the photo", f"out of focus, {blur.value} pixels"), strict=True):
            panel.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1)
            panel.set_title(f"{title} ({image.shape[2]}×{image.shape[3]})", fontsize=9)
            panel.set_axis_off()
        return figure

    show.described(draw_blur(), f"A photo of a man with a camera on a tripod, and the same photo blurred by a disc of {blur.value} pixels.")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Why do networks not use it, then? Their kernels are 3×3, where 9 is less than 48; and each transform has to be done for every channel. Since VGG (2014)
    most networks are built of small kernels, and there the FFT has nothing to win.

    ## 6 · The race

    A layer from the middle of a network: 64 → 64 channels, 3×3, on a map of 56×56. Five ways, one core each. The compiled loops, im2col and direct take 9 multiplications for each output and channel, Winograd's
    F(4×4, 3×3) takes 2.25, the FFT products of complex numbers.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    race_question = quiz.predict(
        "64 → 64 channels, 3×3, stride 1, 56×56. Which way wins?",
        answer="Winograd",
        choices=("loops", "im2col", "direct", "Winograd", "FFT"),
        wrong={
            "loops": "Compiled, but one product at a time, and x is read again for every filter.",
            "im2col": "A fast product, after nine times the map was written and read.",
            "direct": "It copies nothing, and it loads nine registers for eight multiply-adds. Four times fewer products is more than it can save.",
            "FFT": "64 · 64 pairs of channel and filter, each with its own product for every frequency, for a kernel of nine numbers.",
        },
        because="2.25 products for each output in place of 9; and 64 channels and 64 filters share each transform, so that the transforms are cheap.",
    )
    race_question
    return


@app.cell
def _(conv2d, later, np, seconds):
    names = {"loops": "reference", "im2col": "im2col", "direct": "direct", "Winograd": "winograd4", "FFT": "fft"}

    numbers = np.random.default_rng(64)
    layer_x = numbers.standard_normal((1, 64, 56, 56)).astype(np.float32)
    layer_w = numbers.standard_normal((64, 64, 3, 3)).astype(np.float32)
    race = {
        name: seconds(lambda way=way: conv2d(layer_x, layer_w, padding=1, algorithm=way), times=2 if name == "loops" else 6)
        for name, way in names.items()
    }
    best = min(race.values())
    later(*(f"{name:9} {taken / best:7.1f} times the winner's time" for name, taken in sorted(race.items(), key=lambda entry: entry[1])))
    return best, layer_w, layer_x, names, race


@app.cell(hide_code=True)
def _(Figure, best, later, race, show):
    def draw_race():
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        panel = figure.subplots()
        times = [taken / best for taken in race.values()]
        bars = panel.barh(list(race), times, color=["#595959", "#D55E00", "#0072B2", "#E69F00", "#009E73"], edgecolor="white")
        panel.bar_label(bars, [f"{t:.1f}" for t in times], padding=3, fontsize=9)
        panel.set_xscale("log")
        panel.set_xlim(0.8, 3 * max(times))
        panel.set_xlabel("time, the winner = 1 (each mark ten times the one before)", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.invert_yaxis()
        return figure

    ranking = ", ".join(f"{name} {taken / best:.1f}" for name, taken in sorted(race.items(), key=lambda entry: entry[1]))
    later(show.described(draw_race(), f"Times of the five ways for one layer, as measured just now, the winner's time being 1: {ranking}."))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Explain it.** Winograd has four times fewer products than im2col and direct. Was it four times as fast, less, or more? If it was more, then the rest came from something
    that has nothing to do with counting: what is copied, how often a loaded number is used, how well a processor is fed. *Counting operations predicts an order, not a time.*

    How does an engine decide? By a rule that is fitted once by measuring and then reads nothing but shapes:
    """)
    return


@app.cell
def _(Window, choose_algorithm, np, told):
    layers = [
        ("3×3, 64 → 64 on 56×56", (1, 64, 56, 56), (64, 64, 3, 3)),
        ("3×3, 6 → 16 on 28×28", (1, 6, 28, 28), (16, 6, 3, 3)),
        ("1×1, 96 → 24 on 56×56", (1, 96, 56, 56), (24, 96, 1, 1)),
        ("depthwise 3×3, 96 on 56×56", (1, 96, 56, 56), (96, 1, 3, 3)),
    ]

    def choice(x_shape, w_shape, accuracy):
        return choose_algorithm(x_shape, w_shape, Window.of(w_shape[2:]), np.float32, accuracy)

    told(*(f'{about:27} "exact": {choice(*shapes, "exact"):14} "fast": {choice(*shapes, "fast")}' for about, *shapes in layers))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    What does "exact" mean, when all five compute the same equation?

    ## 7 · See the rounding

    A float32 has 24 binary digits. Every product and every sum is rounded, and another order of summing rounds elsewhere. First a case without any rounding: small
    whole numbers, whose sums are whole numbers that a float32 holds exactly.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    whole_question = quiz.predict(
        "All inputs and weights are whole numbers from -3 to 3. Loops, im2col and direct are exact. What about F(2×2, 3×3), F(4×4, 3×3) and the FFT?",
        answer="only F(2×2) is exact",
        choices=("all are exact", "only F(2×2) is exact", "both Winograds are exact", "none is exact"),
        wrong={
            "all are exact": "The transforms pass through other numbers: 1/6, 1/24, sines and cosines.",
            "both Winograds are exact": "G of F(4, 3) has 1/6 and 1/24 in it, and no binary fraction is a sixth.",
            "none is exact": "F(2, 3) only adds and halves. Halves are exact in binary.",
        },
        because="Halves are binary fractions; sixths, and sines and cosines, are not.",
    )
    whole_question
    return


@app.cell
def _(conv2d, later, np):
    whole = np.random.default_rng(3)
    whole_x = whole.integers(-3, 4, (1, 16, 20, 24)).astype(np.float32)
    whole_w = whole.integers(-3, 4, (16, 16, 3, 3)).astype(np.float32)
    whole_y = conv2d(whole_x, whole_w, algorithm="reference")
    exactness = []
    for way_name in ("im2col", "direct", "winograd2", "winograd4", "fft"):
        difference = np.abs(conv2d(whole_x, whole_w, algorithm=way_name) - whole_y)
        exactness.append(
            f"{way_name:10} {(difference == 0).mean():6.1%} of the outputs are exact, the worst is off by {difference.max():.1e}"
        )
    later(*exactness)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Now the photo, under all 32 filters. The truth is the equation in float64. An error is told in units of ε · Σ|w·x|, where ε = 2⁻²³ is the
    distance from 1 to the next float32: that is the size of one rounding of the terms that were summed.
    """)
    return


@app.cell
def _(allowed_error, conv2d, filters, np, photo, told):
    truth = conv2d(photo.astype(np.float64), filters.astype(np.float64), algorithm="im2col")
    one_rounding = np.finfo(np.float32).eps * conv2d(np.abs(photo), np.abs(filters), algorithm="im2col")

    errors, table = {}, ["in roundings  typical   worst   typically allowed"]
    for method in ("im2col", "direct", "winograd2", "winograd4", "fft"):
        errors[method] = np.abs(conv2d(photo, filters, algorithm=method) - truth) / one_rounding
        bound = np.median(allowed_error(method, photo, filters) / one_rounding)
        table.append(f"{method:12} {np.median(errors[method]):8.2f} {errors[method].max():7.1f} {bound:19,.0f}")
    told(*table)
    return (errors,)


@app.cell(hide_code=True)
def _(Figure, errors, np, show):
    def draw_errors(channel=0):
        figure = Figure(figsize=(7.2, 6.2), layout="constrained")
        panels = figure.subplots(2, 2)
        for panel, method in zip(panels.flat, ("im2col", "direct", "winograd4", "fft"), strict=True):
            shown = panel.imshow(np.log10(errors[method][0, channel] + 1e-3), cmap="magma", vmin=-1.5, vmax=1.5)
            panel.set_title(method, fontsize=9)
            panel.set_axis_off()
        bar = figure.colorbar(shown, ax=panels, shrink=0.6, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels(["0.1", "1", "10"], fontsize=8)
        bar.set_label("error, roundings", fontsize=8)
        return figure

    show.described(
        draw_errors(),
        "Four maps of the error of the first filter's map, on a logarithmic scale. im2col's and direct's are fine noise, mostly below one rounding. Winograd's are "
        f"larger, most along the outlines, up to {errors['winograd4'][0, 0].max():.0f} roundings, and show the grid of 4×4 tiles; the FFT's lie all over the "
        f"photo in horizontal streaks, up to {errors['fft'][0, 0].max():.0f}.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Look closely at winograd4: its 4×4 tiles stand in the picture as a grid, since numbers of one tile share their roundings. The FFT's errors know no tiles and no windows.

    Nobody is wrong here: these are five right programs. But `y1 == y2` is the wrong question between them, and so is a tolerance that somebody
    guessed. A tolerance follows from **how many roundings a number passes and how large the terms were**: that is what `allowed_error` computes, and
    what this engine's tests hold every way to. This is the meaning of `accuracy="exact"`: only ways that sum the equation's own products.

    ### Break it

    Put one infinity into a photo, at row 12, column 12 of 32×32. The equation lets it reach the outputs whose window holds it.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    infinity_question = quiz.predict(
        "One of 32×32 inputs is infinite, one filter of 3×3 without zeros, padding 1. How many of the 32×32 outputs are not finite, by the equation?",
        answer=9,
        wrong={
            1: "A pixel lies in more windows than its own.",
            1024: "By the equation an output depends on its window only. One of the five ways forgets that: run the cell.",
            3: "Three rows of windows and three columns of windows hold it.",
            25: "One of the ways gives that. By the equation only windows that hold the pixel count.",
        },
        because="3 rows of windows and 3 columns of windows hold the pixel: 9",
    )
    infinity_question
    return


@app.cell
def _(conv2d, later, np):
    poison = np.random.default_rng(1)
    poisoned = poison.random((1, 1, 32, 32), dtype=np.float32)
    poisoned[0, 0, 12, 12] = np.inf
    plain_filter = poison.standard_normal((1, 1, 3, 3)).astype(np.float32)

    hit = {}
    for each_way in ("reference", "im2col", "direct", "winograd2", "winograd4", "fft"):
        hit[each_way] = ~np.isfinite(conv2d(poisoned, plain_filter, padding=1, algorithm=each_way)[0, 0])
    later(*(f"{each_way:10} {mask.sum():5} outputs are not finite" for each_way, mask in hit.items()))
    return (hit,)


@app.cell(hide_code=True)
def _(Figure, hit, later, show):
    def draw_hits():
        figure = Figure(figsize=(7.4, 2.4), layout="constrained")
        for panel, (method, mask) in zip(
            figure.subplots(1, 4), [(name, hit[name]) for name in ("direct", "winograd2", "winograd4", "fft")], strict=True
        ):
            panel.imshow(mask, cmap="Greys", vmin=0, vmax=1.3)
            panel.set_title(f"{method}: {mask.sum()}", fontsize=9)
            panel.set_xticks([])
            panel.set_yticks([])
        return figure

    later(
        show.described(
            draw_hits(),
            f"Which outputs one infinite input spoils, in black: direct {hit['direct'].sum()}, winograd2 {hit['winograd2'].sum()}, "
            f"winograd4 {hit['winograd4'].sum()}, in whole tiles around the pixel, and the FFT all {hit['fft'].sum()}.",
        )
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Winograd adds and subtracts within a tile before it multiplies, so ∞ - ∞ spoils what shares a tile. Inputs of neighbouring tiles overlap, and four 4×4 tiles hold this pixel: one loses
    all its 16 outputs, two lose 4, one loses 1, together 25. In the FFT every output feels every input. In exact arithmetic the other terms cancel; in
    floating point they cancel to within rounding, and infinity does not cancel at all.

    ## Summary

    | way | multiplications for each output and channel | pays with | wins |
    |:---|:---|:---|:---|
    | loops | R·S | time | when it is read, and as the law for tests |
    | im2col | R·S | R·S/stride² copies of the input | where there is a fast matrix product and memory to spare |
    | direct | R·S | care: registers and the order of loops | few channels, any stride and dilation |
    | Winograd F(m×m, 3×3) | ((m + 2)/m)² | digits; transforms; 3×3 and stride 1 only | many channels and filters |
    | FFT | about 3·log₂(n), any kernel | transforms; every output feels every input | large kernels |

    - One equation, many programs. Three change the order of its products, two change the products.
    - Counting predicts an order; measuring decides. Predict first, or you learn nothing from the measurement.
    - Equality is the wrong test for floating point. A tolerance is derived, not guessed.

    **Next**: write one yourself. Assignment 06 asks for a convolution that is ten times as fast as loops: `minicnn assignment start 06`.
    To practise counting: `minicnn quiz multiply_adds`. The engine's own five ways (and three more) are one file each, to be read in the
    order that `minicnn/conv/__init__.py` names; this was the last lesson, and that gallery is the next room.
    """)
    return


if __name__ == "__main__":
    app.run()
