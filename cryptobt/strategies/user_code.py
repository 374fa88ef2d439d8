"""A user's own strategy: found in a file, made to fit, its mistakes told with their line."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt

from cryptobt.core.errors import CryptobtError, UsageError, did_you_mean
from cryptobt.core.hashing import hash_bytes


class StrategyError(UsageError):
    """A strategy of the user's does not import, or fails while it trades."""


def is_reference(name: str) -> bool:
    """Whether a strategy's name points into a file: ``my_file.py:MyStrategy``."""
    return ".py" in name and (":" in name or name.endswith(".py"))


def load_class(reference: str) -> tuple[type[Any], str]:
    """Import a strategy class from ``FILE.py:CLASS``.

    Returns
    -------
    class, str
        The class, and a hash of its file.

    Raises
    ------
    StrategyError
        If there is no such file or class, or the file does not import; with its own line.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file if file.endswith(".py") else reference).expanduser()
    if not path.is_file():
        raise StrategyError(f"strategy file {path}: there is no such file")
    module = _import(path)
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, bt.Strategy)
        and value.__module__ == module.__name__
    }
    if not classes:
        raise StrategyError(f"strategy file {path} defines no backtrader Strategy")
    if not file.endswith(".py"):
        listed = " or ".join(f"{path}:{key}" for key in classes)
        raise StrategyError(f"say which strategy of the file to trade: {listed}")
    if name not in classes:
        raise StrategyError(
            f"strategy file {path} has no strategy '{name}'; {did_you_mean(name, classes)}"
        )
    return classes[name], hash_bytes(path.read_bytes())


def explain_failure(error: BaseException, file: str) -> StrategyError:
    """Tell a failure of a user's code by the line of his file that it came from."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f"{file}, line {own[-1].lineno}, in {own[-1].name}" if own else file
    # What we raised ourselves says all in its own words.
    kind = "" if isinstance(error, CryptobtError) else f"{type(error).__name__}: "
    return StrategyError(f"strategy file {where}: {kind}{error}")


def _import(path: Path) -> ModuleType:
    name = f"cryptobt_user_{hash_bytes(str(path.resolve()).encode())[:12]}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    # backtrader looks a class's module up while it makes the class.
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise StrategyError(
            f"strategy file {error.filename or path}, line {error.lineno or 1}: "
            f"SyntaxError: {error.msg}"
        ) from error
    except (Exception, SystemExit) as error:
        raise explain_failure(error, str(path.resolve())) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module
