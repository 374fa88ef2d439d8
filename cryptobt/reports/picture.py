"""Small pictures of many cells, as data addresses that an SVG figure can hold."""

import base64
import struct
import zlib

import numpy as np


def shaded_picture(shares: np.ndarray, rgb: tuple[int, int, int]) -> str:
    """Write cells as a PNG of one colour that is the denser the larger the share.

    The ground shows through where the share is small, so that it fits a light page and a dark one.

    Parameters
    ----------
    shares : ndarray, shape (rows, columns)
        0 to 1, the first row at the top; NaN is left empty.
    rgb : tuple of int
        The colour.

    Returns
    -------
    str
        A data address.
    """
    levels = np.nan_to_num(np.clip(shares, 0.0, 1.0) * 255.0).round().astype(np.uint8)
    height, width = levels.shape
    # One byte a pixel, an index of a palette that differs in opacity alone (PNG, colour type 3).
    rows = np.column_stack([np.zeros(height, np.uint8), levels]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, body)
        for name, body in (
            (b"IHDR", header),
            (b"PLTE", bytes(rgb) * 256),
            (b"tRNS", bytes(range(256))),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _chunk(name: bytes, body: bytes) -> bytes:
    checked = name + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))
