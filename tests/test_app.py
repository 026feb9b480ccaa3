"""The demo page: what it says of a photo, and that nothing of an upload stays or leaves."""

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gradio_client import Client, handle_file
from matplotlib.figure import Figure
from PIL import Image

from vitsim import VitsimError, app
from vitsim.attention import rollout
from vitsim.gallery import Gallery
from vitsim.images import PhotoError
from vitsim.indexing import prepare


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Twelve photos of three animals."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label in ("ana", "bob", "cid"):
        (folder / label).mkdir()
        for number in range(4):
            pixels = rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((200, 160)).save(folder / label / f"{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def gallery(photos, small_encoder) -> Gallery:
    return Gallery.build(photos, small_encoder)


@pytest.fixture(scope="module")
def address(gallery, photos):
    import gradio

    yield app.serve(gallery, [photos / "ana" / "0.jpg"], inbrowser=False)
    gradio.close_all()


def test_strangers_leave_out_the_photos_own_label(gallery):
    best = app.strangers(gallery)
    labels = gallery.photos["label"].to_numpy()
    scores = gallery.vectors @ gallery.vectors.T
    expected = [scores[i][labels != labels[i]].max() for i in range(len(labels))]
    np.testing.assert_allclose(best, expected, atol=1e-6)


def test_photos_without_a_label_are_not_one_animal(gallery):
    photos = gallery.photos.assign(label=gallery.photos["label"].replace("cid", ""))
    best = app.strangers(dataclasses.replace(gallery, photos=photos))
    assert set(best.index) == {"ana", "bob"}, "they ask for nobody"
    known = gallery.photos["label"].isin(["ana", "bob"]).to_numpy()
    alone = dataclasses.replace(
        gallery, photos=gallery.photos[known], vectors=gallery.vectors[known]
    )
    assert best.equals(app.strangers(alone)), "nor are they taken for strangers' animals"


def test_a_photo_in_two_folders_is_no_stranger_to_itself(gallery):
    digests = gallery.photos["sha256"].to_numpy(copy=True)
    ids = gallery.photos["label"].to_numpy()
    vectors = gallery.vectors.copy()
    digests[ids == "bob"] = digests[0]
    vectors[ids == "bob"] = vectors[0]
    photos = gallery.photos.assign(sha256=digests)
    best = app.strangers(dataclasses.replace(gallery, photos=photos, vectors=vectors))
    assert ids[0] == "ana" and best["ana"].iloc[0] < 0.999
    few = photos["label"].isin(["ana", "bob"]).to_numpy()
    alone = dataclasses.replace(gallery, photos=photos[few], vectors=vectors[few])
    assert len(app.strangers(alone)) == few.sum() - 1, "it has no rival left"


def test_a_large_gallery_is_sampled(gallery):
    assert len(app.strangers(gallery, most=5)) == 4
    assert set(app.strangers(gallery, most=1).index) == {"ana"}


@pytest.mark.parametrize(("lang", "words"), [("en", "Best score **1.00**"), ("pt", "**1,00**")])
def test_an_answer_speaks_the_language(gallery, photos, lang, words):
    best = app.strangers(gallery)
    shown = app.answer(gallery, best, photos / "bob" / "1.jpg", lang)
    assert words in shown.surety
    assert len(shown.matches) == app.MATCHES
    number = {"en": "1.00", "pt": "1,00"}[lang]
    assert shown.matches[0][1] == f"1. {number} · bob"
    assert shown.seen.size == (224, 224)
    for picture in (shown.parts, shown.attention):
        assert np.asarray(picture).std() > 10


def test_the_pictures_are_of_the_query_and_its_best_match(gallery, photos, monkeypatch):
    drawn = {}

    def draws(name):
        return lambda *what: drawn.setdefault(name, what) and Figure()

    for name in ("patch_lines", "spotlights"):
        monkeypatch.setattr(app, name, draws(name))
    photo = photos / "bob" / "1.jpg"
    app.answer(gallery, app.strangers(gallery), photo, "en")
    best = gallery.match(photo, 1)[0].path
    seen, found = (prepare(one, gallery.recipe)[0] for one in (photo, best))
    ((left, right, _),), *_ = drawn["patch_lines"]
    assert (left, right) == (seen, found)
    lit, (glow,), _ = drawn["spotlights"]
    expected = rollout(gallery.encoder.attention(seen), gallery.encoder.grid)
    assert lit == seen and np.allclose(glow, expected)


@pytest.mark.parametrize(("asked", "lang"), [("pt-BR,en", "pt"), ("en,pt;q=0.5", "en"), ("", "en")])
def test_the_first_language_that_a_browser_asks_for_counts(asked, lang):
    assert app._language(types.SimpleNamespace(headers={"accept-language": asked})) == lang


def surety(gallery, impostors, score=0.9, pets=3):
    labels = [f"pet {number % pets}" for number in range(len(impostors))]
    return app._surety(score, pd.Series(impostors, labels, dtype=float), gallery, "en")


def test_a_photo_that_is_gone_is_a_grey_square(photos, small_encoder, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    gallery = Gallery.build(tmp_path / "photos", small_encoder)
    (tmp_path / "photos" / "bob" / "1.jpg").unlink()
    shown = app.answer(gallery, app.strangers(gallery), photos / "bob" / "1.jpg", "en")
    assert shown.matches[0][1] == "1. 1.00 · bob (changed or gone)"
    assert shown.matches[0][0].getcolors() == [(320 * 320, (221, 221, 221))]
    assert shown.matches[1][0].getcolors() is None


def test_a_photo_that_is_damaged_since_is_one_too(photos, small_encoder, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    gallery = Gallery.build(tmp_path / "photos", small_encoder)
    (tmp_path / "photos" / "bob" / "1.jpg").write_bytes(b"no picture")
    shown = app.answer(gallery, app.strangers(gallery), photos / "bob" / "1.jpg", "en")
    assert shown.matches[0][0].getcolors() == [(320 * 320, (221, 221, 221))]


@pytest.mark.parametrize("more", [b"~", b"~~~"], ids=["same size", "another size"])
def test_another_picture_is_not_shown_for_the_one_that_matched(
    photos, small_encoder, tmp_path, more
):
    shutil.copytree(photos, tmp_path / "photos")
    changed = tmp_path / "photos" / "bob" / "1.jpg"
    other = (photos / "cid" / "0.jpg").read_bytes()
    changed.write_bytes(other + bytes(max(0, changed.stat().st_size - len(other))))
    shutil.copyfile(changed, as_it_was := tmp_path / "photos" / "bob" / "2.jpg")
    gallery = Gallery.build(tmp_path / "photos", small_encoder)
    changed.write_bytes(changed.read_bytes()[:-1] + more)
    shown = app.answer(gallery, pd.Series(dtype=float), as_it_was, "pt")
    (grey,) = (picture for picture, told in shown.matches if "mudou" in told)
    assert grey.getcolors() == [(320 * 320, (221, 221, 221))]


def test_of_a_gallery_that_cannot_be_read_nothing_false_is_said(gallery):
    searched = dataclasses.replace(gallery, photos=gallery.photos[:0])
    assert "can only be searched" in surety(searched, [])


def test_how_sure_is_counted_among_strangers(gallery):
    assert "about **25** in 100 found" in surety(gallery, [0.95, 0.1, 0.2, 0.3])
    assert "about **1** in 100 found" in surety(gallery, [0.95] + 999 * [0.1])
    assert "2 photos of this gallery (2 labels) were" in surety(gallery, [0.1, 0.2])
    assert "up to 100 in 100 are" in surety(gallery, 9 * [0.1]), "rule of three, three animals"
    assert "up to 5 in 100 are" in surety(gallery, 120 * [0.1], pets=60)
    assert "about **3** in 100 found" in surety(gallery, 2 * [0.95] + 58 * [0.1])
    assert "may well not be here" in surety(gallery, [0.95, 0.1])
    assert "not be here" not in surety(gallery, [0.95, 0.1, 0.2])
    assert "cannot be told" in surety(gallery, [])


def test_both_languages_say_the_same_things():
    assert set(app.WORDS["en"]) == set(app.WORDS["pt"])
    for key, text in app.WORDS["en"].items():
        named = {part.split("}")[0] for part in text.split("{")[1:]}
        assert named == {part.split("}")[0] for part in app.WORDS["pt"][key].split("{")[1:]}, key


def test_a_photo_with_too_many_pixels_is_refused_before_it_is_decoded(gallery, tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    with pytest.raises(PhotoError, match="100 megapixels, more than 60"):
        app.answer(gallery, pd.Series(), tmp_path / "large.png", "en")


def ask(address: str, path: Path, lang: str = "en", **options):
    client = Client(address, verbose=False, headers={"accept-language": lang}, **options)
    return client.predict(handle_file(path), api_name="/search")


def test_the_page_answers_and_forgets(gallery, photos, monkeypatch):
    monkeypatch.setattr(app, "FORGET", 10)  # seconds; a busy machine takes some for the answer
    address = app.serve(gallery, [], inbrowser=False)
    uploads = Path(os.environ["GRADIO_TEMP_DIR"])
    assert uploads.is_dir(), "there before the first photo comes"
    seen, matches, words, parts, attention = ask(address, photos / "cid" / "2.jpg", "pt-BR")
    assert "Melhor escore" in words and len(matches) == app.MATCHES
    assert all(Path(one).stat().st_size for one in (seen, parts, attention))
    for _ in range(60):
        if not list(uploads.rglob("*.*")):
            break
        time.sleep(0.5)
    assert not [path for path in uploads.rglob("*") if path.is_file()]
    assert (photos / "ana" / "0.jpg").is_file()


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_stays_when_it_is_ended_while_it_answers(gallery, photos, tmp_path, how):
    """Also where a proxy is set that is not there: Gradio asks its own page."""
    kept = gallery.save(tmp_path / "g").folder
    words = "from vitsim.cli import main; main()"
    if how != "SIGKILL":  # pytest may run where the signal is ignored
        words = f"import signal; signal.signal(signal.{how}, signal.default_int_handler); {words}"
    proxy = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    with subprocess.Popen(
        [sys.executable, "-c", words, "app", "--no-browser", "-g", kept],
        env=os.environ | proxy | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True,
    ) as running, ThreadPoolExecutor(3) as pool:  # fmt: skip
        line = running.stdout.readline()
        assert line.endswith(" — Ctrl-C ends it.\n")
        asked = [pool.submit(ask, line.split()[0], photos / "ana" / "1.jpg") for _ in range(3)]
        for _ in range(400):
            if list(tmp_path.glob("vitsim-uploads-*/*/*.jpg")):
                break
            time.sleep(0.05)
        running.send_signal(getattr(signal, how))
        try:
            assert running.wait(timeout=60) == (-9 if how == "SIGKILL" else 0)
        finally:
            running.kill()
        for one in asked:
            one.cancel() or one.exception(timeout=60)  # it was too late for some
    for _ in range(100):
        if not list(tmp_path.glob("vitsim-uploads-*")):
            break
        time.sleep(0.1)
    assert not list(tmp_path.glob("vitsim-uploads-*"))


def test_a_broken_upload_is_forgotten_too(tmp_path):
    half = tmp_path / "uploads" / "a" / "tmp123"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of a ph")
    app.guard.forget(str(tmp_path / "uploads"), 0.5)
    for _ in range(100):
        if not half.exists():
            break
        time.sleep(0.1)
    assert not half.exists()
    shutil.rmtree(tmp_path / "uploads")  # which ends the search


@pytest.mark.parametrize("lead", [{"Host": "evil.example"}, {"Origin": "http://evil.example"},
                                  {"Origin": "null"}, {"Host": "["}], ids=str)  # fmt: skip
def test_another_site_cannot_ask(address, lead):
    """Neither openly nor by a name of its own that leads to this machine."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{address}config", headers=lead))


def test_the_page_knows_its_own_names_and_no_others():
    def foreign(host: str, origin: str = "", listens: str = "127.0.0.1") -> bool:
        lead = {b"host": host.encode(), b"origin": origin.encode()}
        return app.guard.is_foreign(lead, listens)

    for name in ("127.0.0.1", "LocalHost", socket.gethostname(), "192.0.2.7", "[::1]"):
        for host in (name, f"{name}:7860"):
            assert not foreign(host) and not foreign(host, f"http://{host}")
            assert foreign(host, "http://evil.example") and foreign(host, f"http://{host}0")
    for name in ("", "[", "[]", ":7860", "evil@localhost", "127.0.0.1/evil", "localhost#", "é:a:b"):
        assert foreign(name), name
    assert foreign("pets.example:80") and not foreign("pets.example:80", "", "pets.example")
    assert foreign("", listens="")


HOSTILE = {
    "text.jpg": b"not a picture at all",
    "empty.png": b"",
    "truncated.jpg": None,
    "bomb.png": None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_gets_a_sentence(address, photos, tmp_path, name):
    path = tmp_path / name
    if name == "truncated.jpg":
        path.write_bytes((photos / "ana" / "1.jpg").read_bytes()[:900])
    elif name == "bomb.png":
        Image.new("1", (30_000, 30_000)).save(path)
    else:
        path.write_bytes(HOSTILE[name])
    seen, matches, words, *_ = ask(address, path)
    assert seen is None and not matches
    assert words.startswith("⚠️ ") and name in words and "Traceback" not in words
    assert str(tmp_path) not in words and words.count(". ") >= 1
    if name == "text.jpg":
        assert ask(address, path, "pt")[2].startswith("⚠️ Esta foto não pode ser usada. Em inglês:")


def test_a_file_of_this_machine_that_was_not_uploaded_is_not_shown(address, photos):
    """Gradio looks only at what says that it is a file, as a browser does."""
    for path in (photos / "ana" / "1.jpg", Path("/etc/passwd"), Path("/missing.jpg")):
        call = f"{address.rstrip('/')}/gradio_api/call/search"
        body = json.dumps({"data": [{"path": str(path)}]}).encode()
        asked = urllib.request.Request(call, body, {"content-type": "application/json"})
        event = json.load(urllib.request.urlopen(asked))["event_id"]
        told = urllib.request.urlopen(f"{call}/{event}", timeout=60).read().decode()
        assert "event: error" in told and "webp" not in told and str(path) not in told


def test_two_users_at_once_each_get_their_own(address, photos):
    asked = [photos / "ana" / "3.jpg", photos / "bob" / "3.jpg"] * 2
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda path: ask(address, path), asked))
    for path, (_, matches, *_) in zip(asked, answers, strict=True):
        assert matches[0]["caption"].endswith(path.parent.name)


def test_no_file_is_written_anew_while_another_visitor_reads_it(address, photos):
    def files(answer) -> set[str]:
        seen, matches, _, parts, attention = answer
        pictures = [seen, parts, attention, *(match["image"] for match in matches)]
        return {picture["path"] for picture in pictures}

    one, two = (files(ask(address, photos / "ana" / "3.jpg", download_files=False)) for _ in "ab")
    assert len(one) == len(two) == 3 + app.MATCHES and not one & two


def test_an_upload_over_the_limit_is_refused_and_a_room_can_wait(address, gallery, tmp_path):
    (tmp_path / "large.jpg").write_bytes(bytes(app.MEGABYTES * 10**6 + 10**6))
    with pytest.raises(Exception, match="exceeds the maximum file size"):
        ask(address, tmp_path / "large.jpg")
    blocks, _ = app.page(gallery, [])
    assert blocks._queue.max_size == app.WAITING >= 30
    assert app.FORGET == 20 * 60, "the help says twenty minutes"


def test_the_browser_is_told_to_load_nothing_from_elsewhere(address):
    with urllib.request.urlopen(address) as reply:
        policy = reply.headers["content-security-policy"]
        text = reply.read().decode()
    assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy
    assert "http" not in policy and reply.headers["referrer-policy"] == "no-referrer"
    assert "fonts.googleapis" not in text


def test_a_taken_port_is_told(gallery):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(VitsimError, match=f"port {port}: cannot be used"):
            app.serve(gallery, [], port=port, inbrowser=False)


@pytest.mark.parametrize("port", [-1, 65536, 99999999])
def test_a_port_that_is_none_is_a_mistake_of_the_command_line(run, port):
    code, _, told = run("app", "--port", port)
    assert code == 2 and "Invalid value for '--port'" in told


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "[2001:db8::1]", "a..b"])
def test_a_host_that_is_not_this_machine_is_told_at_once(run, host):
    """Before anything is indexed, and not of the port; the addresses are those of documentation."""
    begun = time.monotonic()
    code, out, told = run("app", "--gallery", "no folder", "--host", host, "--no-browser")
    assert time.monotonic() - begun < 60
    assert (code, out) == (1, "") and len(told.splitlines()) == 1
    assert told.startswith(f"vitsim: host {host}: cannot be used (")
    assert told.endswith("). Choose another one with --host, or leave it out.\n")


def test_a_taken_port_is_told_by_the_command_before_anything_is_indexed(run):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, told = run("app", "--gallery", "no folder", "--port", port, "--no-browser")
    assert (code, out) == (1, "") and "(while" not in told
    assert told.startswith(f"vitsim: port {port}: cannot be used (")
    assert told.endswith("). Choose another one with --port, or leave it out.\n")
