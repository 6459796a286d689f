import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="04 · ReLU, pooling and striding")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 04 · ReLU, pooling and striding

    After this lesson you will be able to

    - tell a pre-activation from an activation, say what ReLU does to numbers and to gradients, and why a network needs it;
    - recognise a dead filter, in its map and in its weights, and say why it stays dead;
    - explain how networks trade space for depth, and what is lost when they do it too early.

    About 55 minutes. You need lesson 03. There are seven questions. Type something first, even a guess, and open what the engine says then.
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
    from minicnn import functional as F

    return F, Figure, conv2d, data, describe, load, models, nn, np, quiz, show, trace


@app.cell(hide_code=True)
def _(show):
    told, later = show.said, show.later

    def signed(ax, numbers, title, top=None):
        """Draw a map that has negative numbers: white is 0, red above, blue below."""
        top = top or float(abs(numbers).max()) or 1.0
        drawn = ax.imshow(numbers, cmap="RdBu_r", vmin=-top, vmax=top)
        ax.set_title(title, fontsize=12)
        ax.axis("off")
        return drawn

    def rectified(ax, numbers, title, top=None):
        """Draw a map without negative numbers: the darkest is 0."""
        drawn = ax.imshow(numbers, cmap="viridis", vmin=0, vmax=top or float(numbers.max()) or 1.0)
        ax.set_title(title, fontsize=12)
        ax.axis("off")
        return drawn

    return later, rectified, signed, told


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1 · ReLU: keep what is positive

    A convolution gives positive and negative numbers. What comes out of it is called the **pre-activation**. Nearly always something very simple follows:

    $$\mathrm{relu}(x) = \max(x, 0)$$

    number by number. What comes out is the **activation**, or rectified map: it has the same shape, and where the filter answered with a negative number
    there is a 0 now. The filter is that of lesson 01, *brighter to the right*. Give it a bias:
    """)
    return


@app.cell
def _(data, load, np, told):
    photo = load.image(data.camera(), mode="L", resize=128, crop=(96, 128))
    to_the_right = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], np.float32).reshape(1, 1, 3, 3)
    told(photo.shape)
    return photo, to_the_right


@app.cell(hide_code=True)
def _(mo):
    bias = mo.ui.slider(-3, 1, 0.25, value=0, label="bias", show_value=True)
    bias
    return (bias,)


@app.cell
def _(F, bias, conv2d, np, photo, to_the_right, told):
    pre_activation = conv2d(photo, to_the_right, np.array([bias.value], np.float32))
    activation = F.relu(pre_activation)
    told(
        f"largest pre-activation {pre_activation.max():.2f}, smallest {pre_activation.min():.2f}; {(activation == 0).mean():.1%} of the activation is 0"
    )
    return activation, pre_activation


@app.cell(hide_code=True)
def _(Figure, activation, bias, pre_activation, rectified, show, signed):
    def _draw():
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        (left, right), (below, beside) = figure.subplots(2, 2, height_ratios=(2.6, 1))
        for ax, draw, numbers, name in ((left, signed, pre_activation, "pre-activation"), (right, rectified, activation, "activation")):
            figure.colorbar(draw(ax, numbers[0, 0], name, 2.5), ax=ax, location="bottom", shrink=0.9, aspect=30, pad=0.03)
        for ax, numbers in ((below, pre_activation), (beside, activation)):
            ax.hist(numbers.ravel(), bins=35, range=(-6, 4), color="#0072B2")
            ax.axvline(0, color="#222222", linewidth=1)
            ax.set(yscale="log", ylim=(0.7, 20000), xlabel="value")
            ax.spines[["top", "right"]].set_visible(False)
        below.set_ylabel("how often")
        if not activation.any():
            right.text(0.5, 0.5, "dead:\nall 0", ha="center", va="center", fontsize=16, color="white", transform=right.transAxes)
        return figure

    show.described(
        _draw(),
        f"With bias {bias.value}: the pre-activation of the photo, positive on one side of upright edges and negative on the other, and the activation, where "
        f"{(activation == 0).mean():.0%} of the numbers are 0. Below them how often each value occurs: ReLU moves all that is left of 0 onto 0.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Try.** Which bias leaves only the sharpest edges? At which bias is nothing left? The bias is a threshold: the filter must answer with more than
    $-b$ to be heard.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    mirror_question = quiz.predict(
        "At some place the filter w gives the pre-activation -3 (without a bias). Another filter has the weights -w. What is its activation there?",
        answer=3,
        wrong={
            0: "That is the activation of w: it is cut off. The filter -w gives +3 before ReLU.",
            -3: "The pre-activation of -w is -(-3), and after ReLU nothing is negative.",
            -6: "Weights with the other sign give every product, and so the sum, the other sign; nothing is added.",
        },
        because=["w gives -3, so -w gives +3", "relu(3) = 3, while relu(-3) = 0"],
        form="8",
    )
    mirror_question
    return


@app.cell
def _(F, conv2d, later, np, photo, to_the_right):
    to_the_left = F.relu(conv2d(photo, -to_the_right))
    both = F.relu(conv2d(photo, to_the_right)) - to_the_left
    later(
        f"relu of -3 and 3: {F.relu(np.array([-3.0, 3.0]))}",
        f"relu(x) - relu(-x) against x, largest difference: {abs(both - conv2d(photo, to_the_right)).max():g}",
        "A filter and its mirror image keep together what one of them loses.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2 · Break it: leave ReLU out

    ReLU throws numbers away. Why not keep them all? Take two 3×3 convolutions, one after the other, with nothing between them.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    collapse_question = quiz.predict(
        "Two 3×3 convolutions with stride 1 stand one behind the other, without ReLU. A single convolution gives the same numbers. How large is its kernel? (one side)",
        answer=5,
        wrong={
            6: "Kernels do not stand side by side: the second looks at 3 rows of a map whose numbers each look at 3, and they overlap.",
            3: "A number behind the second sees further: 3 rows of the map, and each of them saw 3 rows of the photo.",
            9: "9 is the number of weights of one kernel; the question is how many rows a number sees.",
        },
        because=[
            "a number of the second map sees 3 rows of the first map",
            "the first and the last of these see one row more each: 3 + 2 = 5",
        ],
        form="4",
    )
    collapse_question
    return


@app.cell
def _(F, conv2d, later, np, photo, to_the_right):
    smooth = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32).reshape(1, 1, 3, 3) / 16

    dot = np.zeros((1, 1, 9, 9), np.float32)
    dot[0, 0, 4, 4] = 1  # one bright pixel shows what two layers do together
    one_kernel = conv2d(conv2d(dot, smooth), to_the_right)[:, :, ::-1, ::-1]

    two_layers = conv2d(conv2d(photo, smooth), to_the_right)
    one_layer = conv2d(photo, one_kernel)

    turned = -to_the_right  # the same, with ReLU between two layers that answer with both signs
    with_relu = conv2d(F.relu(conv2d(photo, to_the_right)), turned)
    without = conv2d(conv2d(photo, to_the_right), turned)
    later(
        f"the one kernel is {one_kernel.shape[2:]}:",
        one_kernel[0, 0],
        f"two layers against one, largest difference: {abs(two_layers - one_layer).max():.0e} (rounding)",
        f"with ReLU between two layers: {abs(with_relu - without).max():.1f}, and no single kernel gives that",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Without ReLU a hundred layers are one layer: sums of sums are sums. With it the network can say *this edge, but only where it is bright*. That is what
    the thrown-away numbers pay for.

    ## 3 · Dead filters

    A filter whose activation is 0 everywhere, on every photo, is **dead**. Can training wake it up? Training changes a weight by its gradient: how much
    the network's error changes when the weight does. On its way back the gradient passes ReLU:

    $$\text{grad}_x = \begin{cases} \text{grad}_y & x > 0 \\ 0 & x \le 0 \end{cases}$$
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    gradient_question = quiz.predict(
        "Three pre-activations are -2, 0 and 3. The gradients 7, 6 and 5 come back to the three activations. Three numbers come out of `relu_backward`; what is their sum?",
        answer=5,
        wrong={
            11: "You let the gradient through where x is 0: by agreement the slope there is 0, as in PyTorch.",
            18: "You let the whole gradient through: where x ≤ 0, y stays 0 whatever x does, so nothing comes back.",
            1: "You return the slope alone: by the chain rule it is multiplied by the gradient that came back.",
            15: "You multiply by max(x, 0): the derivative is 1 or 0, and not the value.",
            3: "You return the activation: the gradient that came back passes where x > 0.",
            7: "You let the gradient through on the negative side: it passes where x > 0.",
        },
        because=["x = -2: stopped, 0", "x = 0: stopped by agreement, 0", "x = 3: passes, 5", "0 + 0 + 5 = 5"],
        form="9",
    )
    gradient_question
    return


@app.cell
def _(F, conv2d, later, np, photo, to_the_right):
    by_hand = F.relu_backward(np.array([[[[7.0, 6, 5]]]]), np.array([[[[-2.0, 0, 3]]]]))

    filter_biases = np.array([0, -1, -9], np.float32)  # the third is far below what the filter can answer
    three_pre = conv2d(photo, np.repeat(to_the_right, 3, axis=0), filter_biases)
    passing = F.relu_backward(np.ones_like(three_pre), three_pre)
    later(
        f"{by_hand.ravel()}, together {by_hand.sum():g}",
        *[
            f"bias {b:g}: gradients pass at {(passing[0, k] != 0).sum():,} of {passing[0, k].size:,} places"
            for k, b in enumerate(filter_biases)
        ],
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    A dead filter gets no gradient at any place, so nothing that training does to it depends on the photos any more. One step that was too large can be
    enough to push a bias that low.

    ### Four of them in a trained network

    In lesson 03 four of EfficientNet-Lite0's first 32 filters were empty. Run the network on four photos and look behind its first ReLU. (It is a ReLU6,
    which also cuts off above 6.) `trace` counts what is dead in every map.
    """)
    return


@app.cell
def _(data, load, models, np, told, trace):
    import matplotlib.cbook

    hopper = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    four_photos = [load.image(each, **load.IMAGENET) for each in (hopper, data.astronaut(), data.coffee(), data.chelsea())]

    efficientnet = models.efficientnet_lite0(weights="pretrained")
    on_four = trace(efficientnet, np.concatenate(four_photos))
    dead = on_four["stem.relu6"].dead_channels
    told(
        f"dead on all four photos: {dead}; the largest numbers before ReLU: {on_four['stem.bn'].data[:, list(dead)].max(axis=(0, 2, 3)).round(1)}"
    )
    return dead, efficientnet, four_photos, on_four


@app.cell(hide_code=True)
def _(Figure, dead, efficientnet, show):
    def _draw():
        sizes = abs(efficientnet.nodes[0].layer.weight).max(axis=(1, 2, 3))
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        ax = figure.subplots()
        for k, size in enumerate(sizes):
            ax.plot(k, size, "x" if k in dead else "o", color="#D55E00" if k in dead else "#0072B2", markersize=8, markeredgewidth=2)
            if k in dead:
                ax.annotate(str(k), (k, size), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=11)
        ax.set(yscale="log", xlabel="filter of the first layer", ylabel="largest |weight|", ylim=(3e-12, 50))
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title("o: alive     x: dead on all four photos, with its number", fontsize=12, loc="left")
        return figure

    show.described(
        _draw(),
        f"The largest absolute weight of each of the 32 filters, on a logarithmic scale. 28 filters lie between about 0.1 and 10; the four dead ones, "
        f"{', '.join(map(str, dead))}, lie below a millionth.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The weights tell the likely story. Without a gradient one thing still acts on a filter: **weight decay**, which this network was trained with, and which makes
    every weight a little smaller at each step. Living filters are pulled back by their gradients; the dead ones shrank, step by step, until almost nothing was
    left. They still cost as much to compute as the others.

    Careful with the word. A channel that is 0 on one photo may wait for something that is not on it:
    """)
    return


@app.cell
def _(efficientnet, four_photos, on_four, told, trace):
    on_one = trace(efficientnet, four_photos[0])
    for_one, for_four = (len(each["block14.depthwise.relu6"].dead_channels) for each in (on_one, on_four))
    told(f"block14.depthwise: 0 everywhere on one photo: {for_one} of 1152 channels; on all four photos: {for_four}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 4 · Pooling: one number for each window

    Pooling slides a window like a convolution does, over **each channel on its own**, and has no weights: **max pooling** keeps the largest number,
    **average pooling** the mean. With stride 2 a map of 96×128 becomes 48×64. The third way to a smaller map is to keep the top left number of each window
    and to drop the others.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    factor = mo.ui.slider(steps=[1, 2, 4, 8, 16], value=4, label="window and stride", show_value=True)
    factor
    return (factor,)


@app.cell
def _(F, factor, photo, told):
    s = factor.value
    smaller = {
        f"top left of {s}×{s}": photo[:, :, ::s, ::s],
        f"average of {s}×{s}": F.avg_pool2d(photo, s, stride=s),
        f"largest of {s}×{s}": F.max_pool2d(photo, s, stride=s),
    }
    told(", ".join(f"{name}: {each.shape[2:]}" for name, each in smaller.items()))
    return (smaller,)


@app.cell(hide_code=True)
def _(Figure, factor, photo, show, smaller):
    def _draw():
        figure = Figure(figsize=(7, 5.4), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1)
        for ax, (name, one) in zip(figure.subplots(2, 2).flat, {"the photo": photo, **smaller}.items(), strict=True):
            ax.imshow(one[0, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            ax.set_title(name, fontsize=12)
            ax.axis("off")
        return figure

    show.described(
        _draw(),
        f"A photo of a man with a camera, and three smaller ones with window and stride {factor.value}. Keeping the top left number makes jagged outlines and "
        "loses thin things such as the tripod's legs by chance; averages are smooth; with the largest number bright things grow and dark thin things vanish.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Which one is best depends on what the numbers mean. On a photo the average looks right. On an **activation** the largest number says *the pattern was
    found somewhere in this window*, and that is what the next layer wants to know.

    Pooling also makes a map less sensitive to where exactly things are. Shift the photo by one column, and see how much the activations change:
    """)
    return


@app.cell
def _(F, conv2d, photo, to_the_right, told):
    edges = F.relu(conv2d(photo[..., 1:], to_the_right))
    shifted_edges = F.relu(conv2d(photo[..., :-1], to_the_right))  # the same, one column further left

    def changes(pooling):
        before, after = pooling(edges), pooling(shifted_edges)
        return f"{abs(after - before).mean() / before.mean():.0%}"

    told(
        f"no pooling        {changes(lambda x: x)}",
        f"top left of 4×4   {changes(lambda x: x[:, :, ::4, ::4])}",
        f"largest of 4×4    {changes(lambda x: F.max_pool2d(x, 4, stride=4))}",
        f"average of 4×4    {changes(lambda x: F.avg_pool2d(x, 4, stride=4))}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Less sensitive, and not insensitive: a shift by one column still changes a pooled map, and networks' answers do change with small shifts (Zhang 2019).

    What lies outside the photo? For a convolution it is 0. For a maximum that would be wrong.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    padding_question = quiz.predict(
        "A map has the rows -3 -1 and -2 -4. `max_pool2d` with kernel 3, stride 2 and padding 1 has one number for it. Which?",
        answer=-1,
        wrong={
            0: "You pad with 0, which wins against negative numbers: cells outside the map do not exist, and are never the largest.",
            -4: "You keep the number farthest from 0, or the smallest: the largest is meant with its sign, so -1 wins against -4.",
            1: "You take absolute values: the largest number is kept as it is, with its sign.",
        },
        because=[
            "floor((2 + 2 - 3) / 2) + 1 = 1 row and 1 column",
            "the window begins one row above and one column to the left, and holds all four numbers and five cells outside",
            "max(-3, -1, -2, -4) = -1",
        ],
        form="7",
    )
    padding_question
    return


@app.cell
def _(F, later, np):
    later(F.max_pool2d(np.array([[[[-3.0, -1], [-2, -4]]]]), 3, stride=2, padding=1).item())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### Step through it

    Convolution, ReLU and max pooling on the photo. The step begins at the largest number of the pooled map: see which cell of the window won, then follow
    it back with the button below the sum, through ReLU to the photo.
    """)
    return


@app.cell
def _(load, nn, photo, show, to_the_right, trace):
    small_net = nn.Sequential(nn.Conv2d.of(to_the_right), nn.ReLU(), nn.MaxPool2d(4))
    show.stepper(small_net, trace(small_net, photo), "pool1", photo=load.to_hwc(photo))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 5 · Trading space for depth

    A convolution with **stride 2** is the convolution with stride 1 of which every second row and column is kept, without computing the rest. Many networks
    use it in place of pooling. And when a map has half as many rows and columns, they make twice as many channels. Five such layers:
    """)
    return


@app.cell
def _(conv2d, describe, nn, np, photo, to_the_right, told):
    kept = conv2d(photo, to_the_right, padding=1)[:, :, ::2, ::2]
    the_same = np.array_equal(conv2d(photo, to_the_right, stride=2, padding=1), kept)

    # SHAPE_ONLY: no weights are drawn, since describe asks for shapes alone
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
    steps = [nn.Conv2d(c, k, 3, stride=2, padding=1, rng=nn.SHAPE_ONLY) for c, k in pairs]
    staircase = describe(nn.Sequential(*steps), (3, 224, 224))
    told(f"stride 2 against every second number of stride 1: {'the same' if the_same else 'different'}")
    return (staircase,)


@app.cell(hide_code=True)
def _(Figure, show, staircase):
    def _draw():
        from matplotlib.patches import Rectangle

        figure = Figure(figsize=(7.2, 3.9), layout="constrained")
        ax = figure.subplots()
        left = 0.0
        for row in staircase:
            channels, rows = row.shape[1:3]
            wide = 6 + channels / 8
            ax.add_patch(Rectangle((left, 0), wide, rows, facecolor="#cfe3f2", edgecolor="#0072B2", linewidth=1.5))
            ax.text(left + wide / 2, rows + 5, f"{channels}\n{rows}×{rows}", ha="center", va="bottom", fontsize=11)
            left += wide + 26
        ax.set(xlim=(-14, left - 12), ylim=(0, 275))
        ax.axis("off")
        ax.set_title("height: rows and columns      width: channels", fontsize=12, loc="left")
        return figure

    show.described(
        _draw(),
        "Six boxes, each lower and wider than the one before: "
        + ", ".join(f"{row.shape[1]} channels of {row.shape[2]}×{row.shape[3]}" for row in staircase)
        + ".",
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    values_question = quiz.predict(
        "From (128, 56, 56) to (256, 28, 28): how many numbers has the second map, compared with the first?",
        answer="half as many",
        choices=("a quarter", "half as many", "as many", "twice as many"),
        wrong={
            "a quarter": "You count the pixels only: there are a quarter as many, each with twice as many channels.",
            "as many": "Twice the channels do not make up for it: rows and columns are both halved, which makes a quarter of the pixels.",
            "twice as many": "You count the channels only: there are twice as many, on a quarter of the pixels.",
        },
        because=["128 · 56 · 56 = 401,408", "256 · 28 · 28 = 200,704", "2 · ½ · ½ = ½"],
    )
    values_question
    return


@app.cell(hide_code=True)
def _(quiz):
    cost_question = quiz.predict(
        "The layer that makes (128, 56, 56) from 64 channels costs 231 million multiply-adds. What does the next cost, which makes (256, 28, 28) from 128 channels? In millions:",
        answer=231,
        wrong={
            116: "You halve it with the map: each of its numbers is also a sum over twice as many input channels.",
            462: "You double it with the channels in and out, and then too little is taken away: there are a quarter as many pixels.",
            58: "You take the pixels only: a quarter as many, but twice as many channels come in and twice as many go out.",
            924: "You take the channels only: 2 · 2 = 4 times as much work at each pixel, but there are a quarter as many pixels.",
        },
        because=[
            "multiply-adds = channels in · channels out · 3 · 3 · rows · columns",
            "64 · 128 · 9 · 56 · 56 = 231,211,008",
            "128 · 256 · 9 · 28 · 28: 2 · 2 · ½ · ½ = 1 times as many",
        ],
        form="500",
    )
    cost_question
    return


@app.cell
def _(later, np, staircase):
    later(
        *[f"{row.shape[1:]!s:17} {np.prod(row.shape):>9,} numbers  {row.multiply_adds / 1e6:>5.0f} M multiply-adds" for row in staircase],
        f"the first layer makes {np.prod(staircase['conv1'].shape) / np.prod(staircase['x'].shape):.1f} times as many numbers as the photo has",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    So that is the bargain: half the numbers at each step, equal work at each step, and the question changes from *where exactly?* to *what?* At the end
    there are 1024 answers at 7×7 places.

    ## 6 · Too much, too early

    Strides early in a network are cheap: everything behind them is smaller. What if we shrink at once? Before our trained network sees the photo, replace every
    block of pixels by its mean, as a first layer with that stride would have to make do with:
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    block = mo.ui.slider(steps=[1, 2, 4, 8, 16], value=4, label="block", show_value=True)
    which = mo.ui.dropdown({"coffee": 2, "cat": 3}, value="coffee", label="photo")
    mo.vstack([block, which])
    return block, which


@app.cell
def _(F, block, efficientnet, four_photos, models, np, which):
    b = block.value
    coarse = F.avg_pool2d(four_photos[which.value], b, stride=b).repeat(b, axis=2).repeat(b, axis=3)  # 224×224 again
    probabilities = F.softmax(efficientnet(coarse), dim=1)[0]
    best = np.argsort(-probabilities)[:3]
    guesses = [(models.imagenet_classes()[n].split(",")[0], float(probabilities[n])) for n in best]
    return coarse, guesses


@app.cell(hide_code=True)
def _(Figure, block, coarse, guesses, load, show, which):
    def _draw():
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.imshow(load.to_hwc(coarse, mean=load.IMAGENET["mean"], std=load.IMAGENET["std"]).clip(0, 1))
        left.set_title(f"means of {block.value}×{block.value} pixels", fontsize=12)
        left.axis("off")
        bars = right.barh(range(3), [p for _, p in guesses], color="#0072B2")
        right.bar_label(bars, [f" {name} {p:.0%}" for name, p in guesses], fontsize=11)
        right.set(xlim=(0, 1.6), ylim=(2.6, -0.6), xticks=[], yticks=[])
        right.spines[["top", "right", "bottom"]].set_visible(False)
        right.set_title("the network's three best", fontsize=12)
        return figure

    show.described(
        _draw(),
        f"The photo ({which.selected_key}) in blocks of {block.value} by {block.value} pixels, and the network's three likeliest classes: "
        + ", ".join(f"{name} {p:.0%}" for name, p in guesses)
        + ".",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Read the experiment with care. This network was trained on sharp photos, so a part of the fall is surprise, and training with coarse ones would win some
    of it back. But two photos that are the same after averaging can be told apart by no later layer. That is why networks for photos shrink slowly at first:
    behind their first convolution ResNet, DenseNet, MobileNet and EfficientNet have gone down by 4 at most. AlexNet went down by 8, and Zeiler and Fergus (2014)
    found the damage in its maps and mended it with a smaller stride. The staircase's first layer makes more numbers than it gets, not fewer.

    ## 7 · Find the erratum

    From a handout, for an input of (3, 224, 224). One line is wrong.

    | line | layer | shape |
    |:--|:--|:--|
    | 1 | `Conv2d(3, 64, 7, stride=2, padding=3)` | 64×112×112 |
    | 2 | `MaxPool2d(3, stride=2)` | 64×56×56 |
    | 3 | `Conv2d(64, 128, 3, stride=2, padding=1)` | 128×28×28 |
    | 4 | `Conv2d(128, 256, 3, stride=2, padding=1)` | 256×14×14 |
    | 5 | `AvgPool2d(2)` | 256×7×7 |
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    erratum_question = quiz.predict(
        "Which line of the handout is wrong?",
        answer="line 2",
        choices=("line 1", "line 2", "line 3", "line 4", "line 5"),
        wrong={
            "line 1": "floor((224 + 6 - 7) / 2) + 1 = 112: this line is right.",
            "line 3": "floor((56 + 2 - 3) / 2) + 1 = 28: this line is right, and it hides the error, because 55 rows give 28 as well.",
            "line 4": "floor((28 + 2 - 3) / 2) + 1 = 14: this line is right.",
            "line 5": "floor((14 - 2) / 2) + 1 = 7: this line is right. The stride of pooling is the kernel's size unless it is given.",
        },
        because=[
            "line 2: floor((112 - 3) / 2) + 1 = 54 + 1 = 55, and not 56",
            "with padding=1, as in ResNet, it would be floor((112 + 2 - 3) / 2) + 1 = 56",
            "line 3 makes 28 of 55 and of 56, so the mistake does not show at the end",
        ],
    )
    erratum_question
    return


@app.cell
def _(describe, later, nn):
    handout = nn.Sequential(
        nn.Conv2d(3, 64, 7, stride=2, padding=3, rng=nn.SHAPE_ONLY),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 128, 3, stride=2, padding=1, rng=nn.SHAPE_ONLY),
        nn.Conv2d(128, 256, 3, stride=2, padding=1, rng=nn.SHAPE_ONLY),
        nn.AvgPool2d(2),
    )
    later(*[f"{row.name:6} {row.shape[1:]}" for row in describe(handout, (3, 224, 224))])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Summary

    - Pre-activation, then ReLU, then activation: negative numbers become 0 in their places, and the bias sets the threshold.
    - Without something like ReLU between them, two convolutions are one with a larger kernel.
    - The gradient passes ReLU where x > 0. A filter that is never above 0 gets none and stays dead; that it is 0 on one photo does not prove it.
    - Max pooling keeps the largest number of each window, average pooling the mean, each channel on its own; cells outside do not exist.
    - Half the rows and columns with twice the channels: half the numbers, the same work. Large strides at the very start lose what nothing behind can find again.

    ## Next

    - Lesson 05: what a number deep in the staircase sees of the photo. `minicnn lesson 05`
    - Assignment: `minicnn assignment start 03` (ReLU, its gradient, max and average pooling)
    - Practice: `minicnn quiz wrong_line`

    Sources: Nair & Hinton (2010), for ReLU; Lu et al., *Dying ReLU and Initialization* (2019); Zhang, *Making Convolutional Networks Shift-Invariant
    Again* (2019); Springenberg et al., *Striving for Simplicity* (2014), for strides in place of pooling; Zeiler & Fergus (2014), section 4.1, for a first
    stride that was too large.
    """)
    return


if __name__ == "__main__":
    app.run()
