"""Movies: as many pictures as frames, and clear words when one cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_run import toy

from sensorium.engine.errors import OutputError
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.movie import movie
from sensorium.io.run import Run
from sensorium.io.run import open as open_run

image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("movie") / "run.h5"
    sim = toy(4, 20)
    sim.add_writer(TrajectoryWriter(path))
    sim.run()
    return open_run(path)


def test_gif(run: Run, tmp_path: Path) -> None:
    with image.open(movie(run, tmp_path / "run.gif", view="phases", rate=10)) as picture:
        assert picture.n_frames == 5
        assert picture.size == (700, 560)


def test_mp4(run: Run, tmp_path: Path) -> None:
    try:
        path = movie(run, tmp_path / "run.mp4", frames=2)
    except OutputError as error:
        if "needs ffmpeg" not in str(error):
            raise
        pytest.skip("this machine has no ffmpeg")
    assert path.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("name", "view", "said"),
    [("run.avi", "phases", "ends in .mp4 or .gif"), ("run.gif", "phase", "did you mean 'phases'")],
)
def test_mistakes(run: Run, tmp_path: Path, name: str, view: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        movie(run, tmp_path / name, view=view)
    assert not list(tmp_path.iterdir())
