"""The report: one page, everything inside, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.output import record
from sensorium.io.report import report


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
