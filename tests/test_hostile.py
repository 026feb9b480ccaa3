"""Nothing in a folder of photos breaks anything, and no photo is lost."""

import os
import shutil
import warnings
from pathlib import Path

import hostile
import pytest
from test_gallery import Colours, paint

from vitsim.gallery import Gallery
from vitsim.images import PhotoError, audit, find_photos, open_photo

FILES = hostile.files()


@pytest.fixture
def corpus(tmp_path) -> Path:
    """All of them in one folder, with a loop of links, a dead link, a pipe and a folder."""
    folder = tmp_path / "photos"
    for name, (data, _) in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "dead_link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    return folder


PROGRAMS = ("program_for_a_printer.jpg", "script.jpg")  # Ghostscript would run them
SPECIAL = ("dead_link.jpg", "pipe.jpg")  # found by their ending, and refused


def test_the_corpus_is_large():
    assert len(FILES) + len(SPECIAL) + 2 >= 60
    assert {verdict for _, verdict in FILES.values()} == {"opens", "refused", "either"}


@pytest.mark.parametrize("name", FILES, ids=lambda name: ascii(name)[1:60])
def test_it_opens_or_is_refused_in_words(tmp_path, name):
    data, verdict = FILES[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    try:
        image = open_photo(path)
    except PhotoError as error:
        assert verdict != "opens", error
        assert str(path) in str(error) and error.reason and error.remedy
        assert ("is a program (EPS)" in error.reason) == (name in PROGRAMS)
    else:
        assert verdict != "refused"
        assert image.mode == "RGB" and min(image.size) >= 1


def test_photos_that_are_opened_do_not_make_a_warning_of_others_come_again(tmp_path):
    paint(tmp_path / "a.png", 1)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(5):
            open_photo(tmp_path / "a.png")
            warnings.warn("of others", stacklevel=1)
    assert [str(one.message) for one in shown] == ["of others"]


def test_a_gallery_of_the_corpus_loses_nothing(corpus, tmp_path):
    found = [path.relative_to(corpus).as_posix() for path in find_photos(corpus)]
    assert set(found) == {*FILES, *SPECIAL}
    gallery = Gallery.build(corpus, Colours(), tmp_path / "g")
    indexed, skipped = set(gallery.photos["path"]), " ".join(gallery.skipped)
    assert len(indexed) + len(gallery.skipped) == len(found)
    for name in found:
        assert (name in indexed) != (str(corpus / name) in skipped), name
        verdict = FILES.get(name, (b"", "refused"))[1]
        assert verdict == "either" or (name in indexed) == (verdict == "opens"), name
    reopened = Gallery.open(tmp_path / "g", Colours())
    assert reopened.photos.equals(gallery.photos) and reopened.skipped == gallery.skipped
    for name in indexed:
        best = reopened.match(corpus / name, 1)[0]
        assert best.score == pytest.approx(1, abs=1e-5)


def test_the_audit_of_the_corpus_names_every_unreadable_file(corpus):
    unreadable = {f.path.relative_to(corpus).as_posix()
                  for f in audit(corpus) if f.kind == "unreadable"}  # fmt: skip
    refused = {name for name, (_, verdict) in FILES.items() if verdict == "refused"}
    assert refused | set(SPECIAL) <= unreadable
    assert not {name for name, (_, verdict) in FILES.items() if verdict == "opens"} & unreadable


def test_the_command_survives_the_corpus(vitsim, corpus, small_model, tmp_path):
    out = tmp_path / "g"
    ended = vitsim("index", corpus, "--out", out, "--model", small_model)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, ended.stderr
    assert "too many pixels" in ended.stderr and "more; `vitsim audit " in ended.stderr
    ended = vitsim("audit", corpus)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr, ended.stderr
    refused = [name for name, (_, verdict) in FILES.items() if verdict == "refused"]
    assert all(name in ended.stdout for name in [*refused, *SPECIAL])
    ended = vitsim("match", corpus / "bomb_20000.png", "--gallery", out, "--model", small_model)
    assert ended.returncode == 1 and "too many pixels" in ended.stderr
    assert "Traceback" not in ended.stderr and ended.stdout == ""


def test_of_a_folder_that_goes_away_while_it_is_read_what_was_read_is_kept(tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "g"
    for number in range(60):
        paint(folder / "rex" / f"{number:02d}.png", number)

    def label(path: Path) -> str:
        if path.name == "05.png":
            shutil.rmtree(folder)
        return "rex"

    gallery = Gallery.build(folder, Colours(), out, label=label)
    assert 6 <= len(gallery) < 60
    assert len(gallery) + len(gallery.skipped) == 60
    assert all("does not exist" in line for line in gallery.skipped)
    with pytest.raises(PhotoError, match="does not exist"):
        Gallery.build(folder, Colours(), out)
    assert len(Gallery.open(out, Colours())) == len(gallery)


def test_a_home_that_cannot_be_written_costs_the_cache_only(vitsim, tmp_path, small_model):
    """As on a shared or a read-only machine; a file in the way refuses root, too."""
    for number in range(1, 5):
        paint(tmp_path / "photos" / "rex" / f"{number}.png", number)
    (tmp_path / "home").write_text("no folder")
    ended = vitsim(
        "match", tmp_path / "photos" / "rex" / "1.png", "--gallery", tmp_path / "photos",
        "--model", small_model, "--background", "cutout",
        HOME=tmp_path / "home", VITSIM_CACHE=tmp_path / "home" / "cache",
        HF_HOME=tmp_path / "home" / "hf", MPLCONFIGDIR=tmp_path / "home" / "mpl",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "1.00" in ended.stdout
    (told,) = [line for line in ended.stderr.splitlines() if "not kept" in line]
    where = tmp_path / "home" / "cache"
    assert told.startswith(f"note: masks are not kept in {where} (Not a directory). Make room")
    assert ".py" not in ended.stderr, "a warning with its line of source"
