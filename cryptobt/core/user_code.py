"""Code of a user's own: found in a file, imported, its mistakes told with their line."""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptobt.core.errors import CryptobtError, UsageError, did_you_mean
from cryptobt.core.hashing import hash_bytes


@dataclass(frozen=True)
class Wanted:
    """What is looked for in a user's code, and the words in which its lack is told.

    Attributes
    ----------
    word : str
        What it is called: ``strategy``.
    none : str
        What is there where it is not: ``no backtrader Strategy``.
    use : str
        What is done with it: ``trade``.
    error : type
        Raised for each mistake.
    fits : callable
        Whether a value is one; given the value and the name of the module that it stands in, or
        None where any module's will do.
    """

    word: str
    none: str
    use: str
    error: type[UsageError]
    fits: Callable[[Any, str | None], bool]


@dataclass(frozen=True)
class Found:
    """A value of a user's code.

    Attributes
    ----------
    file, file_hash : str
        Absolute path of the file that it stands in, and a hash of its content.
    name : str
        In the file; of an installed one, the name under which it is offered.
    reference : str
        By which another process finds it, whatever its working directory.
    """

    value: Any
    name: str
    file: str
    file_hash: str
    reference: str


def is_reference(name: str) -> bool:
    """Whether a name points into a file: ``my_file.py:MyStrategy``."""
    return ".py" in name and (":" in name or name.endswith(".py"))


def load(reference: str, wanted: Wanted) -> Found:
    """Import what is wanted from ``FILE.py:NAME``.

    Raises
    ------
    UsageError
        Of the wanted kind: if there is no such file or name, or the file does not import; with
        its own line.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file if file.endswith(".py") else reference).expanduser()
    if not path.is_file():
        raise wanted.error(f"{wanted.word} file {path}: there is no such file")
    module = _import(path, wanted)
    offered = {k: v for k, v in vars(module).items() if wanted.fits(v, module.__name__)}
    if not offered:
        raise wanted.error(f"{wanted.word} file {path} defines {wanted.none}")
    if not file.endswith(".py"):
        listed = " or ".join(f"{path}:{key}" for key in offered)
        raise wanted.error(f"say which {wanted.word} of the file to {wanted.use}: {listed}")
    if name not in offered:
        hint = did_you_mean(name, offered)
        raise wanted.error(f"{wanted.word} file {path} has no {wanted.word} '{name}'; {hint}")
    own = str(path.resolve())
    return Found(offered[name], name, own, hash_bytes(path.read_bytes()), f"{own}:{name}")


def load_installed(point: EntryPoint, wanted: Wanted) -> Found:
    """Import what another package offers under an entry point.

    Raises
    ------
    UsageError
        Of the wanted kind, with the name and the place that the package gives.
    """
    told = f"{wanted.word} '{point.name}' ({point.value})"
    try:
        value = point.load()
    except Exception as error:
        raise wanted.error(f"{told}: {error}") from error
    if not wanted.fits(value, None):
        raise wanted.error(f"{told} is {wanted.none}")
    file = inspect.getsourcefile(value if isinstance(value, type) else sys.modules[point.module])
    assert file is not None, "the code of a package has a source file"
    return Found(value, point.name, file, hash_bytes(Path(file).read_bytes()), point.name)


def explain_failure(error: BaseException, file: str, wanted: Wanted, doing: str = "") -> UsageError:
    """Tell a failure of a user's code by the line of his file that it came from.

    Parameters
    ----------
    doing : str
        Told where no line of the file took part: the call that failed.
    """
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f"{file}, {doing}" if doing else file
    if own:
        where = f"{file}, line {own[-1].lineno}, in {own[-1].name}"
    # What we raised ourselves says all in its own words.
    kind = "" if isinstance(error, CryptobtError) else f"{type(error).__name__}: "
    return wanted.error(f"{wanted.word} file {where}: {kind}{' '.join(str(error).split())}")


def _import(path: Path, wanted: Wanted) -> ModuleType:
    name = f"cryptobt_user_{hash_bytes(str(path.resolve()).encode())[:12]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    # backtrader, and dataclasses, look a class's module up while they make the class.
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise wanted.error(
            f"{wanted.word} file {error.filename or path}, line {error.lineno or 1}: "
            f"SyntaxError: {error.msg}"
        ) from error
    except (Exception, SystemExit) as error:
        raise explain_failure(error, str(path.resolve()), wanted) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module
