import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="07 Memory, cost and layout")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 07 · Memory, cost and layout

    A feature map is numbers in memory. This lesson counts them, finds out why training needs so many more of them than
    a prediction does, and then looks at the order in which they lie, which decides how fast they can be read.

    **You will be able to**

    - say, from shapes alone, how many bytes and multiply-adds a layer takes, and find a published table that is wrong;
    - explain why training keeps the maps that a prediction lets go, and what im2col adds;
    - read strides, tell a view from a copy and NCHW from NHWC, and predict which loop over memory is slow.

    About 55 minutes. You need lesson 02 (shapes) and lesson 03 (channels).
    """)
    return


@app.cell
def _():
    import time

    import matplotlib.cbook
    import numpy as np
    import skimage.data
    from matplotlib.figure import Figure

    from minicnn import Window, choose_algorithm, describe, load, models, nn, probe, quiz, show, trace
    from minicnn import functional as F

    return (
        F,
        Figure,
        Window,
        choose_algorithm,
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
    ## 1 · A map has a weight

    A batch of maps is an array with four axes, **BCHW** in papers and **NCHW** in libraries: images, channels, rows, columns.
    A `float32` takes 4 bytes, so

        bytes = N · C · H · W · 4

    and nothing has to be computed to know it. 1 MB is 10⁶ bytes here.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    map_question = quiz.predict(
        "A map of shape [32, 128, 56, 56] in float32: how many MB?",
        answer=51.4,
        wrong={
            12.8: "That many millions of values. Each float32 takes 4 bytes.",
            1.6: "That is one image. The batch has 32.",
            102.8: "That is float64, 8 bytes a value.",
            0.4: "That many millions of values in one image: times 32 images, times 4 bytes.",
            49.0: "Right in MiB, of 1,048,576 bytes. The question is in MB, of 1,000,000.",
        },
        because=["32 · 128 · 56 · 56 = 12,845,056 values", "12,845,056 · 4 bytes = 51,380,224 bytes = 51.4 MB"],
        form="12.3",
    )
    map_question
    return


@app.cell
def _(describe, later, nn):
    one_map = describe(nn.Sequential(nn.ReLU()), (32, 128, 56, 56))["relu1"]
    later(f"{one_map.shape}: {one_map.bytes:,} bytes, {one_map.bytes / 1e6:.1f} MB")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Work is counted the same way. Every output number of a convolution is a sum of C · R · S products (C input channels, a kernel of R × S),
    and there are N · K · P · Q output numbers (K filters, P × Q positions). A product and its addition are one **multiply-add**:

        multiply-adds = N · K · P · Q · C · R · S

    Papers that write "FLOPs" often mean this number, sometimes twice it. Ask which.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    work_question = quiz.predict(
        "Conv2d(64, 128, kernel_size=3, padding=1) on one map of 64×56×56: how many millions of multiply-adds? Round to a whole number.",
        answer=231,
        wrong={
            4: "Each output sums over all 64 input channels, not over one.",
            26: "That is a 1×1 kernel. A 3×3 kernel has nine products for each channel.",
            462: "That counts the product and the addition separately. Together they are one multiply-add.",
            116: "That is 64 filters. This layer has 128.",
        },
        because=[
            "outputs: 128 · 56 · 56 = 401,408 (padding 1 keeps 56)",
            "products for each: 64 · 3 · 3 = 576",
            "401,408 · 576 = 231,211,008, about 231 million",
        ],
        form="123",
    )
    work_question
    return


@app.cell
def _(describe, later, nn):
    later(describe(nn.Sequential(nn.Conv2d(64, 128, 3, padding=1)), (64, 56, 56)))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2 · Where memory is, and where time goes

    VGG16 (Simonyan and Zisserman, 2014) is thirteen 3×3 convolutions in five blocks and three linear layers. Before each new block pooling halves
    both sides of the map; in the first four blocks the channels double. Three things can be counted for each block, and they do not lie in the same place.

    **Move the slider** and watch which of the three grows with the photo, and which does not.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    side = mo.ui.slider(start=96, stop=448, step=32, value=224, label="photo, pixels a side", show_value=True)
    side
    return (side,)


@app.cell
def _(describe, models, nn, side, told):
    vgg = models.vgg16(rng=nn.SHAPE_ONLY)
    vgg_facts = describe(vgg, (3, side.value, side.value))
    told(
        f"{side.value}×{side.value} pixels:",
        f"  maps           {vgg_facts.bytes / 1e6:10,.1f} million bytes",
        f"  multiply-adds  {vgg_facts.multiply_adds / 1e6:10,.1f} million",
        f"  parameters     {vgg_facts.parameters / 1e6:10,.1f} million",
    )
    return vgg, vgg_facts


@app.cell(hide_code=True)
def _(Figure, show, side, vgg_facts):
    def blocks_of(facts):
        """Return {block: (bytes, multiply-adds, parameters)}, a block ending with its pooling."""
        found, block = {}, 1
        for row in facts:
            if row.layer is None:
                continue
            name = "linear" if row.name.startswith(("avgpool", "flatten", "classifier")) else f"block {block}"
            old = found.get(name, (0, 0, 0))
            found[name] = (old[0] + row.bytes, old[1] + row.multiply_adds, old[2] + row.parameters)
            block += type(row.layer).__name__ == "MaxPool2d"
        return found

    def draw_blocks(found):
        figure = Figure(figsize=(7.6, 3.1), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        units = ("bytes of maps (MB)", 1e6), ("multiply-adds (10⁹)", 1e9), ("parameters (10⁶)", 1e6)
        for k, (panel, (title, unit), colour, hatch) in enumerate(
            zip(panels, units, ("#0072B2", "#D55E00", "#009E73"), ("", "//", ".."), strict=True)
        ):
            sizes = [row[k] / unit for row in found.values()]
            bars = panel.barh(list(found), sizes, color=colour, hatch=hatch, edgecolor="white")
            panel.bar_label(bars, [f"{size:.3g}" for size in sizes], padding=3, fontsize=8)
            panel.set_title(title, fontsize=9, loc="left")
            panel.set_xlim(0, 1.3 * max(sizes))
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(labelsize=8)
        panels[0].invert_yaxis()
        return figure

    vgg_blocks = blocks_of(vgg_facts)
    most = [max(vgg_blocks, key=lambda name, k=k: vgg_blocks[name][k]) for k in range(3)]
    show.described(
        draw_blocks(vgg_blocks),
        f"VGG16 on {side.value}×{side.value} pixels, block by block. Most bytes of maps are in {most[0]}, most multiply-adds in {most[1]}, "
        f"most parameters in the {most[2]} layers.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Maps are large **early**, where they have many positions. Parameters are many **late**, where layers are wide. Work sits
    in the **middle**: when both sides halve and the channels double, there are a quarter of the positions and four times the products for each.
    Twice the side is four times the maps and the multiply-adds of every convolution. Parameters do not know how large the photo is.

    ## 3 · Find the erratum

    This is the memory column for VGG16 from the notes of a well-known course (CS231n, "VGGNet in detail"). It lists how many
    values each map has, for one photo of 224×224. It ends with a total.

        INPUT      224·224·3    150K        CONV3-512   28·28·512    400K
        CONV3-64   224·224·64   3.2M        CONV3-512   28·28·512    400K
        CONV3-64   224·224·64   3.2M        CONV3-512   28·28·512    400K
        POOL2      112·112·64   800K        POOL2       14·14·512    100K
        CONV3-128  112·112·128  1.6M        CONV3-512   14·14·512    100K
        CONV3-128  112·112·128  1.6M        CONV3-512   14·14·512    100K
        POOL2      56·56·128    400K        CONV3-512   14·14·512    100K
        CONV3-256  56·56·256    800K        POOL2       7·7·512      25K
        CONV3-256  56·56·256    800K        FC                       4096
        CONV3-256  56·56·256    800K        FC                       4096
        POOL2      28·28·256    200K        FC                       1000

        TOTAL memory: 24M · 4 bytes ≈ 93 MB for each image

    Every line is right. Do not trust the last one because it is printed: add.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    table_question = quiz.predict(
        "What does the column add up to, in millions of values? One decimal; add the lines as they are printed.",
        answer=15.2,
        wrong={
            24.0: "That is the printed total. The two largest lines are 3.2 million each; can the rest make up 17.6?",
            23.3: "That is 93 MB divided by 4: the printed total again. Add the lines.",
            6.4: "Those are the two largest lines. The others are smaller, but many.",
            61.0: "Those are MB. The question is in millions of values.",
            15.0: "Nearly: the input is a map too, 150K values.",
        },
        because=[
            "block 1: 3.2 + 3.2 + 0.8 = 7.2      block 2: 1.6 + 1.6 + 0.4 = 3.6      block 3: 3 · 0.8 + 0.2 = 2.6",
            "block 4: 3 · 0.4 + 0.1 = 1.3        block 5: 3 · 0.1 + 0.025 = 0.3      input and linear: 0.15 + 0.01",
            "together 15.2 million values, 61 MB at 4 bytes: neither 24M nor 93 MB",
        ],
        form="12.3",
    )
    table_question
    return


@app.cell
def _(describe, later, np, vgg):
    own_maps = [row for row in describe(vgg, (3, 224, 224)) if type(row.layer).__name__ in ("NoneType", "Conv2d", "MaxPool2d", "Linear")]
    values = sum(int(np.prod(row.shape)) for row in own_maps)
    everything = describe(vgg, (3, 224, 224)).bytes
    later(
        f"{len(own_maps)} lines, {values:,} values, {4 * values / 1e6:.1f} MB",
        f"with the maps of ReLU, dropout and flattening: {everything // 4:,} values, {everything / 1e6:.1f} MB",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Neither count gives 24 million. Readers asked about it in 2016 (issue 88 of the notes' repository), and the total has been
    copied into many summaries since. How to see such a thing without a computer:

    - **Bound it.** The first block is 7.2. If each later block has at most half of the one before, all of them together have less than 2 · 7.2 = 14.4;
      with the input that is under 14.6. Block 3 has three convolutions, so it is a little more: 15.2. Never 24.
    - **Add it.** A column that has a total is a sum that you can check.
    - **Let something else count.** `describe` has no interest in the table.

    The same notes say that compute time, too, goes mostly into the early convolutions. Look at the middle panel of the figure above, at 224 pixels:
    do the multiply-adds agree?

    ## 4 · Why training needs the maps

    The step viewer below shows the first layer of EfficientNet-Lite0, with its trained weights, on a photograph. Step to any number with the arrow keys:
    it is a sum of 3 · 3 · 3 = 27 products. Read the sum as the gradient does. For the weight $w$ the derivative of

    $$y_{k,p,q} = \sum_{c,i,j} w_{k,c,i,j}\, x_{c,\,2p+i,\,2q+j}
    \qquad\text{is}\qquad
    \frac{\partial L}{\partial w_{k,c,i,j}} = \sum_{p,q} \frac{\partial L}{\partial y_{k,p,q}}\; x_{c,\,2p+i,\,2q+j} .$$

    There is the reason: **x is a factor of the weight's gradient.** The layer's input must still be there when the gradient comes back,
    and it comes back last for the layer that went first.
    """)
    return


@app.cell
def _(load, matplotlib, models, nn, show, trace):
    efficientnet = models.efficientnet_lite0(weights="pretrained")
    photo_file = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    photo = load.image(photo_file, **load.IMAGENET)

    stem = nn.Sequential(efficientnet.node("stem.conv").layer)
    stem_trace = trace(stem, photo)
    show.stepper(stem, stem_trace, "conv1", channel=5, photo=load.image(photo_file, resize=256, crop=224)[0].transpose(1, 2, 0))
    return efficientnet, photo, stem


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    **Break it.** Pretend that the memory was needed for something else and the input was overwritten with zeros before the gradient came back.
    What is still right? Say it before you run the cell.
    """)
    return


@app.cell
def _(F, later, np, photo, stem):
    weight, window = stem.node("conv1").layer.weight, {"stride": 2, "padding": "same"}
    coming_back = np.ones((1, 32, 112, 112), np.float32)
    lost = np.zeros_like(photo)

    by_x, by_weight, _ = F.conv2d_backward(coming_back, photo, weight, **window)
    by_x_lost, by_weight_lost, _ = F.conv2d_backward(coming_back, lost, weight, **window)
    later(
        f"gradient by the input unchanged:  {np.array_equal(by_x, by_x_lost)}",
        f"gradient by the weight unchanged: {np.array_equal(by_weight, by_weight_lost)}",
        f"largest gradient by the weight:   {np.abs(by_weight).max():.0f} with x, {np.abs(by_weight_lost).max():.0f} without",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The gradient goes on its way to earlier layers as if nothing had happened, and this layer learns nothing. No error, no warning: a silent one.

    Now count. A prediction may let a map go as soon as the next layer has read it.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    chain_question = quiz.predict(
        "Ten Conv2d(64, 64, 3, padding=1) in a row, every map of equal size. A prediction lets each map go after its last use.\n"
        "How many maps does it hold at most, the input included?",
        answer=2,
        wrong={
            1: "While a layer runs, the map that it reads and the map that it writes must both be there.",
            10: "That is what the ten weight gradients need: the input of each layer.",
            11: "That is every map there is; nothing was let go.",
            3: "A layer reads one map and writes one. A third would be needed for a shortcut around it.",
        },
        because="one that is read and one that is written: 2, for a chain of any length. Training keeps the inputs of all ten layers.",
    )
    chain_question
    return


@app.cell
def _(describe, later, nn):
    chain = nn.Sequential(*[nn.Conv2d(64, 64, 3, padding=1, rng=nn.SHAPE_ONLY) for _ in range(10)])
    chain_facts = describe(chain, (64, 100, 100))
    chain_map = chain_facts["conv1"].bytes
    later(
        f"one map: {chain_map / 1e6:.2f} MB",
        f"a prediction holds at most {chain_facts.peak_bytes / chain_map:.0f} of them",
        f"training keeps             {chain_facts.kept_bytes / chain_map:.0f} of them",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The same for EfficientNet-Lite0, all of it: every map, the gradients, and the arrays of the optimizer Adam. **Move the slider** to your batch size. Which
    part of the pile does not grow?
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    batch = mo.ui.slider(steps=[1, 2, 4, 8, 16, 32, 64, 128], value=16, label="images in a batch", show_value=True)
    batch
    return (batch,)


@app.cell
def _(batch, describe, efficientnet, probe, show):
    shape = (batch.value, 3, 224, 224)
    predicting = probe.memory(efficientnet, shape).total_bytes
    training = probe.memory(efficientnet, shape, training=True, optimizer="Adam").total_bytes

    timeline = show.memory_timeline(describe(efficientnet, shape), "Adam")
    show.described(
        timeline,
        f"Bytes alive along a training step of EfficientNet-Lite0 with {batch.value} images: the pile of kept maps rises through the forward half and "
        f"stays through the backward half. Training takes {training / 1e6:,.0f} MB, a prediction {predicting / 1e6:,.0f} MB.",
    )
    return (predicting, training)


@app.cell(hide_code=True)
def _(batch, mo, predicting, training):
    mo.md(
        f"With **{batch.value}** images in a batch a prediction takes **{predicting / 1e6:,.0f} MB** and training **{training / 1e6:,.0f} MB**, "
        f"**{training / predicting:.1f}** times as much."
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Parameters, statistics and Adam's arrays stay as they are; maps grow with the batch. So when training runs out of memory, a smaller batch or a
    smaller photo helps, and fewer parameters often do not.
    A third way pays with time: keep only every √n-th map and compute the others once more on the way back (Chen and others, 2016).

    ## 5 · The appetite of im2col

    A popular way to compute a convolution lays every window out as a **column**. Then the whole layer is one matrix product, which libraries do well.
    Row (c, i, j) of that matrix holds what kernel position (i, j) sees on channel c, wherever the window stands.
    So it is the photo again, moved by (i, j).

    **Move the sliders.** Each small picture is one row of the matrix for one channel, put back into rows and columns.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    kernel_side = mo.ui.slider(steps=[1, 3, 5, 7], value=3, label="kernel, cells a side", show_value=True)
    kernel_stride = mo.ui.slider(start=1, stop=3, value=1, label="stride", show_value=True)
    mo.vstack([kernel_side, kernel_stride])
    return kernel_side, kernel_stride


@app.cell
def _(kernel_side, kernel_stride, load, np, skimage, told):
    cat = load.image(skimage.data.chelsea(), mode="L", resize=24)[0, 0]
    k, s = kernel_side.value, kernel_stride.value
    padded = np.pad(cat, k // 2)

    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k))[::s, ::s]
    columns = windows.transpose(2, 3, 0, 1).reshape(k * k, -1)  # this line copies
    told(
        f"photo    {cat.shape}, {cat.nbytes:,} bytes",
        f"columns  {columns.shape}, {columns.nbytes:,} bytes, {columns.nbytes / cat.nbytes:.2f} times the photo",
    )
    return cat, columns, k, s, windows


@app.cell(hide_code=True)
def _(Figure, cat, columns, k, s, show, windows):
    def draw_copies():
        rows, cols = windows.shape[:2]
        figure = Figure(figsize=(7.2, 3.5), layout="constrained")
        photo_panel, copies = figure.subfigures(1, 2, width_ratios=(1, 1.35))
        panel = photo_panel.subplots()
        panel.imshow(cat, cmap="gray", vmin=0, vmax=1)
        panel.set_title(f"the photo, {cat.shape[0]}×{cat.shape[1]}", fontsize=9)
        panel.set_axis_off()
        copies.suptitle(f"{k}·{k} = {k * k} rows of columns, each {rows}×{cols}", fontsize=9)
        for row, panel in zip(columns, copies.subplots(k, k, squeeze=False).flat, strict=True):
            panel.imshow(row.reshape(rows, cols), cmap="gray", vmin=0, vmax=1)
            panel.set_axis_off()
        return figure

    show.described(
        draw_copies(),
        f"A photo of a cat, and beside it the {k * k} rows of its column matrix as pictures: {k * k} copies of the same photo, each moved by one kernel "
        f"position and with every {s}. row and column, {columns.nbytes / cat.nbytes:.2f} times the photo's bytes in all.",
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    columns_question = quiz.predict(
        "A map of 56×56 under a 3×3 kernel with stride 2 and padding 1, so that 28×28 come out.\n"
        "How many times the map's bytes does its column matrix take?",
        answer=2.25,
        wrong={
            9.0: "That is stride 1, where there is a window for every position.",
            4.5: "The stride skips rows and columns: a quarter of the windows is left, not half.",
            0.25: "That is how many windows there are for each position. Each holds nine values.",
            3.0: "A window has 3 · 3 values.",
        },
        because=["columns: 28 · 28, each with 9 values for every channel", "9 · 28 · 28 / (56 · 56) = 9 / 4 = 2.25"],
        form="1.50",
    )
    columns_question
    return


@app.cell
def _(later, nn, probe):
    strided = nn.Sequential(nn.Conv2d(64, 64, 3, stride=2, padding=1, rng=nn.SHAPE_ONLY))
    (_, strided_columns), *_ = probe.memory(strided, (64, 56, 56)).columns
    later(f"{strided_columns:,} / {4 * 64 * 56 * 56:,} bytes = {strided_columns / (4 * 64 * 56 * 56)}")
    return


@app.cell
def _(probe, told, vgg):
    name, largest = probe.memory(vgg, (3, 224, 224)).largest_columns
    told(
        f"The largest column matrix of VGG16 is that of {name}: {largest / 1e6:.1f} MB,",
        f"{largest / (4 * 64 * 224 * 224):.0f} times the map that it is made from, for each image.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    This is why fast engines never let the whole matrix stand in memory: they lay out a few columns at a time, in the cache, use them, and
    write the next ones over them. Lesson 08 compares the ways.

    ## 6 · The same numbers in another order

    Memory is one long row of cells. An array is a start and a **stride** for each axis, in bytes: how far to go for the next number along it.

        address(n, c, h, w) = start + n·stride_n + c·stride_c + h·stride_h + w·stride_w

    **NCHW** keeps the rows of a channel together. **NHWC** (channels last) keeps the channels of a pixel together; photo files and cameras do so too.
    Both hold the same numbers. **Move the sliders** to one number and find it in both rows of memory.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    at_c = mo.ui.slider(start=0, stop=2, value=1, label="c, channel", show_value=True)
    at_h = mo.ui.slider(start=0, stop=1, value=1, label="h, row", show_value=True)
    at_w = mo.ui.slider(start=0, stop=3, value=2, label="w, column", show_value=True)
    mo.vstack([at_c, at_h, at_w])
    return at_c, at_h, at_w


@app.cell
def _(at_c, at_h, at_w, told):
    c, h, w = at_c.value, at_h.value, at_w.value  # of an image with 3 channels, 2 rows, 4 columns
    in_nchw = c * (2 * 4) + h * 4 + w * 1
    in_nhwc = h * (4 * 3) + w * 3 + c * 1
    told(
        f"NCHW: {c}·8 + {h}·4 + {w}·1 = cell {in_nchw}, byte {4 * in_nchw}",
        f"NHWC: {h}·12 + {w}·3 + {c}·1 = cell {in_nhwc}, byte {4 * in_nhwc}",
    )
    return c, h, in_nchw, in_nhwc, w


@app.cell(hide_code=True)
def _(Figure, c, h, in_nchw, in_nhwc, np, show, w):
    def draw_memory():
        """Two rows of 24 cells, the letter and the colour of a cell its channel."""
        channels, rows, cols = np.indices((3, 2, 4))
        places = {"NCHW": 8 * channels + 4 * rows + cols, "NHWC": 12 * rows + 3 * cols + channels}
        figure = Figure(figsize=(7.8, 2.3), layout="constrained")
        panel = figure.subplots()
        for line, (order, place) in enumerate(places.items()):
            for address, cc, hh, ww in zip(*(a.ravel().tolist() for a in (place, channels, rows, cols)), strict=True):
                chosen, same_pixel = (cc, hh, ww) == (c, h, w), (hh, ww) == (h, w)
                panel.bar(
                    address,
                    0.8,
                    1,
                    bottom=-1.6 * line,
                    align="edge",
                    color=("#F3B48C", "#9ED8C3", "#9CC7E4")[cc],
                    edgecolor="black" if same_pixel else "white",
                    linewidth=3 if chosen else 1.2,
                    linestyle="-" if chosen or not same_pixel else "--",
                    zorder=4 if chosen else 3 if same_pixel else 2,
                )
                weight = "bold" if chosen else "normal"
                panel.text(
                    address + 0.5,
                    0.4 - 1.6 * line,
                    f"{'RGB'[cc]}\n{hh},{ww}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    weight=weight,
                    zorder=5,
                )
            panel.text(-0.3, 0.4 - 1.6 * line, order, ha="right", va="center", fontsize=10, weight="bold")
            for address in range(0, 24, 4):
                panel.text(address + 0.5, 0.84 - 1.6 * line, str(address), ha="center", va="bottom", fontsize=7, color="#595959")
        panel.set(xlim=(-2.6, 24.2), ylim=(-1.75, 1.2))
        panel.set_axis_off()
        return figure

    show.described(
        draw_memory(),
        f"Two rows of 24 memory cells. Channel {'RGB'[c]} at row {h}, column {w} is cell {in_nchw} in NCHW and cell {in_nhwc} in NHWC, with a thick edge. "
        "The other two channels of that pixel, with dashed edges, are 8 cells apart in NCHW and next to each other in NHWC.",
    )
    return


@app.cell(hide_code=True)
def _(quiz):
    stride_question = quiz.predict(
        "x = np.zeros((1, 3, 4, 5), np.float32) is new, so it lies in the order of its axes. What is x.strides, in bytes?",
        answer=(240, 80, 20, 4),
        wrong={
            (60, 20, 5, 1): "That is counted in numbers. NumPy's strides are in bytes, 4 for each float32.",
            (4, 20, 80, 240): "Turned around: the last axis has the shortest step.",
            (240, 4, 60, 12): "That is NHWC: here the channels of a pixel would lie side by side.",
            (480, 160, 40, 8): "That is float64, 8 bytes a number.",
        },
        because=[
            "w: the next number, 4 bytes      h: a row of 5 numbers, 5 · 4 = 20",
            "c: 4 rows, 4 · 20 = 80           n: 3 channels, 3 · 80 = 240",
        ],
        form="(48, 24, 8, 4)",
    )
    stride_question
    return


@app.cell
def _(later, np, probe):
    later(probe.layout(np.zeros((1, 3, 4, 5), np.float32), lines=3))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### A transpose moves nothing

    The photo of a coffee cup comes as rows × columns × channels. `transpose` makes NCHW of it by changing **strides**, not numbers: the result is a **view**
    of the same memory. Since a step along `w` is no longer the shortest one, the view is not *contiguous*. `np.ascontiguousarray` copies it into order.
    """)
    return


@app.cell
def _(np, probe, skimage, told):
    coffee = skimage.data.coffee().reshape(1, 400, 600, 3)  # one byte a number
    turned = coffee.transpose(0, 3, 1, 2)
    copied = np.ascontiguousarray(turned)

    rows = [
        f"{what:12} {array.shape!s:17} strides {array.strides!s:24} contiguous: {array.flags.c_contiguous}"
        for what, array in {"as it comes": coffee, "transposed": turned, "copied": copied}.items()
    ]
    told(
        *rows,
        f"transposed shares memory with the photo: {np.shares_memory(turned, coffee)}",
        f"the copy shares memory with the photo:   {np.shares_memory(copied, coffee)}",
        "",
        probe.layout(turned, lines=2),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Two mistakes live here. `x.reshape(1, 3, 400, 600)` of the photo has the right shape and the wrong numbers: reshape keeps the order of memory, so colours become
    places. And whoever writes into a view writes into the photo.
    """)
    return


@app.cell(hide_code=True)
def _(Figure, coffee, show, turned):
    wrong_way = coffee.reshape(1, 3, 400, 600)
    comparison = Figure(figsize=(7.2, 2.5), layout="constrained")
    left, right = comparison.subplots(1, 2)
    left.imshow(turned[0, 0], cmap="gray")
    left.set_title("transpose(0, 3, 1, 2), channel 0", fontsize=9)
    right.imshow(wrong_way[0, 0], cmap="gray")
    right.set_title("reshape(1, 3, 400, 600), channel 0", fontsize=9)
    for pane in (left, right):
        pane.set_axis_off()
    show.described(
        comparison,
        "Left, the red channel of a photo of a coffee cup on a saucer, as transpose gives it. Right, what reshape makes of the same bytes: the upper third of "
        "the photo drawn out into a coarse, striped picture in which parts of the saucer lie over each other.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 7 · Predict the timing first

    Go back to the step viewer in part 4: each of its numbers reads a window of 3×3 pixels on 3 channels, 27 numbers. In memory they are some **runs** of
    neighbours with gaps between.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    runs_question = quiz.predict(
        "The 27 numbers of such a window, well inside a large photo: how many runs of neighbouring cells are they in NHWC?",
        answer=3,
        wrong={
            9: "That is NCHW: three rows on each of three channels, three numbers a run.",
            27: "Neighbouring pixels of a row are neighbours in memory too, in both orders.",
            1: "A row of the window ends before the row of the photo does.",
        },
        because=[
            "NHWC: a row of the window is 3 pixels with 3 channels each, one run of 9; 3 rows, 3 runs",
            "NCHW: 3 rows on each of 3 channels, 9 runs of 3",
        ],
    )
    runs_question
    return


@app.cell
def _(later, np):
    def runs(addresses):
        """Return how many runs of neighbouring cells these addresses are."""
        return 1 + int((np.diff(np.sort(addresses, axis=None)) > 1).sum())

    cells = np.arange(3 * 224 * 224)  # each number is its own address
    later(
        f"NCHW: {runs(cells.reshape(3, 224, 224)[:, 100:103, 60:63])} runs",
        f"NHWC: {runs(cells.reshape(224, 224, 3)[100:103, 60:63, :])} runs",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Runs matter, since memory is not fetched number by number. It comes in **cache lines** of 64 bytes on most processors, 16 float32 at a time. Who asks for one
    number gets its fifteen neighbours whether they are wanted or not.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    sixteenth_question = quiz.predict(
        "big is a long float32 array, much larger than the caches. big[::16].sum() adds a sixteenth of the numbers that big.sum() adds.\n"
        "How much faster is it?",
        answer="clearly less than 16 times",
        choices=("about 16 times", "clearly less than 16 times", "more than 16 times"),
        wrong={
            "about 16 times": "It adds a sixteenth of the numbers. How many cache lines does it fetch?",
            "more than 16 times": "There is nothing that it could save beyond the additions, and it fetches the same lines.",
        },
        because="Every sixteenth float32 is one in each line of 64 bytes: all lines are fetched, as for the whole sum. Only the additions are fewer.",
    )
    sixteenth_question
    return


@app.cell
def _(later, np, time):
    def seconds(work, times=7):
        """Return the shortest of some times; the others were disturbed by something else."""
        found = []
        for _ in range(times):
            begin = time.perf_counter()
            work()
            found.append(time.perf_counter() - begin)
        return min(found)

    big = np.ones(32_000_000, np.float32)
    whole, sixteenth = seconds(lambda: big.sum()), seconds(lambda: big[::16].sum())
    later(f"big[::16].sum() is {whole / sixteenth:.1f} times as fast as big.sum(), here and now")
    return big, seconds


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The same question as a curve: add a fixed count of numbers that lie 1, 2, 4, … cells apart. The additions are the same; only the gaps grow.
    Where should the curve bend?
    """)
    return


@app.cell
def _(big, seconds):
    how_many = 480_000
    gaps = [1, 2, 4, 8, 16, 32, 64]
    taken = [seconds(lambda gap=gap: big[: how_many * gap : gap].sum(), times=15) for gap in gaps]
    slower = [t / taken[0] for t in taken]
    return gaps, slower


@app.cell(hide_code=True)
def _(Figure, gaps, show, slower):
    def draw_gaps():
        figure = Figure(figsize=(7, 3), layout="constrained")
        panel = figure.subplots()
        looks = [("#E69F00", "//") if gap == 16 else ("#0072B2", "") for gap in gaps]
        bars = panel.bar([str(gap) for gap in gaps], slower, color=[c for c, _ in looks], hatch=[h for _, h in looks], edgecolor="white")
        panel.bar_label(bars, [f"{times:.1f}" for times in slower], padding=2, fontsize=8)
        at = gaps.index(16)
        panel.text(at, slower[at] + 0.1 * max(slower), "one number\na cache line", fontsize=8, ha="center", va="bottom")
        panel.set_xlabel("cells from one number to the next", fontsize=9)
        panel.set_ylabel("time, gap 1 = 1", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(0, 1.15 * max(slower))
        return figure

    by_gap = ", ".join(f"{gap} apart {times:.1f}" for gap, times in zip(gaps, slower, strict=True))
    show.described(
        draw_gaps(),
        f"Time to add equally many numbers that lie farther and farther apart, as measured just now: {by_gap}. The hatched bar is 16 apart, one number a cache line.",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Up to 16, a wider gap means more lines for the same numbers. Beyond it each number has a line of its own anyway; what still grows is the price of lines
    that the processor did not guess ahead. Your machine may bend a little elsewhere: that is why it was measured.

    Last one. A transpose and a copy of a transpose look alike in a program.
    """)
    return


@app.cell(hide_code=True)
def _(quiz):
    transpose_question = quiz.predict(
        "x is the 51.4 MB map from part 1. Which takes longest?",
        answer="np.ascontiguousarray(x.transpose(0, 2, 3, 1))",
        choices=("x.transpose(0, 2, 3, 1)", "x.copy()", "np.ascontiguousarray(x.transpose(0, 2, 3, 1))"),
        wrong={
            "x.transpose(0, 2, 3, 1)": "It changes four strides and touches no number, however large x is.",
            "x.copy()": "It reads and writes 51.4 MB in order. The third does so too, and one of its two sides jumps.",
        },
        because="A transpose is a view: strides only. Both copies move the same bytes, but in the third reading or writing goes from line to line.",
    )
    transpose_question
    return


@app.cell
def _(later, np, seconds):
    x = np.ones((32, 128, 56, 56), np.float32)
    in_order = seconds(lambda: x.copy(), times=5)
    across = seconds(lambda: np.ascontiguousarray(x.transpose(0, 2, 3, 1)), times=5)
    view_only = seconds(lambda: x.transpose(0, 2, 3, 1))
    later(
        f"the copy in another order takes {across / in_order:.1f} times as long as the copy in order",
        f"the copy in order takes {in_order / view_only:,.0f} times as long as the view",
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    Which order is the better one depends on what is summed. A 1×1 convolution, like every sum over channels, reads channels that lie side by side; pooling and depthwise
    convolutions are at home in rows of one channel. Engines therefore choose, and so does this one, from shapes and strides alone:
    """)
    return


@app.cell
def _(Window, choose_algorithm, np, told):
    layers = [
        ("1×1, 96 → 24 channels", (1, 96, 56, 56), (24, 96, 1, 1)),
        ("3×3, 32 → 32 channels", (1, 32, 56, 56), (32, 32, 3, 3)),
        ("depthwise 3×3, 96 channels", (1, 96, 56, 56), (96, 1, 3, 3)),
    ]

    def way(x_shape, w_shape, last):
        return choose_algorithm(x_shape, w_shape, Window.of(w_shape[2:]), np.float32, channels_last=last)

    told(*(f"{about:28} in NCHW: {way(*shapes, False):12} in NHWC: {way(*shapes, True)}" for about, *shapes in layers))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Summary

    - Bytes are N·C·H·W·4, multiply-adds N·K·P·Q·C·R·S. Maps weigh most early, parameters late, and work lies between.
    - A printed total is a claim. Bound it, add it, or let something else count.
    - Training keeps maps because a layer's input is a factor of its weight's gradient. They grow with the batch; parameters do not.
    - im2col copies an input about R·S / stride² times.
    - Strides say where numbers lie. A transpose changes strides and copies nothing; a reshape keeps the order of memory.
    - Memory comes in lines. What is read along short steps is fast.

    **Next**: lesson 08 computes one equation in five ways (`minicnn lesson 08`).
    Assignment 06 asks for a fast convolution, and this lesson's strides help there: `minicnn assignment start 06`.
    To practise: `minicnn quiz bytes`, `minicnn quiz multiply_adds`, `minicnn quiz layout_and_strides`. From the shell,
    `minicnn memory efficientnet_lite0 --training` and `minicnn layout 1x3x4x5` print what you saw here.
    """)
    return


if __name__ == "__main__":
    app.run()
