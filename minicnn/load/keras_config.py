"""Which question: what does the configuration beside Keras' weights say about its layers?

Idea: it is JSON, and it is read, never built: a layer is a name, a class and a few settings, whatever
class that is, so a Lambda or a class of the author's own is a word here and nothing more.  What a person
needs of it is the layers' order, how many channels a Flatten has folded into the columns of a Dense, and
the settings of BatchNormalization that change numbers.

    {"layers": [{"class_name": "Conv2D", "config": {"name": "c1", "filters": 8, …}, "inbound_nodes": …}, …]}

Channels are followed from layer to layer, through nested models too; sizes are not needed, because a
column of a Dense behind a Flatten is (row·W + column)·C + channel, and C alone tells them apart.

Cost: one walk over the layers.  Does not do: build the network; channels through layers that move them (Reshape, Permute).
Source: keras/src/models/functional.py and sequential.py (get_config), Keras 2 and 3.  Next room: kerasfile.py.
"""

import json
import re
from typing import NamedTuple

PIXELS = "pixels"  # the features are the channels of a map
ROW = "row"  # they are all numbers of a map, row by row, its channels side by side
PLAIN = "plain"  # they never were a map
CONVOLUTIONS = ("Conv2D", "Convolution2D", "Conv2DTranspose", "SeparableConv2D")
GLOBAL = ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAvgPool2D", "GlobalMaxPool2D")
# Layers that hand on the features of what comes in.
PASSING = re.compile(
    r"Activation|.*ReLU|ELU|Softmax|.*Dropout(2D)?|Gaussian\w+|ActivityRegularization|.*Normalization|Rescaling|Resizing|Identity"
    r"|(Max|Average)Pooling2D|ZeroPadding2D|Cropping2D|UpSampling2D|Add|Subtract|Multiply|Average|Maximum|Minimum"
)


class Form(NamedTuple):
    """What is known of a result: what its features are, and how many channels its map has or had."""

    kind: str
    channels: int


class LayerFacts(NamedTuple):
    """One layer of a configuration: where its weights lie, its name, class and settings, and what comes in."""

    path: str  # as in a .weights.h5: 'conv2d_1', 'sequential/conv2d'
    name: str
    kind: str
    settings: dict
    given: Form | None
    reshaped: bool  # whether its numbers are cut into a map behind it


def snake(name: str) -> str:
    """Return the name that Keras makes of a class for a path.

    >>> snake("Conv2DTranspose"), snake("BatchNormalization"), snake("PReLU")
    ('conv2d_transpose', 'batch_normalization', 'p_re_lu')
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def layers_in(text: str) -> list[LayerFacts]:
    """Return the layers of a configuration in its order, those of nested models in their place."""
    found: list[LayerFacts] = []
    _walk(json.loads(text)["config"], "", None, found, '"channels_first"' in text)
    return found


def _walk(model, prefix: str, form: Form | None, found: list[LayerFacts], first_axis: bool) -> Form | None:
    """Add the layers of a model that is given `form`, and return the form of what comes out."""
    entries = model if isinstance(model, list) else model["layers"]  # a list in Keras before 2.2.3
    forms: dict[str, Form | None] = {}
    counts: dict[str, int] = {}
    places: dict[str, int] = {}
    previous = ""
    for entry in entries:
        kind, settings = str(entry["class_name"]), entry["config"]
        settings = settings if isinstance(settings, dict) else {"layers": settings}
        name, word = str(settings.get("name", entry.get("name", kind))), snake(kind)
        number = counts[word] = counts.get(word, -1) + 1
        path = f"{prefix}{word}_{number}" if number else f"{prefix}{word}"
        before = _sources(entry.get("inbound_nodes") or [])
        given = [forms.get(source) for source in before] if before else [form]
        if "layers" in settings:
            form = _walk(settings, f"{path}/", given[0] if len(given) == 1 else None, found, first_axis)
        else:
            places[name] = len(found)
            found.append(LayerFacts(path, name, kind, settings, given[0], False))
            if kind == "Reshape" and len(settings.get("target_shape") or ()) == 3:
                _mark_reshaped(found, {source: places[source] for source in before or [previous] if source in places})
            form = _out(kind, settings, given, first_axis)
        forms[name], previous = form, name
    outputs = model.get("output_layers") if isinstance(model, dict) else None
    return forms.get((_sources([outputs]) or [""])[0]) if outputs else form


def _mark_reshaped(found: list[LayerFacts], places: dict[str, int]) -> None:
    """Note that the Dense layers before a Reshape hand it numbers to be cut into a map."""
    for place in places.values():
        if found[place].kind == "Dense":
            found[place] = found[place]._replace(reshaped=True)


def _out(kind: str, settings: dict, given: list[Form | None], first_axis: bool) -> Form | None:
    """Return what comes out of one layer, None where that is not known."""
    first = given[0]
    pixels = first is not None and first.kind == PIXELS
    if kind == "InputLayer":
        return first or _of_shape(settings.get("batch_shape") or settings.get("batch_input_shape"), first_axis)
    if kind in CONVOLUTIONS:
        return Form(PIXELS, _whole(settings.get("filters")))
    if kind == "DepthwiseConv2D" and pixels:
        return Form(PIXELS, first.channels * _whole(settings.get("depth_multiplier", 1)))
    if kind == "Dense" and first:
        return Form(PIXELS if pixels else PLAIN, _whole(settings.get("units")))
    if kind in GLOBAL and pixels:
        return Form(PIXELS if settings.get("keepdims") else PLAIN, first.channels)
    if kind == "Flatten" and pixels:
        last = not first_axis or settings.get("data_format") == "channels_first"  # Keras flattens with channels last
        return Form(ROW if last else PLAIN, first.channels)
    if kind == "Reshape" and first:
        shape = settings.get("target_shape") or ()
        if pixels and len(shape) == 1:
            return Form(PLAIN if first_axis else ROW, first.channels)
        return _of_shape([None, *shape], first_axis) if first.kind == PLAIN else None
    if kind in ("Concatenate", "Merge"):
        kinds = {form and form.kind for form in given}
        return Form(kinds.pop(), sum(form.channels for form in given)) if kinds in ({PIXELS}, {PLAIN}) else None
    return first if PASSING.fullmatch(kind) or kind == "Flatten" else None


def _of_shape(shape, first_axis: bool) -> Form | None:
    if not isinstance(shape, list | tuple) or len(shape) not in (2, 4):
        return None
    channels = shape[1 if first_axis else -1]
    return Form(PIXELS if len(shape) == 4 else PLAIN, channels) if isinstance(channels, int) and channels > 0 else None


def _whole(value) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"a layer of {value!r} channels")
    return value


def _sources(nodes: list) -> list[str]:
    """Return the layers that the first of these calls takes its arguments from, in either of Keras' spellings."""
    found, waiting = [], [nodes[0]] if nodes else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, list) and len(item) >= 3 and isinstance(item[0], str) and isinstance(item[1], int):
            found.append(item[0])
        elif isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            waiting += [value for key, value in reversed(item.items()) if key in ("args", "config", "keras_history")]
    return found
