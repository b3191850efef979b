"""Run every benchmark in its own process, then print the table: `make bench`, or `python -m benchmarks NAME ...`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import RESULTS

HERE = Path(__file__).parent
NOT_SCRIPTS = {"__init__", "__main__", "harness"}


def scripts() -> list[str]:
    """Names of the benchmarks: the modules of this folder that have a `main`."""
    found = (p for p in sorted(HERE.glob("*.py")) if p.stem not in NOT_SCRIPTS)
    return [path.stem for path in found if "def main(" in path.read_text()]


def table() -> str:
    """The performance table of the last results, in Markdown."""
    lines = ["| part | peer | ours | theirs | ratio | must | |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for file in sorted(RESULTS.glob("*.json")):
        for row in json.loads(file.read_text()).get("rows", []):
            theirs = "-" if row["theirs"] is None else f"{row['theirs']:.4g}"
            bound = f"{'<=' if row['lower_is_better'] else '>='} {row['must']:g}"
            verdict = "reached" if row["reached"] else "missed"
            ours = f"{row['ours']:.4g} {row['unit']}"
            lines.append(
                f"| {row['part']} | {row['peer']} | {ours} | {theirs} | {row['ratio']:.2f} | {bound} | {verdict} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Run what was asked for; non-zero when a script failed."""
    known, asked = scripts(), sys.argv[1:]
    if unknown := sorted(set(asked) - set(known)):
        print(f"no benchmark {', '.join(unknown)} (there are: {', '.join(known)})", file=sys.stderr)
        return 2
    failed = []
    for name in asked or known:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    print(table())
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
