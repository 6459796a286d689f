"""Which question: where does a compiled kernel stay, and when is it stale?

Idea: Numba keeps machine code on disk, but looks only at the file that holds the kernel, not at the
files it imports from.  Our cache is stamped with a hash of every file that kernels can be written
in, so an edit anywhere makes all of them new.  Folders are tried in Numba's order: NUMBA_CACHE_DIR,
the __pycache__ beside the source, the user's cache folder.  Where none can be written there is one
notice and no cache.  A cache file that cannot be read is a miss, never an error.

Cost: about 1 ms per process for the hash.
What it relies on: the cache classes of numba.core.caching, which are not public; where a later
Numba moves them, kernels are compiled in each process and the notice says so.
Source: Numba's documentation, "Notes on Caching".
"""

import functools
import hashlib
import os
import pickle
import tempfile
import warnings
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
KERNEL_ROOMS = ("conv", "functional")  # the rooms that may hold kernels; a test checks that no other does


class KernelCacheNotice(UserWarning):
    """Compiled kernels cannot be kept on disk; results are not affected."""


@functools.cache
def kernel_stamp() -> str:
    """Return a hash over all sources that kernels are written in."""
    digest = hashlib.sha256()
    for room in KERNEL_ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def cache_folder(source_file: str) -> str | None:
    """Return the first folder that compiled kernels of this source file can be kept in."""
    from numba.core import config
    from numba.misc.appdirs import AppDirs

    parent = Path(source_file).resolve().parent
    private = f"{parent.name}_{hashlib.sha256(str(parent).encode()).hexdigest()[:16]}"
    folders = [os.path.join(config.CACHE_DIR, private)] if config.CACHE_DIR else []
    folders += [str(parent / "__pycache__"), os.path.join(AppDirs("minicnn", False).user_cache_dir, private)]
    return next((folder for folder in folders if _writable(folder)), None)


@functools.cache
def _notice(reason: str) -> None:
    warnings.warn(
        f"compiled kernels are not kept on disk, so each process compiles them again (some seconds): {reason}. "
        "Results are not affected. To keep them, set NUMBA_CACHE_DIR to a folder that can be written.",
        KernelCacheNotice,
        stacklevel=2,
    )


def attach_cache(dispatcher, tag: str) -> None:
    """Give a Numba dispatcher our disk cache; `tag` tells variants of one function apart."""
    folder = cache_folder(dispatcher.py_func.__code__.co_filename)
    if folder is None:
        _notice("no cache folder can be written")
        return
    try:
        dispatcher._cache = _cache_class()(dispatcher.py_func, folder, tag)
    except (ImportError, AttributeError, TypeError) as error:
        _notice(f"this version of Numba has another cache ({error})")


@functools.cache
def _cache_class():
    from numba.core import caching

    class Locator(caching._CacheLocator):
        def __init__(self, function, folder, tag):
            self._py_file = function.__code__.co_filename  # Numba names it in its warnings
            self._folder = folder
            self._name = f"{function.__code__.co_firstlineno}-{tag}"

        def get_cache_path(self):
            return self._folder

        def get_source_stamp(self):
            return kernel_stamp()

        def get_disambiguator(self):
            return self._name

    class KernelCache(caching.FunctionCache):
        def __init__(self, function, folder, tag):
            locator = Locator(function, folder, tag)

            class Found(caching.CompileResultCacheImpl):
                _locator_classes = (type("Fixed", (), {"from_function": staticmethod(lambda *_: locator)}),)

            self._impl_class = Found
            super().__init__(function)

        def load_overload(self, sig, target_context):
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # a damaged file, another Numba's pickle: compile anew
                return None

        def save_overload(self, sig, data):
            try:
                try:
                    super().save_overload(sig, data)
                except (EOFError, pickle.PickleError, ValueError, TypeError, AttributeError):  # a damaged index: begin a new one
                    self.flush()
                    super().save_overload(sig, data)
            except OSError as error:  # the disk is full, the folder went away
                _notice(str(error))

    return KernelCache
