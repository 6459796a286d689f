import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="06 A real network on your photo")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 06 · A real network on your photo

    *60 minutes. Needs lesson 05.*

    EfficientNet-Lite0 has 4,652,008 learned numbers and was trained on a million photos of 1000 kinds of things. You will run it on a photo, look at every map that it makes, and find out what may be said of them and what may not.

    After this lesson you can

    - **read a trace**: what early, middle and late maps hold, which statistics are healthy, and what `probe.doctor` can and cannot see;
    - tell a **high activation** from an **important** one, and a **picture** from an **explanation**, each by a measurement that could have come out otherwise;
    - say what **global average pooling** keeps, and use what is behind it, the **embedding**, to compare photos.
    """)
    return


@app.cell
def _():
    import matplotlib.cbook
    import numpy as np
    import skimage.data

    from minicnn import functional as F
    from minicnn import load, models, probe, quiz, show, trace
    from minicnn.errors import MinicnnError
    from minicnn.misconceptions import MISCONCEPTIONS

    return (
        F,
        MISCONCEPTIONS,
        MinicnnError,
        load,
        matplotlib,
        models,
        np,
        probe,
        quiz,
        show,
        skimage,
        trace,
    )


@app.cell(hide_code=True)
def _(show):
    later, said = show.later, show.said

    return later, said


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1 · A photo in, a thousand numbers out

    The photo is matplotlib's sample: Grace Hopper, in uniform, in front of a flag. It is resized to 256 pixels, cut to 224×224, and scaled by the mean and standard deviation of the photos that the network was trained on. `trace` runs the network and keeps every map.
    """)
    return


@app.cell
def _(load, matplotlib, models, trace):
    net = models.efficientnet_lite0(weights="pretrained")
    x = load.image(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), **load.IMAGENET)
    photo = load.to_hwc(x, load.IMAGENET["mean"], load.IMAGENET["std"])
    seen = trace(net, x)
    labels = [each.split(",")[0] for each in models.imagenet_classes()]
    return labels, net, photo, seen, x


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Out come 1000 **scores**, one for each label. Softmax turns them into probabilities: it takes e to the power of each and divides by the sum, so that they are positive and add up to 1.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    sure_question = quiz.predict(
        "The most likely label is 'military uniform'. With which probability?",
        answer="about 24 %",
        choices=("about 24 %", "about 60 %", "about 95 %"),
        wrong={
            "about 60 %": "You leave too little to the others. Several labels fit this photo, and softmax makes all 1000 share one whole.",
            "about 95 %": "What is clear to you need not be clear among 1000 labels: mortarboard, academic gown, bow tie and suit are labels too.",
        },
        because=[
            "p = e^score / (sum over all 1000 labels of e^score)",
            "military uniform .237, mortarboard .230, academic gown .204: three labels share two thirds",
        ],
    )
    sure_question
    return


@app.cell
def _(F, labels, later, np, seen):
    def likeliest(scores, count=5):
        """Return a line for each of the likeliest labels."""
        chances = F.softmax(scores, dim=1)[0]
        return [f"{chances[label]:6.1%}  {label:3}  {labels[label]}" for label in np.argsort(-chances)[:count]]

    later("\n".join(likeliest(seen["classifier"].data)))
    return (likeliest,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The likeliest label is right, and the network gives it less than one chance in four. The second is a hat that is not there. Keep that in mind for section 4: whatever we find to "explain" the answer explains a close race.

    ## 2 · Early, middle, late

    Below are six channels of three maps each: those that vary most over the photo (the largest standard deviation). What do you still recognise?
    """)
    return


@app.cell
def _(np):
    def liveliest(found, count):
        """Return the channels of a map that vary most from place to place, most of all first."""
        return np.argsort(-found.data[0].std(axis=(1, 2)))[:count]

    return (liveliest,)


@app.cell(hide_code=True)
def _(liveliest, photo, seen, show):
    def draw_three(rows):
        """Draw the photo and, for each map, its six liveliest channels, each on its own scale."""
        figure = show.Picture(figsize=(9, 5.6), dpi=120, facecolor="white")
        side = figure.add_axes((0.0, 0.36, 0.2, 0.33))
        side.imshow(photo)
        side.set_axis_off()
        side.set_title("the photo, 224×224", fontsize=9)
        for place, (words, name) in enumerate(rows):
            size, field = seen[name].shape[2], seen[name].field.size[0]
            for at, channel in enumerate(liveliest(seen[name], 6)):
                ax = figure.add_axes((0.225 + 0.13 * at, 0.68 - 0.325 * place, 0.122, 0.22))
                ax.imshow(seen[name].data[0, channel], cmap="viridis", interpolation="nearest")
                ax.set_axis_off()
                ax.set_title(f"channel {channel}", fontsize=8, pad=2)
            line = f"{words}: {name}, {seen[name].shape[1]} channels of {size}×{size}, a number is computed from {min(field, 224)}×{min(field, 224)} pixels"
            figure.text(0.225, 0.945 - 0.325 * place, line, fontsize=9, fontweight="bold")
        return show.described(
            figure,
            "The photo and three rows of six maps, bright where a number is large. Early: outlines and surfaces of the portrait, plainly recognisable. "
            "Middle: coarse squares in which glasses and collar can just be made out. Late: 7 by 7 cells with one bright area each, about where the head or the chest is; nothing can be recognised.",
        )

    draw_three([("Early", "stem.relu6"), ("Middle", "block5.expand.relu6"), ("Late", "head.relu6")])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Go through all 16 blocks and the head. Twelve channels are drawn of each, again those that vary most; the line above them says how much of the photo a number looks at, and how far apart neighbours look.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    depth_slider = mo.ui.slider(0, 16, value=3, label="block (16 is the head)", show_value=True)
    depth_slider
    return (depth_slider,)


@app.cell(hide_code=True)
def _(depth_slider, liveliest, np, seen, show):
    def name_at(depth):
        """Return the map of a block that the slider means: what its depthwise convolution makes, after ReLU6."""
        return "head.relu6" if depth == 16 else f"block{depth}.depthwise.relu6"

    def draw_channels(found, channels, who="Twelve channels"):
        """Draw channels of a map in a grid, each stretched, with words for who does not see it."""
        zeros = np.mean(found.data[0, channels] == 0)
        return show.described(
            show.map_grid(found, channels, scale="each"),
            f"{who} of {found.name}, {found.shape[2]} by {found.shape[3]} numbers each; {zeros:.0%} of the numbers drawn are zero. The deeper the block, the coarser.",
        )

    draw_channels(seen[name_at(depth_slider.value)], sorted(liveliest(seen[name_at(depth_slider.value)], 12)))
    return draw_channels, name_at


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Two things happen on the way. Places get fewer and each one sees more of the photo (lesson 05). And channels get **choosy**: fewer of them say anything at one place. How few?
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    zeros_question = quiz.predict(
        "Behind the first ReLU6, 33 % of all numbers are exactly 0. Behind the last one (`head.relu6`, 1280 channels), which share is 0 on this photo?",
        answer="about 87 %",
        choices=("about 5 %", "about 33 %", "about 87 %"),
        wrong={
            "about 5 %": "It goes the other way: the more special a channel is, the more often it has nothing to say.",
            "about 33 %": "That would be so if late channels were as general as early ones. An edge is everywhere; what a late channel waits for is rare.",
        },
        because=[
            "1000 labels need channels for cats, cups and rockets as well",
            "most of them are silent on a portrait: 87 % of the numbers are 0, and 332 of the 1280 channels are 0 everywhere",
        ],
    )
    zeros_question
    return


@app.cell
def _(later, seen):
    def row_of(found):
        """Return the statistics of a map in a line."""
        s = found.statistics
        silent = f"{len(s.dead_channels):3} of {found.shape[1]}"
        return f"{found.name:20} mean {s.mean:4.2f}  zeros {s.zeros:3.0%}  all-zero channels {silent}"

    later(
        "\n".join(
            row_of(seen[name])
            for name in ("stem.relu6", "block3.expand.relu6", "block5.expand.relu6", "block11.expand.relu6", "head.relu6")
        )
    )
    return (row_of,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 3 · Is it well?

    Are 332 silent channels a fault? One photo cannot tell: a channel for cats *should* be silent here. Ask more photos. `probe.embedding` averages each channel of the last map over its places, and such a mean is 0 only where the channel is 0 everywhere.
    """)
    return


@app.cell
def _(load, net, np, probe, said, skimage, x):
    names = ["Hopper", "astronaut", "coffee", "cat", "camera", "rocket"]
    others = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea(), skimage.data.camera(), skimage.data.rocket()]
    six = np.concatenate([x, *[load.image(each, **load.IMAGENET) for each in others]])
    features = probe.embedding(net, six)

    said(
        *[
            f"silent on the first {count} of the photos: {np.all(features.rows[:count] == 0, axis=0).sum():3} of 1280 channels"
            for count in range(1, 7)
        ]
    )
    return features, names


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Five more photos wake all but a few of the 332. "Dead" is a claim about *all* photos: each further photo can refute it, and none can prove it.

    `probe.doctor` asks fifteen such questions of a network and its trace: numbers that are not finite, dead channels, scales that explode or vanish, branches that do not meet. A finding says what was seen, what it probably means, and what to do. In the network as it is, it finds nothing.

    **Break it.** The slider adds a number to every bias of the first batch norm, just before the first ReLU6. In each direction, find the shift at which the doctor begins to speak, and read what it says. At which shift does the *answer* change: before that or after?
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    shift_slider = mo.ui.slider(-80, 40, step=5, value=0, label="added to the biases of stem.bn", show_value=True, debounce=True)
    shift_slider
    return (shift_slider,)


@app.cell
def _(likeliest, net, np, probe, row_of, said, shift_slider, trace, x):
    def shifted(amount):
        """Return the network with a number added to the biases of its first batch norm."""
        learned = net.parameters()
        return net.with_parameters({**learned, "stem.bn.bias": learned["stem.bn.bias"] + np.float32(amount)})

    def examined(network, photo):
        """Return the likeliest label, the statistics of the first activation, and what the doctor says."""
        found = trace(network, photo)
        findings = probe.doctor(network, found).findings
        answer = f"answer: {likeliest(found['classifier'].data, 1)[0]}"
        return answer, row_of(found["stem.relu6"]), *(findings or ["The doctor finds nothing."])

    said(*examined(shifted(shift_slider.value), x))
    return (examined,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    And a mistake that everybody makes once.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    doctor_question = quiz.predict(
        "You forget to scale the photo: its pixels go in as 0 to 255, where the network was trained on about −2 to 2. What does the doctor find?",
        answer="nothing",
        choices=("exploding scale", "dead channels", "nothing", "not a number"),
        wrong={
            "exploding scale": "A good thought: it is what unscaled pixels often do. Here every block has ReLU6, which cuts at 6, so nothing can grow from block to block.",
            "dead channels": "Larger pixels make larger sums of both signs: some channels are cut at 0, others at 6. Most still vary from place to place.",
            "not a number": "255 is far from the end of float32, 3·10³⁸.",
        },
        because=[
            "ReLU6 keeps every activation between 0 and 6, whatever comes in",
            "each map looks as maps look; only what they say is wrong",
        ],
    )
    doctor_question
    return


@app.cell
def _(examined, later, load, matplotlib, net):
    raw = load.image(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), resize=256, crop=224) * 255
    later(*examined(net, raw))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **No finding is no proof of health.** The doctor knows numbers, not photos; that the answer is nonsense, only you can see. Always look at what comes out for a photo whose label you know.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 4 · What may be read into a map

    ### A high activation is not importance

    The last steps of the network are few and simple: each of the 1280 channels is averaged over its 49 places, which gives 1280 numbers *f*, and the score of a label is a weighted sum of them:

    $$
    \text{score}_\ell = b_\ell + \sum_{k=1}^{1280} w_{\ell,k}\, f_k
    $$

    So a channel's **contribution** to a label is known exactly: it is *w·f*. The step viewer below begins at the largest number of one channel, 684. Step through it; then choose `classifier` under *Maps*, feature 652, and the viewer writes out the sum for 'military uniform', product by product.
    """)
    return


@app.cell
def _(net, photo, seen, show):
    show.stepper(net, seen, "head.conv", 684, photo=photo)
    return


@app.cell
def _(net, said, seen):
    f = seen["head.relu6"].data[0].mean(axis=(1, 2))
    w, b = net.parameters()["classifier.weight"], net.parameters()["classifier.bias"]
    contribution = w[652] * f
    said(
        f"sum of the contributions + bias: {contribution.sum() + b[652]:.4f}",
        f"the network's own score:         {seen['classifier'].data[0, 652]:.4f}",
        f"most active: channel {f.argmax()}, f = {f.max():.2f}",
    )
    return b, contribution, f, w


@app.cell(hide_code=True)
def _(quiz):
    removed_question = quiz.predict(
        "Channel 1042 is the most active of all 1280: its mean is the largest. Set it to 0 and compute the scores again. What happens to the 23.7 % of 'military uniform'?",
        answer="rises a little",
        choices=("falls below 10 %", "falls a little", "rises a little"),
        wrong={
            "falls below 10 %": "You take activation for importance. What counts is w·f, and for all labels at once: softmax compares.",
            "falls a little": "Its score does fall, by w·f = 0.22. But the scores of its rivals fall by more, and probabilities share one whole.",
        },
        because=[
            "the score falls from 8.70 to 8.48",
            "the same channel speaks for rivals too, and they lose more",
            "p rises from 23.7 % to 24.1 %",
        ],
    )
    removed_question
    return


@app.cell
def _(F, b, f, later, w):
    def chance_without(*channels):
        """Return the probability of 'military uniform' with some channels set to 0."""
        kept = f.copy()
        kept[list(channels)] = 0
        return F.softmax((w @ kept + b)[None], dim=1)[0, 652]

    later(
        f"all channels:                          {chance_without():.1%}",
        f"without 1042, the most active:         {chance_without(1042):.1%}",
        f"without 684, which contributes most:   {chance_without(684):.1%}",
        f"without 917, which speaks against it:  {chance_without(917):.1%}",
    )
    return (chance_without,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Every channel as a point: how active it is, and what it contributes. If activity were importance, the points would lie on a line. The slider takes the channels in the order of their activity; see what each one is worth.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    rank_slider = mo.ui.slider(1, 60, value=1, label="the n-th most active channel", show_value=True)
    rank_slider
    return (rank_slider,)


@app.cell(hide_code=True)
def _(chance_without, contribution, f, np, rank_slider, show):
    def draw_contributions(rank):
        """Draw activity and contribution of all channels, three named ones and the chosen one marked."""
        chosen = int(np.argsort(-f)[rank - 1])
        figure = show.Picture(figsize=(9, 4.6), dpi=120, facecolor="white")
        ax = figure.add_axes((0.09, 0.12, 0.89, 0.74))
        ax.axhline(0, color="#8c8c8c", linewidth=0.8)
        ax.plot(f, contribution, ".", color="#8c8c8c", markersize=4)
        for channel, words, offset in (
            (1042, "1042, most active", (-8, 12)),
            (684, "684, contributes most", (8, 0)),
            (917, "917, most against", (8, -4)),
        ):
            ax.plot(f[channel], contribution[channel], "s", color="#222222", markersize=6)
            side = "right" if offset[0] < 0 else "left"
            ax.annotate(
                words, (f[channel], contribution[channel]), xytext=offset, textcoords="offset points", fontsize=9, va="center", ha=side
            )
        ax.plot(f[chosen], contribution[chosen], "o", markersize=14, markerfacecolor="none", markeredgecolor="#D55E00", markeredgewidth=2.2)
        ax.set_xlim(-0.08, 4.35)
        ax.set_xlabel("how active: f, the channel's mean", fontsize=10)
        ax.set_ylabel("what it contributes: w·f", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
        told = f"Circled: channel {chosen}, number {rank} by activity. Without it: {chance_without(chosen):.1%} in place of {chance_without():.1%}."
        figure.text(0.01, 0.93, told, fontsize=11, fontweight="bold")
        return show.described(
            figure,
            f"1280 points, activity to the right, contribution upwards. They fan out to both sides of zero: many active channels contribute little or speak against the label. {told}",
        )

    draw_contributions(rank_slider.value)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### A picture is not an explanation

    There are many ways to colour the pixels that "led to" an answer. **Guided backpropagation** is a popular one: it walks from a score back to the pixels and keeps, at every ReLU, only what is positive. Its pictures are crisp and look like reasons.

    So let us ask it something silly: *why is this an espresso?*
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    silly_question = quiz.predict(
        "Rank all 50,176 pixels by the guided picture for 'military uniform', and again by the one for 'espresso' (probability: practically 0). How do the two orders correlate? (1: the same order, 0: nothing to do with each other)",
        answer="above 0.99",
        choices=("about 0", "about 0.5", "above 0.99"),
        wrong={
            "about 0": "That is what an explanation of two different answers should give. Measure it before you trust it.",
            "about 0.5": "That is about what the plain gradient gives. The guided one changes less still.",
        },
        because=[
            "what passes a guided ReLU depends on the photo and hardly on the question",
            "so the picture shows edges that the network can see, whatever it was asked about",
        ],
    )
    silly_question
    return


@app.cell
def _(net, np, probe, seen):
    def order(picture):
        """Return the rank of each pixel."""
        return picture.ravel().argsort().argsort()

    def agreement(guided):
        """Return the rank correlation between the pictures for 'military uniform' (652) and 'espresso' (967)."""
        one, other = (probe.saliency(net, seen, label, guided=guided).map for label in (652, 967))
        return np.corrcoef(order(one), order(other))[0, 1], one, other

    guided_agreement, uniform_picture, espresso_picture = agreement(guided=True)
    plain_agreement, _, _ = agreement(guided=False)
    return espresso_picture, guided_agreement, plain_agreement, uniform_picture


@app.cell(hide_code=True)
def _(
    espresso_picture,
    guided_agreement,
    later,
    np,
    photo,
    plain_agreement,
    show,
    uniform_picture,
):
    def draw_pictures():
        """Draw the two guided pictures side by side."""
        figure = show.Picture(figsize=(9, 3.5), dpi=120, facecolor="white")
        panels = ((photo, "the photo"), (uniform_picture, "why 'military uniform'? (24 %)"), (espresso_picture, "why 'espresso'? (0 %)"))
        for place, (picture, words) in enumerate(panels):
            ax = figure.add_axes((0.01 + 0.33 * place, 0.01, 0.32, 0.86))
            ax.imshow(picture, cmap="gray_r", vmax=None if place == 0 else np.quantile(picture, 0.995))
            ax.set_axis_off()
            ax.set_title(words, fontsize=10)
        return show.described(
            figure,
            "The photo and two pictures of dark edges: face, collar, buttons and hat. The picture for military uniform and that for espresso can hardly be told apart.",
        )

    later(f"guided backpropagation: {guided_agreement:.3f}", f"plain gradient:         {plain_agreement:.3f}", draw_pictures())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The picture is real: those edges do act on the network. It is no answer to *why this label and not another*. Adebayo and others (2018) made this a test: **a picture that does not change when the question, or the weights, change cannot explain them.**

    ### What is better: a claim that can fail

    "The network looks at the hat" predicts that hiding the hat makes the probability fall. So hide it. Say first, aloud, where a grey square of 64×64 pixels will hurt most, and whether it can *help* anywhere.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    hide_row = mo.ui.slider(0, 160, step=16, value=0, label="first row of the square", show_value=True)
    hide_column = mo.ui.slider(0, 160, step=16, value=80, label="first column of the square", show_value=True)
    mo.vstack([hide_row, hide_column])
    return hide_column, hide_row


@app.cell
def _(hide_column, hide_row, net, x):
    hidden = x.copy()
    hidden[:, :, hide_row.value : hide_row.value + 64, hide_column.value : hide_column.value + 64] = 0  # 0 is the mean colour
    hidden_scores = net(hidden)
    return hidden, hidden_scores


@app.cell(hide_code=True)
def _(
    F,
    chance_without,
    hidden,
    hidden_scores,
    hide_column,
    hide_row,
    labels,
    load,
    np,
    show,
):
    def draw_hidden():
        """Draw the photo with the square and the likeliest labels beside it."""
        chances = F.softmax(hidden_scores, dim=1)[0]
        top = np.argsort(-chances)[:5]
        figure = show.Picture(figsize=(9, 3.3), dpi=120, facecolor="white")
        left = figure.add_axes((0.0, 0.02, 0.33, 0.86))
        left.imshow(load.to_hwc(hidden, load.IMAGENET["mean"], load.IMAGENET["std"]))
        left.set_axis_off()
        right = figure.add_axes((0.56, 0.06, 0.38, 0.78))
        right.barh(range(5), chances[top], color="#0072B2")
        for place, label in enumerate(top):
            right.text(chances[label] + 0.005, place, f"{chances[label]:.1%}", va="center", fontsize=9)
        right.set_yticks(range(5), [labels[label] for label in top], fontsize=9)
        right.invert_yaxis()
        right.set_xlim(0, max(0.4, chances.max() * 1.2))
        right.set_xticks([])
        right.spines[["top", "right", "bottom"]].set_visible(False)
        told = f"'military uniform': {chances[652]:.1%} with the square, {chance_without():.1%} without it"
        figure.text(0.01, 0.92, told, fontsize=11, fontweight="bold")
        likely = ", ".join(f"{labels[label]} {chances[label]:.1%}" for label in top)
        return show.described(
            figure,
            f"The photo with a grey square at row {hide_row.value}, column {hide_column.value}, and bars of the five likeliest labels: {likely}. {told}.",
        )

    draw_hidden()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Now all 25 places of a grid, 40 pixels apart, in batches of five photos. (`probe.occlusion` does the same for fine grids.)
    """)
    return


@app.cell
def _(F, net, np, x):
    corners = [(row, column) for row in range(0, 161, 40) for column in range(0, 161, 40)]
    covered = np.repeat(x, 25, axis=0)
    for _photo, (_row, _column) in zip(covered, corners, strict=True):
        _photo[:, _row : _row + 64, _column : _column + 64] = 0
    left_over = np.concatenate([F.softmax(net(part), dim=1)[:, 652] for part in np.split(covered, 5)])
    return corners, left_over


@app.cell(hide_code=True)
def _(chance_without, corners, left_over, np, photo, show):
    def draw_falls():
        """Draw the photo, paler, with what is left of the probability written where the middle of each square was."""
        figure = show.Picture(figsize=(6.4, 6.0), dpi=120, facecolor="white")
        ax = figure.add_axes((0.01, 0.01, 0.98, 0.9))
        ax.imshow(0.55 + 0.45 * photo)
        ax.set_axis_off()
        whole = chance_without()
        for (row, column), left in zip(corners, left_over, strict=True):
            look = {
                "boxstyle": "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": "#D55E00" if left < whole else "#0072B2",
                "linewidth": 1.5,
            }
            sign = "▼" if left < whole else "▲"
            ax.text(column + 32, row + 32, f"{sign} {left:.1%}", fontsize=10, ha="center", va="center", bbox=look)
        least, most = left_over.argmin(), left_over.argmax()
        told = f"'military uniform' with a square there; without any: {whole:.1%}"
        figure.text(0.01, 0.94, told, fontsize=11, fontweight="bold")
        return show.described(
            figure,
            f"The photo with 25 numbers on it: {told}. It falls (▼) at {np.sum(left_over < whole)} places, most of all to {left_over[least]:.1%} with the square's corner "
            f"at row {corners[least][0]}, column {corners[least][1]}, and rises (▲) at {np.sum(left_over > whole)}, to {left_over[most]:.1%} "
            f"at row {corners[most][0]}, column {corners[most][1]}.",
        )

    draw_falls()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    This is an experiment, not a portrait of the network's thoughts: a grey square is itself something that the network has never seen, and two places that matter only *together* are missed. But it could have come out otherwise, and that is what makes it evidence.

    ## 5 · Global average pooling, and the embedding

    Between the last map and the scores stands one step: **global average pooling**, the mean of each channel over all its places.
    """)
    return


@app.cell(hide_code=True)
def _(MISCONCEPTIONS, np):
    last_map = np.zeros((1, 1280, 7, 7), np.float32)
    pooled_wrongly = {}
    for _each in MISCONCEPTIONS["global_avg_pool2d"]:
        _shape = _each(last_map).shape
        if _shape != (1, 1280) and len(_shape) > 1:
            pooled_wrongly.setdefault(_shape, _each.says)
    return (pooled_wrongly,)


@app.cell(hide_code=True)
def _(pooled_wrongly, quiz):
    pooling_question = quiz.predict(
        "Which shape has what comes out for the map (1, 1280, 7, 7), before the last layer?",
        answer=(1, 1280),
        wrong={**pooled_wrongly, (1, 62720): "That is flattening: it keeps every place, and 1280·49 numbers. Here each channel keeps one."},
        because=["one number for each channel, the mean over 7·7 places: (1, 1280)"],
        form="(2, 64)",
    )
    pooling_question
    return


@app.cell
def _(later, np, seen):
    later(
        f"the network's own: {seen['flatten'].shape}",
        f"map.mean(axis=(2, 3)) is the same: {np.allclose(seen['head.relu6'].data.mean(axis=(2, 3)), seen['flatten'].data, atol=1e-5)}",
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    shuffle_question = quiz.predict(
        "Shuffle the 49 places of the last map, the same way in all channels, so that what stood at the top left may stand in the middle. How many of the 1000 scores change (by more than rounding)?",
        answer=0,
        wrong={
            1000: "A mean does not depend on the order of what it averages: 1280 means stay, and so do all scores.",
            49: "49 places move, but the scores are computed from the means of channels, which stay.",
            1280: "There are 1000 scores. And the 1280 means stay: a mean does not depend on order.",
        },
        because=["a mean does not depend on order, so f stays", "score = b + Σ w·f stays too"],
    )
    shuffle_question
    return


@app.cell
def _(b, later, np, seen, w):
    shuffled = seen["head.relu6"].data.reshape(1, 1280, 49)[:, :, np.random.default_rng(0).permutation(49)]
    new_scores = shuffled.mean(axis=2) @ w.T + b
    later(
        f"scores that change: {np.sum(~np.isclose(new_scores, seen['classifier'].data, atol=1e-3))}",
        f"largest difference: {np.abs(new_scores - seen['classifier'].data).max():.1g}",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    *What* was found is kept and *where* is let go, as far as the last map is concerned. (Earlier layers did use places: turn the photo upside down and see.)

    The 1280 means are the photo's **embedding**: 1280 numbers in place of 150,528, made so that a weighted sum can tell labels apart. Photos whose embeddings point the same way are alike *to this network*. The usual measure is the cosine of the angle between them: 1 is the same direction, 0 is a right angle.

    Before you look: which of the other five is nearest to Hopper?
    """)
    return


@app.cell
def _(features, net, np, probe, x):
    mirrored = probe.embedding(net, x[..., ::-1].copy())
    turned = probe.embedding(net, x[..., ::-1, :].copy())
    everything = np.concatenate([features.rows, mirrored.rows, turned.rows])
    nearest = probe.neighbours(everything, features.rows[0], k=8)
    return everything, nearest


@app.cell(hide_code=True)
def _(everything, later, names, nearest, np, show):
    every_name = [*names, "Hopper, mirrored", "Hopper, upside down"]
    directions = everything / np.linalg.norm(everything, axis=1, keepdims=True)

    def draw_cosines(cosines):
        """Draw the cosines between all photos as a table with numbers."""
        figure = show.Picture(figsize=(9, 4.9), dpi=120, facecolor="white")
        ax = figure.add_axes((0.2, 0.02, 0.66, 0.72))
        ax.imshow(cosines, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*cosines.shape):
            ax.text(
                column,
                row,
                f"{cosines[row, column]:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if cosines[row, column] > 0.6 else "#222222",
            )
        ax.set_xticks(range(8), every_name, fontsize=9, rotation=35, ha="left")
        ax.xaxis.tick_top()
        ax.set_yticks(range(8), every_name, fontsize=9)
        ax.set_aspect("auto")
        ax.tick_params(length=0)
        listed = ", ".join(
            f"{every_name[at]} {cosine:.2f}" for at, cosine in zip(nearest.indices[0][1:], nearest.cosines[0][1:], strict=True)
        )
        return show.described(figure, f"A table of cosines between eight photos, 1 on the diagonal. Nearest to Hopper: {listed}.")

    later(draw_cosines(directions @ directions.T))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The other portrait in front of a flag is nearest of the five, and the mirrored photo is almost the same to the network. The one that is upside down is further away: as a rule, photos are mirrored at random in training, and not turned over.

    ## 6 · Find the erratum

    A report on this network says under a figure:

    > (A) On this photo, channel 1042 of the last map has the largest mean of all 1280 channels. (B) The network therefore decides for 'military uniform' mainly because of channel 1042. (C) Where in the 7×7 map the channel was active makes no difference to the scores. (D) 332 of the channels are zero at all 49 places of this photo, which does not show that they are dead.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    erratum_question = quiz.predict(
        "Which sentence do our measurements contradict?",
        answer="B",
        choices=("A", "B", "C", "D"),
        wrong={
            "A": "We measured it: f.argmax() is 1042.",
            "C": "Surprising, and right: the scores are computed from means over the places.",
            "D": "Right: on the six photos together far fewer were silent. Dead is a claim about all photos.",
        },
        because=[
            "'therefore' leads from activity to importance",
            "without channel 1042 the probability rises, from 23.7 % to 24.1 %",
            "without channel 684 it falls to 14.5 %",
        ],
    )
    erratum_question
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 7 · Now yours

    Choose a photo of your own (JPEG or PNG; only this lesson's own Python sees it). Before you open what the engine says: write down the label that you expect, and how sure the network will be. The slider of section 2 chooses the map.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    upload = mo.ui.file(filetypes=["image/*"], label="your photo", max_size=50_000_000) if hasattr(mo.ui, "file") else None
    upload
    return (upload,)


@app.cell
def _():
    my_photo = None  # or a path: "holiday.jpg"
    return (my_photo,)


@app.cell(hide_code=True)
def _(
    MinicnnError,
    depth_slider,
    draw_channels,
    later,
    likeliest,
    liveliest,
    load,
    mo,
    my_photo,
    name_at,
    net,
    trace,
    upload,
):
    def yours(content):
        """Return what the network says of a photo's bytes, or the sentence that says why it cannot."""
        try:
            own = load.image(content, **load.IMAGENET)
        except (MinicnnError, OSError) as error:
            return later(f"This could not be read as a photo. {error}")
        found = trace(net, own)
        name = name_at(depth_slider.value)
        channels = sorted(liveliest(found[name], 12))
        return later("\n".join(likeliest(found["classifier"].data)), draw_channels(found[name], channels, "Twelve channels of your photo:"))

    chosen_photo = upload.value[0].contents if upload is not None and upload.value else my_photo
    yours(chosen_photo) if chosen_photo else mo.md("*No photo yet.*")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Three experiments that take a minute each: the same thing photographed from two sides; the thing in front of another background; the photo, and the photo upside down. Which of your expectations failed?

    ## What you know now

    - **Early** maps show where edges and colours are, **late** ones whether something was found; late channels are choosy, so most numbers are 0. On one photo that is health, not death.
    - The **doctor** finds faults in numbers. That it finds nothing proves nothing: check an answer that you know.
    - **Activation is not importance.** For the last layer the contribution is w·f, exactly, and softmax compares all labels.
    - **A picture is not an explanation.** Ask whether it changes with the question; then make a prediction that can fail, and hide something.
    - **Global average pooling** keeps what and lets go of where. Behind it is the **embedding**, in which nearness is likeness to the network.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Next

    **Practise:** the third function of `minicnn assignment start 04` is `global_avg_pool2d`; `minicnn assignment start 05` asks for the gradient that the pictures of section 4 are made of. `minicnn quiz` without a topic asks about everything so far.

    Lesson 07 asks what all these maps weigh, and how they lie in memory (`minicnn lesson 07`).

    *Sources: M. Tan, Q. Le, "EfficientNet", 2019. K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2014. J. Springenberg and others, "Striving for Simplicity", 2015 (guided backpropagation). J. Adebayo and others, "Sanity Checks for Saliency Maps", 2018. M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014 (hiding). M. Lin, Q. Chen, S. Yan, "Network in Network", 2014 (global average pooling). Photos: Grace Hopper, U.S. Navy, in matplotlib; the others in scikit-image.*
    """)
    return


if __name__ == "__main__":
    app.run()
