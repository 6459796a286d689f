"""Which question: how does one number of a right result come about, term by term?

Idea: walk the equation at one index, written as plainly as it stands, and keep every term: where it was read, its value, the weight that it
meets and their product.  It is what a student is shown beside a wrong number.  A tap in the padding is kept too, as a zero, so that the whole
window is seen; a pooling's is not, since for pooling it does not exist.

Cost: a Python loop over one window.  What it does not do: whole results (the package's own functions).
Source: the equations of conv/reference.py and functional/pooling.py.  Next room: assignments.py.
"""

from itertools import product

from minicnn.grade.task import Account

__all__ = ["of_average", "of_conv2d", "of_conv2d_backward", "of_maximum", "place", "total"]


def place(name: str, *index: int) -> str:
    """Return how a place of an array is written.

    >>> place("x", 0, 1, 2)
    'x[0,1,2]'
    """
    return f"{name}[{','.join(map(str, index))}]"


def of_conv2d(arguments, index) -> Account:
    """Return how conv2d's number at (n, k, p, q) comes about: its window's products in reading order, then the bias.

    y[n,k,p,q] = bias[k] + Σ_c Σ_i Σ_j weight[k,c,i,j] · x[n, c, p·sh + i·dh - ph, q·sw + j·dw - pw], c over the group of k

    >>> import numpy as np
    >>> case = {"x": np.array([[[[3.0, 4.0]]]]), "weight": np.array([[[[10.0, 1.0]]]]), "bias": np.array([0.5])}
    >>> account = of_conv2d({**case, "stride": (1, 1), "padding": (0, 1)}, (0, 0, 0, 0))      # one tap left of the image
    >>> account.terms[0], account.total
    (('x[0,0,0,-1] is padding', 0.0, 10.0, 0.0), 3.5)
    """
    x, weight, bias = arguments["x"], arguments["weight"], arguments["bias"]
    (n, k, p, q), (K, channels, *kernel) = index, weight.shape
    first = k // (K // arguments.get("groups", 1)) * channels  # the first channel that filter k sees
    terms = []
    for c in range(channels):
        for (i, j), (h, w) in _window(kernel, arguments, (p, q)):
            terms.append(_product(x, (n, first + c, h, w), weight[k, c, i, j], place("weight", k, c, i, j)))
    terms.append((place("bias", k), float(bias[k]), None, None))
    return total(f"{place('y', *index)} = Σ x·weight + {place('bias', k)}", terms)


def of_conv2d_backward(arguments, index) -> Account:
    """Return how a number of (grad_x, grad_weight, grad_bias) comes about; index is (item, *index of the item).

    grad_x[n,c,h,w] = Σ grad_output[n,k,p,q]·weight[k,c,i,j] over the outputs and taps that read (h, w);
    grad_weight[k,c,i,j] = Σ grad_output[n,k,p,q]·x[n, c, p·sh + i - ph, q·sw + j - pw];  grad_bias[k] = Σ grad_output[n,k,p,q].
    """
    item, *rest = index
    return (_by_x, _by_weight, _by_bias)[item](arguments, tuple(rest))


def _by_x(arguments, index) -> Account:
    grad, weight, (n, c, h, w) = arguments["grad_output"], arguments["weight"], index
    K, _, *kernel = weight.shape
    terms = []
    for k, p, q in product(range(K), *map(range, grad.shape[2:])):
        for (i, j), read in _window(kernel, arguments, (p, q)):
            if read == (h, w):
                terms.append(_product(grad, (n, k, p, q), weight[k, c, i, j], place("weight", k, c, i, j), "grad_output"))
    return total(f"{place('grad_x', *index)} = Σ grad_output·weight", terms)


def _by_weight(arguments, index) -> Account:
    grad, x, (k, c, i, j) = arguments["grad_output"], arguments["x"], index
    terms = []
    for n, p, q in product(range(len(grad)), *map(range, grad.shape[2:])):
        h, w = dict(_window(arguments["weight"].shape[2:], arguments, (p, q)))[i, j]
        terms.append(_product(x, (n, c, h, w), grad[n, k, p, q], place("grad_output", n, k, p, q)))
    return total(f"{place('grad_weight', *index)} = Σ x·grad_output", terms)


def _by_bias(arguments, index) -> Account:
    grad, (k,) = arguments["grad_output"], index
    places = product(range(len(grad)), [k], *map(range, grad.shape[2:]))
    return total(f"{place('grad_bias', k)} = Σ grad_output", [(place("grad_output", *at), float(grad[at]), None, None) for at in places])


def of_maximum(arguments, index) -> Account:
    """Return the cells that a max pooling looks at for its output (n, c, p, q), and the largest.

    >>> import numpy as np
    >>> case = {"x": np.array([[[[-3.0, -4.0]]]]), "kernel": (1, 2), "stride": (1, 1), "padding": (0, 1)}
    >>> of_maximum(case, (0, 0, 0, 0)).terms            # the padding is not there
    (('x[0,0,0,0]', -3.0, None, None),)
    """
    cells = _cells(arguments, index)
    terms = tuple((where, value, None, None) for where, value in cells)
    return Account(f"{place('y', *index)} = the largest of its window", terms, max(value for _, value in cells))


def of_average(arguments, index) -> Account:
    """Return the cells that an average pooling looks at for its output (n, c, p, q), each with its share 1/cells.

    >>> import numpy as np
    >>> case = {"x": np.array([[[[3.0, 4.0]]]]), "kernel": (1, 2), "stride": (1, 1), "padding": (0, 1)}
    >>> of_average(case, (0, 0, 0, 1)).total
    3.5
    """
    cells = _cells(arguments, index)
    terms = [(where, value, 1 / len(cells), value / len(cells)) for where, value in cells]
    return total(f"{place('y', *index)} = the sum of its window's {len(cells)} cells / {len(cells)}", terms)


def _cells(arguments, index) -> list[tuple[str, float]]:
    x, (n, c, p, q) = arguments["x"], index
    inside = [at for _, at in _window(arguments["kernel"], arguments, (p, q)) if _is_inside(at, x.shape[2:])]
    return [(place("x", n, c, h, w), float(x[n, c, h, w])) for h, w in inside]


def _window(kernel, arguments, output):
    """Return ((i, j), (h, w)) for every tap of the output's window: where it is in the kernel and in the input, perhaps outside."""
    axes = zip(output, kernel, arguments["stride"], arguments["padding"], arguments.get("dilation", (1, 1)), strict=True)
    rows, columns = ([(t, at * s + t * d - p) for t in range(k)] for at, k, s, p, d in axes)
    return [((i, j), (h, w)) for (i, h), (j, w) in product(rows, columns)]


def _product(array, at, factor, factor_place: str, name: str = "x") -> tuple[str, float, float, float]:
    """Return the term array[at]·factor; outside the array it is padding, a zero."""
    if not _is_inside(at[2:], array.shape[2:]):
        return f"{place(name, *at)} is padding", 0.0, float(factor), 0.0
    value = float(array[at])
    return f"{place(name, *at)} · {factor_place}", value, float(factor), value * float(factor)


def _is_inside(at, shape) -> bool:
    return all(0 <= position < size for position, size in zip(at, shape, strict=True))


def total(equation: str, terms) -> Account:
    """Return the account whose total is the sum of the products, or of the values that have no factor.

    >>> total("y = x·w + b", [("x[0]", 3.0, 2.0, 6.0), ("b", 0.5, None, None)]).total
    6.5
    """
    return Account(equation, tuple(terms), float(sum(value if product is None else product for _, value, _, product in terms)))
