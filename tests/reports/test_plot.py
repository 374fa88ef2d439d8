"""What figures are made of: scales, marks, keys, the numbers that their script reads."""

import base64
import json
import re
import struct
import zlib

import numpy as np
import pandas as pd
import pytest

from cryptobt.reports.linked import Series, linked, safe_json
from cryptobt.reports.picture import shaded_picture
from cryptobt.reports.plot import Plot, Scale, growth_scale, seconds

HOSTILE = '</script><script>alert("x")</script> & <b>'


def unit_plot() -> Plot:
    """Both axes from 0 to 1, 100 pixels high: x spans 1000 units, y runs down."""
    return Plot(Scale(0.0, 1.0), Scale(0.0, 1.0), height=100)


def paths(plot: Plot) -> list[str]:
    return re.findall(r' d="([^"]*)"', plot.html("a figure"))


def test_a_logarithmic_scale_gives_equal_ratios_equal_lengths() -> None:
    scale = Scale(1.0, 100.0, log=True)
    assert scale.share([1.0, 10.0, 100.0]) == pytest.approx([0.0, 0.5, 1.0])


def test_a_growth_scale_holds_every_value_with_room_to_spare() -> None:
    scale = growth_scale(np.array([0.5, 4.0]))
    assert scale.low < 0.5 < 4.0 < scale.high
    still = growth_scale(np.array([1.0, 1.0]))
    assert still.low < 1.0 < still.high


def test_times_become_seconds_since_1970() -> None:
    times = pd.DatetimeIndex(["1970-01-02", "1970-01-03"], tz="UTC")
    assert seconds(times).tolist() == [86400.0, 172800.0]


def test_a_line_runs_down_where_values_fall_and_breaks_at_a_hole() -> None:
    plot = unit_plot()
    plot.line(np.array([0.0, 0.25, 0.5, 1.0]), np.array([1.0, 0.5, np.nan, 0.0]), "blue")
    assert paths(plot) == ["M0.00 0.0L250.00 50.0M1000.00 100.0"]


def test_a_step_holds_each_value_until_the_next() -> None:
    plot = unit_plot()
    plot.line(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, 0.0]), "blue", step=True)
    assert paths(plot) == ["M0.00 0.0L500.00 0.0L500.00 100.0L1000.00 100.0L1000.00 100.0"]


def test_an_area_ends_where_one_of_its_edges_is_unknown() -> None:
    plot = unit_plot()
    high = np.array([1.0, 1.0, np.nan, 0.5])
    plot.area(np.array([0.0, 0.25, 0.5, 1.0]), 0.0, high, "blue")
    assert paths(plot) == [
        "M0.00 0.0L250.00 0.0L250.00 100.0L0.00 100.0ZM1000.00 50.0L1000.00 100.0Z"
    ]


def test_bars_of_unknown_height_are_left_out() -> None:
    plot = unit_plot()
    plot.bars(np.array([0.0, 0.5]), np.array([0.5, 1.0]), 0.0, np.array([1.0, np.nan]), "blue")
    assert paths(plot) == ["M0.00 100.0H500.00V0.0H0.00Z"]


def test_colours_are_variables_and_words_are_escaped() -> None:
    plot = unit_plot()
    plot.title, plot.x_ticks = HOSTILE, [(0.5, HOSTILE)]
    plot.level(0.5, "orange")
    plot.say(0.5, 0.5, HOSTILE)
    drawn = plot.html(HOSTILE)
    assert 'stroke="var(--orange)"' in drawn
    assert "<script>" not in drawn
    assert "<b>" not in drawn


def test_no_text_can_end_the_script_that_holds_the_numbers() -> None:
    text = safe_json({"name": HOSTILE})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"name": HOSTILE}


def made(times: np.ndarray, values: np.ndarray) -> str:
    return linked([(unit_plot(), "a line")], times, [Series("one", "blue", 0, values)], "a figure")


def numbers_of(drawn: str) -> dict:
    return json.loads(re.search(r"<script[^>]*>(.*?)</script>", drawn)[1])  # type: ignore[index]


def test_the_key_shows_the_last_known_value() -> None:
    assert "one <b>1.235</b>" in made(np.arange(3.0), np.array([1.0, 1.23456, np.nan]))
    assert "one <b>—</b>" in made(np.arange(2.0), np.array([np.nan, np.nan]))


def test_even_times_are_two_numbers_and_others_are_steps() -> None:
    values = np.arange(4.0)
    even = numbers_of(made(np.array([86400.0, 172800, 259200, 345600]), values))
    assert even["times"] == [86400, 86400]
    uneven = numbers_of(made(np.array([0.0, 60, 180, 190]), values))
    assert uneven["times"] == [0, 60, 120, 10]


def test_holes_are_null_and_values_have_four_digits() -> None:
    found = numbers_of(made(np.arange(3.0), np.array([1.23456, np.nan, -0.000123456])))
    assert found["series"] == [["one", 0, [1.235, None, -0.0001235]]]


def test_a_picture_is_a_png_whose_opacity_is_the_share() -> None:
    source = shaded_picture(np.array([[0.0, 1.0, np.nan], [0.5, 2.0, -1.0]]), (1, 2, 3))
    file = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", file[16:24]) == (3, 2)
    body = file[file.index(b"IDAT") + 4 : file.index(b"IEND") - 8]
    # Each row begins with the number of its filter, 0 for none; 0.5 · 255 rounds to even, 128.
    assert zlib.decompress(body) == bytes([0, 0, 255, 0, 0, 128, 255, 0])
