"""A gallery under chance: killed at any moment, and changed in any order."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from test_gallery import FILES, Colours, paint, same

from vitsim import indexing, known
from vitsim.gallery import Gallery
from vitsim.store import GalleryError

SERVER = multiprocessing.get_context("forkserver")  # a child that starts in milliseconds
SERVER.set_forkserver_preload(["test_gallery_chances"])


class Slow(Colours):
    """Takes its time, as a model does, so that a kill hits every part of the work."""

    def embed(self, photos, *rest):
        time.sleep(0.01)
        return super().embed(photos, *rest)


def index(encoder: Colours, photos: Path, out: Path) -> None:
    Gallery.build(photos, encoder, out)


def add(encoder: Colours, photos: Path, out: Path) -> None:
    Gallery.open(out, encoder).add(sorted(photos.glob("new/*.png")))


def slowly(work, photos: Path, out: Path) -> None:
    known.SAVE_SECONDS, indexing.BATCH = 0.02, 3
    work(Slow(), photos, out)


def run_for(work, photos: Path, out: Path, seconds: float | None = None) -> tuple[float, bool]:
    """Run in a process of its own, killed after `seconds`; how long it took, and if it was."""
    child = SERVER.Process(target=slowly, args=(work, photos, out))
    began = time.monotonic()
    child.start()
    child.join(seconds)
    if alive := child.exitcode is None:
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    return time.monotonic() - began, alive and child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("work", [index, add])
def test_twenty_kills_at_random_moments_lose_nothing(tmp_path, work, monkeypatch):
    # Python 3.11 does not tell the server of forks where to look for what it imports beforehand.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    photos, old = tmp_path / "photos", tmp_path / "old"
    for number in range(24):
        paint(photos / "rex" / f"{number:02d}.png", number)
    before = Gallery.build(photos, Colours(), old)
    for number in range(60):
        paint(photos / "new" / f"{number:02d}.png", 100 + number)
    after = Gallery.build(photos, Colours())
    run_for(index, photos, tmp_path / "warm")  # the first one also starts the server of forks
    shutil.copytree(old, tmp_path / "timed")
    took, _ = run_for(work, photos, tmp_path / "timed")
    print("seed", seed := time.time_ns())  # which pytest shows of a test that fails
    dice, kills, finished = random.Random(seed), 0, 0
    while kills < 20:
        assert finished < 60, "too fast to be killed"
        out = tmp_path / f"g{kills + finished}"
        shutil.copytree(old, out)
        _, killed = run_for(work, photos, out, dice.uniform(0, took))
        kills, finished = kills + killed, finished + (not killed)
        now = Gallery.open(out, Colours())
        assert same(now, before) or same(now, after)
        work(Colours(), photos, out)
        assert same(Gallery.open(out, Colours()), after)
        assert {path.name for path in out.iterdir()} == FILES


class ChangedInAnyOrder(RuleBasedStateMachine):
    """Photos come, go, move and are replaced; a gallery that is kept equals one made anew."""

    names = st.sampled_from([f"{pet}/{n}.png" for pet in ("ana", "rex", "tom") for n in range(3)])
    pictures = st.integers(0, 5)  # few, so that copies occur

    @initialize(name=names, picture=pictures)
    def start(self, name, picture):
        self.base = Path(os.environ["VITSIM_CACHE"]) / f"{time.time_ns()}"
        self.photos, self.out = self.base / "photos", self.base / "g"
        self.put(name, picture)
        self.kept = Gallery.build(self.photos, Colours(), self.out)

    def there(self) -> list[Path]:
        return sorted(self.photos.glob("*/*.png"))

    @rule(name=names, picture=pictures)
    def put(self, name, picture):
        paint(self.photos / name, picture)

    @precondition(lambda self: len(self.there()) > 1)
    @rule(data=st.data())
    def remove(self, data):
        data.draw(st.sampled_from(self.there())).unlink()

    @rule(data=st.data(), name=names)
    def move(self, data, name):
        (self.photos / name).parent.mkdir(exist_ok=True)
        data.draw(st.sampled_from(self.there())).replace(self.photos / name)

    @rule()
    def build(self):
        known = set(self.kept.photos["sha256"])
        encoder = Colours()
        self.kept = Gallery.build(self.photos, encoder, self.out)
        assert same(self.kept, Gallery.build(self.photos, Colours()))
        assert encoder.embedded == len(set(self.kept.photos["sha256"]) - known)

    @rule(data=st.data())
    def add(self, data):
        some = data.draw(st.lists(st.sampled_from(self.there()), unique=True))
        was = dict(zip(self.kept.photos["path"], self.kept.photos["sha256"], strict=True))
        self.kept = self.kept.add(some)
        fresh = Gallery.build(self.photos, Colours(), paths=some) if some else None
        news = {} if fresh is None else dict(
            zip(fresh.photos["path"], fresh.photos["sha256"], strict=True))  # fmt: skip
        now = dict(zip(self.kept.photos["path"], self.kept.photos["sha256"], strict=True))
        assert now == was | news

    @rule()
    def move_the_gallery(self):
        self.out = self.out.replace(self.out.with_name(f"moved_{time.time_ns()}"))
        self.kept = Gallery.open(self.out, Colours())

    @rule(
        name=st.sampled_from(sorted(FILES - {"vitsim.lock"})), where=st.floats(0, 1), data=st.data()
    )
    def damage(self, name, where, data):
        """One changed byte anywhere is noticed; put back, the gallery opens."""
        whole = (self.out / name).read_bytes()
        at, other = int(where * (len(whole) - 1)), data.draw(st.integers(1, 255))
        (self.out / name).write_bytes(whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :])
        with pytest.raises(GalleryError):
            Gallery.open(self.out, Colours())
        (self.out / name).write_bytes(whole)

    @invariant()
    def what_is_on_disk_is_what_was_built(self):
        opened = Gallery.open(self.out, Colours())
        assert same(opened, self.kept)
        assert opened.photos["path"].is_unique and opened.photos["path"].is_monotonic_increasing
        assert np.allclose(np.linalg.norm(opened.vectors, axis=1), 1, atol=1e-6)

    def teardown(self):
        shutil.rmtree(self.base, ignore_errors=True)


def test_a_gallery_changed_in_any_order_equals_one_made_anew():
    from hypothesis.stateful import run_state_machine_as_test

    some = settings(max_examples=15, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(ChangedInAnyOrder, settings=some)
