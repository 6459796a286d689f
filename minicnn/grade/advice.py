"""Which question: what in a text is out of place in an assignment?

Idea: imports and names are read off the syntax tree, and each that an assignment has no use for gets one sentence.

Cost: one parse.  What it does not do: protect.  Python has more ways to reach a file than any list has entries; the wall is the
runner's process.  So this is feedback, and costs no points.
Source: the documentation of ast.  Next room: runner/.
"""

import ast
from collections.abc import Iterator

MOST = 8
USEFUL = {"numpy", "math", "cmath", "itertools", "functools", "operator", "collections", "typing", "dataclasses", "numbers", "__future__"}
USEFUL |= {"fractions", "enum", "string", "textwrap", "doctest", "warnings", "copy", "abc", "random", "statistics", "pprint"}
DOES_IT_ALL = {"torch", "tensorflow", "keras", "jax", "scipy", "cupy", "cv2", "skimage", "minicnn", "numba", "autograd", "mxnet"}
CALLS = dict.fromkeys(("eval", "exec", "compile", "__import__"), "runs text as code")
CALLS |= {
    "open": "opens a file",
    "input": "waits for a person",
    "breakpoint": "waits for a person",
    "exit": "ends the program",
    "quit": "ends the program",
}
INSIDES = {
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "__code__",
    "__bases__",
    "__mro__",
    "f_back",
    "f_locals",
    "tb_frame",
    "gi_frame",
}


def advice(source: str) -> tuple[str, ...]:
    """Return a sentence for every import, call and attribute that an assignment has no use for; what runs only as a script is left out.

    >>> for sentence in advice("import os\\nimport torch\\nimport numpy as np\\ndef relu(x):\\n    return eval('x')\\n"):
    ...     print(sentence)
    Line 1 imports os: an assignment needs NumPy and what computes; the grader's process has no use for the rest.
    Line 2 imports torch: the function is to be written, not called; the grader's environment has NumPy alone.
    Line 5 calls eval, which runs text as code; the assignment needs nothing like it.
    """
    found = sorted(dict.fromkeys(_remarks(ast.parse(source))))
    sentences = [text for _, text in found[:MOST]]
    return (*sentences, f"… and {len(found) - MOST} more of the kind.") if len(found) > MOST else tuple(sentences)


def _remarks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            yield from (_imported(node.lineno, alias.name) for alias in node.names if _top(alias.name) not in USEFUL)
        elif isinstance(node, ast.ImportFrom) and (node.level or _top(node.module) not in USEFUL):
            yield _imported(node.lineno, "." * node.level + (node.module or ""))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            name = node.func.id
            yield node.lineno, f"Line {node.lineno} calls {name}, which {CALLS[name]}; the assignment needs nothing like it."
        elif isinstance(node, ast.Attribute) and node.attr in INSIDES:
            yield node.lineno, f"Line {node.lineno} reads .{node.attr}, the inside of Python; the assignment needs nothing like it."


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk a tree, past `if __name__ == "__main__":`, which the grader never runs."""
    for statement in tree.body:
        names = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)} if isinstance(statement, ast.If) else set()
        yield from ast.walk(statement) if "__name__" not in names else ()


def _top(module: str) -> str:
    return module.partition(".")[0]


def _imported(line: int, module: str) -> tuple[int, str]:
    if _top(module) in DOES_IT_ALL:
        return line, f"Line {line} imports {module}: the function is to be written, not called; the grader's environment has NumPy alone."
    if module.startswith("."):
        return line, f"Line {line} imports {module}, a file beside this one; only this file is taken, so put what it needs into it."
    return line, f"Line {line} imports {module}: an assignment needs NumPy and what computes; the grader's process has no use for the rest."
