"""Which question: what can be asked?

Idea: one topic a file: TITLE, LESSON, LEVELS and question(rng, level), which draws numbers, asks the engine's own geometry for the
answer and the misconceptions for the wrong ones.  catalogue.py finds the files.

Cost: integers.  What it does not do: read or show an answer.  Source: none.  Next rooms: output_shape.py and its neighbours.
"""
