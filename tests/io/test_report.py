"""The report: one page, everything inside, nothing loaded from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.output import record
from sensorium.io.report import report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page(HTMLParser):
    """Collects what a browser would load, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_one_page_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(40, 20)
    sim.provenance["scenario"] = "name: toy # <script>alert(1)</script>\n"
    record(sim, path, OUTPUT)
    sim.run()
    text = report(path, tmp_path / "run.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == [], "every tag is closed"
    assert len(page.sources) >= 5
    assert all(source.startswith("data:image/") for source in page.sources), "it opens offline"
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", text), "no scripts, nothing from elsewhere"
    for said in ("The first law closes", "kinetic", "born", "&lt;script&gt;", "hardware: processor"):
        assert said in text


def test_unwritable(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(2, 5, lives=False)
    record(sim, path, OUTPUT)
    sim.run()
    with pytest.raises(OutputError, match="cannot write"):
        report(path, tmp_path / "missing" / "run.html")


@pytest.mark.skipif(CHROMIUM is None, reason="this machine has no Chromium")
def test_chromium_shows_it_without_a_network(tmp_path: Path) -> None:
    path, shot, log = tmp_path / "run.h5", tmp_path / "page.png", tmp_path / "net.json"
    sim = toy(40, 20)
    record(sim, path, OUTPUT)
    sim.run()
    page = report(path, tmp_path / "run.html")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr", f"--log-net-log={log}", "--window-size=1000,2400", f"--screenshot={shot}",
            page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, "the page says nothing on the console"
    asked = re.findall(r'"url":"(https?://[^"]+)"', log.read_text())
    # what the browser asks for its own sake is not the page's
    assert not [url for url in asked if not re.search("google|gvt1", url)], "nothing was loaded from elsewhere"
    colours = len(np.unique(imread(shot).reshape(-1, 4), axis=0))
    assert colours > 100, "pictures are shown"
