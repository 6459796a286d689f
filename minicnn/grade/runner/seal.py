"""Which question: which doors of the system are shut for good, whoever a process is?

Idea: a list of system calls that answer "not permitted" from here on: those that start a process or a thread, those that make a namespace,
where a process would be its own master, and those that take memory which no limit counts.  The system keeps the list; nobody can
take a line from it, and root is not exempt, as root is from the limit of processes.

Cost: a few nanoseconds a system call.  When it loses: only Linux on x86-64 and arm64 has its numbers here; elsewhere a report says less.
It runs beside child.py, with nothing but the standard library.
Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst of Linux.  Next room: child.py.
"""

import ctypes
import errno
import os
import struct
import sys

MACHINES = {  # the machine's mark in linux/audit.h, and its numbers of the calls
    "x86_64": (
        0xC000003E,
        {"clone": 56, "fork": 57, "vfork": 58, "unshare": 272, "setns": 308, "clone3": 435, "shmget": 29, "memfd_create": 319},
    ),
    "aarch64": (0xC00000B7, {"clone": 220, "unshare": 97, "setns": 268, "clone3": 435, "shmget": 194, "memfd_create": 279}),
}
OTHER_NUMBERS = 0x40000000  # from here on x86-64 has every call a second time (x32)


def seal() -> bool:
    """Shut the doors; return whether this system can.  The process has promised before to gain no privileges (PR_SET_NO_NEW_PRIVS)."""
    if sys.platform != "linux" or sys.maxsize < 2**32 or os.uname().machine not in MACHINES:
        return False
    mark, calls = MACHINES[os.uname().machine]
    lines = rules(mark, list(calls.values()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    set_seccomp, filtered = 22, 2
    program = Program(len(lines), ctypes.addressof(code))
    return ctypes.CDLL(None).prctl(set_seccomp, filtered, ctypes.byref(program), 0, 0) == 0


def rules(mark: int, numbers: list[int]) -> list[tuple[int, int, int, int]]:
    """Return the filter's lines, (what, lines to jump where true, where false, a number): refuse another machine's calls, then each number.

    >>> len(rules(0xC000003E, [56, 57]))
    8
    """
    load, equal, from_on, answer = 0x20, 0x15, 0x35, 0x06
    number, machine = 0, 4  # where struct seccomp_data has them
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    tests = [(from_on, OTHER_NUMBERS), *((equal, each) for each in numbers)]
    left = len(tests)  # from a test to the last line: the tests after it, and 'allow'
    jumps = [(what, left - place, 0, value) for place, (what, value) in enumerate(tests)]
    return [(load, 0, 0, machine), (equal, 0, left + 2, mark), (load, 0, 0, number), *jumps, (answer, 0, 0, allow), (answer, 0, 0, refuse)]
