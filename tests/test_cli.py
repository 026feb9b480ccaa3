"""The command `vitsim`, as a user meets it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hostile
import numpy as np
import pytest
from PIL import Image

from vitsim import background, cli, datasets, encoder, images, store
from vitsim.cli import _app
from vitsim.files import data_folder
from vitsim.images import find_photos
from vitsim.store import GalleryError


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("animals")
    for number, label in enumerate(["gato", "gato", "cão", "cão", "cão"]):
        (folder / label).mkdir(exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (14, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((160, 140)).save(folder / label / f"{number}.jpg")
    return folder


@pytest.fixture
def matching(run, photos, small_model):
    def call(photo=photos / "gato" / "0.jpg", gallery=photos, *more):
        return run("match", photo, "--gallery", gallery, "--model", small_model, *more)

    return call


# --- match

ITSELF = "note: rank 1 is the photo itself; --leave-out-query passes over it\n"


def test_match_prints_a_ranked_table(matching, photos):
    code, out, told = matching()
    assert (code, told) == (0, ITSELF)
    title, empty, head, *lines = out.splitlines()
    assert "5 photos, 2 labels" in title and empty == ""
    assert head.split() == ["rank", "score", "label", "photo"]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert lines[0].split()[1:3] == ["1.00", "gato"] and lines[0].endswith("gato/0.jpg")
    column = head.index("photo")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)


def test_match_prints_json_that_any_program_reads(matching, photos):
    code, out, _ = matching(photos / "cão" / "2.jpg", photos, "--json", "-k", "2")
    answer = json.loads(out)
    assert code == 0 and out.isascii()
    assert [match["rank"] for match in answer["matches"]] == [1, 2]
    assert answer["matches"][0]["label"] == "cão"
    assert Path(answer["matches"][0]["path"]).samefile(photos / "cão" / "2.jpg")


@pytest.mark.parametrize("name", ["out.png", "out", "new/folder/out.jpg", "out.pdf"])
def test_match_saves_a_figure(matching, photos, tmp_path, name):
    code, _, told = matching(photos / "gato" / "0.jpg", photos, "--figure", tmp_path / name)
    assert code == 0 and str(tmp_path / name) in told
    assert [path.name for path in (tmp_path / name).parent.glob("*out*")] == [Path(name).name]
    if not name.endswith(".pdf"):
        with Image.open(tmp_path / name) as figure:
            assert figure.width > 1000 and np.asarray(figure.convert("L")).std() > 20


def test_a_figure_of_odd_labels_and_of_a_photo_that_is_gone(run, photos, small_model, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "gato").rename(tmp_path / "photos" / "R$ 5 a_{$ b")
    here = ["--gallery", tmp_path / "g", "--figure", tmp_path / "out.png"]
    run("index", tmp_path / "photos", "--out", tmp_path / "g", "--model", small_model)
    (tmp_path / "photos" / "cão" / "2.jpg").unlink()
    code, out, told = run("match", photos / "gato" / "0.jpg", *here)
    assert code == 0 and "R$ 5 a_{$ b" in out and "2.jpg is gone" in told
    with Image.open(tmp_path / "out.png") as figure:
        assert figure.width > 1000


def test_a_figure_that_cannot_be_written_is_said(matching, photos, tmp_path):
    for name in ("out.nonsense", "."):
        code, _, told = matching(photos / "gato" / "0.jpg", photos, "--figure", tmp_path / name)
        assert code == 1 and "cannot be written" in told and "Give a .png path" in told


def test_a_figure_takes_the_place_of_no_photo(matching, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    shutil.copy(photos / "gato" / "0.jpg", tmp_path / "query.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "query.jpg")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    for name in ("query.jpg", "link.jpg", "photos/gato/0.jpg"):
        where = tmp_path / "query.jpg", tmp_path / "photos", "--figure", tmp_path / name
        code, _, told = matching(*where)
        assert code == 1 and "is a photo. Give the figure another name" in told
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")} == before
    figure = tmp_path / "photos" / "figure.png"
    told = matching(tmp_path / "query.jpg", tmp_path / "photos", "--figure", figure)[2]
    assert "note: the figure lies among the photos" in told


def test_a_tilde_that_the_shell_leaves_is_the_home(run, photos, small_model, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    code, _, _ = run("index", photos, "--out=~/g", "--model", small_model)
    assert code == 0 and (tmp_path / "g" / "photos.csv").is_file()
    assert run("match", photos / "gato" / "0.jpg", "--gallery=~/g")[0] == 0
    assert run("match", photos / "gato" / "0.jpg", "--gallery=~nobody_here/g")[0] == 1
    assert run("match", photos / "gato" / "0.jpg", "--gallery=~/g", "--figure=~/f.png")[0] == 0
    (tmp_path / "labels.csv").write_text("path,label\ngato/0.jpg,Mimi\n")
    shutil.copytree(small_model, tmp_path / "model")
    how = "--out=~/h", "--model=~/model", "--labels=~/labels.csv"
    assert run("index", photos, *how)[0] == 0
    assert {"f.png", "h"} < {path.name for path in tmp_path.iterdir()}


def test_leaving_out_the_only_photo_gives_an_empty_table(matching, photos, tmp_path):
    (tmp_path / "one").mkdir()
    shutil.copy(photos / "gato" / "0.jpg", tmp_path / "one")
    photo = tmp_path / "one" / "0.jpg"
    code, out, _ = matching(photo, tmp_path / "one", "--leave-out-query")
    assert code == 0 and "1 photo, 1 label" in out and "rank" in out
    assert matching(photo, tmp_path / "one", "--leave-out-query", "--json")[0] == 0


def test_a_photo_in_a_folder_that_cannot_be_read_is_listed(matching, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "note.jpg").write_text("no picture")
    code, out, told = matching(photos / "gato" / "0.jpg", tmp_path / "photos")
    assert code == 0 and "1.00" in out
    assert told.startswith("skipped: ") and "note.jpg: is not a picture" in told


def test_names_that_would_break_the_table_are_spelled_out(matching, photos, tmp_path):
    folder = tmp_path / "photos" / "red\x1b[31m\nlabel\n"
    folder.mkdir(parents=True)
    shutil.copy(photos / "gato" / "0.jpg", folder / "a\nb.jpg")
    _, out, _ = matching(folder / "a\nb.jpg", tmp_path / "photos")
    assert len(out.splitlines()) == 4
    assert r"red\x1b[31m\nlabel\n" in out and r"a\nb.jpg" in out


def bad_photos(folder: Path, photos: Path) -> dict[str, Path]:
    (folder / "text.jpg").write_text("Dear owner")
    (folder / "empty.jpg").touch()
    (folder / "cut.jpg").write_bytes((photos / "gato" / "0.jpg").read_bytes()[:900])
    (folder / "folder.jpg").mkdir()
    return {
        "is not a picture": folder / "text.jpg",
        "is empty": folder / "empty.jpg",
        "is damaged": folder / "cut.jpg",
        "is not a regular file": folder / "folder.jpg",
        "does not exist": folder / "missing.jpg",
    }


def test_a_photo_that_cannot_be_read_ends_in_one_sentence_and_a_remedy(matching, photos, tmp_path):
    for reason, path in bad_photos(tmp_path, photos).items():
        code, out, told = matching(path)
        assert (code, out) == (1, "")
        assert told.startswith(f"vitsim: {path}: {reason}") and len(told.splitlines()) == 1
        assert re.search(r"\. [A-Z].*\.$", told.strip()), "a remedy, and an end"


def test_a_gallery_that_is_none_ends_in_one_sentence(matching, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, reason in {
        "empty": "holds no photo",
        "file": "is not a folder",
        "no": "does not exist",
    }.items():
        code, out, told = matching(photos / "gato" / "0.jpg", tmp_path / name)
        assert (code, out) == (1, "") and told.startswith(f"vitsim: {tmp_path / name}: {reason}")


def test_an_unknown_model_and_background_end_in_one_sentence(run, photos, matching):
    photo = photos / "gato" / "0.jpg"
    code, _, told = run("match", photo, "--gallery", photos, "--model", "no such model")
    assert code == 1 and told.startswith("vitsim: no such model: ")
    code, _, told = matching(photo, photos, "--background", "atlascloud")
    assert code == 1 and "not a background remover of vitsim. Choose one of cutout" in told


@pytest.mark.parametrize(
    "words",
    [
        ["match"],
        ["match", "a.jpg", "-k", "0"],
        ["match", "a.jpg", "-k", "two"],
        ["nonsense"],
        ["index", "folder"],
        ["index", "a", "--out", "b", "--fit", "stretch"],
        ["match", "a.jpg", "--nonsense"],
        [],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_code_2_and_a_usage(run, words):
    code, out, told = run(*words)
    assert code == 2 and "Usage: vitsim" in out + told


def test_what_should_not_happen_is_told_in_one_sentence_and_debug_shows_it(
    run, monkeypatch, photos
):
    import vitsim.images

    def broken(_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(vitsim.images, "open_photo", broken)
    code, _, told = run("match", photos / "gato" / "0.jpg")
    assert code == 1 and "ZeroDivisionError('a bug')" in told and "--debug" in told
    monkeypatch.setattr(sys, "argv", ["vitsim", "match", str(photos / "gato" / "0.jpg"), "--debug"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_a_broken_library_is_not_taken_for_a_full_disk(run, monkeypatch, photos):
    import vitsim.images

    def broken(_):
        raise OSError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(vitsim.images, "open_photo", broken)
    code, _, told = run("match", photos / "gato" / "0.jpg")
    assert code == 1 and "libcudart" in told and "--debug" in told and "output" not in told


# --- index


def test_index_then_match_then_index_again(run, photos, small_model, tmp_path):
    mine, gallery = tmp_path / "photos", tmp_path / "my.gallery"
    shutil.copytree(photos, mine)
    index = ["index", mine, "--out", gallery, "--model", small_model]
    code, out, told = run(*index)
    assert (code, told) == (0, "") and f"{gallery}: 5 photos, 2 labels" in out
    code, out, told = run("match", mine / "gato" / "1.jpg", "--gallery", gallery)
    assert (code, told) == (0, ITSELF) and "1.00" in out
    assert "5 photos (0 new or changed, 0 gone)" in run(*index)[1]
    shutil.copy(mine / "gato" / "1.jpg", mine / "copy.jpg")
    Image.open(mine / "cão" / "2.jpg").rotate(90).save(mine / "cão" / "3.jpg")
    (mine / "gato" / "0.jpg").unlink()
    code, _, told = run("match", mine / "gato" / "1.jpg", "--gallery", gallery)
    assert code == 0 and "0.jpg is gone" in told and "3.jpg was changed" in told
    assert "5 photos (1 new or changed, 1 gone)" in run(*index)[1]
    (mine / "copy.jpg").rename(mine / "renamed.jpg")
    assert "5 photos (0 new or changed, 0 gone)" in run(*index)[1]
    shutil.copy(mine / "renamed.jpg", mine / "again.jpg")
    (mine / "renamed.jpg").rename(mine / "other.jpg")
    (mine / "cão" / "3.jpg").unlink()
    assert "5 photos (0 new or changed, 1 gone)" in run(*index)[1]
    (mine / "other.jpg").rename(mine / "renamed.jpg")
    assert "5 photos (0 new or changed, 0 gone)" in run(*index)[1]
    away = mine.rename(tmp_path / "moved")
    told = run("match", away / "gato" / "1.jpg", "--gallery", gallery)[2]
    assert told.count("\n") == 1 and f"all photos are gone from {mine}" in told
    assert "5 photos (0 new or changed, 0 gone)" in run(index[0], away, *index[2:])[1]
    away.rename(mine)
    code, _, told = run(*index, "--fit", "crop")
    assert code == 1 and "was made with fit letterbox" in told
    code, _, told = run(
        "match", mine / "renamed.jpg", "--gallery", gallery, "--background", "cutout"
    )
    assert code == 1 and "was made with background kept" in told
    cut = tmp_path / "cut.gallery"
    assert run(*index[:2], "--out", cut, *index[4:], "--background", "cutout")[0] == 0
    code, _, told = run("app", "--gallery", cut, "--background", "keep", "--no-browser")
    assert code == 1 and "was made with background cutout. Leave --background out" in told
    (gallery / "vectors.npy").write_bytes(b"")
    code, _, told = run(*index)
    assert code == 1 and "is damaged (vectors.npy). Delete that folder and make it again" in told


def test_an_empty_gallery_is_the_shipped_one_and_one_of_that_name_is_ones_own(
    run, photos, small_model, tmp_path, monkeypatch
):
    photo = photos / "gato" / "0.jpg"
    monkeypatch.chdir(tmp_path)
    assert "in toy-pets: 150 photos" in run("match", photo, "-g", "")[1]
    assert run("index", photos, "--out", "toy-pets", "--model", small_model)[0] == 0
    served = []
    monkeypatch.setattr("vitsim.app.serve", lambda *given: served.append(given))
    monkeypatch.setattr("vitsim.cli.page._hold", lambda *_: None)
    assert run("app", "--no-browser")[0] == 0
    ((gallery, examples, *_),) = served
    assert len(gallery) == len(list(photos.rglob("*.jpg"))) and examples == []


def test_index_takes_labels_from_a_table(run, photos, small_model, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\ngato/0.jpg,Mimi\n")
    make = ["index", photos, "--out", tmp_path / "g", "--model", small_model]
    assert run(*make, "--labels", tmp_path / "labels.csv")[0] == 0
    out = run("match", photos / "gato" / "0.jpg", "--gallery", tmp_path / "g")[1]
    assert "Mimi" in out and ", 1 label, " in out
    told = run(*make, "--labels", tmp_path / "labels.csv")[2]
    assert "note: 4 photos without a label" in told
    code, _, told = run(*make, "--labels", tmp_path / "no.csv")
    assert code == 1 and "is no table of labels" in told and "columns path" in told


def test_a_label_stays_with_its_photo_not_with_a_name_that_others_have_too(
    run, small_model, tmp_path
):
    """Cameras name photos alike; those of another folder are other photos."""
    for seed, pet in enumerate(("rex", "mia")):
        (tmp_path / pet).mkdir()
        hostile.picture(seed=seed).save(tmp_path / pet / "IMG_1.jpg")
    (tmp_path / "labels.csv").write_text("path,label\nIMG_1.jpg,Rex da Silva\n")

    def label(folder, *how):
        make = ["index", tmp_path / folder, "--out", tmp_path / "g", "--model", small_model]
        assert run(*make, *how)[0] == 0
        found = run("match", tmp_path / folder / "IMG_1.jpg", "-g", tmp_path / "g", "--json")[1]
        return json.loads(found)["matches"][0]["label"]

    assert label("rex", "--labels", tmp_path / "labels.csv") == "Rex da Silva"
    (tmp_path / "rex").rename(tmp_path / "renamed")
    assert label("renamed") == "Rex da Silva"
    code, _, told = run("index", tmp_path / "mia", "--out", tmp_path / "g", "--model", small_model)
    assert code == 1 and "holds 1 photo of" in told
    shutil.rmtree(tmp_path / "renamed")
    assert label("mia") == "mia"


def test_an_empty_background_is_none(run, photos, small_model, tmp_path):
    make = ["index", photos, "--out", tmp_path / "g", "--model", small_model]
    assert run(*make, "--background", "")[0] == run(*make)[0] == 0
    match = ["match", photos / "gato" / "0.jpg", "-g", tmp_path / "g", "--background", ""]
    assert run(*match)[0] == 0


def test_index_refuses_a_folder_that_holds_other_things(run, photos, small_model, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    code, _, told = run("index", photos, "--out", tmp_path, "--model", small_model)
    assert code == 1 and "exists and is not a gallery. Choose a new folder" in told


# --- audit, download, doctor, help


def test_audit_tells_what_is_wrong_and_ends_with_1(run, photos, tmp_path):
    assert run("audit", photos) == (0, "5 photos looked at, 0 findings\n", "")
    bad_photos(tmp_path, photos)
    code, out, _ = run("audit", tmp_path)
    assert code == 1 and "3 photos looked at, 3 findings" in out
    assert out.count("unreadable") == 3
    (tmp_path / "nothing").mkdir()
    code, out, told = run("audit", tmp_path / "nothing")
    assert (code, out) == (1, "") and "nothing: holds no photo. Give a folder" in told
    shipped = data_folder() / datasets.SHIPPED_GALLERY
    assert "is a gallery. Give the folder that it was made from" in run("audit", shipped)[2]


@contextmanager
def another_user():
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that another user may look into, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_closed_folder_is_told_and_the_rest_goes_on(run, photos, place):
    for folder in shutil.copytree(photos, place / "photos"), *(place / "photos").iterdir():
        folder.chmod(0o755)
    closed = place / "photos" / "gato"
    run("audit", photos)  # loads what it needs; another user may not
    closed.chmod(0)
    try:
        with another_user():
            audit, inside = run("audit", place / "photos"), run("audit", closed / "more")
            paths = find_photos(place / "photos")
    finally:
        closed.chmod(0o755)
    assert audit[0] == 1 and "4 photos looked at, 1 finding" in audit[1]
    assert f"{closed}: may not be read. Change its permissions" in audit[1]
    assert inside[:2] == (1, "") and f"{closed / 'more'}: may not be read. Change" in inside[2]
    assert [path.name for path in paths] == ["2.jpg", "3.jpg", "4.jpg", "gato"]


def test_a_gallery_of_another_user_is_told_and_not_called_damaged(run, photos, small_model, place):
    run("index", photos, "--model", small_model, "--out", place / "g")
    (place / "g" / "vectors.npy").chmod(0)
    (place / "closed").mkdir(mode=0o700)
    with another_user():
        with pytest.raises(GalleryError, match=r"vectors\.npy.*Ask whoever made it"):
            store.read(place / "g")
        closed = store.only_writer(place / "closed" / "h")
        with pytest.raises(GalleryError, match="Permission denied"), closed:
            pass


def test_too_long_a_name_is_told(run, photos):
    asked = {
        "too long a name. Give it a shorter one.\n": ["audit", "x" * 300],
        "too long. Check the path.\n": ["match", photos / "gato" / "0.jpg", "-g", "x" * 300],
    }
    for end, words in asked.items():
        code, out, told = run(*words)
        assert (code, out) == (1, "") and told.endswith(end)


def test_an_index_does_not_go_into_milvus(run, photos, monkeypatch):
    code, out, told = run("index", photos, "--out", "milvus:my.db")
    assert (code, out) == (1, "") and 'in Python: Gallery.open("FOLDER").to_milvus("my.db")' in told
    _, _, told = run("index", photos, "--out", "milvus:http://127.0.0.1:19530")
    assert 'to_milvus("http://127.0.0.1:19530")' in told


def test_download_of_what_is_here_tells_where_it_is(run, small_model):
    code, out, _ = run("download", small_model)
    assert code == 0 and str(small_model) in out and "revision" in out


def test_doctor_tells_what_is_here_and_what_to_do(run, monkeypatch, tmp_path, cache):
    monkeypatch.setenv("VITSIM_MODEL", "google/vit-base-patch16-224")
    monkeypatch.setattr("vitsim.hub.hub_reachable", lambda: False)
    code, out, told = run("doctor")
    assert code == 1 and told == ""
    assert re.search(r"torch +\d", out) and re.search(r"device +(cpu|cuda|mps)", out)
    assert "model in use    google/vit-base-patch16-224: not on this machine\n" in out
    assert "model           tiny: here\n" in out
    assert "hub             not reachable" in out and str(cache) in out
    assert "to do: VITSIM_MODEL is google/vit-base-patch16-224" in out


@pytest.mark.parametrize("name", ["./mymodel", "/my/model", "~/model"])
def test_doctor_takes_a_path_for_a_folder(run, monkeypatch, name):
    monkeypatch.setenv("VITSIM_MODEL", name)
    monkeypatch.setattr("vitsim.hub.hub_reachable", lambda: False)
    place = os.path.expanduser(name)
    assert f"to do: VITSIM_MODEL is {place}, which holds no model" in run("doctor")[1]


def test_doctor_takes_an_existing_folder_without_a_model_for_one(run, monkeypatch, tmp_path):
    (tmp_path / "models" / "foo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VITSIM_MODEL", "models/foo")
    monkeypatch.setattr("vitsim.hub.hub_reachable", lambda: False)
    assert "to do: VITSIM_MODEL is models/foo, which holds no model" in run("doctor")[1]


@pytest.mark.parametrize("command", ["match", "index", "audit", "download", "doctor", None])
def test_help_is_plain(run, command):
    code, out, told = run(*([command] if command else []), "--help")
    assert (code, told) == (0, "")
    assert "Usage: vitsim" in out and out.isascii()


def test_help_tells_the_choices_that_there_are(run):
    told = " ".join(run("index", "--help")[1].split())
    for choices in (background.MODELS, images.FITS, encoder.POOLINGS):
        assert all(choice in told for choice in choices)
    assert typing.get_args(_app.Fits) == images.FITS
    assert typing.get_args(_app.Poolings) == encoder.POOLINGS


# --- through the installed command


def test_the_installed_command_ends_quietly_when_its_reader_goes(photos):
    command = Path(sys.executable).with_name("vitsim")
    pipe = f"{command} audit {photos} | true; {command} --help | head -1"
    ended = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True)
    assert ended.stderr == "" and ended.stdout.startswith("Usage: vitsim")


def test_a_full_disk_behind_the_output_is_told(vitsim):
    command = Path(sys.executable).with_name("vitsim")
    ended = subprocess.run(
        ["bash", "-c", f"{command} --version > /dev/full"], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr == "vitsim: the output cannot be written (No space left on device)\n"


def test_a_terminal_without_unicode_gets_every_answer(vitsim, tmp_path, photos):
    (tmp_path / "cão 🐕.jpg").write_text("no picture")
    ended = vitsim("audit", tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert ended.returncode == 1 and "is not a picture" in ended.stdout and ended.stderr == ""


def test_ctrl_c_before_a_command_has_begun_ends_in_one_sentence(run, monkeypatch):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    code, _, told = run("audit", ".")
    assert (code, told) == (130, "vitsim: interrupted. Run the same command again to go on.\n")


def test_audit_answers_though_nobody_reads_its_errors(monkeypatch, photos, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["vitsim", "audit", str(photos / "gato")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0 and "photo" in capsys.readouterr().out


def test_ctrl_c_ends_in_one_sentence(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "0.png")
    program = (
        "import time, vitsim.images\n"
        "vitsim.images.audit = lambda *_, **__: (print('begun', flush=True), time.sleep(60))\n"
        "from vitsim.cli import main; main()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, "audit", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # whoever started the tests in the background has made them deaf to Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert running.stdout.readline() == "begun\n"
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told == "vitsim: interrupted. Run the same command again to go on.\n"


def test_json_holds_the_scores_of_the_table(matching, photos):
    rows = matching()[1].splitlines()[3:]
    told = json.loads(matching(photos / "gato" / "0.jpg", photos, "--json")[1])["matches"]
    assert [f"{one['score']:.2f}" for one in told] == [row.split()[1] for row in rows]


def test_the_pets_of_another_model_are_those_of_the_gallery(run, photos, small_model):
    code, out, _ = run("match", photos / "gato" / "0.jpg", "--model", small_model)
    assert code == 0 and "in toy-pets: 150 photos" in out


def test_index_pools_as_it_is_told_and_says_what_kept_its_background(
    run, photos, small_model, tmp_path, monkeypatch
):
    monkeypatch.setattr("vitsim.background.remove_background", lambda image, _: (image, "no pet"))
    how = "--model", small_model, "--pooling", "mean", "--background", "cutout"
    told = run("index", photos, "--out", tmp_path / "g", *how)[2]
    assert told.count("background kept: ") == 5 and "gato/0.jpg: no pet" in told
    assert store.read(tmp_path / "g")[0]["recipe"]["pooling"] == "mean"


def test_a_match_that_was_changed_and_kept_its_size_is_told(run, small_model, tmp_path):
    for number in range(3):
        (tmp_path / "rex").mkdir(exist_ok=True)
        hostile.picture(seed=number).save(tmp_path / "rex" / f"{number}.bmp")
    run("index", tmp_path / "rex", "--out", tmp_path / "g", "--model", small_model)
    hostile.picture(seed=9).save(tmp_path / "rex" / "1.bmp")
    told = run("match", tmp_path / "rex" / "0.bmp", "-g", tmp_path / "g")[2]
    assert f"since it was indexed: {tmp_path / 'rex' / '1.bmp'} was changed\n" in told


def test_the_page_listens_where_it_is_told_and_else_on_this_machine_alone(
    run, photos, small_model, monkeypatch
):
    served = []
    monkeypatch.setattr("vitsim.app.serve", lambda *given: served.append(given))
    monkeypatch.setattr("vitsim.cli.page._hold", lambda *_: None)
    page = "app", "--gallery", photos, "--model", small_model
    run(*page)
    run(*page, "--no-browser", "--host", "::1", "--port", 45671)
    (one, _, *here), (_, _, *there) = served
    assert here == ["127.0.0.1", None, True] and there == ["[::1]", 45671, False]
    assert one.recipe.background == "cutout"


def test_download_knows_a_background_remover(run, monkeypatch):
    monkeypatch.setattr(background, "fetch", lambda name: Path(f"{name}.onnx"))
    assert run("download", "u2net", "cutout")[1] == "u2net: u2net.onnx\ncutout: cutout.onnx\n"


@pytest.mark.parametrize("command", [["match"], ["index", "-o", "g"], ["audit"], ["evaluate"]])
def test_an_unset_variable_is_not_the_current_folder(run, command, tmp_path, monkeypatch):
    Image.new("RGB", (9, 9)).save(tmp_path / "0.png")
    monkeypatch.chdir(tmp_path)
    code, _, told = run(*command, "")
    assert code == 2 and "is empty" in told
    assert os.listdir(tmp_path) == ["0.png"]


@pytest.mark.parametrize("words", [["match", "a.jpg", "b.jpg"], ["index", "f", "-o", "g", "h"]])
def test_a_second_place_is_told_where_it_belongs(run, words):
    code, _, told = run(*words)
    assert code == 2 and "after its option, such as --gallery FOLDER" in " ".join(told.split())
