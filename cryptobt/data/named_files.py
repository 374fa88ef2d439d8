"""Files that belong to symbols, as the command line writes them: ``SYMBOL=FILE``."""

from collections.abc import Sequence
from pathlib import Path

from cryptobt.core.errors import UsageError
from cryptobt.data.frames import split_key


def pair_files(entries: Sequence[str], symbols: Sequence[str], flag: str) -> dict[str, Path]:
    """Pair symbols with files: ``SYMBOL=FILE``, else the first symbol set, else the file's stem."""
    files: dict[str, Path] = {}
    for entry in entries:
        named, path = split_entry(entry)
        if path == Path():
            raise UsageError(f"--{flag} '{entry}' is not a regular file; give a file")
        symbol = named or (symbols[0] if symbols else _stem(path))
        if symbol in files:
            raise UsageError(
                f"--{flag} gives two files for symbol '{symbol}'; write each as SYMBOL=FILE"
            )
        files[symbol] = path
    missing = [symbol for symbol in symbols if entries and symbol not in files]
    if missing and flag == "csv":
        raise UsageError(
            f"there is no file for symbol '{missing[0]}'; give --csv {missing[0]}=FILE"
        )
    return files


def split_entry(entry: str) -> tuple[str, Path]:
    """Split ``SYMBOL=FILE``; the symbol is empty where only a file is named.

    Raises
    ------
    UsageError
        If the file is named by the folder of a user who is not known here.
    """
    symbol, sign, path = entry.partition("=")
    # a file may carry the sign in its own name
    if not sign or _exists(entry):
        return "", _at_home(entry)
    # a shell leaves the tilde of SYMBOL=~/file alone
    return symbol.strip(), _at_home(path)


def _exists(entry: str) -> bool:
    try:
        return split_key(Path(entry))[0].exists()
    # what is too long for a name of a file is none
    except OSError:
        return False


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"'{path}' begins with the folder of a user who is not known here; give the whole path"
        ) from error


def _stem(path: Path) -> str:
    file = split_key(path)[0]
    return Path(file.name.removesuffix(".gz")).stem
