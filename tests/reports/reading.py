"""What the tests of the page read it with."""

import base64
import hashlib
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

from . import synthetic, synthetic_many


class Reader(HTMLParser):
    """Collect what a browser would fetch or run, and every id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs).get("type"))
        for name, value in attrs:
            assert not name.startswith("on"), f"{name} runs script"
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def holds_only_our_script(page: str) -> bool:
    """Whether one script can run, the last of the page, and its policy names that one's hash."""
    scripts = Reader(page).scripts
    code = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        scripts.count(None) == 1
        and set(scripts[:-1]) <= {"application/json"}
        and scripts[-1] is None
        and f"script-src 'sha256-{digest}'" in page
    )


def digest_elsewhere(sheet: str) -> str:
    """Render a sheet in a process with another hash seed and time zone; SHA-256 of its page."""
    code = (
        "import hashlib\n"
        f"from {synthetic.__name__} import make_sheet, without_quantstats\n"
        f"from {synthetic_many.__name__} import make_many_sheet\n"
        "from cryptobt.reports.tearsheet import render_tearsheet\n"
        f"print(hashlib.sha256(render_tearsheet({sheet}).encode()).hexdigest())\n"
    )
    root = Path(synthetic.__file__).parents[synthetic.__name__.count(".")]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(root),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.strip()
