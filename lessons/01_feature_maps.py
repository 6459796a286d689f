import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="01 What a feature map is")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 01 What a feature map is

    One photo, one filter, one map. By the end you will be able to

    - compute any number of a feature map by hand, from the photo and nine weights;
    - say what a filter answers to, and what it does not see, before you run it;
    - read the words of the literature (feature map, activation map, rectified map, filter, kernel, detector) and know which mean the same.

    **About 45 minutes.** You need Python's lists and NumPy's arrays. Five questions ask you to predict a number before the computer says
    it: type something, even a guess. A wrong answer is told what was probably thought, and that is where the learning is.
    """)
    return


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure
    from skimage import data

    from minicnn import conv2d, load, models, nn, quiz, show, trace

    return Figure, conv2d, data, load, mo, models, nn, np, quiz, show, trace


@app.cell(hide_code=True)
def _(Figure, np, show):
    from matplotlib.patches import Rectangle

    def sheet(wide, high):
        """Return a figure of that many inches and its axes: small enough for a phone, several stand side by side on a larger page."""
        figure = Figure(figsize=(wide, high), dpi=150, layout="constrained", facecolor="white")
        ax = figure.subplots()
        ax.tick_params(labelsize=8)
        return figure, ax

    def grey(picture, title, wide=2.5):
        """Draw a photo."""
        figure, ax = sheet(wide, wide * 0.95)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=10, loc="left")
        return figure

    def signed(numbers, title, wide=3.0, marks=True):
        """Draw a map: white is 0, red above, blue below; its largest and its smallest number are written where they are."""
        figure, ax = sheet(wide, wide * 0.8)
        most = float(np.abs(numbers).max()) or 1.0
        drawn = ax.imshow(numbers, cmap="RdBu_r", vmin=-most, vmax=most)
        ax.set_title(title, fontsize=10, loc="left")
        figure.colorbar(drawn, ax=ax, shrink=0.75).ax.tick_params(labelsize=8)
        for at in (numbers.argmax(), numbers.argmin()) if marks and most > 0.01 else ():
            i, j = np.unravel_index(at, numbers.shape)
            if abs(numbers[i, j]) < 0.05:
                continue
            words = f"{numbers[i, j]:+.1f}".replace("-", "−")
            aside = 14 if j < numbers.shape[1] / 2 else -14
            how = {"xytext": (aside, -16 if aside > 0 else 16), "textcoords": "offset points", "fontsize": 8, "ha": "center"}
            look = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "#595959", "linewidth": 0.6}
            ax.annotate(words, (j, i), arrowprops={"arrowstyle": "-", "linewidth": 0.8}, bbox=look, **how)
        return figure

    def table(cells, title, window=None, form="{:g}"):
        """Draw a table of numbers; `window` is (top, left, rows, columns) and stands out by a thick frame and bold digits."""
        rows, columns = cells.shape
        figure, ax = sheet(max(0.45 * columns + 0.1, 1.45), 0.45 * rows + 0.35)
        ax.set(xlim=(-0.05, columns + 0.05), ylim=(rows + 0.05, -0.05), aspect="equal")
        ax.axis("off")
        ax.set_title(title, fontsize=10, loc="left")
        top, left, high, wide = window or (0, 0, 0, 0)
        for i, j in np.ndindex(rows, columns):
            inside = top <= i < top + high and left <= j < left + wide
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor="#cfe3f2" if inside else "white", edgecolor="#b0b0b0"))
            weight = "bold" if inside else "normal"
            ax.text(j + 0.5, i + 0.5, form.format(cells[i, j]).replace("-", "−"), ha="center", va="center", fontsize=10, weight=weight)
        if window:
            ax.add_patch(Rectangle((left, top), wide, high, fill=False, edgecolor="#0072B2", linewidth=2.5))
        return figure

    side_by_side, said, later = show.side_by_side, show.said, show.later

    return Rectangle, grey, later, said, sheet, side_by_side, signed, table


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## A photo is numbers, a filter is nine more

    A grey photo is a table of brightnesses from 0 (black) to 1 (white). The engine wants it as an array of four axes,
    `(images, channels, rows, columns)`: here one image, one channel, 160 rows, 192 columns.
    """)
    return


@app.cell
def _(data, load, np, said):
    photo = load.image(data.camera(), mode="L", resize=192, crop=(160, 192))

    brighter_to_the_right = np.array(
        [
            [-1, 0, 1],
            [-1, 0, 1],
            [-1, 0, 1],
        ],
        dtype=np.float32,
    ).reshape(1, 1, 3, 3)

    said(f"photo {photo.shape}, filter {brighter_to_the_right.shape}")
    return brighter_to_the_right, photo


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The filter is laid on the photo. Each weight meets the brightness below it; the nine products are added up; the sum is one number.
    Then the filter moves on by one cell. All these numbers, each where it was found, are the **feature map**.
    """)
    return


@app.cell
def _(brighter_to_the_right, conv2d, photo):
    edges = conv2d(photo, brighter_to_the_right)
    return (edges,)


@app.cell(hide_code=True)
def _(brighter_to_the_right, edges, grey, photo, show, side_by_side, signed, table):
    side_by_side(
        show.described(
            grey(photo[0, 0], "the photo"), "A grey photo, 160 by 192 pixels: a man in a dark coat behind a camera on a tripod."
        ),
        show.described(table(brighter_to_the_right[0, 0], "the filter"), "The filter: three rows of −1, 0, 1."),
        show.described(
            signed(edges[0, 0], "its feature map"),
            "The feature map: white (0) in the even sky, thin red lines (up to +2.5) where dark turns to bright from left to right, such as "
            "the front of the coat, thin blue lines (down to −2.5) where bright turns to dark, such as the man's back.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The right column counts for, the left column against, the middle column not at all. So the number is large and positive (red) where it is
    brighter to the right, large and negative (blue) where it is darker to the right, and near 0 (white) where left and right are alike:
    in the sky, and also along edges that run from left to right.

    ## The equation

        y[p,q] = b + Σ w[i,j] · x[p+i,q+j]

    The sum runs over all rows i and columns j of the filter.

    | letter | is | here |
    |:--|:--|:--|
    | `x` | the input | the photo |
    | `w` | the filter's weights, `i` its row and `j` its column | 3×3 |
    | `b` | the bias, one number that is added to every sum | 0 |
    | `y` | the feature map, `p` its row and `q` its column | |

    Read it aloud: *the number at row p, column q is the sum of the products of the filter with the window whose upper left cell is p, q.*
    That is all a convolutional layer does. Lesson 02 lets the window take larger steps, lesson 03 gives it colours.

    ## One number, by hand

    A small piece of a picture, in whole numbers. The window of y[0,1] is framed: rows 0 to 2, columns 1 to 3.
    """)
    return


@app.cell
def _(np):
    piece = np.array(
        [
            [1, 2, 2, 9, 9, 8],
            [0, 2, 3, 9, 8, 9],
            [1, 1, 2, 8, 9, 9],
            [2, 3, 1, 9, 6, 7],
        ],
        dtype=np.float32,
    )
    return (piece,)


@app.cell(hide_code=True)
def _(brighter_to_the_right, piece, show, side_by_side, table):
    _window, _weights = piece[0:3, 1:4], brighter_to_the_right[0, 0]
    side_by_side(
        show.described(
            table(piece, "x, with the window of y[0,1]", (0, 1, 3, 3)),
            "A table x of 4 by 6 whole numbers: 1 2 2 9 9 8; 0 2 3 9 8 9; 1 1 2 8 9 9; 2 3 1 9 6 7. The window over rows 0 to 2 and columns 1 to 3 "
            "is framed.",
        ),
        show.described(table(_weights, "times w"), "The filter w: three rows of −1, 0, 1."),
        show.described(
            table(_window * _weights, f"sum {(_window * _weights).sum():g}"),
            "The products of the window and the filter: −2 0 9; −2 0 9; −1 0 8. Their sum is 21.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Right column 9 + 9 + 8 = 26, left column 2 + 2 + 1 = 5, and 26 − 5 = 21. Now one without a frame.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    number_by_hand = quiz.predict(
        "x and w are those of the picture above. What is y[1,1]?",
        answer=20,
        form="7",
        wrong={
            -20: "That is what a flipped kernel gives. Deep learning does not flip: w[i,j] meets x[p + i, q + j].",
            -1: "You took the bottom row less the top row: that is the kernel transposed. Its +1 are in the right column.",
            21: "That is y[0,1], the framed one. Row 1 is one row further down.",
            3: "That is y[1,0]. Columns are counted from 0, so column 1 is the second.",
            17: "That is y[1,2], one column too far: columns are counted from 0.",
            5: "That is y[0,0]: you put the window's middle on row 1, column 1. In the equation p, q is its upper left cell.",
            26: "You added the right column and forgot to take the left one away.",
            32: "You lost the signs: the left column is multiplied by −1.",
        },
        because=[
            "The window of y[1,1] is rows 1 … 3, columns 1 … 3.",
            "Right column: 9 + 8 + 9 = 26.  Left column: 2 + 1 + 3 = 6.  The middle is multiplied by 0.",
            "26 − 6 = 20",
        ],
    )
    number_by_hand
    return


@app.cell
def _(brighter_to_the_right, conv2d, later, piece):
    small_map = conv2d(piece[None, None], brighter_to_the_right)
    later(small_map[0, 0])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The table has 4×6 cells and its map 2×4: a window of 3 rows can begin at row 0 or 1 only. The same holds for the photo.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    size_of_map = quiz.predict(
        "The photo has 160×192 pixels and the filter 3×3 weights. How many rows and columns has the map?",
        answer=(158, 190),
        form="12x34",
        wrong={
            (160, 192): "Only with padding, which comes in lesson 02. A window that began in the last row would hang over the edge.",
            (157, 189): "160 − 3 counts the steps. The place where the window began counts too: 160 − 3 + 1.",
            (53, 64): "The windows overlap: each begins one cell after the one before, not three.",
            (159, 191): "From the 3 rows of the window, 2 lie below its first one, so the last 2 rows of the photo begin no window.",
            (190, 158): "Rows come first, as in the array's shape.",
        },
        because=[
            "A window of 3 rows can begin at row 0, 1, …, 160 − 3 = 157: that is 158 places.",
            "In the same way 192 − 3 + 1 = 190 columns.",
        ],
    )
    size_of_map
    return


@app.cell
def _(edges, later):
    later(edges.shape[2:])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Slide it yourself

    The sliders move the window over the photo. Find a place with a number above 2, one below −2, and one near 0 that is *not* in the sky.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    row = mo.ui.slider(0, 157, value=47, label="row p", show_value=True, full_width=True)
    column = mo.ui.slider(0, 189, value=62, label="column q", show_value=True, full_width=True)
    mo.vstack([row, column])
    return column, row


@app.cell(hide_code=True)
def _(Rectangle, brighter_to_the_right, column, edges, grey, photo, row, show, side_by_side, signed, table):
    def around(figure, top, left, title):
        """Mark a 3×3 window, with lines towards it that are seen at any size."""
        ax = figure.axes[0]
        ax.axhline(top + 1, color="#0072B2", linewidth=0.8)
        ax.axvline(left + 1, color="#0072B2", linewidth=0.8)
        ax.add_patch(Rectangle((left - 1.5, top - 1.5), 5, 5, fill=False, edgecolor="#D55E00", linewidth=2))
        ax.set_title(title, fontsize=10, loc="left")
        return figure

    _p, _q = row.value, column.value
    _window = photo[0, 0, _p : _p + 3, _q : _q + 3]
    _products = _window * brighter_to_the_right[0, 0]
    _number = f"{edges[0, 0, _p, _q]:.2f}".replace("-", "−")
    side_by_side(
        show.described(
            around(grey(photo[0, 0], "", 3.0), _p, _q, f"window at row {_p}, column {_q}"),
            f"The photo, with a frame around the 3 by 3 window that begins at row {_p}, column {_q}.",
        ),
        show.described(
            around(signed(edges[0, 0], "", 3.5, marks=False), _p - 1, _q - 1, f"y[{_p},{_q}] = {_number}"),
            f"The feature map, with a frame around row {_p}, column {_q}, where it is {_number}.",
        ),
        show.described(
            table(_window, "brightnesses", form="{:.2f}"),
            f"The nine brightnesses in the window, row by row: {', '.join(f'{v:.2f}' for v in _window.ravel())}.",
        ),
        show.described(
            table(_products, f"times w: {_number}", form="{:.2f}"),
            f"Their products with the filter, row by row: {', '.join(f'{v:.2f}' for v in _products.ravel() + 0.0)}. They add up to {_number}.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Every number, step by step

    The step viewer shows the same for a network, here one of a single layer. Click into a map, or use the arrow keys and Play;
    it writes down the equation with its own numbers. (It draws brightness from dark blue to yellow, and numbers of both signs as above.)
    """)
    return


@app.cell
def _(brighter_to_the_right, nn, photo, trace):
    one_filter = nn.Sequential(nn.Conv2d.of(brighter_to_the_right))
    found = trace(one_filter, photo)
    return found, one_filter


@app.cell
def _(found, one_filter, show):
    show.stepper(one_filter, found, "conv1", channel=0, at=(47, 62))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What a filter does not see

    Suppose the photo is stored in bytes, 0 to 255, and someone brightens it: 10 is added to every pixel.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    made_brighter = quiz.predict(
        "Every pixel grows by 10. By how much does every number of the map of −1 0 1, −1 0 1, −1 0 1 grow?",
        answer=0,
        form="7",
        wrong={
            10: "That would be a filter of a single 1. Here nine products change, some up, some down.",
            90: "That would be nine weights of 1. Three of them are 0, and three are −1.",
            30: "The right column adds 3·10; the left column takes 3·10 away again.",
            -30: "The left column takes 3·10 away; the right column adds 3·10.",
            60: "You lost the signs: the left column counts against.",
        },
        because=[
            "y grows by Σ w[i,j] · 10 = 10 · (the sum of the weights).",
            "The weights add up to 3·(−1) + 3·0 + 3·1 = 0, so y does not change.",
            "Such a filter sees differences only, never brightness itself.",
        ],
    )
    made_brighter
    return


@app.cell
def _(brighter_to_the_right, conv2d, later, np, piece):
    brighter = conv2d(piece[None, None] + 10, brighter_to_the_right)
    later(np.unique(brighter - conv2d(piece[None, None], brighter_to_the_right)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Another filter, another feature

    The weights decide what is found; nothing else in the equation changes. Turn the filter: at 0° it answers to *brighter to the right*, at
    90° to *brighter below*, and between the two to a mixture of both.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    angle = mo.ui.slider(0, 345, step=15, value=90, label="angle in degrees", show_value=True, full_width=True)
    angle
    return (angle,)


@app.cell
def _(angle, brighter_to_the_right, conv2d, np, photo):
    brighter_below = brighter_to_the_right.swapaxes(2, 3)
    turn = np.float32(np.radians(angle.value))
    turned = np.cos(turn) * brighter_to_the_right + np.sin(turn) * brighter_below
    answers = conv2d(photo, turned)
    return answers, turned


@app.cell(hide_code=True)
def _(angle, answers, show, side_by_side, signed, table, turned):
    _weights = turned[0, 0].round(2) + 0.0
    side_by_side(
        show.described(
            table(_weights, f"turned by {angle.value}°"),
            f"The filter turned by {angle.value} degrees, row by row: {', '.join(f'{v:g}' for v in _weights.ravel())}.",
        ),
        show.described(
            signed(answers[0, 0], "its feature map", 3.5),
            f"Its feature map of the photo, whose numbers lie between {answers.min():.1f} and {answers.max():.1f}.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    half_a_turn = quiz.predict(
        "Compare 0° with 180°. What happens to the map?",
        answer="every number changes its sign",
        choices=("nothing", "every number changes its sign", "the map is turned upside down", "the map becomes 0"),
        wrong={
            "nothing": "The edges are found in the same places, but look at the colours: what was +2 is now −2.",
            "the map is turned upside down": "The photo is not turned, only the weights: every number stays where it is.",
            "the map becomes 0": "Turned by 180° the weights are 1 0 −1, and those are not 0.",
        },
        because=[
            "At 180° every weight is the negative of what it was at 0°: cos 180° = −1.",
            "Σ (−w) · x = −Σ w · x: every number changes its sign, and an edge that was red is blue.",
            "A single filter tells the two directions of an edge apart; a network that wants both signs after ReLU learns two filters.",
        ],
    )
    half_a_turn
    return


@app.cell
def _(brighter_to_the_right, conv2d, edges, later, np, photo):
    negative = conv2d(photo, -brighter_to_the_right)
    same = np.array_equal(negative, -edges)
    later(f"y[47,62] at 0°: {edges[0, 0, 47, 62]:.2f}, at 180°: {negative[0, 0, 47, 62]:.2f}\nthe same everywhere: {same}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Not every filter looks for edges. Before you open the list, look at the weights: they add up to 1 in three of these and to 0 in
    the others, and you know already what a sum of 0 means.
    """)
    return


@app.cell
def _(brighter_to_the_right, np):
    others = {
        "the pixel itself": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        "blur: the mean of nine": np.full((3, 3), 1 / 9),
        "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        "spot: brighter than its neighbours": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
        "brighter to the right": brighter_to_the_right[0, 0],
    }
    return (others,)


@app.cell(hide_code=True)
def _(mo, others):
    chosen = mo.ui.dropdown(list(others), value="spot: brighter than its neighbours", label="filter")
    chosen
    return (chosen,)


@app.cell(hide_code=True)
def _(chosen, conv2d, grey, np, others, photo, show, side_by_side, signed, table):
    _weights = others[chosen.value].astype(np.float32)
    _map = conv2d(photo, _weights[None, None])[0, 0]
    _like_a_photo = _weights.sum() > 0.5
    side_by_side(
        show.described(
            table(_weights.round(2), f"sum {abs(_weights.sum()):.2g}"),
            f"The filter '{chosen.value}', row by row: {', '.join(f'{v:.2g}' for v in _weights.ravel())}.",
        ),
        show.described(
            grey(np.clip(_map, 0, 1), "its map, drawn as a photo", 3.3) if _like_a_photo else signed(_map, "its feature map", 3.5),
            f"Its feature map of the photo, drawn {'as a photo' if _like_a_photo else 'with white for 0, red above and blue below'}; "
            f"its numbers lie between {_map.min():.2f} and {_map.max():.2f}.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Who chooses the weights?

    The filters above were chosen by people. A network *learns* its filters: training changes the weights until the maps help with the task.
    These are the six filters in the first layer of a LeNet-5 that learned to read handwritten digits. It has never seen a photo, and its filters slide
    over one all the same: six filters, six maps.
    """)
    return


@app.cell
def _(models, nn, photo, said, trace):
    lenet = models.lenet5(weights="pretrained", padding=2)
    six_filters = nn.Sequential(nn.Conv2d.of(lenet["c1"].weight, lenet["c1"].bias))
    six_maps = trace(six_filters, photo)
    said(f"one photo in  {photo.shape}\nsix maps out  {six_maps['conv1'].shape}")
    return lenet, six_maps


@app.cell(hide_code=True)
def _(Figure, lenet, np, show, side_by_side, six_maps):
    def pair(number):
        """Draw a learned filter beside its map, each on its own scale."""
        weights, answers = lenet["c1"].weight[number, 0], six_maps["conv1"].data[0, number]
        figure = Figure(figsize=(3.4, 1.65), dpi=150, layout="constrained", facecolor="white")
        panels = figure.subplots(1, 2, width_ratios=(1, 1.9))
        words = (f"{number}: sum {weights.sum():+.1f}".replace("-", "−"), f"map {number}")
        for ax, numbers, title in zip(panels, (weights, answers), words, strict=True):
            most = np.abs(numbers).max()
            ax.imshow(numbers, cmap="RdBu_r", vmin=-most, vmax=most)
            ax.set_title(title, fontsize=10, loc="left")
            ax.set(xticks=[], yticks=[])
        for i, j in np.ndindex(weights.shape):
            colour = "white" if abs(weights[i, j]) > 0.6 * np.abs(weights).max() else "#222222"
            panels[0].text(j, i, "+" if weights[i, j] > 0 else "−", fontsize=7, color=colour, ha="center", va="center")
        seen = "edges, with the sky near 0" if abs(weights.sum()) < 0.3 else "edges on top of the brightness of sky and lawn"
        return show.described(
            figure,
            f"Learned filter {number}, 5 by 5 weights between {weights.min():.2f} and {weights.max():.2f}, which add up to {weights.sum():.1f}, and its "
            f"map of the photo, with numbers between {answers.min():.1f} and {answers.max():.1f}: {seen}.".replace("-", "−"),
        )

    side_by_side(*map(pair, range(6)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Nobody asked for edges, and all six have a bright and a dark side. Look at the sums: the weights of 0, 1 and 4 add up to a number near 0, so their maps show
    edges and hardly the sky. Those of 2, 3 and 5 do not, so brightness itself comes through, with the sign of the sum. Digits have a black background: there
    it cost nothing.

    One thing was saved by sliding: a filter has 9 weights (25 here) however large the photo is. The same weights are used
    everywhere, so what is learned in one corner is found in every other: shift the photo, and the map shifts with it.

    ## The words

    The literature has several words for each of these things. They come from different people, not from different ideas.

    | word | means | who says so |
    |:--|:--|:--|
    | **feature map** | the numbers of one filter, at all places; some say it of all filters' maps together | LeCun et al. 1998: the outputs of units that share their weights; Goodfellow et al. 2016, section 9.1: the output of the convolution |
    | **activation map** | the same; strictly, the map after an activation function such as ReLU | CS231n's notes: the responses of a filter at every position, before ReLU |
    | **rectified map** | the map after ReLU, max(0, y): no negative number is left | from "rectified linear unit" |
    | **response**, **activation** | one number of a map | widely |
    | **channel** | one map among those of a layer | PyTorch's (N, C, H, W) |
    | **filter** | all weights that make one map, over all input channels | CS231n, and this engine |
    | **kernel** | the same; or the weights over one input channel only, one slice of a filter | Goodfellow et al. 2016; `kernel_size` in PyTorch |
    | **detector** | a filter, by what makes it answer: "edge detector" | vision research since the 1960s |

    When a text matters, find out which it means: before or after ReLU, one map or all of them, one slice or all of them. This engine says **map** for all
    channels of a layer, **channel** for one of them, and a map knows its kind (before ReLU it is called pre-activation, as in lesson 04):
    """)
    return


@app.cell
def _(brighter_to_the_right, nn, photo, said, trace):
    and_relu = trace(nn.Sequential(nn.Conv2d.of(brighter_to_the_right), nn.ReLU()), photo)
    said("\n".join(f"{name}: {and_relu[name].kind}, smallest number {and_relu[name].min():.2f}" for name in ("conv1", "relu1")))
    return (and_relu,)


@app.cell(hide_code=True)
def _(and_relu, show, side_by_side, signed):
    side_by_side(
        show.described(
            signed(and_relu["conv1"].data[0, 0], "the feature map", 3.4),
            "The feature map of the filter brighter to the right, with red edges up to +2.5 and blue ones down to −2.5.",
        ),
        show.described(
            signed(and_relu["relu1"].data[0, 0], "the rectified map", 3.4),
            "The rectified map: the red edges are as they were; where the blue ones were is white, 0.",
        ),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ReLU keeps *brighter to the right* and throws *darker to the right* away. Lesson 04 says why anybody wants that.

    A large number says that the window looks like the filter. It does not say that the window matters to anybody, nor that a *feature* in the
    everyday sense is there. Lesson 06 comes back to this.

    ## Find the erratum

    A handout has this table of x, the filter w and the map y. The author computed five of the six numbers with this lesson's equation, and one with
    another. Which one is wrong?
    """)
    return


@app.cell
def _(np):
    handout_x = np.array([[3, 1, 0, 2], [4, 5, -1, 1], [2, 0, 6, 3]], dtype=np.float32)
    handout_w = np.array([[1, 2], [0, -1]], dtype=np.float32)
    handout_y = np.array([[0, 8, 3], [14, -3, -2]], dtype=np.float32)
    return handout_w, handout_x, handout_y


@app.cell(hide_code=True)
def _(handout_w, handout_x, handout_y, show, side_by_side, table):
    side_by_side(
        show.described(table(handout_x, "x"), "x is 3 1 0 2; 4 5 −1 1; 2 0 6 3."),
        show.described(table(handout_w, "w"), "The filter w is 1 2; 0 −1."),
        show.described(table(handout_y, "y, as printed"), "The map y is printed as 0 8 3; 14 −3 −2."),
    )
    return


@app.cell(hide_code=True)
def _(handout_y, np, quiz):
    erratum = quiz.predict(
        "At which row and column of y is the wrong number? Both count from 0.",
        answer=(0, 1),
        form="1x2",
        wrong={
            (p, q): f"y[{p},{q}] = {handout_y[p, q]:g} is right: compute x[{p},{q}] + 2·x[{p},{q + 1}] − x[{p + 1},{q + 1}] again."
            for p, q in np.ndindex(2, 3)
            if (p, q) != (0, 1)
        },
        because=[
            "y[0,1] = 1·1 + 2·0 + 0·5 − 1·(−1) = 2, and not 8.",
            "8 is what the flipped kernel −1 0; 2 1 gives there: −1·1 + 0·0 + 2·5 + 1·(−1) = 8.",
        ],
    )
    erratum
    return


@app.cell
def _(conv2d, handout_w, handout_x, later):
    as_it_should_be = conv2d(handout_x[None, None], handout_w[None, None])
    as_mathematicians_do = conv2d(handout_x[None, None], handout_w[None, None, ::-1, ::-1])
    later(f"not flipped\n{as_it_should_be[0, 0]}\n\nflipped\n{as_mathematicians_do[0, 0]}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The handout's author mixed two conventions. In mathematics a *convolution* turns the kernel by 180° before it slides; without the turn it is called a
    *cross-correlation*. Deep learning computes the cross-correlation and calls it convolution. For learned weights it makes no difference, since training would
    learn the turned ones; for weights that are copied from a book, or checked by hand, it does. `scipy.signal.convolve2d` flips, `torch.nn.functional.conv2d` and this engine do not.

    ## Break it

    Change `piece`, the filter or the handout in the code and see the pictures follow (`minicnn lesson 01 --edit` opens the lesson to be edited). Try to

    1. make a filter of nine weights whose map of *every* photo is 0 everywhere; how many are there?
    2. make one whose map is the photo moved by one cell to the left;
    3. make two different filters whose maps of `piece` have the same number at y[0,0].

    ## What you know now

    - A feature map has one number for each place of the window: the sum of the products of weights and cells, and a bias.
    - The weights decide what is found. Weights that add up to 0 see differences and no brightness; the sign tells the direction.
    - The same few weights are used everywhere. A map of a 3×3 filter is 2 rows and 2 columns smaller than its input, until lesson 02 pads it.
    - Feature map, activation map and rectified map: ask whether before or after ReLU. Filter and kernel: ask whether over one channel or all.
    - Deep learning's convolution does not flip.

    **Next:** lesson 02, shapes: `minicnn lesson 02`. **To write it yourself:** assignment 02 is this lesson's equation as loops (with strides and padding, so
    read lesson 02 first): `minicnn assignment start 02`. **To practise:** the quizzes begin with lesson 02; `minicnn quiz which_inputs` asks which cells a number is computed from.

    *Sources: LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document Recognition (1998); Goodfellow, Bengio, Courville, Deep Learning (2016), section
    9.1; Stanford CS231n, notes on convolutional networks. Photo: scikit-image's camera.*
    """)
    return


if __name__ == "__main__":
    app.run()
