"""Models come from a folder or a hub: whole, at a pinned revision, or with a word that helps."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import checkpoints
import numpy as np
import pytest
from hub_server import COMMIT, WEIGHTS, copy_without

from vitsim import models
from vitsim.models import FILES, REVISIONS, ModelError

MB = 1_000_000
NOWHERE = "http://127.0.0.1:9"  # nobody listens on this port
PINNED = "google/vit-base-patch16-224"


@pytest.fixture
def near_hub(hub, cache, monkeypatch):
    """The hub for this very process, which is quicker: what it read at import is set anew."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hf" / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return hub


@pytest.fixture
def big(hub, tmp_path) -> str:
    """The id of a model of 30 MB, to download only: its weights are random bytes."""
    folder = tmp_path / "big"
    folder.mkdir()
    for file in FILES[:2]:
        (folder / file).write_text(f'{{"name": "{file}"}}')
    (folder / WEIGHTS).write_bytes(os.urandom(30 * MB))
    hub.repos["some/big"] = (folder, COMMIT)
    return "some/big"


def weights_in(cache: Path) -> Path:
    (path,) = cache.glob(f"hf/hub/*/snapshots/*/{WEIGHTS}")
    return path


# The full-size model: one download for all these tests, killed half-way and run again.


@pytest.fixture(scope="module")
def downloaded(hub_process, vit_base, tmp_path_factory):
    """A cache with ViT-B/16 in it; how that went: the requests, and what the terminal showed."""
    import pty
    import termios

    hub, home = hub_process, tmp_path_factory.mktemp("downloaded")
    hub.reset()
    hub.stall_at = 200 * MB
    command = [Path(sys.executable).with_name("vitsim"), "download", vit_base]
    hf = {"HF_HOME": home / "hf", "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1"}
    env = os.environ | {name: str(value) for name, value in hf.items()} | {"NO_PROXY": "*"}
    terminal, its_end = pty.openpty()
    termios.tcsetwinsize(its_end, (24, 100))  # in a window of no width nothing is drawn
    first = subprocess.Popen(command, env=env, stdout=its_end, stderr=its_end)
    assert hub.stalled.wait(120)
    time.sleep(1)  # until what was sent has arrived
    first.kill()
    first.wait()
    hub.go_on.set()
    hub.stall_at = None
    os.close(its_end)
    shown = b""
    with contextlib.suppress(OSError):  # so ends a terminal
        while text := os.read(terminal, 4096):
            shown += text
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240)
    yield {"home": home / "hf", "shown": shown.decode(), "again": again, "log": list(hub.log)}
    weights_in(home).resolve().unlink()


def test_a_download_shows_its_progress(downloaded):
    assert WEIGHTS in downloaded["shown"]
    assert "/346M" in downloaded["shown"] and "%" in downloaded["shown"]


def test_a_download_that_was_killed_goes_on_where_it_stopped(downloaded):
    assert downloaded["again"].returncode == 0, downloaded["again"].stderr
    first, second = [one for one in downloaded["log"] if one.method == "GET" and one.cdn]
    assert first.start == 0 and second.start > 150 * MB
    assert second.start + second.sent == weights_in(downloaded["home"].parent).stat().st_size


def test_every_file_is_asked_for_at_the_pinned_revision(downloaded):
    assert {one.revision for one in downloaded["log"]} == {REVISIONS[PINNED]}
    assert {one.file for one in downloaded["log"]} == set(FILES)
    assert REVISIONS[PINNED][:12] in downloaded["again"].stdout


def test_what_is_here_is_not_asked_for_again(downloaded, hub, vitsim):
    result = vitsim("download", PINNED, HF_HOME=downloaded["home"])
    assert result.returncode == 0
    assert hub.log == []


def test_vit_base_works_with_the_hub_gone(downloaded, small_model, no_network, tmp_path):
    """In a process of its own: by its hub id from VITSIM_MODEL, HF_HUB_OFFLINE set and unset."""
    script = f"""
        import json, sys
        import numpy as np
        from PIL import Image
        from vitsim.encoder import Encoder
        photo = Image.effect_mandelbrot((300, 200), (-2, -1, 1, 1), 50).convert("RGB")
        encoder = Encoder.load()
        vectors = encoder.embed([photo, photo.rotate(90)])
        attention = encoder.attention(photo)
        print(json.dumps({{
            "name": encoder.name, "revision": encoder.revision, "shape": vectors.shape,
            "dtype": str(vectors.dtype), "norms": np.linalg.norm(vectors, axis=1).tolist(),
            "attention": attention.shape, "rows": [attention.sum(-1).min().item(),
            attention.sum(-1).max().item()], "patches": encoder.patch_tokens(photo).shape,
            "small": Encoder.load({str(small_model)!r}).embed([photo]).tolist()}}))
    """
    env = os.environ | {
        "HF_HOME": str(downloaded["home"]),
        "HF_ENDPOINT": NOWHERE,
        "HF_HUB_OFFLINE": "1",
        "VITSIM_MODEL": PINNED,
    }
    lines = "\n".join(line[8:] for line in script.splitlines())
    result = subprocess.run(
        [sys.executable, "-c", lines], env=env, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stderr
    got = json.loads(result.stdout)
    assert (got["name"], got["revision"]) == (PINNED, REVISIONS[PINNED])
    assert (got["shape"], got["dtype"]) == ([2, 768], "float32")
    assert got["norms"] == pytest.approx([1, 1], abs=1e-5)
    assert got["attention"] == [12, 12, 197, 197]
    assert got["rows"] == pytest.approx([1, 1], abs=1e-4)
    assert got["patches"] == [14, 14, 768]

    # The same photo in this process gives the same vector.
    from PIL import Image

    from vitsim.encoder import Encoder

    photo = Image.effect_mandelbrot((300, 200), (-2, -1, 1, 1), 50).convert("RGB")
    ours = Encoder.load(str(small_model)).embed([photo])
    np.testing.assert_allclose(ours, got["small"], atol=1e-6)


# A connection that breaks, bytes that are wrong.


def test_a_connection_that_breaks_is_taken_up_again_by_itself(near_hub, big):
    near_hub.cuts = [15 * MB]
    models.fetch(big)
    assert [one.start > 0 for one in near_hub.gets()] == [False, True]
    assert sum(one.sent for one in near_hub.gets()) < 36 * MB


def test_a_connection_that_keeps_breaking_ends_in_a_word_and_the_next_run_goes_on(
    near_hub, big, cache
):
    near_hub.cuts = [15 * MB] * 20
    assert_helpful(refusal_of(big), big, WEIGHTS, "did not arrive", "goes on where it stopped")
    near_hub.cuts, near_hub.log = [], []
    models.fetch(big)
    (rest,) = near_hub.gets()
    assert rest.start > 0
    assert weights_in(cache).read_bytes() == (near_hub.repos[big][0] / WEIGHTS).read_bytes()


def test_weights_damaged_on_their_way_are_deleted_and_come_whole_the_next_time(
    near_hub, big, cache
):
    near_hub.corrupt = True
    assert_helpful(refusal_of(big), big, WEIGHTS, "damaged", f"Run `vitsim download {big}`")
    assert not models.is_here(big)
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > MB]
    near_hub.corrupt = False
    models.fetch(big)
    assert weights_in(cache).read_bytes() == (near_hub.repos[big][0] / WEIGHTS).read_bytes()


@pytest.mark.parametrize("harm", ["truncated", "changed"])
def test_weights_damaged_on_the_disk_are_noticed_and_replaced(near_hub, big, cache, harm):
    models.fetch(big)
    blob = weights_in(cache).resolve()
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data if harm == "changed" else data[: 20 * MB])
    assert_helpful(refusal_of(big), big, "damaged", "now deleted", f"Run `vitsim download {big}`")
    assert not models.is_here(big)
    models.fetch(big)
    assert weights_in(cache).read_bytes() == (near_hub.repos[big][0] / WEIGHTS).read_bytes()


@pytest.mark.parametrize("file", FILES[:2])
def test_a_small_file_damaged_on_the_disk_is_noticed_and_replaced(near_hub, big, cache, file):
    folder, _ = models.fetch(big)
    (folder / file).resolve().write_text("{ cut")
    assert_helpful(refusal_of(big), big, file, "damaged", "now deleted")
    folder, _ = models.fetch(big)
    assert (folder / file).read_text() == f'{{"name": "{file}"}}'


# What else a hub, or what stands before it, may answer.

REFUSALS = {
    "unknown": (404, {"X-Error-Code": "RepoNotFound"}),
    "private": (401, {"X-Error-Code": "RepoNotFound"}),
    "gated": (403, {"X-Error-Code": "GatedRepo"}),
    "bad token": (401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
    "revision gone": (404, {"X-Error-Code": "RevisionNotFound"}),
    "broken hub": (503, {}),
}
WORDS = {
    "unknown": ("does not know it", "Check the spelling"),
    "private": ("private", "hf auth login"),
    "gated": ("on request only", "hf auth login"),
    "bad token": ("refuses", "hf auth login"),
    "revision gone": ("no revision main", "Give a model that is still there"),
    "broken hub": ("503", "vitsim download small/vit", "--model tiny"),
}


@pytest.mark.parametrize("trouble", REFUSALS)
def test_a_refusal_of_the_hub_is_told_with_the_way_out(near_hub, trouble):
    near_hub.refusals["small/vit"] = REFUSALS[trouble]
    assert_helpful(refusal_of("small/vit"), "small/vit", *WORDS[trouble])


def test_pickled_weights_are_not_taken(near_hub, small_model, tmp_path):
    folder = copy_without(small_model, WEIGHTS, tmp_path / "pickled")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    near_hub.repos["some/pickled"] = (folder, COMMIT)
    assert_helpful(refusal_of("some/pickled"), f"no {WEIGHTS}", "pickles are not loaded")
    assert not [one for one in near_hub.log if one.file == "pytorch_model.bin"]
    assert_helpful(refusal_of(folder), f"no {WEIGHTS}", "Give a folder in hub format")


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"HF_ENDPOINT": NOWHERE}, "refused"),
        ({"HF_HUB_OFFLINE": "1"}, "offline mode"),
        ({"HF_ENDPOINT": "http://no-such-host.invalid"}, "config.json"),
    ],
    ids=["refused", "offline", "no name"],
)
def test_without_a_network_the_way_out_is_told_at_once(hub, vitsim, env, word):
    start = time.monotonic()
    result = vitsim("download", PINNED, **env)
    assert time.monotonic() - start < 15
    assert_helpful(result, PINNED, word, f"`vitsim download {PINNED}`", "--model tiny")
    assert hub.log == []


def test_nothing_is_used_in_place_of_the_model_that_was_asked_for(hub, vitsim, tmp_path):
    from PIL import Image

    photo = tmp_path / "photos" / "photo.png"
    photo.parent.mkdir()
    Image.new("RGB", (300, 200), "orange").save(photo)
    env = {"VITSIM_MODEL": PINNED, "HF_ENDPOINT": NOWHERE}
    result = vitsim("match", photo, "--gallery", photo.parent, **env)
    assert_helpful(result, PINNED, "did not arrive", "unset VITSIM_MODEL")


def test_a_login_page_instead_of_the_hub_is_recognised(near_hub):
    near_hub.login_page = True
    words = ("small/vit", "does this network ask for a login?", "--model tiny")
    assert_helpful(refusal_of("small/vit"), *words)


def test_a_hub_that_says_nothing_is_given_up(hub, vitsim):
    hub.silent = True
    result = vitsim("download", "small/vit", HF_HUB_ETAG_TIMEOUT=1)
    assert_helpful(result, "small/vit", "config.json", "--model tiny")


def test_a_cache_that_cannot_be_written_is_told(hub, vitsim, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = vitsim("download", "small/vit", HF_HOME=tmp_path / "file")
    assert_helpful(result, "small/vit", "cannot be written", "HF_HOME")


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "two words", ".."])
def test_what_is_no_name_of_a_model_is_told(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not models.is_here(name)
    folder = name == ".."
    words = ("holds no config.json",) if folder else ("neither a folder nor the id", "Give `tiny`")
    assert_helpful(refusal_of(name), name, *words)


def test_another_model_stays_at_the_commit_it_was_fetched_at(near_hub, small_model):
    folder, revision = models.fetch("small/vit")
    near_hub.repos["small/vit"] = (small_model, COMMIT[::-1])  # "main" has moved on
    near_hub.log.clear()
    assert models.fetch("small/vit") == (folder, revision) == (folder, COMMIT)
    assert near_hub.log == []


def test_the_token_goes_to_the_hub_and_to_no_other_host(hub, vitsim):
    assert vitsim("download", "small/vit", HF_TOKEN="hf_secret").returncode == 0
    assert {one.authorization for one in hub.log if not one.cdn} == {"Bearer hf_secret"}
    assert {one.authorization for one in hub.log if one.cdn} == {None}


def test_a_host_whose_name_begins_as_the_hub_s_gets_no_token(near_hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://local")  # and `host`
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    models.fetch("small/vit")
    (weights,) = near_hub.gets()
    assert weights.cdn and weights.authorization is None


# Folders.


def test_a_folder_is_told_apart_by_its_weights(small_model, tmp_path):
    folder, revision = models.fetch(str(small_model))
    other = checkpoints.small_vit(tmp_path / "other", image_size=192)
    assert folder == small_model
    assert len(revision) == 12 and revision != models.fetch(str(other))[1]


@pytest.mark.parametrize("file", FILES)
def test_a_folder_that_lacks_a_file_is_refused(small_model, tmp_path, file):
    folder = copy_without(small_model, file, tmp_path / "lacking")
    assert not models.is_here(str(folder))
    with pytest.raises(ModelError, match=f"holds no {file}.*Give a folder in hub format"):
        models.fetch(str(folder))


def test_a_missing_shipped_model_is_never_looked_for_on_a_hub(monkeypatch, tmp_path, no_network):
    monkeypatch.setattr(models, "data_folder", lambda: tmp_path)
    assert not models.is_here("tiny")
    with pytest.raises(ModelError, match=r"tiny: the folder .* holds no .*Install vitsim again"):
        models.fetch("tiny")


def test_a_checkpoint_with_another_prefix_is_refused(small_model, tmp_path):
    folder = copy_without(small_model, "nothing", tmp_path / "renamed")
    checkpoints.rename(folder, lambda name: f"student.{name}")
    with pytest.raises(ModelError, match=r"\d+ weights are missing.*at random"):
        models.load(str(folder))


def test_a_checkpoint_that_lacks_one_weight_is_refused(small_model, tmp_path):
    folder = copy_without(small_model, "nothing", tmp_path / "one")
    checkpoints.rename(folder, lambda name: None if name == "layernorm.bias" else name)
    with pytest.raises(ModelError, match=r"1 weights are missing.*layernorm\.bias"):
        models.load(str(folder))


def test_a_checkpoint_of_another_shape_is_refused(small_model, tmp_path):
    folder = copy_without(small_model, "nothing", tmp_path / "shape")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"image_size": 192}))
    with pytest.raises(ModelError, match=r"position_embeddings"):
        models.load(str(folder))


def test_a_network_of_another_kind_is_refused(tmp_path):
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1], "layer_type": "basic"}
    resnet = checkpoints.make(tmp_path / "resnet", "ResNetModel", **sizes)
    with pytest.raises(ModelError, match=r"resnet is not a Vision Transformer.*Give a whole ViT"):
        models.load(str(resnet))
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 1], "image_size": 224}
    swin = checkpoints.make(tmp_path / "swin", "SwinModel", **sizes)
    with pytest.raises(ModelError, match="swin is not a Vision Transformer with a CLS token"):
        models.load(str(swin))


def test_a_masked_autoencoder_is_refused_as_it_looks_at_other_patches_each_time(tmp_path):
    folder = checkpoints.make(tmp_path / "mae", "ViTMAEModel", **checkpoints.SMALL)
    with pytest.raises(ModelError, match="vit_mae is not"):
        models.load(str(folder))


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_folder_is_refused(small_model, tmp_path, file):
    folder = copy_without(small_model, "nothing", tmp_path / "damaged")
    (folder / file).write_bytes((folder / file).read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"cannot be loaded .*Give a whole ViT"):
        models.load(str(folder))


# What loading costs.


def test_the_package_and_a_fetch_load_no_heavy_library(small_model):
    script = """if True:
        import sys, time
        start = time.perf_counter()
        import vitsim
        seconds = time.perf_counter() - start
        import vitsim.models
        vitsim.models.fetch(sys.argv[1])
        vitsim.models.is_here("google/vit-base-patch16-224")
        heavy = {"torch", "transformers", "rembg", "pandas", "matplotlib", "faiss"}
        print(seconds, heavy & set(sys.modules))
    """
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", script, str(small_model)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        seconds, found = result.stdout.split(maxsplit=1)
        assert found.strip() == "set()"
        runs.append(float(seconds))
    assert min(runs) < 0.25


def refusal_of(name: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        models.fetch(str(name))
    return caught.value


def assert_helpful(answer, *words: str) -> None:
    """The message, of one line, holds all words. Of a command: exit code 1 and no traceback."""
    said = str(answer)
    if isinstance(answer, subprocess.CompletedProcess):
        assert answer.returncode == 1, answer
        assert "Traceback" not in answer.stderr
        said = answer.stderr.strip().splitlines()[-1]
        assert said.startswith("vitsim: "), answer.stderr
    assert len(said.splitlines()) == 1
    for word in words:
        assert word in said, f"{word!r} is not in {said!r}"


def test_two_downloads_at_once_bring_a_file_once(near_hub, big):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(models.fetch, [big, big])
    assert one == other and len(near_hub.gets()) == 1


def test_a_part_as_long_as_the_file_is_begun_anew(near_hub, big, cache):
    models.fetch(big)
    link = weights_in(cache)
    blob = link.resolve()
    link.unlink()
    blob.rename(f"{blob}.part").write_bytes(bytes(30 * MB))
    models.fetch(big)
    assert weights_in(cache).read_bytes() == (near_hub.repos[big][0] / WEIGHTS).read_bytes()
