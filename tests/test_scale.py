"""Beyond one machine: Ray makes the same gallery, Milvus gives the same answers."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vitsim import VitsimError, datasets, distributed, store
from vitsim.gallery import Gallery
from vitsim.images import find_photos
from vitsim.indexing import Recipe
from vitsim.similarity import normalise, top_k
from vitsim.store import GalleryError


@pytest.fixture
def folder(tmp_path) -> Path:
    """72 photos of pets; one twice, and one file that is no picture."""
    for n, photo in enumerate(datasets.pets(role="gallery")["photo"][:70]):
        (tmp_path / "photos" / f"pet{n % 7}").mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, tmp_path / "photos" / f"pet{n % 7}" / f"{n}.jpg")
    shutil.copy(photo, tmp_path / "photos" / "copy.jpg")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path / "photos"


@pytest.fixture(scope="module")
def cluster(offline, tmp_path_factory):
    """Ray as vitsim starts it, once for both tests: it takes a quarter of a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        with offline(), distributed._cluster(None) as ray:
            yield
            assert ray.is_initialized(), "vitsim leaves a cluster alone that was there already"
        assert not ray.is_initialized(), "and ends its own"


def test_ray_makes_the_same_gallery_though_a_worker_is_killed(
    folder, tmp_path, small_encoder, cluster
):
    killed, workers = tmp_path / "killed", tmp_path / "workers"
    workers.mkdir()

    def label(path: Path) -> str:  # runs in the workers, before their photos are embedded
        import ray

        (workers / str(os.getpid())).write_text(ray.util.get_node_ip_address())
        if path.name == "40.jpg" and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return path.parent.name

    plain = Gallery.build(folder, small_encoder)
    made = Gallery.build(folder, small_encoder, tmp_path / "g", label=label, engine="ray")
    assert killed.exists()
    addresses = [worker.read_text() for worker in workers.iterdir()]
    assert len(addresses) >= 2, "the killed worker, and one that did its work"
    assert set(addresses) == {"127.0.0.1"}, "without an address all stays on this machine"
    assert made.photos["path"].is_unique and len(made) == 71
    assert made.photos.equals(plain.photos)
    assert made.skipped == plain.skipped and len(made.skipped) == 1
    assert np.allclose(made.vectors, plain.vectors, atol=1e-6)


def test_the_cell_of_lesson_08_that_is_off_gives_the_same_gallery(
    folder, small_encoder, cluster, capsys
):
    (lesson,) = (Path(__file__).parents[1] / "notebooks" / "source").glob("08*.py")
    (cell,) = [c for c in lesson.read_text("utf-8").split("# %%") if "with_ray = False" in c]
    photos = find_photos(folder / "pet1")
    names = {"Gallery": Gallery, "encoder": small_encoder, "np": np, "photos": photos}
    names["gallery"] = Gallery.build(folder, small_encoder, paths=photos)
    exec(cell.replace("with_ray = False", "with_ray = True"), names)
    assert capsys.readouterr().out.split() == [str(len(photos)), "True"]


@pytest.fixture
def big(small_encoder, tmp_path) -> Gallery:
    """10,000 vectors in clusters, every tenth as the one before it; no photos."""
    rng = np.random.default_rng(0)
    near = rng.standard_normal((100, 32))[rng.integers(100, size=10_000)]
    vectors = normalise(near + 0.5 * rng.standard_normal((10_000, 32)))
    vectors[10::10] = vectors[9:-1:10]
    lines = [(f"{n:05d}-ç\udcff.jpg", f"{n:064x}", n, f"pet{n % 99}", "") for n in range(10_000)]
    recipe = Recipe(small_encoder.name, small_encoder.revision, small_encoder.size, 32)
    return Gallery(small_encoder, recipe, tmp_path, store.table(lines), vectors)


def test_milvus_answers_as_the_exact_search_of_faiss(big, tmp_path, no_network):
    opened = big.to_milvus(str(tmp_path / "big.db"))
    assert len(opened) == 10_000
    assert opened.recipe == big.recipe and opened.root == tmp_path.resolve()
    for row in range(0, 10_000, 250):
        query = big.vectors[row] + 0.01
        rows, scores = top_k(query, big.vectors, 10)
        table, found = opened.vectors.search(query, 10)
        assert table["path"].tolist() == big.photos["path"].iloc[rows].tolist()
        assert found == pytest.approx(scores, abs=1e-6)
    left_out = opened.vectors.search(big.vectors[5], 3, big.photos["sha256"][5])[0]
    assert big.photos["path"][5] not in set(left_out["path"])
    with pytest.raises(GalleryError, match="can only be searched"):
        np.asarray(opened.vectors)
    other = dataclasses.replace(big, recipe=dataclasses.replace(big.recipe, pooling="mean"))
    with pytest.raises(GalleryError, match="made in another way"):
        other.to_milvus(str(tmp_path / "big.db"))
    wrong = dataclasses.replace(small := big.encoder, revision="0" * 12)
    with pytest.raises(GalleryError, match="was made with"):
        Gallery.open(f"milvus:{tmp_path / 'big.db'}", wrong)
    assert len(Gallery.open(f"milvus:{tmp_path / 'big.db'}", small)) == 10_000


def test_a_collection_of_others_with_the_same_name_is_left_alone(big, tmp_path):
    from pymilvus import MilvusClient

    client = MilvusClient(str(tmp_path / "theirs.db"))
    client.create_collection("vitsim", dimension=8)
    client.insert("vitsim", [{"id": 1, "vector": [1.0] * 8}])
    client.close()
    with pytest.raises(GalleryError, match="a collection vitsim that is no gallery"):
        big.to_milvus(str(tmp_path / "theirs.db"))
    client = MilvusClient(str(tmp_path / "theirs.db"))
    assert len(client.query("vitsim", filter="id == 1")) == 1
    client.close()


def test_a_gallery_half_written_to_milvus_is_unfinished_and_can_be_written_again(
    big, tmp_path, monkeypatch
):
    from pymilvus import MilvusClient

    def insert(client, name, rows):
        if name != "vitsim" or put is None:
            raise KeyboardInterrupt  # before the row that says how the gallery was made
        return put(client, name, rows)

    put, part = MilvusClient.insert, big.photos[:100]
    small = dataclasses.replace(big, photos=part, vectors=big.vectors[:100])
    monkeypatch.setattr(MilvusClient, "insert", insert)
    with pytest.raises(KeyboardInterrupt):
        small.to_milvus(str(tmp_path / "half.db"))
    monkeypatch.setattr(MilvusClient, "insert", put)
    with pytest.raises(GalleryError, match="holds no finished gallery"):
        Gallery.open(f"milvus:{tmp_path / 'half.db'}")
    assert len(small.to_milvus(str(tmp_path / "half.db"))) == 100
    put = None  # in the middle of writing it once more
    monkeypatch.setattr(MilvusClient, "insert", insert)
    with pytest.raises(KeyboardInterrupt):
        small.to_milvus(str(tmp_path / "half.db"))
    with pytest.raises(GalleryError, match="holds no finished gallery"):
        Gallery.open(f"milvus:{tmp_path / 'half.db'}")


def test_milvus_is_given_the_token_and_the_index(big, tmp_path, monkeypatch):
    import pymilvus

    tokens, made, indexes = [], pymilvus.MilvusClient, []
    monkeypatch.setenv("MILVUS_TOKEN", "secret")
    monkeypatch.setattr(
        pymilvus, "MilvusClient", lambda *a, **how: tokens.append(how["token"]) or made(*a, **how)
    )
    monkeypatch.setattr("vitsim.milvus._fill", lambda *a: indexes.append(a[-1]))
    with pytest.raises(GalleryError, match="holds no finished gallery"):
        big.to_milvus(str(tmp_path / "g.db"), "HNSW")
    assert set(tokens) == {"secret"} and indexes == ["HNSW", "FLAT"]


def test_an_approximate_index_finds_nearly_the_same(big, tmp_path):
    opened = big.to_milvus(str(tmp_path / "big.db"), index="HNSW")
    shares = []
    for row in range(0, 10_000, 250):
        rows, _ = top_k(query := big.vectors[row] + 0.01, big.vectors, 10)
        found = opened.vectors.search(query, 10)[0]["path"]
        shares.append(found.isin(big.photos["path"].iloc[rows]).mean())
    assert np.mean(shares) > 0.95


def test_an_approximate_index_gives_as_many_as_were_asked_for(big, tmp_path):
    vectors = big.vectors[:3000].copy()
    vectors[500:1000] = vectors[0]
    few = dataclasses.replace(big, photos=big.photos[:3000], vectors=vectors)
    opened = few.to_milvus(str(tmp_path / "few.db"), index="HNSW")
    found, _ = opened.vectors.search(vectors[0], 400)
    assert len(found) == 400


def test_match_says_the_same_from_a_gallery_in_milvus(folder, tmp_path, small_encoder, run):
    gallery, file = Gallery.build(folder, small_encoder, tmp_path / "g"), tmp_path / "g.db"
    opened = gallery.to_milvus(str(file))
    photo = folder / "copy.jpg"
    for leave_out_query in (False, True):
        matches = gallery.match(photo, 5, leave_out_query)
        for ours, theirs in zip(matches, opened.match(photo, 5, leave_out_query), strict=True):
            assert ours.score == pytest.approx(theirs.score, abs=1e-6)
            assert (ours.rank, ours.label) == (theirs.rank, theirs.label)
            assert ours.path.resolve() == theirs.path
    for again in (lambda: opened.to_milvus(str(file), "HNSW"), lambda: opened.save(tmp_path / "s")):
        with pytest.raises(GalleryError, match="can only be searched"):
            again()
    assert not (tmp_path / "s").exists()
    code, out, _ = run("match", photo, "--gallery", f"milvus:{file}", "-k", 1)
    assert code == 0
    assert "71 photos" in out and "1.00" in out and "copy.jpg" in out
    code, _, told = run("match", photo, "-g", f"milvus:{file}", "--figure", folder / "pet0/0.jpg")
    assert code == 1 and "0.jpg: is a photo" in told
    matches[0].path.unlink()
    told = run("match", photo, "-g", f"milvus:{file}")[2]
    assert f"since it was indexed: {opened.match(photo, 1, True)[0].path} is gone" in told


def test_a_milvus_file_that_another_process_wrote_can_be_searched(
    folder, tmp_path, small_encoder, run
):
    photo, file = folder / "pet0" / "0.jpg", tmp_path / "g.db"
    Gallery.build(folder, small_encoder, tmp_path / "g", paths=[photo])
    write = "import sys; from vitsim.gallery import Gallery; "
    write += "Gallery.open(sys.argv[1]).to_milvus(sys.argv[2]); input(print(flush=True))"
    command = [sys.executable, "-c", write, tmp_path / "g", file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        code, _, told = run("match", photo, "-g", f"milvus:{file}")
        assert code == 1 and "cannot be opened. End the program that has it open" in told
        writer.communicate(b"\n")
    code, out, told = run("match", photo, "-g", f"milvus:{file}")
    assert code == 0, told
    assert "1 photo, " in out and "1.00" in out
    opened = Gallery.open(f"milvus:{file}", small_encoder)
    assert opened.match(photo, leave_out_query=True) == []


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("milvus:http://127.0.0.1:1", "failed"),
        ("milvus:missing.db", "does not exist"),
        ("milvus:folder", "does not exist"),
        ("milvus:~/missing.db", "does not exist"),
    ],
)
def test_a_milvus_that_is_not_there_is_told(place, why, small_encoder):
    with pytest.raises(GalleryError, match=why):
        Gallery.open(place, small_encoder)


def test_a_milvus_file_lies_in_the_home_or_in_a_folder_that_exists(big, tmp_path, monkeypatch):
    with pytest.raises(GalleryError, match="is in a folder that does not exist"):
        big.to_milvus(str(tmp_path / "no" / "g.db"))
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    few = dataclasses.replace(big, photos=big.photos[:9], vectors=big.vectors[:9])
    assert len(few.to_milvus("~/g.db")) == 9 and (tmp_path / "g.db").exists()


def test_a_milvus_file_where_milvus_lite_is_missing_says_what_to_install(
    big, tmp_path, monkeypatch
):
    monkeypatch.setattr("vitsim.milvus.find_spec", lambda name: None)
    with pytest.raises(GalleryError, match=r"needs Milvus Lite\. Run `pip install milvus-lite`"):
        big.to_milvus(str(tmp_path / "g.db"))


def test_a_cluster_that_is_not_there_is_told(folder, small_encoder):
    with pytest.raises(VitsimError, match=r"127\.0\.0\.1:1: cannot be reached"):
        Gallery.build(folder, small_encoder, engine="ray", address="127.0.0.1:1")
    with pytest.raises(VitsimError, match="nope: is not the address of a Ray cluster"):
        Gallery.build(folder, small_encoder, engine="ray", address="nope")


def test_without_the_extra_it_says_how_to_install_it(folder, tmp_path, small_encoder, monkeypatch):
    for name in ("ray", "ray.data", "pymilvus"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(VitsimError, match=r"vitsim\[scale\]"):
        Gallery.build(folder, small_encoder, engine="ray")
    with pytest.raises(VitsimError, match=r"vitsim\[scale\]"):
        Gallery.build(folder, small_encoder).to_milvus(str(tmp_path / "g.db"))
