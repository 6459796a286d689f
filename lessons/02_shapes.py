import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="02 Shapes")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 02 Shapes: kernel, stride, padding, dilation

    How many numbers come out, and why the rule rounds down. By the end you will be able to

    - say the size of any map from the kernel, stride, padding and dilation, and name the input cells that no window reads;
    - choose a padding that keeps the size, and know what it costs at the border;
    - read a published layer table and see which line cannot be true.

    **About 50 minutes.** You need lesson 01: the window, and y[p,q] = b + Σ w[i,j] · x[p+i,q+j]. Seven questions ask you to predict first.
    """)
    return


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure
    from skimage import data

    from minicnn import Window, conv2d, load, misconceptions, nn, quiz, show, trace
    from minicnn.errors import ShapeError

    return Figure, ShapeError, Window, conv2d, data, load, misconceptions, mo, nn, np, quiz, show, trace


@app.cell(hide_code=True)
def _(Figure, Window, misconceptions, show):
    from matplotlib.patches import Rectangle

    def strip(n, kernel, stride=1, padding=0, dilation=1):
        """Draw one axis: its cells, and below them every window with a filled square where a tap reads."""
        rule = Window.of(kernel, stride, padding, dilation).axes((n, n))[0]
        out, first, last = rule.out_size(n), -rule.before, n - 1 + rule.after
        shown = min(out, 14)
        read = {cell for i in range(out) for cell in rule.sees(i, n)}
        beyond = first + out * stride + rule.extent - 1  # where the first window that does not fit would end
        right = max(last, beyond if shown == out else last)
        figure = Figure(figsize=(3.5, 0.55 + 0.19 * (shown + 3)), dpi=170, layout="constrained", facecolor="white")
        ax = figure.subplots()
        ax.set(xlim=(first - 2.6, right + 1), ylim=(shown + 2.1, -1.6))
        ax.axis("off")
        size, every = (8.5, 1) if right - first < 17 else (6.5, 1 if right - first < 22 else 2)
        for cell in range(first, last + 1):
            pad = not 0 <= cell < n
            look = {"hatch": "////", "facecolor": "#f1efe9"} if pad else {"facecolor": "white" if cell in read else "#f7d9c4"}
            ax.add_patch(Rectangle((cell - 0.5, -0.5), 1, 1, edgecolor="#7a7a7a", linewidth=0.8, **look))
            clear = {"facecolor": "#f1efe9", "edgecolor": "none", "pad": 0.6} if pad else None  # so that the hatching does not cross the 0
            ax.text(
                cell,
                0,
                "0" if pad else cell if cell % every == 0 else "",
                ha="center",
                va="center",
                fontsize=size,
                color="#222222",
                bbox=clear,
            )
            if not pad and cell not in read:
                ax.text(cell, -1.05, "×", ha="center", va="center", fontsize=size + 2, color="#9c3d00", weight="bold")
        for i in range(shown + (shown == out)):
            fits, begin, y = i < out, first + i * stride, i + 1.4
            ax.plot(
                (begin, begin + rule.extent - 1),
                (y, y),
                color="#0072B2" if fits else "#9c3d00",
                linewidth=1,
                linestyle="-" if fits else ":",
            )
            for t in range(kernel):
                look = {"facecolor": "#0072B2" if fits else "white", "edgecolor": "#0072B2" if fits else "#9c3d00"}
                ax.add_patch(
                    Rectangle((begin + t * dilation - 0.33, y - 0.33), 0.66, 0.66, linewidth=0.9, linestyle="-" if fits else ":", **look)
                )
            ax.text(
                first - 0.8, y, f"y[{i}]" if fits else "no", ha="right", va="center", fontsize=size, color="#222222" if fits else "#9c3d00"
            )
        if shown < out:
            ax.text(first, shown + 1.4, f"… and {out - shown} more", va="center", fontsize=size)
        words = [f"k = {kernel}", f"s = {stride}", *([f"p = {padding}"] if padding else []), *([f"d = {dilation}"] if dilation > 1 else [])]
        figure.suptitle(f"{', '.join(words)}: {n} in, {out} out", fontsize=10, x=0.02, ha="left")
        return figure

    def told(n, kernel, stride=1, padding=0, dilation=1):
        """Return what the strip shows, in words."""
        rule = Window.of(kernel, stride, padding, dilation).axes((n, n))[0]
        out = rule.out_size(n)
        unread = sorted(set(range(n)) - {cell for i in range(out) for cell in rule.sees(i, n)})
        starts = ", ".join(str(i * stride - padding) for i in range(min(out, 8))) + (", …" if out > 8 else "")
        ends = f"cells {', '.join(map(str, unread))} are marked × because no window reads them" if unread else "every cell is read"
        pads = f" with {padding} hatched zeros on each side" if padding else ""
        return f"A row of {n} cells{pads}, and {out} windows that begin at {starts}, their {kernel} taps {dilation} apart; {ends}."

    def slips(n, kernel, stride=1, padding=0, dilation=1):
        """Return {wrong size: the sentence to who answers so}, for every known wrong idea that gives another size here."""
        setting = {"in_size": n, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        right = Window.of(kernel, stride, padding, dilation).output_size((n, n))[0]
        found = {}
        for idea in misconceptions.MISCONCEPTIONS["output_size"]:
            size = idea(**setting)
            if size == int(size) and size > 0 and int(size) != right:
                found.setdefault(int(size), idea.says)
        return found

    side_by_side, said, later = show.side_by_side, show.said, show.later

    return Rectangle, later, said, side_by_side, slips, strip, told


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## One axis is enough

    Rows and columns follow the same rule and do not know of each other. So look at one axis: a row of n cells over which a kernel of k cells slides.
    Below the cells, each line is one window; a filled square is a cell that it reads.
    """)
    return


@app.cell(hide_code=True)
def _(show, side_by_side, strip, told):
    side_by_side(show.described(strip(8, 3), told(8, 3)), show.described(strip(8, 5), told(8, 5)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Kernel.** The first window begins at cell 0, the last at cell n − k: it ends where the cells end. That is n − k steps and the window before any
    step: **n − k + 1**. The dotted line is the first window that does not fit.

    ## Stride, and why the rule rounds down

    With stride s, a window begins every s cells. Here s is 2 and 3, and something is left over.
    """)
    return


@app.cell(hide_code=True)
def _(show, side_by_side, strip, told):
    side_by_side(show.described(strip(8, 3, 2), told(8, 3, 2)), show.described(strip(10, 3, 3), told(10, 3, 3)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Left: behind the first window lie 8 − 3 = 5 cells of room. Steps of 2 fit into 5 two and a half times, and half a step would put the window over the edge.
    So the division rounds down:

        out = floor((n − k) / s) + 1

    It rounds down because a window either lies on cells that exist or is not computed. The floor is no convention about numbers; it is the dotted line.
    What is left over has a price: cells marked × are read by no window. Right: 7 cells of room and steps of 3 leave one cell unread.
    """)
    return


@app.cell(hide_code=True)
def _(quiz, slips):
    with_a_stride = quiz.predict(
        "17 cells, kernel 4, stride 3, no padding. How many numbers come out?",
        answer=5,
        form="12",
        wrong=slips(17, kernel=4, stride=3),
        because=[
            "room behind the first window: 17 − 4 = 13",
            "whole steps of 3: floor(13 / 3) = 4",
            "4 steps and the window before any step: 5",
        ],
    )
    with_a_stride
    return


@app.cell(hide_code=True)
def _(quiz):
    not_read = quiz.predict(
        "The same: 17 cells (0 … 16), kernel 4, stride 3. Which cell is read by no window?",
        answer=16,
        form="3",
        wrong={
            0: "The first window begins at cell 0 and reads it.",
            15: "The last window begins at 4·3 = 12 and reads 12, 13, 14 and 15.",
            17: "The cells are numbered 0 … 16; there is no cell 17.",
            13: "Windows overlap here: cell 13 belongs to the one that begins at 12.",
        },
        because=[
            "The windows begin at 0, 3, 6, 9, 12.",
            "The last one reads 12 … 15, so cell 16 is left over: 13 − 4·3 = 1 cell of room was not used.",
        ],
    )
    not_read
    return


@app.cell
def _(Window, conv2d, later, np):
    row = np.arange(17.0).reshape(1, 1, 1, 17)
    last_cell_changed = row.copy()
    last_cell_changed[..., 16] = 1000
    ones = np.ones((1, 1, 1, 4))
    before, after = conv2d(row, ones, stride=3), conv2d(last_cell_changed, ones, stride=3)

    later(
        f"size: {Window.of((1, 4), stride=3).output_size((1, 17))}\nmap: {before.ravel()}\nmap after cell 16 became 1000: {after.ravel()}"
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    You can put anything into cell 16, and the map does not notice. On a photo that is its right or bottom edge. On a photo the stride is also seen as what it is for: the
    map has fewer numbers. All maps below are drawn to the same scale.
    """)
    return


@app.cell
def _(data, load, np):
    photo = load.image(data.coffee(), mode="L", resize=120)
    blur = np.full((1, 1, 3, 3), 1 / 9, dtype=np.float32)
    return blur, photo


@app.cell(hide_code=True)
def _(mo):
    photo_stride = mo.ui.slider(1, 6, value=2, label="stride", show_value=True, full_width=True)
    photo_stride
    return (photo_stride,)


@app.cell
def _(blur, conv2d, photo, photo_stride):
    smaller = conv2d(photo, blur, stride=photo_stride.value)
    return (smaller,)


@app.cell(hide_code=True)
def _(Figure, photo, photo_stride, show, side_by_side, smaller):
    def to_scale(picture, words):
        """Draw a picture at 52 cells an inch."""
        high, wide = (max(length / 52, 0.3) for length in picture.shape)
        figure = Figure(figsize=(max(wide, 1.3), high + 0.3), dpi=150, facecolor="white")
        ax = figure.add_axes((0, 0, wide / max(wide, 1.3), high / (high + 0.3)))
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.axis("off")
        figure.text(0, 1, words, fontsize=10, va="top")
        return figure

    _rows, _columns = smaller.shape[2:]
    _s = photo_stride.value
    side_by_side(
        show.described(
            to_scale(photo[0, 0], "photo, 120×180"), "A grey photo of a cup of coffee on a saucer with a spoon, 120 by 180 pixels."
        ),
        show.described(
            to_scale(smaller[0, 0], f"map, {_rows}×{_columns}"),
            f"The map of a 3 by 3 blur with stride {_s}: the same cup in {_rows} by {_columns} numbers, smaller the larger the stride.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo, photo_stride, smaller):
    mo.md(f"""
    rows: floor((120 − 3) / {photo_stride.value}) + 1 = **{smaller.shape[2]}**, columns: floor((180 − 3) / {photo_stride.value}) + 1 =
    **{smaller.shape[3]}**
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Padding

    Every layer with k = 3 takes away two rows and two columns, and border cells are read by fewer windows than those in the middle. **Padding** adds p cells of 0 on *both*
    sides, so windows slide over n + 2p cells.
    """)
    return


@app.cell(hide_code=True)
def _(show, side_by_side, strip, told):
    side_by_side(show.described(strip(8, 3, 1, 1), told(8, 3, 1, 1)), show.described(strip(8, 5, 1, 2), told(8, 5, 1, 2)))
    return


@app.cell(hide_code=True)
def _(quiz):
    keeps_the_size = quiz.predict(
        "Stride 1, kernel 7. Which padding on each side keeps the size?",
        answer=3,
        form="12",
        wrong={
            6: "6 is what is needed in all; padding is added on both sides, 3 on each.",
            7: "A kernel of 7 takes 7 − 1 = 6 cells away, not 7, and half of them come back on each side.",
            1: "1 is right for a kernel of 3. A kernel of 7 takes 6 cells away.",
            2: "2 is right for a kernel of 5. A kernel of 7 takes 6 cells away.",
            4: "n + 2·4 − 7 + 1 = n + 2: that is more than went in.",
        },
        because=["n + 2p − 7 + 1 = n", "2p = 6, so p = 3; in general p = (k − 1) / 2 for odd k"],
    )
    keeps_the_size
    return


@app.cell
def _(Window, later):
    later("\n".join(f"padding {p}: 20 cells → {Window.of(7, padding=p).output_size((20, 20))[0]}" for p in range(5)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    For an even kernel k − 1 is odd, and half a cell cannot be added: one side gets one cell more. That is why kernels are odd nearly everywhere.

    Padding is not free: at the border, zeros that nobody photographed enter the sums. Blur a picture that is 1 everywhere:
    """)
    return


@app.cell
def _(blur, conv2d, np, said):
    white = np.ones((1, 1, 4, 6), dtype=np.float32)
    said(conv2d(white, blur, padding=1)[0, 0].round(2))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    In the corner only 4 of 9 cells are the picture's: 4/9 = 0.44. A network sees a dark frame around every photo, and learns to live with it.

    ## Dilation

    **Dilation** d moves the taps of the kernel apart: they read every d-th cell. Three taps with d = 2 span 5 cells, with d = 3 seven. Between k taps lie k − 1 gaps, so the
    kernel spans **d·(k − 1) + 1** cells. It sees further with the same number of weights.
    """)
    return


@app.cell(hide_code=True)
def _(show, side_by_side, strip, told):
    side_by_side(show.described(strip(10, 3, 1, 0, 2), told(10, 3, 1, 0, 2)), show.described(strip(10, 3, 1, 0, 3), told(10, 3, 1, 0, 3)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## The whole rule

        out = floor((n + 2p − d·(k−1) − 1) / s) + 1

    | what | cells |
    |:--|:--|
    | there is | n + 2p |
    | the kernel spans | d·(k − 1) + 1 |
    | room behind the first window | n + 2p − d·(k − 1) − 1 |
    | whole steps | that, divided by s, rounded down |
    | numbers out | one more |

    Say it in this order and you need not remember the formula.
    """)
    return


@app.cell(hide_code=True)
def _(quiz, slips):
    all_four = quiz.predict(
        "14 cells, kernel 3, stride 2, padding 2, dilation 3. How many numbers come out?",
        answer=6,
        form="12",
        wrong=slips(14, kernel=3, stride=2, padding=2, dilation=3),
        because=[
            "there is: 14 + 2·2 = 18",
            "the kernel spans: 3·(3 − 1) + 1 = 7",
            "room: 18 − 7 = 11",
            "whole steps: floor(11 / 2) = 5",
            "numbers out: 5 + 1 = 6",
        ],
    )
    all_four
    return


@app.cell
def _(Window, later):
    rows_rule = Window.of(kernel=3, stride=2, padding=2, dilation=3).axes((14, 14))[0]
    later(rows_rule.derivation(14))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Move everything

    Try to make: 10 cells out of 20; every second cell unread; two settings of the same size with different windows; a window that sees padding only.
    And a setting that is impossible.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    cells = mo.ui.slider(4, 24, value=13, label="cells n", show_value=True)
    kernel = mo.ui.slider(1, 7, value=3, label="kernel k", show_value=True)
    stride = mo.ui.slider(1, 5, value=2, label="stride s", show_value=True)
    padding = mo.ui.slider(0, 4, value=1, label="padding p", show_value=True)
    dilation = mo.ui.slider(1, 4, value=1, label="dilation d", show_value=True)
    mo.hstack([cells, kernel, stride, padding, dilation], wrap=True, justify="start")
    return cells, dilation, kernel, padding, stride


@app.cell(hide_code=True)
def _(ShapeError, Window, cells, dilation, kernel, padding, said, show, side_by_side, stride, strip, told):
    _setting = (cells.value, kernel.value, stride.value, padding.value, dilation.value)
    try:
        _words = Window.of(*_setting[1:]).axes((cells.value,) * 2)[0].derivation(cells.value)
        _shown = side_by_side(show.described(strip(*_setting), told(*_setting)), said(_words))
    except ShapeError as error:
        _shown = said(f"No window fits. The engine says: {error}")
    _shown
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Two axes

    Each axis has its own n, k, s, p and d. The engine takes a number for both, or a pair (over the rows, over the columns).
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    both_axes = quiz.predict(
        "The coffee has 120×180 pixels. A kernel of 3×5, stride (2, 3), padding (1, 0). How many rows and columns has the map?",
        answer=(60, 59),
        form="12x34",
        wrong={
            (59, 60): "Rows first: 60 rows and 59 columns. (Or you took the kernel as 5×3.)",
            (61, 60): "You round up: (120 + 2 − 3) / 2 = 59.5 and (180 − 5) / 3 = 58.3 round down.",
            (59, 58): "You leave out the + 1, the window before any step.",
            (60, 60): "You pad the columns too: the padding is (1, 0), one row above and below, nothing left and right.",
            (120, 176): "You forget the stride.",
            (40, 88): "You exchanged the strides: 2 is over the rows, 3 over the columns.",
        },
        because=[
            "rows: floor((120 + 2·1 − 3) / 2) + 1 = floor(59.5) + 1 = 60",
            "columns: floor((180 + 2·0 − 5) / 3) + 1 = floor(58.3) + 1 = 59",
        ],
    )
    both_axes
    return


@app.cell
def _(later, nn, np, photo, trace):
    edge = np.array([[[[-1, -1, 0, 1, 1], [-2, -2, 0, 2, 2], [-1, -1, 0, 1, 1]]]], dtype=np.float32)
    coffee = nn.Sequential(nn.Conv2d.of(edge, stride=(2, 3), padding=(1, 0)))
    found = trace(coffee, photo)

    later(found["conv1"].shape)
    return coffee, found


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Step through the same layer on the photo. Go along a row with Shift and →: the window moves by three columns. Go to row 0: the upper row of the patch is padding. Go to the last column
    and find out which columns of the photo no window reads.
    """)
    return


@app.cell
def _(coffee, found, show):
    show.stepper(coffee, found, "conv1", channel=0, at=(0, 12))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    (58 · 3 + 4 = 178: the last window ends at column 178, so column 179 is left over.)

    ## "same", and what it means with a stride

    Many libraries take the word *same* for a padding that keeps the size. With stride 1 all agree. With a stride, TensorFlow makes it mean ceil(n / s) numbers, with as little padding as that needs
    and the odd cell *after*; PyTorch refuses it, and people write padding=1 instead. The sizes are often equal. The windows are not.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    same_with_stride = quiz.predict(
        "8 cells, kernel 3, stride 2, 'same' in TensorFlow's sense: 4 numbers out. How many cells of padding come before cell 0?",
        answer=0,
        form="12",
        wrong={
            1: "With padding 1 on both sides 4 numbers come out too, but TensorFlow adds no more than it needs: 1 cell in all, and that one after.",
            2: "4 windows of 3 with stride 2 span 3·2 + 3 = 9 cells: one cell is missing, not four.",
        },
        because=[
            "4 windows with stride 2 span 3·2 + 3 = 9 cells; there are 8.",
            "1 cell is missing; half of 1, rounded down, is 0 before, and 1 after.",
        ],
    )
    same_with_stride
    return


@app.cell
def _(Window, later):
    lines = []
    for word, pads in (("padding='same'", "same"), ("padding=1", 1)):
        both = Window.of(3, stride=2, padding=pads)
        rule = both.axes((8, 8))[0]
        starts = [i * 2 - rule.before for i in range(rule.out_size(8))]
        lines.append(f"{word:15} before {rule.before}, after {rule.after}, windows begin at {starts}")
    later("\n".join(lines))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Same size, windows one cell apart. Weights that were trained with one and are run with the other give a network that still works, and is quietly worse; no shape check
    finds it. (EfficientNet-Lite0, which you meet in lesson 06, was trained with TensorFlow's.)

    ## Find the erratum

    The paper that made convolutional networks famous (Krizhevsky, Sutskever, Hinton 2012, "AlexNet") says: the input is 224×224×3, and the first layer has 96 kernels of size 11×11 with a stride
    of 4 pixels. Its figure shows maps of 55×55. It mentions no padding.
    """)
    return


@app.cell(hide_code=True)
def _(quiz, slips):
    alexnet = quiz.predict(
        "224 cells, kernel 11, stride 4, no padding. How many come out?",
        answer=54,
        form="12",
        wrong=slips(224, kernel=11, stride=4)
        | {55: "That is what the figure shows. (224 − 11) / 4 = 53.25 rounds down to 53, and the first window makes 54."},
        because=[
            "room: 224 − 11 = 213",
            "whole steps: floor(213 / 4) = floor(53.25) = 53",
            "out: 53 + 1 = 54, and not the 55 of the figure",
        ],
    )
    alexnet
    return


@app.cell
def _(Window, later):
    ways = []
    for n, pad in ((224, 0), (227, 0), (224, 2), (224, (1, 2))):
        sides = pad if isinstance(pad, int) else (pad, pad)
        ways.append(f"{n} cells, padding {pad}: {Window.of(11, stride=4, padding=sides).output_size((n, n))[0]}")
    later("\n".join(ways) + f"\n\n55·55·96 = {55 * 55 * 96:,} numbers; the paper counts 253,440 = 55·48·96: {55 * 48 * 96:,}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    So one of the printed numbers is wrong, and arithmetic alone says so. 227 cells without padding, or 224 with 3 cells of padding in all, give 55; code that came later takes the first (Caffe)
    or 224 with padding 2 (torchvision). The paper's count of the first layer's numbers, 253,440, is not 55·55·96 either. Tens of thousands of people have read it. **Compute the shapes of a table before you believe it.**

    ## Backwards

    The rule can be asked the other way round: which settings turn 32 cells into 15? Say first how many you expect, with a kernel of 3 or 5, at most half a
    kernel of padding and no dilation. (The last column of the answer, *field*, is how many cells a number sees; lesson 05 is about it.)
    """)
    return


@app.cell
def _(later, quiz):
    wished = quiz.solve(in_size=32, out_size=15, kernel=(3, 5), dilation=1)
    later(wished)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    And now the same with a kernel of 3, stride 2 and padding 1. Does it exist? If not, what would you change?
    """)
    return


@app.cell
def _(later, quiz):
    impossible = quiz.solve(in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1)
    later(impossible)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    It does not exist, and you are told which wish is one too many. Several settings have the same size, also because the floor drops what is left over. So a size alone does not tell the layer.

    ## Break it

    A picture of 5×9 cells, a kernel of 4×3, padding 1, dilation 3: that cannot be. Before you open what the engine answers: over which axis, and how many cells are missing?
    """)
    return


@app.cell
def _(ShapeError, conv2d, later, np):
    small, large = np.zeros((1, 1, 5, 9)), np.zeros((1, 1, 4, 3))
    try:
        conv2d(small, large, padding=1, dilation=3)
    except ShapeError as error:
        message = str(error)
    later(message)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    In the code (`minicnn lesson 02 --edit`), try

    1. the smallest padding that makes this call work; predict the shape;
    2. a layer of kernel 3, stride 2 and padding 1 over 223 and over 224 cells: what comes out of each, and what does that say about going back up?
    3. a kernel, stride and padding that read every cell equally often (there is a family of them).

    ## The way back up

    A **transposed convolution** goes from few cells to many: every input cell writes into a window of the output, and windows begin s cells apart. Its size is the rule turned round,
    (n − 1)·s − 2p + d·(k − 1) + 1. But the floor has made 223 and 224 alike, and nobody can tell from 112 which it was. So one more number has to be given: `output_padding`.
    For kernel 3, stride 2 and padding 1, over 112 cells:
    """)
    return


@app.cell
def _(later, nn, np):
    small_map = np.zeros((1, 1, 112, 112), dtype=np.float32)
    there_and_back = []
    for extra in (0, 1):
        up = nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, padding=1, output_padding=extra)
        there_and_back.append(f"output_padding {extra}: 112 → {up(small_map).shape[2]}")
    later("\n".join(there_and_back))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## As many more as you like

    Every question here is new; "Next" asks Python for another. When three in a row were right, go on.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    practice = quiz.ask("output_shape", level=2, seed=2)
    practice
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What you know now

    - There is n + 2p, the kernel spans d·(k − 1) + 1, the rest is room; whole steps of s fit into it, and the first window comes on top.
    - The floor is a window that would hang over the edge. What it leaves over is never read.
    - p = (k − 1)/2 keeps the size for stride 1 and odd k. Padding is zeros, and zeros count.
    - The same size does not mean the same windows: 'same' with a stride is where libraries part.
    - A printed shape is a claim; check it.

    **Next:** lesson 03, channels, filters and 1×1: `minicnn lesson 03`. **To write it yourself:** assignment 01, shapes (60 minutes): `minicnn assignment start 01`; then 02, conv2d:
    `minicnn assignment start 02`. **To practise:** `minicnn quiz output_shape`, then `padding_for_size`, `which_inputs`, `which_outputs`,
    `same_with_stride`, `transposed` and `all_settings`. In a terminal, `minicnn shape "Conv2d(1, 1, 11, stride=4)" --input 1x224x224` does the arithmetic
    for a row of layers.

    *Sources: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks (2012); TensorFlow's
    documentation of SAME padding. Photo: scikit-image's coffee.*
    """)
    return


if __name__ == "__main__":
    app.run()
