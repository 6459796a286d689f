"""Which question: how is a pickle read without running what it asks for?

Idea: a pickle is a program for a small machine with a stack and a memo.  Most of its steps push a
number or fill a container; two of them (a name, then "call it") are what makes pickles dangerous.
Here a name is looked up in a table of our own and in nothing else, and a call can only reach a
function of that table, so the worst that a hostile file can do is be refused by name.

    push 'w'   push [1, 2]   SETITEM          →  {'w': [1, 2]}
    GLOBAL posix.system                       →  refused: "asks to run posix.system"

Cost: about a microsecond a step, and some 40 steps a tensor.
Does not do: protocols 0 and 1 (PyTorch never wrote them), instances of classes, extension codes.
Nothing here recurses, so a deeply nested pickle cannot exhaust Python's stack; keys of dicts and
sets are plain scalars, because hashing a nested tuple does recurse.
Source: the comments of CPython's Lib/pickletools.py, whose genops splits the program into steps.
Next room: tensors.py, which owns the table of names.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple

from minicnn.errors import FileFormatError

MOST_STEPS = 5_000_000
MOST_COPIED = 5_000_000  # items and characters handed to calls: a memo and a call could copy one long list without end
SCALARS = (str, bytes, int, float, bool, type(None))
# Steps whose argument, already decoded by genops, is the value itself.
PUSHES = (
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
)


class Call(NamedTuple):
    """A name in a pickle that may be called, and the function of ours that stands in for it."""

    name: str
    run: Callable


class Machine:
    """The state of one reading: the stack, the outer stacks of open marks, the memo, and two ways to look outside."""

    def __init__(self, find: Callable[[str], object], persistent: Callable[[object], object]):
        self.find, self.persistent = find, persistent
        self.stack: list = []
        self.outer: list[list] = []
        self.memo: dict[int, object] = {}
        self.copied = 0

    def push(self, value) -> None:
        self.stack.append(value)

    def since_mark(self) -> list:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def top(self, kind: type):
        """Return the container on top of the stack, which must be of this kind."""
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"a step that fills a {kind.__name__} found a {type(self.stack[-1]).__name__}")
        return self.stack[-1]


def read_pickle(stream: BinaryIO, find: Callable[[str], object], persistent: Callable[[object], object]):
    """Return the value of the pickle that starts at the stream's position, and leave the stream behind it.

    `find(name)` gives a value or a Call for a dotted name or raises; `persistent(id)` gives what an id stands for.

    >>> import io, pickle
    >>> read_pickle(io.BytesIO(pickle.dumps({"w": [1, 2.5]})), find=None, persistent=None)
    {'w': [1, 2.5]}
    """
    machine = Machine(find, persistent)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count == MOST_STEPS:
            raise FileFormatError(f"has a pickle of more than {MOST_STEPS:,} steps, far beyond any network; it is damaged or hostile.")
        if opcode.name in PUSHES:
            machine.push(argument)
        elif opcode.name in STEPS:
            STEPS[opcode.name](machine, argument)
        else:
            raise FileFormatError(
                f"uses the pickle step {opcode.name}, which tensors and plain containers do not need; save the weights again with "
                f"torch.save(model.state_dict(), path), whose pickle protocol is 2."
            )
    (value,) = machine.stack
    if machine.outer:
        raise ValueError("a mark that no step takes up")
    return value


def scalar_keys(keys) -> list:
    """Return keys as a list when each is a plain scalar."""
    keys = list(keys)
    for key in keys:
        if type(key) not in SCALARS:
            raise ValueError(f"a {type(key).__name__} cannot be a key here")
    return keys


def plain_dict(pairs) -> dict:
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    return dict(zip(scalar_keys(keys), values, strict=True))


def _mark(machine: Machine, _):
    machine.outer.append(machine.stack)
    machine.stack = []


def _tuple_of(count: int):
    def step(machine: Machine, _):
        items = [machine.stack.pop() for _ in range(count)]
        machine.push(tuple(reversed(items)))

    return step


def _append(machine: Machine, _):
    value = machine.stack.pop()
    machine.top(list).append(value)


def _appends(machine: Machine, _):
    items = machine.since_mark()
    machine.top(list).extend(items)


def _set_item(machine: Machine, _):
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.top(dict).update(plain_dict([(key, value)]))


def _set_items(machine: Machine, _):
    items = machine.since_mark()
    machine.top(dict).update(plain_dict(list(zip(items[::2], items[1::2], strict=True))))


def _add_items(machine: Machine, _):
    items = scalar_keys(machine.since_mark())
    machine.top(set).update(items)


def _global(machine: Machine, argument: str):
    machine.push(machine.find(argument.replace(" ", ".", 1)))


def _stack_global(machine: Machine, _):
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise ValueError("a name that is not text")
    machine.push(machine.find(f"{module}.{name}"))


def _reduce(machine: Machine, _):
    arguments, call = machine.stack.pop(), machine.stack.pop()
    if type(call) is not Call or type(arguments) is not tuple:
        raise ValueError(f"a call of a {type(call).__name__}")
    machine.copied += sum(len(argument) for argument in arguments if hasattr(argument, "__len__"))
    if machine.copied > MOST_COPIED:
        raise FileFormatError(f"has a pickle that copies more than {MOST_COPIED:,} items in its calls; it is damaged or hostile.")
    machine.push(call.run(*arguments))


def _build(machine: Machine, _):
    """Drop the attributes of an OrderedDict: a state_dict carries its version numbers there."""
    attributes = machine.stack.pop()
    if type(attributes) is not dict:
        raise ValueError("attributes that are not a dict")
    machine.top(dict)


def _persistent(machine: Machine, _):
    machine.push(machine.persistent(machine.stack.pop()))


def _put(machine: Machine, index: int):
    machine.memo[index] = machine.stack[-1]


STEPS: Mapping[str, Callable[[Machine, object], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_SET": lambda machine, _: machine.push(set()),
    "MARK": _mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "FROZENSET": lambda machine, _: machine.push(frozenset(scalar_keys(machine.since_mark()))),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "ADDITEMS": _add_items,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": lambda machine, _: _put(machine, len(machine.memo)),
    "BINGET": lambda machine, index: machine.push(machine.memo[index]),
    "LONG_BINGET": lambda machine, index: machine.push(machine.memo[index]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
    "BINPERSID": _persistent,
}
