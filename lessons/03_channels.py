import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="03 · Channels, filters and 1×1")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 03 · Channels, filters and 1×1

    After this lesson you will be able to

    - say what one filter computes from three colours, and what shape the weight of any convolution has;
    - count the parameters of a layer, with one bias for each map, and say what groups and depthwise layers leave out;
    - use a 1×1 convolution as what it is: one small matrix, applied to the channels of every pixel.

    About 50 minutes. You need lessons 01 and 02. There are seven questions. Type something first, even a guess, and open what the
    engine says then.
    """)
    return


@app.cell(hide_code=True)
def _():
    import marimo as mo

    return (mo,)


@app.cell
def _():
    import numpy as np
    from matplotlib.figure import Figure
    from skimage import data

    from minicnn import conv2d, describe, load, models, nn, quiz, show, trace

    return Figure, conv2d, data, describe, load, models, nn, np, quiz, show, trace


@app.cell(hide_code=True)
def _(show):
    told, later = show.said, show.later

    def signed(ax, numbers, title, top=None):
        """Draw a map: white is 0, red above, blue below; a colour bar says how much."""
        top = top or float(abs(numbers).max()) or 1.0
        drawn = ax.imshow(numbers, cmap="RdBu_r", vmin=-top, vmax=top)
        ax.set_title(title, fontsize=12)
        ax.axis("off")
        return drawn

    return later, signed, told


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1 · Three channels in

    A colour photo is three pictures of the same place: how much red, how much green and how much blue there is. Each is a **channel**.
    The array has the shape (N, C, H, W): one photo, C = 3 channels, then rows and columns.
    """)
    return


@app.cell
def _(data, load, told):
    photo = load.image(data.astronaut(), resize=256, crop=(192, 256))
    told(photo.shape)
    return (photo,)


@app.cell(hide_code=True)
def _(Figure, load, photo, show):
    def _draw():
        figure = Figure(figsize=(7, 5.6), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1)
        panels = figure.subplots(2, 2).flat
        pictures = [load.to_hwc(photo), *photo[0]]
        titles = ["the photo", "channel 0: red", "channel 1: green", "channel 2: blue"]
        for ax, picture, title in zip(panels, pictures, titles, strict=True):
            ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
            ax.set_title(title, fontsize=12)
            ax.axis("off")
        return figure

    show.described(
        _draw(),
        "A photo of an astronaut in an orange suit, and its three channels as grey pictures. The suit is bright in red, darker in green and "
        "nearly black in blue; the white rocket model and helmet are bright in all three.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    A filter for this photo has three **slices**, one for each channel. Each slice slides over its own channel, and the three results are **added up**
    to one map. That is the sum over $c$ in the equation:

    $$y_k[p, q] = b_k + \sum_{c,i,j} w[k, c, i, j] \, x[c, p{+}i, q{+}j]$$

    The filter below asks how much redder than green and blue a place is. Its red slice averages, its green and blue slices subtract.
    """)
    return


@app.cell
def _(conv2d, np, photo, told):
    redder = np.zeros((1, 3, 3, 3), np.float32)  # one filter, three slices of 3×3
    redder[0, 0] = 1.0 / 9  # red: the mean of nine cells
    redder[0, 1:] = -0.5 / 9  # green and blue: minus half of theirs

    parts = [conv2d(photo[:, [c]], redder[:, [c]]) for c in range(3)]  # each slice on its own channel
    redder_map = conv2d(photo, redder)  # the whole filter
    told(f"the map {redder_map.shape} is the sum of the parts: largest difference {abs(sum(parts) - redder_map).max():.0e}")
    return parts, redder, redder_map


@app.cell(hide_code=True)
def _(Figure, parts, redder_map, show, signed):
    def _draw():
        figure = Figure(figsize=(7, 5.2), layout="constrained")
        titles = ["red slice", "+ green slice", "+ blue slice", "= the map"]
        for ax, one, title in zip(figure.subplots(2, 2).flat, [*parts, redder_map], titles, strict=True):
            drawn = signed(ax, one[0, 0], title, 1)
            for row, column in ((125, 75), (60, 195)):
                box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "#222222"}
                ax.text(column, row, f"{one[0, 0, row, column]:+.2f}", fontsize=10, ha="center", va="center", bbox=box)
        figure.colorbar(drawn, ax=figure.axes[:4], label="value", shrink=0.7)
        return figure

    show.described(
        _draw(),
        "Three slices and their sum, with two numbers written on each. On the orange suit the slices add up to about "
        f"{redder_map[0, 0, 125, 75]:.2f}, on the white rocket to about {redder_map[0, 0, 60, 195]:.2f}. In the sum, suit, skin and the red stripes of the "
        "flag stand out; white and grey things cancel to zero.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    White things are bright in every channel, and still the map is 0 there: $1 - 0.5 - 0.5 = 0$. No single slice could tell orange from white.
    Only their **sum** can.

    One window by hand. The products of each slice are summed already.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    sum_question = quiz.predict(
        "At one place the red slice sums to 4, the green slice to -1 and the blue slice to 2. The bias of the filter is 10. Which number stands in the map?",
        answer=15,
        wrong={
            35: "You add the bias once for every input channel: a filter has one bias, for the sum over all of them.",
            5: "You forget the bias: it is added once to every number of the map.",
            14: "You look at the first channel only: the sum runs over all of them.",
            16: "You keep the largest slice with its neighbours, or lose the sign of -1: add 4 - 1 + 2 first.",
        },
        because=["slices: 4 - 1 + 2 = 5", "one bias: 5 + 10 = 15"],
        form="7",
    )
    sum_question
    return


@app.cell
def _(conv2d, later, np):
    window = np.array([4, -1, 2], np.float32).reshape(1, 3, 1, 1)  # three channels of one pixel
    sum_result = conv2d(window, np.ones((1, 3, 1, 1), np.float32), np.array([10], np.float32))
    later(sum_result.item())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### Step through it

    Walk over the map with the arrow keys. Every number is one sum of 3 · 3 · 3 = 27 products: nine of each slice. Find a place on the suit and one
    on the white rocket, and compare what the three channels contribute.
    """)
    return


@app.cell
def _(load, nn, photo, redder, show, trace):
    redder_net = nn.Sequential(nn.Conv2d.of(redder))
    show.stepper(redder_net, trace(redder_net, photo), "conv1", at=(150, 80), photo=load.to_hwc(photo))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2 · Many maps out

    One filter makes one map. A layer has many filters, and each looks at **all** input channels and makes a map of its own:

    | array | what it is | shape |
    |:--|:--|:--|
    | input | C channels | (N, C, H, W) |
    | weight | K filters, each with C slices | (K, C, kernel height, kernel width) |
    | bias | one number for each filter | (K,) |
    | output | K maps | (N, K, P, Q) |

    PyTorch calls C `in_channels` and K `out_channels`. The K maps are the channels of the next layer's input.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    weight_question = quiz.predict(
        "`nn.Conv2d(3, 16, kernel_size=5)`: which shape has its weight?",
        answer=(16, 3, 5, 5),
        wrong={
            (3, 16, 5, 5): "You put the input channels first: the weight is a row of filters, so K = 16 comes first.",
            (16, 5, 5): "You give each filter one slice for all channels: it has a slice for every input channel.",
            (16, 1, 5, 5): "You give each filter one slice for all channels: it has a slice for every input channel.",
            (16, 5, 5, 3): "You put the channels last: here they come before the rows and columns, as in the image (N, C, H, W).",
            (48, 5, 5): "You make a filter of every slice: 3 slices belong together, and their results are added up to one map.",
        },
        because=["16 filters, each with 3 slices of 5×5: (16, 3, 5, 5)"],
        form="(2, 8, 9, 9)",
    )
    weight_question
    return


@app.cell(hide_code=True)
def _(quiz):
    parameter_question = quiz.predict(
        "The same layer, `nn.Conv2d(3, 16, kernel_size=5)`: how many parameters has it, weights and biases together?",
        answer=1216,
        wrong={
            1200: "You forget the biases: there is one for each of the 16 filters.",
            1248: "You count a bias for every input channel of every filter: a filter has one bias for the sum over all of them.",
            416: "You count one slice for each filter: it has a slice for every input channel.",
            1203: "You count a bias for every input channel: there is one for each of the 16 maps that come out.",
            1201: "You count one bias for the layer: every filter has its own.",
        },
        because=["weights: 16 · 3 · 5 · 5 = 1,200", "biases: 16", "1,200 + 16 = 1,216"],
        form="512",
    )
    parameter_question
    return


@app.cell
def _(later, nn, photo):
    layer = nn.Conv2d(3, 16, kernel_size=5)
    later(
        f"weight {layer.weight.shape}, bias {layer.bias.shape}: {layer.weight.size + layer.bias.size:,} parameters",
        f"on our photo the output is {layer(photo).shape}: 16 maps",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### Filters that were learned

    These are seven of the 32 filters of the first layer of EfficientNet-Lite0, a network trained on more than a million photos. Each has an R, a G and a
    B slice of 3×3. Nobody wrote these numbers.
    """)
    return


@app.cell
def _(models, told):
    efficientnet = models.efficientnet_lite0(weights="pretrained")
    stem = efficientnet.nodes[0].layer
    told(stem.weight.shape)
    return efficientnet, stem


@app.cell(hide_code=True)
def _(Figure, show, stem):
    def _draw(chosen):
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        panels = figure.subplots(3, len(chosen))
        for column, k in zip(panels.T, chosen, strict=True):
            column[0].set_title(f"filter {k}", fontsize=11)
            for ax, one in zip(column, stem.weight[k], strict=True):
                drawn = ax.imshow(one, cmap="RdBu_r", vmin=-3.8, vmax=3.8)
                for i in range(3):
                    for j in range(3):
                        mark = "" if abs(one[i, j]) < 0.4 else "+" if one[i, j] > 0 else "−"
                        ax.text(j, i, mark, ha="center", va="center", fontsize=12, color="white" if abs(one[i, j]) > 2 else "#222222")
                ax.set(xticks=[], yticks=[])
        for ax, name in zip(panels[:, 0], ("R", "G", "B"), strict=True):
            ax.set_ylabel(name, fontsize=12, rotation=0, labelpad=12, va="center")
        figure.colorbar(drawn, ax=panels, label="weight")
        return figure

    show.described(
        _draw((4, 7, 11, 20, 21, 27, 30)),
        "Seven of the 32 filters, each as three 3×3 tables above each other, for R, G and B, with + and − where a weight is far from 0. Filter 4 has mostly + "
        "in its red slice and mostly − in its green one. Filters 21, 27 and 30 have the same pattern in every slice, strongest in green. Filter 11 is empty.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Look at filter 21: its three slices have the same pattern, so it answers to light beside dark, whatever the colour. Now at filter 4: red against green and
    blue. The numbers of a slice, added up, say how it answers to an even area:
    """)
    return


@app.cell
def _(conv2d, photo, stem, told):
    slice_sums = stem.weight.sum(axis=(2, 3))  # (32, 3): one number for each slice
    colour_map, edge_map = conv2d(photo, stem.weight[[4, 21]])[0]
    told(*[f"filter {k}: R {slice_sums[k, 0]:+.1f}, G {slice_sums[k, 1]:+.1f}, B {slice_sums[k, 2]:+.1f}" for k in (4, 21)])
    return colour_map, edge_map, slice_sums


@app.cell(hide_code=True)
def _(Figure, colour_map, edge_map, np, show, signed, slice_sums):
    def _draw():
        figure = Figure(figsize=(7, 3.1), layout="constrained")
        for ax, one, k, word in zip(figure.subplots(1, 2), (colour_map, edge_map), (4, 21), ("a colour", "an edge"), strict=True):
            drawn = signed(ax, one, f"filter {k} answers to {word}", np.quantile(abs(one), 0.99))
            sums = "R {:+.1f}  G {:+.1f}  B {:+.1f}".format(*slice_sums[k])
            ax.text(0.5, -0.04, f"slice sums {sums}", fontsize=10, ha="center", va="top", transform=ax.transAxes)
            figure.colorbar(drawn, ax=ax, shrink=0.75)
        return figure

    show.described(
        _draw(),
        "Two maps of the photo. Filter 4 is large and positive on the whole orange suit, on the face and on the red stripes, and near zero elsewhere, like "
        "the filter of section 1. Filter 21 is large only along outlines, positive on one side and negative on the other.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Filter 4 is the filter of section 1, and nobody wrote it: training found that red against the rest is worth knowing. Four of the filters (11, 16, 28 and
    31) are almost 0 in all their slices. Lesson 04 says what such filters are called, and how they come about.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 3 · Find the erratum

    A handout computes a layer with loops. `slide(x[c], w[k, c])` slides one slice over one channel. It runs without an error, and one line is wrong.

    ```text
    1  for k in range(K):
    2      y[k] = 0
    3      for c in range(C):
    4          y[k] += slide(x[c], w[k, c])
    5          y[k] += bias[k]
    6  return y
    ```
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    erratum_question = quiz.predict(
        "Which line of the handout is wrong?",
        answer="line 5",
        choices=("line 2", "line 3", "line 4", "line 5"),
        wrong={
            "line 2": "Each map begins at 0 and collects its slices; that is right, and beginning at bias[k] would be right as well.",
            "line 3": "The sum runs over all input channels; that is right.",
            "line 4": "Filter k has a slice w[k, c] for channel c, and the results are added up; that is right.",
        },
        because=[
            "line 5 stands inside the loop over c, so the bias is added C times",
            "y[k] = C·bias[k] + Σ_c slide(x[c], w[k, c])",
            "for C = 3 every number of map k is too large by 2·bias[k]; it belongs one step to the left",
        ],
    )
    erratum_question
    return


@app.cell
def _(conv2d, later, np, photo, stem):
    def handout(x, w, bias):
        maps = []
        for k in range(len(w)):
            y = 0
            for c in range(x.shape[1]):
                y = y + conv2d(x[:, [c]], w[[k]][:, [c]])
                y = y + bias[k]
            maps.append(y)
        return np.concatenate(maps, axis=1)

    three_filters, three_biases = stem.weight[:3], np.array([0.5, -1, 0], np.float32)
    too_much = handout(photo, three_filters, three_biases) - conv2d(photo, three_filters, three_biases)
    later(
        f"biases                                    {three_biases.tolist()}",
        f"handout minus conv2d, mean of each map    {too_much.mean(axis=(0, 2, 3)).round(3).tolist()}",
        f"how much it varies within a map           {too_much.std(axis=(0, 2, 3)).max():.0e} (rounding)",
        "The third map is right, because its bias is 0: a test with zero biases would not have found this.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 4 · 1×1: mixing without neighbours

    Make the kernel as small as it gets. A **1×1 convolution** has one weight for each input channel and each filter, and sees one pixel at a time:

    $$y_k[p, q] = b_k + \sum_c w[k, c] \cdot x[c, p, q]$$

    At every pixel this is a K×C matrix times the vector of that pixel's channels. Mix your own map from the three colours:
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    red = mo.ui.slider(-1, 1, 0.1, value=0.3, label="weight of red", show_value=True)
    green = mo.ui.slider(-1, 1, 0.1, value=0.6, label="weight of green", show_value=True)
    blue = mo.ui.slider(-1, 1, 0.1, value=0.1, label="weight of blue", show_value=True)
    mo.vstack([red, green, blue])
    return blue, green, red


@app.cell
def _(blue, conv2d, green, np, photo, red):
    own_filter = np.array([red.value, green.value, blue.value], np.float32).reshape(1, 3, 1, 1)
    own_map = conv2d(photo, own_filter)[0, 0]
    return own_filter, own_map


@app.cell(hide_code=True)
def _(Figure, load, own_filter, own_map, photo, show):
    def _draw():
        figure = Figure(figsize=(7, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.imshow(load.to_hwc(photo))
        left.set_title("three channels in", fontsize=12)
        drawn = right.imshow(own_map, cmap="gray")
        right.set_title("{:+.1f}·R {:+.1f}·G {:+.1f}·B".format(*own_filter.ravel()), fontsize=12)
        figure.colorbar(drawn, ax=right, shrink=0.8, label="value")
        for ax in (left, right):
            ax.axis("off")
        return figure

    show.described(
        _draw(),
        "The photo and the one map that the 1×1 filter with weights {:.1f}, {:.1f} and {:.1f} makes of it, ".format(*own_filter.ravel())
        + f"whose numbers go from {own_map.min():.2f} to {own_map.max():.2f}. It is as sharp as the photo.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Try.** Find weights that make the suit bright and everything white or grey about 0. (Hint: what must the three weights add up to?) Then find weights
    that make the emblem on the suit brighter than the suit.

    Three such filters make a picture with three channels again. These nine numbers are an old-photo effect, and a 1×1 layer `Conv2d(3, 3, 1)`:
    """)
    return


@app.cell
def _(conv2d, np, photo, told):
    sepia = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)  # (K, C)
    old_photo = conv2d(photo, sepia[:, :, None, None])  # (K, C, 1, 1)
    by_matrix = sepia @ photo[0, :, 125, 75]  # one pixel: a matrix times a vector
    told(f"by conv2d: {old_photo[0, :, 125, 75].round(4)}, by the matrix: {by_matrix.round(4)}")
    return old_photo, sepia


@app.cell(hide_code=True)
def _(Figure, load, old_photo, photo, show):
    def _draw():
        figure = Figure(figsize=(7, 2.9), layout="constrained")
        for ax, one, title in zip(figure.subplots(1, 2), (photo, old_photo), ("before", "after Conv2d(3, 3, 1)"), strict=True):
            ax.imshow(load.to_hwc(one.clip(0, 1)))
            ax.set_title(title, fontsize=12)
            ax.axis("off")
        return figure

    show.described(_draw(), "The photo before and after a 1×1 layer from three to three channels: all colours have become shades of brown.")
    return


@app.cell(hide_code=True)
def _(quiz):
    shuffle_question = quiz.predict(
        "We shuffle the pixels of the photo, run the 1×1 layer, and put the pixels back in their places. Compared with running it on the photo itself, the result is",
        answer="the same",
        choices=("the same", "different everywhere", "different at the edges"),
        wrong={
            "different everywhere": "You think of a kernel with neighbours: a 1×1 kernel never sees who stands beside a pixel.",
            "different at the edges": "You think of padding: a 1×1 kernel never reaches outside, at the edges either.",
        },
        because=[
            "y[k, p, q] depends on x[0, p, q], x[1, p, q] and x[2, p, q] and on no other pixel",
            "so it makes no difference who the neighbours are",
        ],
    )
    shuffle_question
    return


@app.cell
def _(conv2d, later, np, photo, redder, sepia):
    order = np.random.default_rng(0).permutation(192 * 256)
    back = np.argsort(order)

    def at_new_places(x, places):
        return x.reshape(1, x.shape[1], -1)[:, :, places].reshape(x.shape)

    def changed_by_shuffling(weight, padding):
        direct = conv2d(photo, weight, padding=padding)
        shuffled = conv2d(at_new_places(photo, order), weight, padding=padding)
        return float(abs(at_new_places(shuffled, back) - direct).max())

    later(
        f"largest change by shuffling, 1×1:  {changed_by_shuffling(sepia[:, :, None, None], 0):g}",
        f"the 3×3 filter of section 1:       {changed_by_shuffling(redder, 1):.2f}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Why would a network want this? To change the **number of channels** at low cost. `Conv2d(256, 64, 1)` turns 256 maps into 64 mixtures of them,
    keeps every row and column, and has 256 · 64 weights. A 3×3 layer between the same channels has nine times as many.

    ## 5 · Groups: filters that do not see every channel

    With `groups=G` the input channels are cut into G neighbouring blocks, and so are the filters. The filters of block g see the channels of block g, and
    no others. The weight becomes (K, C/G, kernel height, kernel width), so there are G times fewer weights, and G times fewer **multiply-adds** (a product
    that is added to a sum, the usual unit of work). With as many groups as channels the layer is called **depthwise**: every filter sees one channel.

    `describe` says what a network makes and costs, from shapes alone; it computes nothing.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    groups = mo.ui.slider(steps=[1, 2, 4, 8], value=2, label="groups", show_value=True)
    groups
    return (groups,)


@app.cell
def _(describe, groups, nn, told):
    grouped = nn.Conv2d(8, 8, 3, padding=1, groups=groups.value)
    grouped_facts = describe(nn.Sequential(grouped), (8, 32, 48))["conv1"]
    told(
        f"weight {grouped.weight.shape}, {grouped_facts.parameters} parameters, {grouped_facts.multiply_adds:,} multiply-adds on 32×48 pixels"
    )
    return grouped, grouped_facts


@app.cell(hide_code=True)
def _(Figure, grouped, grouped_facts, show):
    def _draw():
        figure = Figure(figsize=(6, 4.2), layout="constrained")
        ax = figure.subplots()
        seen = grouped.weight.shape[1]
        for k in range(8):
            first = k // (8 // grouped.groups) * seen
            for c in range(8):
                used = first <= c < first + seen
                ax.add_patch(_cell(c, k, used))
                ax.text(
                    c + 0.5, k + 0.5, "3×3" if used else "·", ha="center", va="center", fontsize=11, color="white" if used else "#777777"
                )
        ax.set(xlim=(0, 8), ylim=(8, 0), aspect="equal", xlabel="input channel", ylabel="filter = output map")
        ax.set_xticks([c + 0.5 for c in range(8)], range(8))
        ax.set_yticks([k + 0.5 for k in range(8)], range(8))
        ax.tick_params(length=0)
        ax.set_title(f"groups = {grouped.groups}: {grouped_facts.parameters} parameters", fontsize=12)
        return figure

    def _cell(c, k, used):
        from matplotlib.patches import Rectangle

        return Rectangle((c, k), 1, 1, facecolor="#0072B2" if used else "#f1efe9", edgecolor="white")

    show.described(
        _draw(),
        f"Which filter sees which channel, as a table of 8 filters by 8 channels, with {grouped.groups} groups. A cell says 3×3 where there is a slice, "
        f"and has a dot where there is none: each filter sees {grouped.weight.shape[1]} of the channels.",
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    group_question = quiz.predict(
        "`nn.Conv2d(6, 12, 3, groups=3)`: which input channels does filter 6 see? (Filters and channels are counted from 0.)",
        answer="2 and 3",
        choices=("0 and 1", "1 and 4", "2 and 3", "4 and 5", "all six"),
        wrong={
            "0 and 1": "You deal the filters out in turn, one to each group: filter k belongs to group k // (K/G), and not to k % G.",
            "1 and 4": "You deal the channels out in turn: group g has C/G neighbours, from channel g·C/G on.",
            "4 and 5": "You take filter 6 to be in the last group: groups have 12 / 3 = 4 filters, and 4, 5, 6 and 7 are the second group.",
            "all six": "You ignore the groups: each filter has slices for C/G of the channels.",
        },
        because=[
            "12 filters in 3 groups: 4 filters a group, so filter 6 is in group 6 // 4 = 1",
            "6 channels in 3 groups: 2 channels a group, so group 1 has channels 2 and 3",
        ],
    )
    group_question
    return


@app.cell
def _(conv2d, later, nn, np):
    three_groups = nn.Conv2d(6, 12, 3, groups=3)
    zeros = np.zeros((1, 6, 5, 7), np.float32)
    answers_to = []
    for changed in range(6):
        x = zeros.copy()
        x[0, changed] = 1  # change one channel: whose map changes?
        y = conv2d(x, three_groups.weight, groups=3)
        answers_to.append(np.flatnonzero(y.any(axis=(0, 2, 3))).tolist())
    later(
        f"weight {three_groups.weight.shape}",
        *[f"change channel {c}, and these maps change: {maps}" for c, maps in enumerate(answers_to)],
        "Map 6 answers to channels 2 and 3.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### Divide the work

    A full 3×3 layer looks at neighbours **and** mixes channels in one step. A **depthwise separable** pair does one after the other: a depthwise
    3×3 looks at neighbours, each channel on its own, and a 1×1 mixes. From 32 to 64 channels:
    """)
    return


@app.cell
def _(describe, nn, told):
    full = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1, bias=False))
    pair = nn.Sequential(
        nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False),
        nn.Conv2d(32, 64, 1, bias=False),
    )
    full_cost = describe(full, (32, 56, 56))["conv1"].parameters
    pair_facts = describe(pair, (32, 56, 56))
    depthwise_cost, mixing_cost = pair_facts["conv1"].parameters, pair_facts["conv2"].parameters
    told(
        f"weights: {full_cost:,} in the full layer, {depthwise_cost} + {mixing_cost:,} in the pair, {full_cost / (depthwise_cost + mixing_cost):.1f} times fewer"
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The pair is not the same function: it is a cheaper one, and networks are trained with it from the start. **Break it:** why not depthwise layers alone?
    Then no output map ever sees two colours together, however many layers there are, and "redder than blue" cannot be asked. The 1×1 layers are where
    channels meet, and they do most of the work:
    """)
    return


@app.cell
def _(describe, efficientnet):
    work = {"1×1": 0, "depthwise": 0, "full k×k": 0}
    for row in describe(efficientnet, (3, 224, 224)):
        weight = getattr(row.layer, "weight", None)
        if weight is not None and weight.ndim == 4:
            kind = "1×1" if weight.shape[2:] == (1, 1) else "depthwise" if weight.shape[1] == 1 else "full k×k"
            work[kind] += row.multiply_adds
    shares = {kind: madds / sum(work.values()) for kind, madds in work.items()}
    return shares, work


@app.cell(hide_code=True)
def _(Figure, shares, show, work):
    def _draw():
        figure = Figure(figsize=(7, 2.1), layout="constrained")
        ax = figure.subplots()
        bars = ax.barh(list(shares), list(shares.values()), color="#0072B2")
        ax.bar_label(bars, [f" {share:.0%}, {work[kind] / 1e6:.0f} million" for kind, share in shares.items()], fontsize=11)
        ax.set(xlim=(0, 1.15), xticks=[])
        ax.invert_yaxis()
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        ax.tick_params(labelsize=11, length=0)
        ax.set_title("EfficientNet-Lite0: multiply-adds of its convolutions", fontsize=12, loc="left")
        return figure

    show.described(
        _draw(),
        "The multiply-adds of EfficientNet-Lite0's convolutions by kind: "
        + ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items())
        + ".",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 6 · A 21-class head

    The last question of a network is often "which class?", asked **at every pixel**. With 256 maps and 21 classes that is a 1×1 layer with 21 filters: map k
    says how much class k is there. (21 is the 20 classes of the Pascal VOC photos and one for everything else.)
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    head_question = quiz.predict(
        "`nn.Conv2d(256, 21, kernel_size=1)` gets maps of shape (4, 256, 64, 64). What comes out?",
        answer=(4, 21, 64, 64),
        wrong={
            (4, 21): "You expect one answer for the whole image: a 1×1 layer keeps every row and column, and answers at each.",
            (4, 21, 1, 1): "The kernel is 1×1, and not the map: one number comes out for every pixel.",
            (4, 64, 64, 21): "You leave the channels last: the result is (N, K, H, W).",
            (4, 21, 63, 63): "A 1×1 kernel takes no border away: 64 - 1 + 1 = 64.",
            (21, 256, 64, 64): "The filters replace the channels, and the 4 images stay.",
        },
        because=["4 images, 21 maps, floor((64 - 1) / 1) + 1 = 64 rows and 64 columns"],
        form="(2, 8, 9, 9)",
    )
    head_question
    return


@app.cell
def _(later, nn, np):
    head_result = nn.Conv2d(256, 21, kernel_size=1)(np.zeros((4, 256, 64, 64), np.float32)).shape
    later(head_result)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Now with real weights. EfficientNet-Lite0 ends with 1280 maps and a matrix of 1000×1280 that turns their means into 1000 classes. We take the matrix
    **before** the mean, as a 1×1 layer, with 21 of its rows: ten kinds of cat, ten things on a
    table, and, as a control, a car that is in neither photo. Two photos side by side are the scene.
    """)
    return


@app.cell
def _(data, load, np, told):
    settings = {**load.IMAGENET, "resize": 256, "crop": 224}
    scene = np.concatenate([load.image(data.chelsea(), **settings), load.image(data.coffee(), **settings)], axis=3)
    told(scene.shape)
    return (scene,)


@app.cell
def _(efficientnet, models, nn, scene, told, trace):
    cats = [281, 282, 283, 284, 285, 286, 287, 288, 289, 290]  # rows of the matrix: tabby, tiger cat, Persian cat …
    table = [504, 505, 809, 899, 923, 959, 960, 967, 968, 969]  # coffee mug … espresso, cup, eggnog
    chosen = [*cats, *table, 436]  # and beach wagon

    classifier = efficientnet.nodes[-1].layer
    class_head = nn.Conv2d.of(classifier.weight[chosen][:, :, None, None], classifier.bias[chosen])
    last_maps = trace(efficientnet, scene)["head.relu6"].data
    class_maps = class_head(last_maps)
    winners = class_maps[0].argmax(axis=0)  # the largest of 21 at every position
    class_names = [models.imagenet_classes()[n].split(",")[0] for n in chosen]
    told(f"into the head {last_maps.shape}, out of it {class_maps.shape}")
    return class_names, winners


@app.cell(hide_code=True)
def _(Figure, class_names, load, scene, show, winners):
    letters = ["C" if k < 10 else "T" if k < 20 else "?" for k in range(21)]

    def _draw():
        figure = Figure(figsize=(7.2, 4.1), layout="constrained")
        ax = figure.subplots()
        ax.imshow(load.to_hwc(scene, **{name: load.IMAGENET[name] for name in ("mean", "std")}).clip(0, 1), extent=(0, 14, 7, 0))
        for p in range(7):
            for q in range(14):
                box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
                ax.text(q + 0.5, p + 0.5, letters[winners[p, q]], ha="center", va="center", fontsize=11, fontweight="bold", bbox=box)
        ax.set(xticks=range(15), yticks=range(8), xticklabels=[], yticklabels=[])
        ax.tick_params(length=0)
        ax.grid(color="white", linewidth=0.6)
        ax.set_title("the likeliest of 21 classes: C a cat, T a thing on a table, ? a car", fontsize=12)
        return figure

    left, right = (sorted({class_names[k] for k in half.ravel()}) for half in (winners[:, :7], winners[:, 7:]))
    cats_left, table_right = ((half.ravel() // 10 == want).mean() for half, want in ((winners[:, :7], 0), (winners[:, 7:], 1)))
    show.described(
        _draw(),
        f"A cat on the left and a cup of coffee on the right, with a letter on each of 7 by 14 positions. {cats_left:.0%} of the positions on the left "
        f"half say a kind of cat ({', '.join(left[:4])} …), {table_right:.0%} on the right half a thing on a table ({', '.join(right[:4])} …).",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Nobody trained this network to say **where**. It could only ever be asked for the whole photo; applied at each position, the same matrix gives a rough
    map of classes. Read it with care: 7×14 positions are coarse, each of them looks at far more than its own square, and the head must choose one of 21
    even where there is only wallpaper.

    ## Summary

    - A filter has a slice for every input channel. The slices' results are added up to **one** map, with **one** bias.
    - K filters make K maps: weight (K, C, kernel height, kernel width), K·C·kh·kw + K parameters.
    - 1×1: a K×C matrix at every pixel. It mixes channels and sees no neighbours.
    - `groups=G`: filter k sees the C/G channels of block k // (K/G). Depthwise is G = C, and 1×1 layers mix again what it keeps apart.
    - A head with one 1×1 filter for each class answers at every pixel.

    ## Next

    - Lesson 04: what comes after the convolution, ReLU and pooling. `minicnn lesson 04`
    - Assignments: `minicnn assignment start 02` (conv2d with loops) and `minicnn assignment start 04` (1×1, groups, and the mean of each map)
    - Practice: `minicnn quiz parameters` and `minicnn quiz groups`

    Sources: Lin, Chen, Yan, *Network in Network* (2013), for 1×1; Krizhevsky, Sutskever, Hinton (2012), for groups; Howard et al., *MobileNets* (2017), for
    depthwise separable layers; Long, Shelhamer, Darrell (2015), for heads at every pixel.
    """)
    return


if __name__ == "__main__":
    app.run()
