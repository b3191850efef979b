"""Report: one HTML page that holds everything about a run and opens offline."""

from __future__ import annotations

import base64
import html
import io as streams
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.analysis import energy_budget, lifetimes
from sensorium.io.parts import replacing
from sensorium.io.plot import VIEWS, figure
from sensorium.io.plots.style import styled
from sensorium.io.run import Run

__all__ = ["report"]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: .6rem 0; } th { text-align: left; font-weight: 600; }
td, th { padding: .15rem .9rem .15rem 0; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; } figcaption { color: #444; font-size: .9rem; } img { max-width: 100%; height: auto; }
pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: .85rem; } .note { color: #555; }
.bad { color: #a33b00; font-weight: 600; } @media print { pre { white-space: pre-wrap; } }
"""

CAPTIONS = {
    "energy": "Energy in every store and their sum.",
    "residual": "What the energy ledger cannot account for, relative to the largest energy held.",
    "booked": "Energy that entered (+) or left (-) through each booked channel.",
    "carriers": "Carriers in frequency over time; colour tells the state, width the amplitude.",
    "states": "How many carriers live, by state.",
    "gates": "Tuning curves of the carriers over the histogram of oscillators, last frame.",
    "order": "Order parameter of the phases, and the homeostatic ratio.",
    "phases": "Phase against frequency, last frame; locked oscillators lie on a curve.",
    "temperature": "Temperature over time.",
    "coupling": "How strongly every carrier couples to oscillators of every frequency, last frame.",
    "settling": "Amplitudes of the carriers over time.",
    "spectrogram": "Spectrum of the mean field of the oscillators over time.",
    "particles": "Particles in their box, last frame.",
    "density": "A slice through the middle of the box, last frame.",
    "collisions": "Energy of the particles of each token against how many share it, last frame.",
    "clusters": "Where the particles of the most frequent tokens are, last frame, in their convex hulls.",
    "trie": "Tree of the most frequent tokens by energy and phase, last frame.",
}
RASTER = frozenset({"particles", "phases", "density", "carriers", "gates", "coupling", "spectrogram", "collisions"})
TOLERANCE = 1e-10


def report(run: str | Path | Run, output: str | Path) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    run
        A trajectory, complete or not.
    output
        The page; pictures are inside, nothing is loaded from elsewhere.

    Raises
    ------
    OutputError
        If the run cannot be read or the page cannot be written.
    """
    opened = run if isinstance(run, Run) else Run(run)
    output = Path(output)
    try:
        page = _page(opened)
        with replacing(output) as fresh:
            fresh.write_text(page, encoding="utf-8")
    finally:
        if opened is not run:
            opened.close()
    return output


def _page(run: Run) -> str:
    name = str(run.scenario.get("name", run.path.stem))
    description = str(run.scenario.get("description", "")).strip()
    scenario = run.parameters.get("scenario", "").strip() or "(built in Python)"
    parts = [
        f"<h1>{html.escape(name)}</h1>",
        f'<p class="note">{html.escape(description)}</p>' if description else "",
        "<h2>The run</h2>", _facts(run),
        "<h2>Energy</h2>", _energy(run),
        *_pictures(run),
        "<h2>Events</h2>", _events(run),
        "<h2>Scenario</h2>", f"<pre>{html.escape(scenario)}</pre>",
        "<h2>Provenance</h2>", _provenance(run),
    ]  # fmt: skip
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(name)}</title>'
    )
    body = "\n".join(part for part in parts if part)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _table(rows: Iterable[Iterable[Any]], head: Iterable[str] = ()) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f'<td class="n">{value:.6g}</td>'
        if isinstance(value, int | np.integer):
            return f'<td class="n">{value:,}</td>'
        return f"<td>{html.escape(str(value))}</td>"

    titles = "".join(f"<th>{html.escape(title)}</th>" for title in head)
    lines = [f"<tr>{titles}</tr>"] if titles else []
    lines += ["<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _facts(run: Run) -> str:
    asked = run.scenario.get("run", {})
    asked = asked if isinstance(asked, dict) else {}
    facts: list[tuple[str, Any]] = [("state", "complete" if run.complete else "unfinished")]
    if len(run):
        facts += [("last frame at step", int(run.steps[-1])), ("time", float(run.times[-1])), ("frames", len(run))]
    facts += [(key, asked[key]) for key in ("dt", "seed", "precision") if key in asked]
    counts = [(name, int(p.counts[-1]), ", ".join(p.columns)) for name, p in run.populations.items() if len(p)]
    return _table(facts) + _table(counts, ("population", "rows", "columns"))


def _energy(run: Run) -> str:
    budget = energy_budget(run)
    if not budget.stores:
        return '<p class="note">The run has no energy ledger.</p>'
    stores = [(name, first, last, last - first) for name, (first, last) in budget.stores.items()]
    stores.append(("all stores", sum(s[1] for s in stores), sum(s[2] for s in stores), budget.change))
    parts = [_table(stores, ("store", "at the start", "at the end", "change"))]
    if budget.booked:
        parts.append(_table(budget.booked.items(), ("booked channel", "energy that came in")))
    closes = budget.residual <= TOLERANCE
    verdict = "The first law closes" if closes else "The first law does not close"
    said = f"{verdict}: the largest residual is {budget.residual:.1e} of the largest energy held."
    parts.append(f'<p class="{"note" if closes else "bad"}">{said}</p>')
    return "".join(parts)


def _pictures(run: Run) -> Iterable[str]:
    yield "<h2>Pictures</h2>"
    for view in VIEWS:
        kind = "png" if view in RASTER else "svg"
        try:
            drawn = figure(run, view)
        except OutputError:
            continue  # the run has nothing of this kind
        stream = streams.BytesIO()
        with styled():
            drawn.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else None)
        media = "image/png" if kind == "png" else "image/svg+xml"
        data = base64.b64encode(stream.getvalue()).decode()
        caption = html.escape(CAPTIONS.get(view, view))
        image = f'<img alt="{caption}" src="data:{media};base64,{data}">'
        yield f'<figure id="{view}">{image}<figcaption>{caption}</figcaption></figure>'


def _events(run: Run) -> str:
    log = run.events()
    if not len(log["step"]):
        return '<p class="note">None.</p>'
    kinds, counts = np.unique(log["kind"], return_counts=True)
    parts = [_table(zip(kinds.tolist(), counts.tolist(), strict=True), ("event", "times"))]
    lives = lifetimes(run)
    if len(lives.complete):
        middle = float(np.median(lives.complete))
        living = int((lives.died < 0).sum())
        parts.append(f"<p>{len(lives.complete)} died, with a median life of {middle:.4g}; {living} live on.</p>")
    return "".join(parts)


def _provenance(run: Run) -> str:
    texts = run.parameters
    rows: list[tuple[str, str]] = []
    for key in ("seed", "git", "argv"):
        if texts.get(key):
            rows.append((key, texts[key]))
    for key in ("hardware", "versions"):
        rows += [(f"{key}: {name}", str(value)) for name, value in _decoded(texts.get(key, "{}")).items()]
    return _table(rows)


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
