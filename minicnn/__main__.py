"""Run as `python -m minicnn`: the same as the command `minicnn`."""

from minicnn.cli import main

if __name__ == "__main__":
    main()
