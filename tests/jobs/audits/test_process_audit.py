"""What code keeps between calls and reads beside the bars, seen from processes of its own."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.jobs.audits.apart import Errand, run_apart
from cryptobt.jobs.audits.dated import DatedFile, holds_no_dates
from cryptobt.jobs.audits.dated_json import DatedJson
from cryptobt.jobs.audits.disk import Disk

from .made import document_of, outcomes, settings_of, small_world, write

TABLE = "date,fees\n2020-01-01,1.5\n2020-01-02,2.5\n2020-01-03,text\n2020-01-04,3.5\n"
READS = """
import json
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def fees(lag):
    table = pd.read_csv(HERE / "fees.csv", parse_dates=["date"]).set_index("date")["fees"]
    return table.tz_localize("UTC").shift(lag)


def same_day(bars):
    return fees(0).reindex(bars.index).to_frame("fees")


def a_day_later(bars):
    return fees(1).reindex(bars.index).to_frame("fees")


def tomorrow(bars):
    return fees(-1).reindex(bars.index).to_frame("fees")


def on_disk(bars):
    kept = HERE / "kept.pkl"
    if not kept.exists():
        bars["close"].pct_change(5).to_pickle(kept)
    return pd.read_pickle(kept).reindex(bars.index).to_frame("momentum")


def by_length(bars, _kept={}):
    if len(bars) not in _kept:
        _kept[len(bars)] = bars["close"].pct_change(5)
    return _kept[len(bars)].to_frame("momentum")


def with_settings(bars):
    span = json.loads((HERE / "settings.json").read_text())["span"]
    return bars["close"].pct_change(span).to_frame("momentum")
"""


def test_what_is_written_lies_elsewhere_and_is_found_again(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    disk = Disk(tmp_path / "root")
    with disk.in_use():
        (own / "cache").mkdir()
        file = own / "cache" / "kept.txt"
        file.write_text("kept")
        assert file.exists()
        assert file.read_text() == "kept"
        file.rename(own / "cache" / "moved.txt")
        assert (own / "cache" / "moved.txt").read_text() == "kept"
    assert list(own.iterdir()) == []
    assert [Path(path).name for path in disk.written] == ["kept.txt", "moved.txt"]


def test_what_is_added_to_a_file_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text("one\n")
    with Disk(tmp_path / "root").in_use(), file.open("a") as log:
        log.write("two\n")
    assert file.read_text() == "one\n"


def test_hidden_files_are_missing_and_replaced_ones_are_others(tmp_path: Path) -> None:
    hidden, other, own = (tmp_path / name for name in ("hidden.txt", "other.txt", "own.txt"))
    for file in (hidden, other, own):
        file.write_text(file.stem)
    disk = Disk(tmp_path / "root", frozenset({str(hidden)}), {str(own): str(other)})
    with disk.in_use():
        assert not hidden.exists()
        with pytest.raises(FileNotFoundError):
            hidden.read_text()
        assert own.read_text() == "other"
    assert disk.read == [str(own)]


def test_a_package_s_own_files_are_none_of_the_code_s(tmp_path: Path) -> None:
    file = tmp_path / "scipy.egg-info" / "entry_points.txt"
    file.parent.mkdir()
    file.write_text("[console]")
    disk = Disk(tmp_path / "root")
    with disk.in_use():
        assert file.read_text() == "[console]"
    assert disk.read == []


@pytest.mark.slow
def test_code_that_ends_its_process_ends_the_audit_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("import os\n\n\ndef columns(bars):\n    os._exit(0)\n")
    with pytest.raises(UsageError, match=r"ends the process .* status 0\)") as caught:
        document_of(settings_of(f"features.set={tmp_path / 'f.py'}:columns"), small_world(150))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_folder_of_one_process_alone_is_told_nowhere(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(
        "import tempfile\n\n\ndef columns(bars):\n"
        "    raise OSError(f'no room in {tempfile.gettempdir()}')\n"
    )
    settings = settings_of(f"features.set={tmp_path / 'f.py'}:columns")
    (outcome,) = run_apart([Errand(settings, ("features",), ((small_world(150),),))])
    assert outcome.failed.endswith("OSError: no room in")


def test_a_table_s_later_numbers_change_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "fees.csv"
    file.write_text(TABLE)
    table = DatedFile.read(str(file))
    assert table is not None
    changed = table.changed_from(pd.Timestamp("2020-01-03T00:00:00Z")).splitlines()
    assert changed[:3] == TABLE.splitlines()[:3]
    assert changed[3] == "2020-01-03,text"
    date, value = changed[4].split(",")
    assert date == "2020-01-04"
    assert float(value) != 3.5


@pytest.mark.parametrize(
    ("text", "prices", "published"),
    [
        ("time;close\n1577836800;1\n1577923200;2\n", True, False),
        ("date,available_at,x\n2020-01-01,2020-01-03,1\n2020-01-02,2020-01-04,2\n", False, True),
        ("Date\tx\n01/02/2020\t1\n01/03/2020\t2\n", False, False),
    ],
)
def test_tables_with_instants_are_known_as_such(
    tmp_path: Path, text: str, prices: bool, published: bool
) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text)
    table = DatedFile.read(str(file))
    assert table is not None
    assert (table.holds_prices, table.published) == (prices, published)
    assert table.times[0].year == 2020


def test_a_table_without_instants_and_settings_are_no_dated_files(tmp_path: Path) -> None:
    plain, settings = tmp_path / "plain.csv", tmp_path / "settings.json"
    plain.write_text("a,b\n1,2\n3,4\n")
    settings.write_text(json.dumps({"span": 5}))
    assert DatedFile.read(str(plain)) is None
    assert holds_no_dates(str(settings))
    settings.write_text(json.dumps({f"2020-01-0{day}": 1 for day in range(1, 5)}))
    assert not holds_no_dates(str(settings))


@pytest.mark.parametrize(
    ("document", "later"),
    [
        ({"2020-01-01": 5.0, "2020-01-03": [7.0, "text"]}, [1]),
        ({"unit": "USD", "rows": [{"day": "2020-01-01", "fee": "2"}, {"day": "2020-01-02"}]}, []),
        ([{"date": "2020-01-03", "fee": 3}, {"date": "2020-01-04", "fee": 4, "ok": True}], [0, 1]),
    ],
)
def test_of_a_json_s_entries_later_numbers_change_and_nothing_else(
    tmp_path: Path, document: object, later: list[int]
) -> None:
    file = tmp_path / "fees.json"
    file.write_text(json.dumps(document))
    dated = DatedJson.read(str(file))
    assert dated is not None
    changed = json.loads(dated.changed_from(pd.Timestamp("2020-01-03", tz="UTC")))
    if isinstance(document, dict) and "rows" in document:
        assert changed == document
        return
    was = list(document.items()) if isinstance(document, dict) else document
    now = list(changed.items()) if isinstance(document, dict) else changed
    assert isinstance(was, list)
    assert [place for place, (a, b) in enumerate(zip(was, now, strict=True)) if a != b] == later
    assert str(now).count("2020") == str(was).count("2020")
    assert ("text" in str(now), "True" in str(now)) == ("text" in str(was), "True" in str(was))


def test_values_without_a_name_may_be_prices_and_named_ones_are_told_apart(tmp_path: Path) -> None:
    told = {
        "unnamed": {"2020-01-01": 5.0, "2020-01-02": 6.0},
        "prices": [{"date": "2020-01-01", "close": 1.0}, {"date": "2020-01-02", "close": 2.0}],
        "fees": [{"released": "2020-01-01", "fee": 1.0}, {"released": "2020-01-02", "fee": 2.0}],
    }
    found = {}
    for name, document in told.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
        dated = DatedJson.read(str(tmp_path / f"{name}.json"))
        assert dated is not None
        found[name] = (dated.holds_prices, dated.published)
    assert found == {"unnamed": (True, False), "prices": (True, False), "fees": (False, True)}


@pytest.mark.parametrize(
    "document", [{"span": 5}, {"starts": ["2020-01-01", "2020-01-02"]}, [1, 2]]
)
def test_settings_in_json_are_no_dated_file(tmp_path: Path, document: object) -> None:
    (tmp_path / "s.json").write_text(json.dumps(document))
    assert DatedJson.read(str(tmp_path / "s.json")) is None


def _asked(name: str, folder: Path) -> list[dict[str, object]]:
    (folder / "r.py").write_text(READS)
    dates = pd.date_range("2014-12-20", periods=400).strftime("%Y-%m-%d")
    fees = [f"{date},{(7 * number) % 31 + 0.5}" for number, date in enumerate(dates)]
    (folder / "fees.csv").write_text("\n".join(["date,fees", *fees]))
    (folder / "settings.json").write_text(json.dumps({"span": 5}))
    document = document_of(settings_of(f"features.set={folder / 'r.py'}:{name}"), small_world(150))
    return outcomes(document, "leak")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "check", "code"),
    [
        ("same_day", "files, rows of the same period", "pd.read_csv"),
        ("tomorrow", "files, later rows", "pd.read_csv"),
        ("on_disk", "process, after another market", "to_pickle(kept)"),
        ("by_length", "process, after another market", "_kept[len(bars)] ="),
    ],
)
def test_files_and_caches_that_know_more_are_found(
    tmp_path: Path, name: str, check: str, code: str
) -> None:
    (leak,) = _asked(name, tmp_path)
    assert (leak["name"], leak["part"]) == (check, "process")
    assert code in str(leak["code"])
    assert leak["time"] is not None
    assert not (tmp_path / "kept.pkl").exists(), "an audit leaves nothing behind"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a_day_later", "with_settings"])
def test_files_that_tell_what_was_known_are_no_leak(tmp_path: Path, name: str) -> None:
    assert not _asked(name, tmp_path)


def test_code_of_ours_needs_no_process_of_its_own() -> None:
    document = document_of(settings_of(), small_world(120))
    assert not [check for check in document["checks"] if check["part"] == "process"]


@pytest.mark.slow
def test_a_cache_in_a_strategy_s_module_is_found(tmp_path: Path) -> None:
    text = (write(tmp_path) / "s.py").read_text() + (
        "\n\nFIRST = {}\n\n\nclass Keeps(bt.Strategy):\n    def next(self):\n"
        "        FIRST.setdefault('close', self.data.close[0])\n"
        "        if self.data.close[0] > FIRST['close'] and not self.position:\n"
        "            self.buy()\n"
    )
    (tmp_path / "s.py").write_text(text)
    name = f"strategy.name={tmp_path / 's.py'}:Keeps"
    leaks = outcomes(document_of(settings_of(name), small_world(150)), "leak")
    assert [leak["name"] for leak in leaks] == ["process, after another market"]
