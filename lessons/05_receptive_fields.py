import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="05 Receptive fields")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 05 · Receptive fields: what one number looks at

    *60 minutes. Needs lesson 04.*

    A number in a late map is computed from a patch of the photo. Which patch?

    After this lesson you can

    - work out the **size, step and start** of the field of any stack of layers, with a pencil;
    - **test** such a claim on any network with a single NaN, without a formula;
    - say when the formula promises **more than is there**: at borders, at dropped rows, in branches that do not meet, and in what a number makes of all it sees.
    """)
    return


@app.cell
def _():
    import matplotlib.patches
    import numpy as np
    import skimage.data

    from minicnn import describe, load, models, nn, probe, quiz, show, trace
    from minicnn.misconceptions import MISCONCEPTIONS

    return (
        MISCONCEPTIONS,
        describe,
        load,
        matplotlib,
        models,
        nn,
        np,
        probe,
        quiz,
        show,
        skimage,
        trace,
    )


@app.cell(hide_code=True)
def _(show):
    said, later = show.said, show.later

    return later, said


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1 · Follow one number back

    A 3×3 convolution computes each number from 3 rows of its input. Those numbers were computed from rows of *their* input, and so on, down to the photo. All photo rows that are met on the way are the
    **receptive field** of the number: if none of them changes, the number does not change.

    Rows and columns behave alike, so the drawing shows one axis only. Each line of cells is one map, the photo at the bottom. `back` is the whole idea: from some cells of a map to the cells of the map below that they are computed from.
    """)
    return


@app.function
def back(cells, kernel, stride, padding, size):
    """Return the cells of a layer's input that the given cells of its output are computed from."""
    touched = {cell * stride - padding + tap for cell in cells for tap in range(kernel)}
    return touched & set(range(size))  # the others are padding: nothing is there


@app.cell(hide_code=True)
def _(mo):
    layers_slider = mo.ui.slider(1, 4, value=3, label="layers, each 3 wide, padding 1", show_value=True)
    stride_slider = mo.ui.slider(1, 2, value=1, label="stride of the first layer", show_value=True)
    cell_slider = mo.ui.slider(0, 8, value=5, label="which number of the top map", show_value=True)
    mo.vstack([layers_slider, stride_slider, cell_slider])
    return cell_slider, layers_slider, stride_slider


@app.cell(hide_code=True)
def _(cell_slider, layers_slider, matplotlib, show, stride_slider):
    def draw_cone(count, stride, top):
        """Draw one axis of a stack: maps as lines of cells, what the chosen number looks at marked with its index."""
        sizes, steps, strides = [17], [1], [stride] + [1] * (count - 1)
        for each in strides:
            sizes.append((sizes[-1] + 2 - 3) // each + 1)
            steps.append(steps[-1] * each)
        seen = [{top}]
        for each, size in zip(strides[::-1], sizes[-2::-1], strict=True):
            seen.insert(0, back(seen[0], 3, each, 1, size))
        figure = show.Picture(figsize=(9, 0.8 + 0.72 * len(sizes)), dpi=120, facecolor="white")
        ax = figure.add_axes((0.11, 0.02, 0.88, 0.88))
        for level, (size, step) in enumerate(zip(sizes, steps, strict=True)):
            for cell in range(size):
                marked = cell in seen[level]
                look = {"facecolor": "#0072B2" if marked else "white", "edgecolor": "#222222" if marked else "#b0b0b0"}
                ax.add_patch(matplotlib.patches.Rectangle((cell * step - 0.42, level * 1.6), 0.84, 0.84, **look))
                if marked:
                    ax.text(cell * step, level * 1.6 + 0.42, str(cell), color="white", fontsize=8, ha="center", va="center")
                for below in back({cell}, 3, strides[level - 1], 1, sizes[level - 1]) if marked and level else ():
                    ax.plot([cell * step, below * steps[level - 1]], [level * 1.6, level * 1.6 - 0.76], color="#595959", linewidth=0.7)
            words = f"map {level}" if level else "photo"
            ax.text(-0.8, level * 1.6 + 0.42, f"{words}, {size} cells", fontsize=9, ha="right", va="center")
        ax.set_xlim(-0.9, 16.9)
        ax.set_ylim(-0.2, len(sizes) * 1.6 - 0.5)
        ax.set_axis_off()
        first, last = min(seen[0]), max(seen[0])
        told = f"Number {top} of map {count} is computed from photo cells {first} to {last}: {last - first + 1} of them."
        figure.text(0.01, 0.93, told, fontsize=11, fontweight="bold")
        return show.described(
            figure,
            f"{told} {count} line{'s' * (count > 1)} of cells stand{'s' * (count == 1)} above the photo's 17 cells; the marked ones form a cone that widens downwards.",
        )

    draw_cone(layers_slider.value, stride_slider.value, cell_slider.value)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Try three things before you go on.

    1. Stride 1: add layers one at a time. By how many cells does the field grow each time? (Keep the number in the middle.)
    2. Set the stride of the *first* layer to 2. Now by how many does each layer **above** it add? The taps of layer 2 stand on cells of map 1, and those lie 2 photo cells apart.
    3. Choose number 0. Why is its field smaller?
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2 · The rule

    Walk from the photo up. Keep three numbers: the **size** of the field, the **step** (how many photo cells lie between neighbours of the map so far), and the **start** (where the field of number 0 begins). They begin as 1, 1, 0. At every layer, in this order:

    $$
    \begin{aligned}
    \text{size} &\leftarrow \text{size} + \text{dilation}\cdot(\text{kernel}-1)\cdot\text{step}\\
    \text{start} &\leftarrow \text{start} - \text{padding}\cdot\text{step}\\
    \text{step} &\leftarrow \text{step}\cdot\text{stride}
    \end{aligned}
    $$

    A layer's own stride comes last: its taps lie on its *input*, which its own stride has not thinned. Number *u* then sees the cells from **start + u·step** to **start + u·step + size − 1**. This is the **closed form** (Araujo, Norris and Sim, 2019).

    A convolution 3×3 with stride 2 and padding 1, then another with stride 1 and padding 1:

    | layer | size | start | step |
    |---|---|---|---|
    | photo | 1 | 0 | 1 |
    | 3×3, stride 2, padding 1 | 1 + 2·1 = **3** | 0 − 1·1 = **−1** | 1·2 = **2** |
    | 3×3, stride 1, padding 1 | 3 + 2·2 = **7** | −1 − 1·2 = **−3** | 2·1 = **2** |

    Now you. Answer each question before you open what the engine says below it.
    """)
    return


@app.cell(hide_code=True)
def _(MISCONCEPTIONS, describe, nn):
    def believed(layers, part):
        """Return what known misconceptions answer for size (0), step (1) or start (2), each with its sentence."""
        wrong = {each(layers)[part]: each.says for each in MISCONCEPTIONS["receptive_field"]}
        right = describe(nn.Sequential(*[nn.Conv2d(1, 1, k, s, p, d) for k, s, p, d in layers]), (1, 64, 64)).field(f"conv{len(layers)}")
        return {value: says for value, says in wrong.items() if value != (right.size, right.stride, right.start)[part][0]}

    return (believed,)


@app.cell(hide_code=True)
def _(believed, quiz):
    vgg_question = quiz.predict(
        "VGG16 begins with a convolution 3×3, another 3×3, max pooling 2×2 with stride 2, and a third convolution 3×3 (all convolutions with stride 1, padding 1). "
        "How many rows of the photo does a number behind the third convolution see?",
        answer=10,
        wrong=believed([(3, 1, 1, 1), (3, 1, 1, 1), (2, 2, 0, 1), (3, 1, 1, 1)], part=0),
        because=[
            "3×3:  1 + 2·1 = 3,  step 1",
            "3×3:  3 + 2·1 = 5,  step 1",
            "pool: 5 + 1·1 = 6,  step 2",
            "3×3:  6 + 2·2 = 10, step 2",
        ],
    )
    vgg_question
    return


@app.cell
def _(describe, later, nn):
    def field_of(stack):
        """Return a line for each layer (kernel, stride, padding): size, step and start behind it."""
        size, step, start, told = 1, 1, 0, []
        for kernel, stride, padding in stack:
            size = size + (kernel - 1) * step
            start = start - padding * step
            step = step * stride
            told.append(f"kernel {kernel}, stride {stride}   size {size:2}   step {step}   start {start}")
        return told

    vgg = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3, padding=1))
    later(
        *field_of([(3, 1, 1), (3, 1, 1), (2, 2, 0), (3, 1, 1)]),
        f"the engine, size / step / -start: {describe(vgg, (3, 224, 224)).field('conv3')}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    `describe` prints size / step / **padding**, where padding is −start. Size alone does not say *where* a number looks. The next question needs all three.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    box_question = quiz.predict(
        "3×3 with stride 2 and padding 1, then 3×3 with stride 1 and padding 1: size 7, step 2, start -3, as in the table. "
        "Which rows of the photo does number 5 see? Give the first and the last.",
        answer=(7, 13),
        wrong={
            (7, 14): "Its last row is start + u·step + size − 1. From 7 to 14 there are 8 rows.",
            (10, 16): "You forgot the start: the field of number 0 begins at −3, in the padding.",
            (5, 11): "You went one cell a number. Neighbours of this map lie `step` = 2 rows apart.",
            (2, 8): "You went one cell a number. Neighbours of this map lie `step` = 2 rows apart.",
            (13, 19): "The start is −3, not 3: padding lies before row 0.",
        },
        because=["first: −3 + 5·2 = 7", "last: 7 + 7 − 1 = 13"],
        form="4, 12",
    )
    box_question
    return


@app.cell
def _(describe, later, nn):
    two = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1), nn.Conv2d(1, 1, 3, padding=1))
    later(describe(two, (1, 32, 40)).box("conv2", 5, 5))
    return (two,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 3 · Do not believe it: poison one pixel

    A formula can be wrong, and so can the one who applies it. Here is a test that needs neither. **NaN** ("not a number") spreads through arithmetic: a sum with a NaN in it is NaN, and even 0·NaN is NaN. So

    > make one pixel NaN, run the network, and see which numbers are NaN.

    Those are exactly the numbers that look at this pixel, whatever the weights are.
    """)
    return


@app.cell
def _(np, trace):
    def poisoned(net, shape, row, column):
        """Return every map of the network, run on a photo of ones in which one pixel is NaN."""
        x = np.ones((1, 1, *shape), np.float32)
        x[0, 0, row, column] = np.nan
        return [np.isnan(each.data[0, 0]) for each in trace(net, x)]

    return (poisoned,)


@app.cell(hide_code=True)
def _(quiz):
    nan_question = quiz.predict(
        "A 16×20 photo goes through one convolution 3×3 with stride 2 and padding 1. Pixel (8, 8) is NaN. How many numbers of the 8×10 map become NaN?",
        answer=1,
        wrong={
            9: "9 would be right for stride 1. With stride 2, windows begin at every other row only.",
            4: "4 is right for pixel (7, 7): odd rows lie in two windows. Row 8 lies in one.",
            0: "Number (4, 4) looks at rows 7 to 9 and columns 7 to 9.",
            2: "Rows and columns behave alike, so the count is a square here.",
        },
        because=[
            "output row i looks at photo rows 2i − 1, 2i, 2i + 1",
            "row 8 = 2·4 is the middle of row 4's window and of no other's",
            "the same for columns, so 1·1 = 1",
        ],
    )
    nan_question
    return


@app.cell
def _(later, poisoned, two):
    def counted(row, column):
        """Say how many numbers of each map one poisoned pixel spoils."""
        _, first, second = poisoned(two, (16, 20), row, column)
        return f"pixel ({row}, {column}): {first.sum()} numbers of the first map are NaN, {second.sum()} of the second"

    later(counted(8, 8), counted(7, 7), counted(7, 8), counted(0, 0))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Pixels with two odd coordinates feed four numbers, those with two even ones feed one: with stride 2 not every pixel has the same say. Move the poison.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    poison_row = mo.ui.slider(0, 15, value=8, label="row of the NaN", show_value=True)
    poison_column = mo.ui.slider(0, 19, value=8, label="column of the NaN", show_value=True)
    mo.vstack([poison_row, poison_column])
    return poison_column, poison_row


@app.cell(hide_code=True)
def _(np, poison_column, poison_row, poisoned, show, two):
    def draw_poison(maps, pixel):
        """Draw the photo and its maps as grids; NaN cells are dark and crossed."""
        figure = show.Picture(figsize=(9, 2.8), dpi=120, facecolor="white")
        for place, (words, found) in enumerate(zip(("photo", "after 3×3, stride 2", "after another 3×3"), maps, strict=True)):
            ax = figure.add_axes((0.02 + 0.33 * place, 0.02, 0.31, 0.86))
            ax.pcolormesh(found[::-1], cmap="Greys", vmin=0, vmax=1.3, edgecolor="#c8c8c8", linewidth=0.4)
            for row, column in np.argwhere(found):
                ax.text(column + 0.5, len(found) - row - 0.5, "×", color="white", ha="center", va="center", fontsize=9, fontweight="bold")
            ax.set_aspect("equal")
            ax.set_axis_off()
            ax.set_title(f"{words}: {found.shape[0]}×{found.shape[1]}, {found.sum()} NaN", fontsize=9)
        counts = [int(each.sum()) for each in maps]
        return show.described(
            figure,
            f"With pixel {pixel} NaN, {counts[1]} numbers of the first map and {counts[2]} of the second are NaN, in one rectangle each, marked with ×.",
        )

    draw_poison(poisoned(two, (16, 20), poison_row.value, poison_column.value), (poison_row.value, poison_column.value))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The other way round, the probe *measures* a receptive field: poison each pixel in turn and write down which of them spoil the number you care about. It takes 320 runs, and it agrees with the engine's own walk back, pixel for pixel.
    """)
    return


@app.cell
def _(describe, np, poisoned, said, two):
    measured = np.zeros((16, 20), bool)
    for _row, _column in np.ndindex(16, 20):
        measured[_row, _column] = poisoned(two, (16, 20), _row, _column)[-1][2, 5]  # is number (2, 5) of the last map spoiled?

    _rows, _columns = np.nonzero(measured)
    small = describe(two, (1, 16, 20))
    said(
        f"measured: rows {_rows.min()} to {_rows.max()}, columns {_columns.min()} to {_columns.max()}",
        f"computed: {small.box('conv2', 2, 5)}",
        f"the same pixels: {np.array_equal(measured, small.pixels('conv2', 2, 5))}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 4 · Where the closed form promises too much

    The closed form does not know how large the photo is. Two things follow.

    **Clipping.** Near a border part of the field is padding. There is nothing to see there, so the box ends where the photo ends. It ends at *every* map on the way, not only at the photo.

    **Dropped rows.** Pooling 2×2 on 5 rows makes ⌊(5 − 2)/2⌋ + 1 = 2 rows; the fifth row is in no window. The closed form never heard of it.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    dropped_question = quiz.predict(
        "A 5×5 photo goes through MaxPool2d(2) and then a convolution 3×3 with padding 1: out come 2×2 numbers, size 6, step 2, start -2. "
        "The closed form says that number (1, 1) sees rows 0 to 5. Pixel (4, 4) becomes NaN. How many of the four outputs become NaN?",
        answer=0,
        wrong={
            1: "The closed form says so. But follow it back: (1, 1) looks at rows 0 and 1 of the pooled map, and those at photo rows 0 to 3.",
            4: "All four look at all four pooled numbers. But no pooled number looks at row 4: pooling dropped it.",
            2: "No output can see it: row 4 is in no pooling window.",
        },
        because=[
            "pooling has windows at rows 0–1 and 2–3: row 4 is in none",
            "so (4, 4) reaches no pooled number, and no output behind them",
        ],
    )
    dropped_question
    return


@app.cell
def _(describe, later, nn, poisoned):
    pooled = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, padding=1))
    five = describe(pooled, (1, 5, 5))
    later(
        f"outputs that are NaN: {poisoned(pooled, (5, 5), 4, 4)[-1].sum()}",
        f"closed form: {five.field('conv1').box(1, 1)}",
        f"exact:       {five.box('conv1', 1, 1)}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    `field(name).box(i, j)` is the closed form, `box(name, i, j)` the exact answer: `back`, at every layer. Cutting the closed form off at the photo's edge would still leave row 4 in it. Clip at every layer, or be wrong.

    On a real network: EfficientNet-Lite0, a photo of Eileen Collins, and one number of a map of 28×28. Move it towards a corner. Solid: what it is computed from. Dashed: what the closed form says.
    """)
    return


@app.cell
def _(load, models, skimage, trace):
    net = models.efficientnet_lite0(weights="pretrained")
    x = load.image(skimage.data.astronaut(), **load.IMAGENET)
    photo = load.to_hwc(x, load.IMAGENET["mean"], load.IMAGENET["std"])
    seen = trace(net, x)
    return net, photo, seen


@app.cell(hide_code=True)
def _(mo):
    unit_slider = mo.ui.slider(0, 27, value=2, label="row and column of the number", show_value=True)
    unit_slider
    return (unit_slider,)


@app.cell(hide_code=True)
def _(matplotlib, photo, seen, show, unit_slider):
    def draw_unit(at):
        """Draw the photo with the exact box of one number and that of the closed form, which may leave it."""
        exact, closed = seen["block5.expand.relu6"].box(at, at), seen["block5.expand.relu6"].field.box(at, at)
        figure = show.Picture(figsize=(6.4, 6.0), dpi=120, facecolor="white")
        ax = figure.add_axes((0.1, 0.05, 0.88, 0.84))
        ax.add_patch(matplotlib.patches.Rectangle((-60, -60), 344, 344, facecolor="#f1efe9", edgecolor="#d4cfc2", hatch="///", linewidth=0))
        ax.imshow(photo, extent=(-0.5, 223.5, 223.5, -0.5))
        for box, colour, dash, words in ((closed, "#D55E00", (0, (5, 3)), "closed form"), (exact, "#0072B2", "-", "exact")):
            place, size = (box.left - 0.5, box.top - 0.5), box.size
            for line, width in (("white", 5), (colour, 2.5)):
                look = {"edgecolor": line, "linewidth": width, "linestyle": "-" if line == "white" else dash, "fill": False}
                ax.add_patch(matplotlib.patches.Rectangle(place, size[1], size[0], **look))
            ax.plot(
                [],
                [],
                color=colour,
                linestyle=dash,
                linewidth=2.5,
                label=f"{words}: rows {box.top} to {box.bottom}, {size[0]}×{size[1]} pixels",
            )
        ax.set(xlim=(-36, 260), ylim=(260, -36), xticks=[0, 223], yticks=[0, 223], xlabel="column", ylabel="row")
        ax.legend(loc="lower right", fontsize=9, framealpha=1)
        told = f"Number ({at}, {at}) of block5.expand.relu6, 28×28. Hatched: no photo."
        figure.text(0.02, 0.94, told, fontsize=11, fontweight="bold")
        return show.described(
            figure,
            f"The astronaut's photo in a hatched frame. {told} The exact box is rows {exact.top} to {exact.bottom} and as many columns; "
            f"the dashed one of the closed form rows {closed.top} to {closed.bottom}.",
        )

    draw_unit(unit_slider.value)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The step viewer has the whole network in it. Choose a map and click on any number: the photo shows its box. Follow one place from `stem.relu6` to `head.relu6`: the box grows until the photo is full, and then the formula goes on without it.
    """)
    return


@app.cell
def _(net, photo, seen, show):
    show.stepper(net, seen, "block5.expand.relu6", mode="maps", photo=photo)
    return


@app.cell
def _(said, seen, show):
    def grown(name):
        """Return a line about the middle number of a map: the closed form, and the pixels that there are."""
        found = seen[name]
        middle = found.shape[2] // 2
        return f"{name:20} {found.shape[2]:3}×{found.shape[3]:<3}  size / step / padding {found.field!s:14}  pixels seen {found.box(middle, middle).size}"

    said(*[grown(name) for name in show.stages(seen.description)])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The last map's field is 851 pixels wide and the photo is 224. From `block11` on, a number in the middle is computed from the *whole* photo. Nobody would say that it looks at all of it alike. That is the next section.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 5 · To see is not to look: the effective field

    A pixel in the middle of the field is on many ways to the number, one at the rim on a single way. Stack layers of three ones and count the ways: 1 1 1, then 1 2 3 2 1, then 1 3 6 7 6 3 1, … a bell. Its **standard deviation** σ (how far from the middle the weight lies, typically) grows like the *square root* of the number of layers, while the field grows like the number itself. So the share that matters shrinks.

    How much one pixel weighs in a number is read off a **gradient**: how fast the number changes when the pixel changes a little. `probe.effective_field` computes it for all pixels at once.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    ways_question = quiz.predict(
        "Layers that are 3 wide, with stride 1 and all weights 1. From 5 layers to 20 the field grows from 11 to 41 cells, 3.7 times. "
        "How many times wider does the bell become? (its σ, to one decimal)",
        answer=2.0,
        wrong={
            3.7: "So does the field. But σ grows like the square root of the number of layers.",
            4.0: "There are 4 times as many layers; variances add up, so σ² is 4 times as large.",
            1.9: "√3.7. It is the number of layers that goes under the root, 20/5, and not the size of the field.",
        },
        because=["each layer adds the same variance, so σ² ∝ layers", "σ(20)/σ(5) = √(20/5) = 2"],
        form="1.5",
    )
    ways_question
    return


@app.cell
def _(later, nn, np, probe, trace):
    def bell(layers):
        """Return what the middle number behind that many layers of three ones looks at, on 61 cells."""
        ones = nn.Conv2d.of(np.ones((1, 1, 1, 3)), padding=(0, 1))
        stack = nn.Sequential(*[ones] * layers)
        return probe.effective_field(stack, trace(stack, np.ones((1, 1, 1, 61))), f"conv{layers}", (0, 30))

    narrow, wide = bell(5), bell(20)
    later(
        f"5 layers: σ = {narrow.deviation[1]:.3f}   20 layers: σ = {wide.deviation[1]:.3f}   ratio {wide.deviation[1] / narrow.deviation[1]:.3f}"
    )
    return (bell,)


@app.cell(hide_code=True)
def _(mo):
    bell_slider = mo.ui.slider(1, 25, value=5, label="layers", show_value=True)
    bell_slider
    return (bell_slider,)


@app.cell(hide_code=True)
def _(bell, bell_slider, np, show):
    def draw_bell(layers):
        """Draw how much each cell weighs, the ends of the field and of the middle 95 %."""
        found = bell(layers)
        cells, sigma, reach = np.arange(61) - 30, found.deviation[1], layers
        figure = show.Picture(figsize=(9, 3.2), dpi=120, facecolor="white")
        ax = figure.add_axes((0.09, 0.17, 0.89, 0.68))
        ax.bar(cells, found.weight[0], width=0.8, color="#0072B2")
        top = found.weight.max()
        ax.plot([-reach, reach], [-0.06 * top] * 2, color="#D55E00", linewidth=2.5, linestyle=(0, (5, 2)), marker="|", markersize=12)
        ax.plot([-2 * sigma, 2 * sigma], [-0.14 * top] * 2, color="#222222", linewidth=2.5, marker="|", markersize=12)
        ax.text(reach + 0.8, -0.06 * top, f"field, {2 * reach + 1}", fontsize=8, va="center")
        ax.text(max(2 * sigma, 0) + 0.8, -0.15 * top, f"±2σ, {4 * sigma:.1f}", fontsize=8, va="center")
        ax.set_xlim(-31, 34)
        ax.set_ylim(-0.2 * top, 1.05 * top)
        ax.set_xlabel("cell, counted from the middle", fontsize=9)
        ax.set_ylabel("share of the weight", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        share = 4 * sigma / (2 * reach + 1)
        told = f"{layers} layers: the field has {2 * reach + 1} cells, ±2σ has {4 * sigma:.1f}: {share:.0%} of it."
        figure.text(0.01, 0.92, told, fontsize=11, fontweight="bold")
        return show.described(figure, f"A bar for each cell, in the shape of a bell around the middle. {told}")

    draw_bell(bell_slider.value)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Real networks have strides, zeros of ReLU and learned weights, so there is no simple law; there is a measurement. Left: what a number is computed from. Right: the pixels whose gradient is above 4.55 % of the largest one (the threshold of Luo and others, 2016).
    """)
    return


@app.cell
def _(net, probe, said, seen):
    looked_at = [
        probe.effective_field(net, seen, name, (at, at))
        for name, at in (("block3.expand.relu6", 28), ("block5.expand.relu6", 14), ("block11.expand.relu6", 7))
    ]
    said(*[f"{each.node:20} sees {each.theoretical.sum():6,} pixels and looks at {each.pixels:5,}: {each.share:.0%}" for each in looked_at])
    return (looked_at,)


@app.cell(hide_code=True)
def _(looked_at, photo, show):
    show.described(
        show.field_on_photo(photo, looked_at),
        "The photo twice, with outlines of three numbers. Left, their theoretical fields, the deepest as large as the photo. Right, the pixels with a large gradient: "
        "scattered spots around the middle, a small part of each field. "
        + " ".join(f"{each.node}: {each.share:.0%} of {int(each.theoretical.sum()):,} pixels." for each in looked_at),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Two cautions. The photo ends at 224 pixels, so for late maps the share is one of what is left of the field. And this is one photo: change it and the spots move, since ReLU lets other ways through.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 6 · Branches that do not meet

    Many networks split and join again. A join puts numbers side by side, or adds them, *place by place*: number (i, j) of one branch with number (i, j) of the other. Do both look at the same spot of the photo? The middle of the field of number *u* lies at start + u·step + (size − 1)/2.

    ENet (Paszke and others, 2016) begins with such a join: a convolution 3×3 with stride 2 and padding 1 beside a max pooling 2×2, the maps of both put together.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    shift_question = quiz.predict(
        "How many pixels lie between the middle of the field of number 0 of the convolution (3×3, stride 2, padding 1) and that of the pooling (2×2, stride 2, padding 0)?",
        answer=0.5,
        wrong={
            0.0: "Sizes and steps fit, so the shapes do too. But the convolution's middle is −1 + (3 − 1)/2 = 0, the pooling's 0 + (2 − 1)/2.",
            1.0: "That is how far the starts lie apart, −1 and 0. The sizes differ too: look at the middles.",
            1.5: "The convolution's field begins at −1, because of its padding.",
        },
        because=["convolution: −1 + (3 − 1)/2 = 0", "pooling: 0 + (2 − 1)/2 = 0.5"],
        form="2.5",
    )
    shift_question
    return


@app.cell
def _(describe, later, nn):
    def two_branches(kernel, padding):
        """Return a block that joins a 3×3 convolution with a max pooling of your choice."""
        graph = nn.Graph()
        image = graph.input("x")
        convolved = image.then("conv", nn.Conv2d(3, 13, 3, stride=2, padding=1))
        pooled_too = image.then("pool", nn.MaxPool2d(kernel, 2, padding))
        return graph.network(graph.join("joined", nn.Concat(), convolved, pooled_too))

    later(f"joined: {describe(two_branches(2, 0), (3, 32, 48)).field('joined')}")
    return (two_branches,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Nothing fails: the shapes agree, and such a network trains. But it lays numbers on each other that look at different places, and the deeper the join, the more pixels half a cell is. In the detector YOLOv5n, where a coarse map is doubled in size and joined to a finer one:
    """)
    return


@app.cell
def _(describe, models, said):
    detector = describe(models.yolov5n(), (3, 640, 640))
    said(detector.field("model.12").reason)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Repair it.** Find a pooling window whose field has its middle where the convolution's is. There is more than one.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    pool_kernel = mo.ui.slider(1, 5, value=2, label="pooling window", show_value=True)
    pool_padding = mo.ui.slider(0, 2, value=0, label="padding of the pooling", show_value=True)
    mo.vstack([pool_kernel, pool_padding])
    return pool_kernel, pool_padding


@app.cell(hide_code=True)
def _(describe, mo, pool_kernel, pool_padding, two_branches):
    def judged(kernel, padding):
        """Say in a sentence whether the two branches meet."""
        try:
            field = describe(two_branches(kernel, padding), (3, 32, 48)).field("joined")
        except ValueError as error:
            return f"**Refused.** {error}"
        if field.aligned:
            return f"**Aligned.** Both branches look at the same spot; the join sees {field.size[0]}×{field.size[1]} pixels."
        return f"**Not aligned.** {field.reason.removeprefix('misaligned: ')}."

    mo.md(judged(pool_kernel.value, pool_padding.value))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 7 · Find the erratum

    A lecture's handout gives AlexNet's fields. Each row is computed from the one above it, all by the right rule, except one. Everything below that row is wrong as well, so look for the **first** row that does not follow.

    | layer | kernel | stride | size | step |
    |---|---|---|---|---|
    | conv1 | 11 | 4 | 11 | 4 |
    | pool1 | 3 | 2 | 19 | 8 |
    | conv2 | 5 | 1 | 35 | 8 |
    | pool2 | 3 | 2 | 51 | 16 |
    | conv3 | 3 | 1 | 83 | 16 |
    | conv4 | 3 | 1 | 115 | 16 |
    | conv5 | 3 | 1 | 147 | 16 |
    | pool5 | 3 | 2 | 179 | 32 |
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    erratum_question = quiz.predict(
        "Which row is the first that does not follow from the one above it?",
        answer="conv2",
        choices=("conv1", "pool1", "conv2", "pool2", "conv3", "pool5"),
        wrong={
            "conv1": "1 + (11 − 1)·1 = 11: the first layer's taps lie on pixels. It is right.",
            "pool1": "11 + (3 − 1)·4 = 19: it follows.",
            "pool2": "35 + (3 − 1)·8 = 51: it follows from the row above, which is wrong already.",
            "conv3": "51 + (3 − 1)·16 = 83: it follows from the row above.",
            "pool5": "147 + (3 − 1)·16 = 179: it follows from the row above.",
        },
        because=[
            "conv2 stands on pool1, whose numbers lie 8 pixels apart: 19 + (5 − 1)·8 = 51",
            "the handout took conv1's step: 19 + (5 − 1)·4 = 35",
            "right: 11, 19, 51, 67, 99, 131, 163, 195",
        ],
    )
    erratum_question
    return


@app.cell
def _(describe, later, models, nn):
    alexnet = describe(models.alexnet(), (3, 224, 224))
    later(
        *[
            f"{row.name:12} {type(row.layer).__name__:10} size / step / padding: {row.field}"
            for row in alexnet
            if isinstance(row.layer, nn.Conv2d | nn.MaxPool2d)
        ]
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What you know now

    - A number's **receptive field** is all that it is computed from. Size grows by dilation·(kernel − 1)·step; steps multiply; a layer's own stride counts for the layers above it.
    - Number *u* sees from start + u·step to start + u·step + size − 1. Near a border and behind dropped rows it sees **less**; clip at every layer.
    - One **NaN** tests any such claim, on any network, without a formula.
    - The **effective field** is smaller: it says how much pixels weigh, for these weights and this photo. "Sees" and "looks at" are two claims.
    - Branches can have fitting shapes and look at different places; `describe` says by how much.

    **Practise:** `minicnn quiz field_of_stack`, `minicnn quiz pixel_box`, `minicnn quiz field_and_size`. The third part of `minicnn assignment start 01` is `receptive_field(layers)`: the three lines of section 2.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Next

    Lesson 06 takes a trained network and a photo, and asks what may be read into its maps (`minicnn lesson 06`).

    *Sources: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019. W. Luo, Y. Li, R. Urtasun, R. Zemel, "Understanding the Effective Receptive Field in Deep CNNs", NeurIPS 2016. Photo: NASA, in scikit-image.*
    """)
    return


if __name__ == "__main__":
    app.run()
