"""Which question: do you know what comes out, before the computer says it?

    quiz.question("output_shape", level=2, seed=7)     one question, with its answer, its derivation and the wrong answers that people give
    quiz.ask("output_shape")                           the same in a notebook: type an answer, be told
    quiz.predict("…?", answer=(7, 7), because="…")     a question of your own, in a lesson

Idea: a topic (topics/) draws numbers and asks the engine's own geometry for the answer, and the misconceptions for the wrong ones;
everything else shows, reads, repeats or exports such a question.

Cost: each name is imported when it is first used.  What it does not do: grade code (minicnn.grade).
Source: none.  Next rooms: question.py, catalogue.py, topics/, then asking.py, cell.py, solving.py.
"""

from minicnn.quiz.question import Question, Wrong

del question  # noqa: F821 - the import above bound the module to this name, which belongs to the function of catalogue.py

_HOME = {
    "Session": "asking",
    "TOPICS": "catalogue",
    "Topic": "catalogue",
    "ask": "cell",
    "bank": "banks",
    "predict": "cell",
    "question": "catalogue",
    "solve": "solving",
}

__all__ = ["Question", "Wrong", *_HOME]


def __getattr__(name: str):
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'minicnn.quiz' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"minicnn.quiz.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
