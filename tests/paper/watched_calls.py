"""System calls of a child: those that change a file are counted, and one of them is its last.

The child stops at every call (Linux's ptrace). At the n-th that changes a file in its home it is
killed by SIGKILL before the call is done.
"""

import ctypes
import os
import platform
import signal
import subprocess
import sys
from functools import cache

_TRACEME, _SYSCALL, _SET_OPTIONS, _CALL_INFO = 0, 24, 0x4200, 0x420E
_MARKED_STOPS, _DIES_WITH_US = 1, 0x100000
_CALL_STOP = signal.SIGTRAP | 0x80
_ENTERED = 1
_CREATES = os.O_CREAT
_CALLS = {
    "x86_64": {
        1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 75: "fdatasync", 76: "truncate",
        77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 87: "unlink", 257: "openat",
        258: "mkdirat", 263: "unlinkat", 264: "renameat", 285: "fallocate", 316: "renameat2",
    },
    "aarch64": {
        34: "mkdirat", 35: "unlinkat", 38: "renameat", 45: "truncate", 46: "ftruncate",
        47: "fallocate", 56: "openat", 64: "write", 66: "writev", 68: "pwrite64", 82: "fsync",
        83: "fdatasync", 276: "renameat2",
    },
}  # fmt: skip
_OF_DESCRIPTORS = {"write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "fallocate"}


class _CallInfo(ctypes.Structure):
    """Linux's struct ptrace_syscall_info, at the entry of a call."""

    _fields_ = (
        ("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64), ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64), ("arguments", ctypes.c_uint64 * 6),
    )  # fmt: skip


@cache
def can_watch() -> bool:
    """Whether system calls can be watched on this machine: a container may forbid it."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    tried = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace({_TRACEME}, 0, None, None))"
    return subprocess.run([sys.executable, "-c", tried], check=False).returncode == 0


def let_watch() -> None:
    """Call in the child: it stops, and goes on when its parent watches."""
    if _libc().ptrace(_TRACEME, 0, None, None):
        raise OSError(ctypes.get_errno(), "this child cannot be watched")
    os.kill(os.getpid(), signal.SIGSTOP)


def watch(pid: int, home: str, changes: list[str], last: int | None) -> int:
    """Go from call to call of a stopped child, note those that change its home; its status."""
    libc = _libc()
    _, status = os.waitpid(pid, 0)
    libc.ptrace(_SET_OPTIONS, pid, None, _MARKED_STOPS | _DIES_WITH_US)
    info, passed = _CallInfo(), 0
    while not (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
        stopped_by = os.WSTOPSIG(status)
        if stopped_by == _CALL_STOP:
            libc.ptrace(_CALL_INFO, pid, ctypes.sizeof(info), ctypes.byref(info))
            change = _change(pid, info, home) if info.op == _ENTERED else ""
            if change and len(changes) == last:
                os.kill(pid, signal.SIGKILL)
            elif change:
                changes.append(change)
            passed = 0
        elif stopped_by != signal.SIGSTOP:
            passed = stopped_by
        libc.ptrace(_SYSCALL, pid, None, passed)
        _, status = os.waitpid(pid, 0)
    return status


def _change(pid: int, info: _CallInfo, home: str) -> str:
    """Name the call and the file if it changes one of the home; else nothing."""
    name = _CALLS[platform.machine()].get(info.number, "")
    if not name:
        return ""
    if name in _OF_DESCRIPTORS:
        try:
            path = os.readlink(f"/proc/{pid}/fd/{info.arguments[0]}")  # noqa: PTH115
        except OSError:
            return ""
    else:
        at = name.endswith(("at", "at2"))
        if name == "openat" and not info.arguments[2] & _CREATES:
            return ""
        path = _text(pid, info.arguments[1 if at else 0])
    return f"{name} {path[len(home) + 1 :]}" if path.startswith(home) else ""


def _text(pid: int, address: int) -> str:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        memory.seek(address)
        found = memory.read(min(4096, 4096 - address % 4096))
        if b"\0" not in found:
            found += memory.read(4096)
    return found.split(b"\0")[0].decode(errors="replace")


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    return libc
