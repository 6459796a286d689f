"""Questions about a network and its feature maps: each is one function, with a printed answer and the data behind it.

Idea: what a forward pass left behind (a Trace) holds every number; a question reads it, walks it back, or
runs the network again on changed inputs.  Nothing here changes a network or remembers one.  Answers are frozen
values: print them, or take their fields.

Cost: importing this room loads NumPy only; what each question costs is said in its file.
"""

__all__ = []
