"""A gallery: ranked answers, and a folder that survives kills, damage, moves and other writers."""

import dataclasses
import errno
import gc
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitsim import VitsimError, indexing, store
from vitsim.gallery import Gallery, Match
from vitsim.images import PhotoError, find_photos
from vitsim.known import Known, left_over
from vitsim.labels import folder_name, labels_from
from vitsim.similarity import normalise
from vitsim.store import GalleryBusy, GalleryError

FILES = {"manifest.json", "photos.csv", "vectors.npy", "vitsim.lock"}


class Colours:
    """In place of a Vision Transformer: 4 × 4 mean colours, at once. Counts what it embeds."""

    def __init__(self, name="colours", revision="r1", size=16):
        self.name, self.revision, self.size, self.dim = name, revision, size, 48
        self.embedded = 0

    def embed(self, photos, pooling="cls", how="letterbox", batch_size=16, progress=False):
        self.embedded += len(photos)
        small = [np.asarray(photo.resize((4, 4)), np.float32).ravel() + 1 for photo in photos]
        return normalise(np.stack(small))


@pytest.fixture
def encoder() -> Colours:
    return Colours()


def paint(path: Path, seed: int, size=(20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size).save(path)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """Twelve photos of three pets: rex/0.png … tom/3.png."""
    for number in range(12):
        paint(
            tmp_path / "photos" / ("ana", "rex", "tom")[number % 3] / f"{number // 3}.png", number
        )
    return tmp_path / "photos"


def same(a: Gallery, b: Gallery) -> bool:
    return a.photos.equals(b.photos) and np.array_equal(a.vectors, b.vectors)


# --- matching


def test_matches_come_best_first_with_ranks_from_one(folder, encoder):
    found = Gallery.build(folder, encoder).match(folder / "rex" / "1.png", 12)
    assert [match.rank for match in found] == list(range(1, 13))
    scores = [match.score for match in found]
    assert scores == sorted(scores, reverse=True)
    assert found[0] == Match(1, pytest.approx(1), folder / "rex" / "1.png", "rex")


def test_ranking_survives_the_table_lookup(folder, encoder):
    gallery = Gallery.build(folder, encoder)
    image, _ = indexing.prepare(folder / "tom" / "2.png", gallery.recipe)
    query = encoder.embed([image])[0]
    wanted = np.argsort(-(gallery.vectors @ query), kind="stable")
    paths = [folder / gallery.photos["path"][row] for row in wanted]
    assert [match.path for match in gallery.match(folder / "tom" / "2.png", 12)] == paths
    assert [match.label for match in gallery.match(folder / "tom" / "2.png", 12)] == [
        path.parent.name for path in paths
    ]


def test_a_match_cannot_be_altered(folder, encoder):
    (match,) = Gallery.build(folder, encoder).match(folder / "rex" / "1.png", 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        match.score = 1.0


def test_equal_photos_come_in_the_order_of_the_table(folder, encoder):
    for name in ("z", "a", "m"):
        shutil.copy(folder / "rex" / "1.png", folder / f"{name}.png")
    found = Gallery.build(folder, encoder).match(folder / "rex" / "1.png", 4)
    assert [match.path.name for match in found] == ["a.png", "m.png", "1.png", "z.png"]


def test_the_label_is_the_folder_also_seen_from_inside(folder, encoder, monkeypatch):
    monkeypatch.chdir(folder / "rex")
    assert set(Gallery.build(".", encoder).photos["label"]) == {"rex"}
    assert set(Gallery.build("../tom", encoder).photos["label"]) == {"tom"}


def test_leaving_out_the_query_leaves_out_its_exact_copies_only(folder, encoder):
    shutil.copy(folder / "rex" / "1.png", folder / "copy.png")
    gallery = Gallery.build(folder, encoder)
    found = gallery.match(folder / "rex" / "1.png", 4, leave_out_query=True)
    assert len(found) == 4 and [match.rank for match in found] == [1, 2, 3, 4]
    assert not {"copy.png"} & {match.path.name for match in found}
    assert folder / "rex" / "1.png" not in {match.path for match in found}
    assert len(gallery.match(folder / "rex" / "1.png", 99, leave_out_query=True)) == 11


def test_a_gallery_of_the_query_alone_has_no_answer(tmp_path, encoder):
    photo = paint(tmp_path / "photos" / "a.png", 1)
    assert Gallery.build(photo.parent, encoder).match(photo, 4, leave_out_query=True) == []


def test_asking_for_fewer_than_one_match_is_refused(folder, encoder):
    with pytest.raises(ValueError, match="at least 1"):
        Gallery.build(folder, encoder).match(folder / "rex" / "1.png", 0)


def test_a_query_may_be_an_image_and_its_hidden_colours_do_not_count(folder, encoder):
    gallery = Gallery.build(folder, encoder)
    path = folder / "rex" / "1.png"
    by_path, by_image = gallery.match(path, 3), gallery.match(Image.open(path), 3)
    assert by_path == by_image
    hidden = Image.open(path).convert("RGBA")
    hidden.putalpha(0)
    white = Image.new("RGB", hidden.size, "white")
    assert gallery.match(hidden, 1)[0].score == gallery.match(white, 1)[0].score


def test_a_query_that_cannot_be_read_raises_photo_error(folder, encoder, tmp_path):
    with pytest.raises(PhotoError):
        Gallery.build(folder, encoder).match(tmp_path / "no.jpg")


def test_the_real_encoder_finds_each_photo_itself(folder, small_encoder, tmp_path):
    gallery = Gallery.build(folder, small_encoder, tmp_path / "g")
    for path in (folder / "ana" / "0.png", folder / "tom" / "3.png"):
        assert gallery.match(path, 1)[0].path.samefile(path)
    assert gallery.vectors.shape == (12, small_encoder.dim)
    assert np.linalg.norm(gallery.vectors, axis=1) == pytest.approx(1)


def test_photos_and_queries_are_cut_out_fitted_and_pooled_as_the_recipe_says(
    folder, small_encoder, monkeypatch
):
    def cut(image, model="cutout"):
        return image.crop((0, 0, 20, 6)), None

    monkeypatch.setattr("vitsim.background.remove_background", cut)
    how = {"pooling": "mean", "fit": "crop", "background": "cutout"}
    gallery = Gallery.build(folder, small_encoder, **how)
    seen = [cut(Image.open(folder / path))[0] for path in gallery.photos["path"]]
    expected = small_encoder.embed(seen, pooling="mean", how="crop")
    np.testing.assert_allclose(gallery.vectors, expected, atol=1e-5)
    found = gallery.match(folder / "rex" / "1.png", 12)
    row = list(gallery.photos["path"]).index("rex/1.png")
    scores = sorted(expected @ expected[row], reverse=True)
    assert [match.score for match in found] == pytest.approx(scores, abs=1e-5)


# --- saving and opening


def test_what_was_saved_is_opened_again(folder, encoder, tmp_path):
    built = Gallery.build(folder, encoder, fit="crop", pooling="mean")
    saved = built.save(tmp_path / "g")
    opened = Gallery.open(tmp_path / "g", encoder)
    assert same(built, opened) and same(built, saved)
    assert opened.recipe == built.recipe
    assert isinstance(opened.vectors, np.memmap)
    assert opened.match(folder / "rex" / "1.png") == built.match(folder / "rex" / "1.png")


def test_a_gallery_is_three_files_and_a_lock(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    assert {path.name for path in (tmp_path / "g").iterdir()} == FILES
    (tmp_path / "g" / "vitsim.lock").unlink()
    assert len(Gallery.open(tmp_path / "g", encoder)) == 12, "the lock is not needed to read"


def test_the_manifest_says_how_it_was_made(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g", fit="squash")
    manifest = json.loads((tmp_path / "g" / "manifest.json").read_text())
    assert manifest["recipe"]["model"] == "colours"
    assert manifest["recipe"]["fit"] == "squash"
    assert {"vitsim", "torch", "transformers", "pillow"} <= set(manifest["libraries"])


@pytest.mark.parametrize(
    "name",
    ["a\nb.png", "c\rd.png", 'e"f,g.png', "ação 🐈.png", "NA.png", os.fsdecode(b"\xff\xfe.png")],
)
def test_strange_file_names_survive(folder, encoder, tmp_path, name):
    try:
        path = paint(folder / "NA" / "x.png", 77).rename(folder / "NA" / name)
    except OSError:  # macOS takes only names that are text
        path = paint(folder / "NA" / "x.png", 77)
    Gallery.build(folder, encoder, tmp_path / "g")
    (match,) = Gallery.open(tmp_path / "g", encoder).match(path, 1)
    assert match.path.samefile(path) and match.label == "NA"
    again = Colours()
    Gallery.build(folder, again, tmp_path / "g")
    assert again.embedded == 0


def test_labels_from_a_table(folder, encoder, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,label,more\nrex/0.png,Rex da Silva,1\ntom/1.png,NA,2\n", encoding="utf-8"
    )
    gallery = Gallery.build(folder, encoder, label=labels_from(table, folder))
    labels = dict(zip(gallery.photos["path"], gallery.photos["label"], strict=True))
    assert labels["rex/0.png"] == "Rex da Silva" and labels["tom/1.png"] == "NA"
    assert labels["ana/0.png"] == ""


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffpath;label\nrex/0.png;Rex\n",
        "path,label\nrex/0.png,Rex,\n",
        "path, label\nrex/0.png, Rex\n",
        "path\tlabel\tphoto, year\nrex/0.png\tRex\t2024\n",
        "path,label\nrex/0.png,Rex\nrex/1.png\n",
        "path,label\n,\nrex/0.png,Rex\n",
        "Path,LABEL\nrex/0.png,Rex\n",
        "Path,path,label,Label\nx,rex/0.png,Rex,y\n",
        "path,label\nrex/0.png,Rex\nnotes.txt,a\nnotes.txt,b\n",
    ],
    ids=[
        "semicolons",
        "comma at the end",
        "spaces",
        "tabs",
        "short",
        "empty line",
        "capitals",
        "alike",
        "other files",
    ],
)
def test_tables_as_spreadsheets_write_them(folder, tmp_path, content):
    (tmp_path / "labels.csv").write_text(content, encoding="utf-8")
    label = labels_from(tmp_path / "labels.csv", folder)
    assert label(folder / "rex" / "0.png") == "Rex" and label(folder / "rex" / "1.png") == ""


def test_blanks_around_a_path_or_a_label_are_none_of_it(folder, tmp_path):
    (tmp_path / "labels.csv").write_text(" path , label \nrex/1.png , Rex \nrex/2.png,Rex\n")
    label = labels_from(tmp_path / "labels.csv", folder)
    assert [label(folder / "rex" / name) for name in ("1.png", "2.png")] == ["Rex", "Rex"]


def test_a_table_of_another_system_names_the_same_photos(folder, tmp_path):
    decomposed, composed = (unicodedata.normalize(form, "cão") for form in ("NFD", "NFC"))
    paint(folder / decomposed / "0.png", 70)
    (folder / "alias").symlink_to("rex")
    rows = f"path,label\n{composed}/0.png,Cão\nrex\\0.png,Rex\n.\\alias\\1.png,Rex\n"
    (tmp_path / "labels.csv").write_text(rows, encoding="utf-8")
    label = labels_from(tmp_path / "labels.csv", folder)
    found = [label(folder / name / "0.png") for name in (decomposed, "rex", "tom")]
    assert [*found, label(folder / "rex" / "1.png")] == ["Cão", "Rex", "", "Rex"]


def test_a_label_of_a_table_is_of_a_place_not_of_what_a_link_leads_to(folder, tmp_path):
    for name in ("one.png", "two.png"):
        (folder / name).symlink_to(folder / "rex" / "0.png")
    (tmp_path / "labels.csv").write_text("path,label\none.png,One\n./two.png,Two\n")
    label = labels_from(tmp_path / "labels.csv", folder)
    names = ("one.png", "two.png", "rex/0.png")
    assert [label(folder / name) for name in names] == ["One", "Two", ""]


def test_a_table_with_two_labels_for_a_photo_is_refused(folder, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\nrex/0.png,Rex\nrex/0.png,Rex\n")
    assert labels_from(tmp_path / "labels.csv", folder)(folder / "rex" / "0.png") == "Rex"
    (tmp_path / "labels.csv").write_text("path,label\nrex/0.png,Rex\n./rex/0.png,Max\n")
    with pytest.raises(VitsimError, match=r"gives .* two labels"):
        labels_from(tmp_path / "labels.csv", folder)


def test_a_table_of_other_photos_is_refused(folder, tmp_path):
    from vitsim import VitsimError

    (tmp_path / "labels.csv").write_text("path,label\nelsewhere/0.png,Rex\n,\n")
    with pytest.raises(VitsimError, match="names no photo of"):
        labels_from(tmp_path / "labels.csv", folder)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\0\0", b'path,label\n"x'])
def test_a_table_that_is_none_is_refused(tmp_path, content):
    from vitsim import VitsimError

    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(VitsimError, match="is no table of labels"):
        labels_from(tmp_path / "labels.csv", tmp_path)


# --- building again


def test_building_again_embeds_only_new_and_changed_photos(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    assert encoder.embedded == 12
    again = Colours()
    assert len(Gallery.build(folder, again, tmp_path / "g")) == 12
    assert again.embedded == 0
    paint(folder / "rex" / "new.png", 50)
    paint(folder / "tom" / "0.png", 51)
    gallery = Gallery.build(folder, again, tmp_path / "g")
    assert again.embedded == 2
    assert same(gallery, Gallery.build(folder, encoder))


def test_a_deleted_photo_is_gone_after_the_next_build(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    (folder / "rex" / "1.png").unlink()
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    assert "rex/1.png" not in set(gallery.photos["path"]) and len(gallery) == 11


def test_a_moved_photo_is_not_embedded_again(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    (folder / "new pet").mkdir()
    (folder / "rex" / "1.png").rename(folder / "new pet" / "moved.png")
    again = Colours()
    gallery = Gallery.build(folder, again, tmp_path / "g")
    assert again.embedded == 0
    assert same(gallery, Gallery.build(folder, encoder))
    assert gallery.match(folder / "new pet" / "moved.png", 1)[0].label == "new pet"


def test_a_renamed_photo_keeps_the_label_that_a_table_gave(folder, encoder, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\nrex/0.png,Rex da Silva\n")
    label = labels_from(tmp_path / "labels.csv", folder)
    Gallery.build(folder, encoder, tmp_path / "g", label=label)
    shutil.copy(folder / "rex" / "0.png", folder / "tom" / "copy.png")
    (folder / "rex" / "0.png").rename(folder / "rex" / "renamed.png")
    again = Gallery.build(folder, encoder, tmp_path / "g")
    labels = dict(zip(again.photos["path"], again.photos["label"], strict=True))
    assert labels["rex/renamed.png"] == "Rex da Silva" and labels["rex/1.png"] == ""


def test_a_flat_folder_that_was_renamed_gives_its_photos_its_new_name(folder, encoder, tmp_path):
    Gallery.build(folder / "rex", encoder, tmp_path / "g")
    (folder / "rex").rename(folder / "max")
    again = Colours()
    gallery = Gallery.build(folder / "max", again, tmp_path / "g")
    assert set(gallery.photos["label"]) == {"max"} and again.embedded == 0


def test_a_gallery_is_not_lost_to_another_folder(folder, encoder, tmp_path):
    before = Gallery.build(folder, encoder, tmp_path / "g")
    paint(tmp_path / "others" / "lia" / "9.png", 60)
    paint(tmp_path / "others" / "rex" / "0.png", 61, size=(9, 9))
    with pytest.raises(GalleryError, match=r"holds 12 photos of .*photos not found in"):
        Gallery.build(tmp_path / "others", encoder, tmp_path / "g")
    with pytest.raises(GalleryError, match=r"holds 8 photos of .*photos not found in"):
        Gallery.build(folder / "rex", encoder, tmp_path / "g")
    assert same(Gallery.open(tmp_path / "g", encoder), before)
    for photo in find_photos(folder):  # the folder stays
        photo.rename(tmp_path / "others" / f"{photo.parent.name}-{photo.name}")
    assert len(Gallery.build(tmp_path / "others", encoder, tmp_path / "g")) == 14


def test_the_gallery_of_a_folder_grows_to_that_of_the_folder_above(folder, encoder, tmp_path):
    Gallery.build(folder / "rex", encoder, tmp_path / "g")
    again = Colours()
    assert len(Gallery.build(folder, again, tmp_path / "g")) == 12
    assert again.embedded == 8


def test_a_copy_of_photos_and_gallery_is_another_one_though_a_photo_changed(
    folder, encoder, tmp_path
):
    (tmp_path / "labels.csv").write_text("path,label\nrex/0.png,Rex da Silva\n")
    label = labels_from(tmp_path / "labels.csv", folder)
    Gallery.build(folder, encoder, tmp_path / "g", label=label)
    (tmp_path / "usb").mkdir()
    for name in ("photos", "g"):
        shutil.copytree(tmp_path / name, tmp_path / "usb" / name)
    paint(tmp_path / "usb" / "photos" / "rex" / "0.png", 90, size=(9, 9))
    gallery = Gallery.open(tmp_path / "usb" / "g", encoder)
    assert gallery.root == tmp_path / "usb" / "photos" and len(gallery.changes()) == 1
    again = Gallery.build(tmp_path / "usb" / "photos", encoder, tmp_path / "usb" / "g")
    labels = dict(zip(again.photos["path"], again.photos["label"], strict=True))
    assert labels["rex/0.png"] == "Rex da Silva"


def test_a_saved_gallery_does_not_take_the_place_of_another_folders(folder, encoder, tmp_path):
    before = Gallery.build(folder, encoder, tmp_path / "g")
    paint(tmp_path / "others" / "lia" / "9.png", 60)
    with pytest.raises(GalleryError, match="photos not found in"):
        Gallery.build(tmp_path / "others", encoder).save(tmp_path / "g")
    assert same(Gallery.open(tmp_path / "g", encoder), before)


def test_a_path_that_is_given_twice_is_one_photo(folder, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    ways = [folder / "rex" / "1.png", Path("rex", "1.png"), Path("tom", "..", "rex", "1.png")]
    gallery = Gallery.build(folder, encoder, tmp_path / "g", paths=[*ways, ways[0]])
    assert list(gallery.photos["path"]) == ["rex/1.png"]
    assert len(gallery.add(ways)) == 1


def test_a_photo_that_was_mended_is_no_longer_skipped_by_whatever_name(
    folder, encoder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    bad = folder / "rex" / "bad.png"
    bad.write_text("no picture")
    gallery = Gallery.build("photos", encoder, tmp_path / "g")
    assert len(gallery.skipped) == 1
    paint(bad, 80)
    for name in (bad, Path("photos", "rex", "bad.png")):
        assert gallery.add([name]).skipped == ()


def test_where_a_mapped_file_cannot_be_replaced_a_gallery_is_read_instead(
    folder, encoder, tmp_path, monkeypatch
):
    """As on Windows."""
    replace = os.replace

    def only_unmapped(source, target):
        if str(target) in Path("/proc/self/maps").read_text():
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", only_unmapped)
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    paint(folder / "rex" / "new.png", 50)
    with pytest.raises(GalleryError, match="Access is denied"):
        Gallery.build(folder, encoder, tmp_path / "g")
    monkeypatch.setattr(store, "MAPPED", None)
    del gallery
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    paint(folder / "rex" / "more.png", 51)
    assert len(gallery.add([folder / "rex" / "more.png"])) == 14


def test_copies_are_embedded_once(folder, encoder):
    shutil.copytree(folder / "rex", folder / "copies")
    assert len(Gallery.build(folder, encoder)) == 16
    assert encoder.embedded == 12


def test_changes_tells_what_is_gone_and_what_was_changed(folder, encoder, tmp_path):
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    assert gallery.changes() == []
    (folder / "rex" / "1.png").unlink()
    paint(folder / "tom" / "0.png", 60, (90, 80))
    told = gallery.changes()
    assert len(told) == 2 and "gone" in told[0] and "changed" in told[1]


def test_a_match_that_was_changed_and_kept_its_size_is_told(folder, encoder, tmp_path):
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 9, 9)).save(folder / f"{number}.bmp")
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    found = gallery.match(folder / "1.bmp", 12)
    assert gallery.changed(found) == []
    Image.new("RGB", (40, 30), (9, 200, 9)).save(folder / "1.bmp")
    (folder / "rex" / "1.png").unlink()
    assert gallery.changed(found) == [f"{folder / '1.bmp'} was changed"]
    assert gallery.changed(found[1:]) == []


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_adding_photos(folder, encoder, tmp_path, kept):
    new = [paint(folder / "zoe" / f"{n}.png", 90 + n) for n in range(2)]
    old = [path for path in sorted(folder.rglob("*.png")) if path not in new]
    gallery = Gallery.build(folder, encoder, tmp_path / "g" if kept else None, paths=old)
    encoder.embedded = 0
    added = gallery.add([*new, old[0]])
    assert encoder.embedded == 2
    assert same(added, Gallery.build(folder, encoder))
    assert len(gallery) == 12, "the gallery that was added to is left as it was"
    if kept:
        assert same(Gallery.open(tmp_path / "g", encoder), added)
    assert same(added.add(str(new[0])), added), "a single photo may be given, too"
    assert added == added and added != gallery


def test_photos_added_through_two_open_galleries_are_all_there(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    for number, one in enumerate([Gallery.open(tmp_path / "g", encoder) for _ in range(2)]):
        one.add(paint(folder / "zoe" / f"{number}.png", 90 + number))
    assert same(Gallery.open(tmp_path / "g", encoder), Gallery.build(folder, encoder))


def test_a_folder_by_a_link_is_the_folder_itself(folder, encoder, tmp_path):
    paint(folder / "loose.png", 50)
    (link := tmp_path / "link").symlink_to(folder, target_is_directory=True)
    gallery = Gallery.build(link, encoder, tmp_path / "g")
    assert set(gallery.photos["label"]) == {"ana", "rex", "tom", "photos"}
    again = gallery.add([link / "ana" / "0.png", folder / "rex" / "0.png"])
    assert again.photos.equals(gallery.photos)


def test_saving_over_a_gallery_that_was_made_in_another_way_is_refused(folder, encoder, tmp_path):
    there = Gallery.build(folder, encoder, tmp_path / "g", pooling="mean")
    with pytest.raises(GalleryError, match="was made with pooling mean"):
        Gallery.build(folder, encoder).save(tmp_path / "g")
    assert same(Gallery.open(tmp_path / "g", encoder), there)


def test_a_photo_that_was_mended_and_added_is_not_skipped_any_more(folder, encoder, tmp_path):
    for name in ("bad.png", "worse.png"):
        (folder / name).write_bytes(b"no picture")
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    paint(folder / "bad.png", 50)
    added = gallery.add([folder / "bad.png", folder / "worse.png"])
    assert len(added) == 13
    assert [Path(line.split(":")[0]).name for line in added.skipped] == ["worse.png"]


def test_notes_about_kept_backgrounds_survive_the_next_build(
    folder, encoder, tmp_path, monkeypatch
):
    def remove(image, model):
        return image, "nothing found" if image.getpixel((0, 0))[0] > 128 else None

    monkeypatch.setattr("vitsim.background.remove_background", remove)
    notes = Gallery.build(folder, encoder, tmp_path / "g", background="cutout").notes
    assert 0 < len(notes) < 12 and all("nothing found" in note for note in notes)
    again = Gallery.build(folder, encoder, tmp_path / "g", background="cutout")
    assert [note.split("photos")[-1] for note in again.notes] == [
        note.split("photos")[-1] for note in notes
    ]


# --- bad photos


def test_bad_photos_are_listed_and_the_rest_goes_on(folder, encoder, tmp_path):
    (folder / "ana" / "bad.jpg").write_text("no picture")
    (folder / "rex" / "empty.png").touch()
    os.mkfifo(folder / "rex" / "pipe.jpg")
    (folder / "tom" / "lost.jpg").symlink_to("nowhere.jpg")
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    assert len(gallery) == 12
    names = [Path(line.split(":")[0]).name for line in gallery.skipped]
    assert names == ["bad.jpg", "empty.png", "pipe.jpg", "lost.jpg"]
    assert Gallery.open(tmp_path / "g", encoder).skipped == gallery.skipped


def test_an_empty_folder_is_refused_and_leaves_nothing_behind(tmp_path, encoder):
    (tmp_path / "photos").mkdir()
    with pytest.raises(GalleryError, match=r"holds no photo\. Give a folder .*\.jpg"):
        Gallery.build(tmp_path / "photos", encoder, tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_a_folder_without_a_readable_photo_is_refused_and_may_be_mended(tmp_path, encoder):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("no picture")
    with pytest.raises(GalleryError, match="none of its 1 photos can be read"):
        Gallery.build(tmp_path / "photos", encoder, tmp_path / "g")
    paint(tmp_path / "photos" / "b.png", 1)
    assert len(Gallery.build(tmp_path / "photos", encoder, tmp_path / "g")) == 1


def test_an_existing_gallery_stays_when_its_photos_have_gone(folder, encoder, tmp_path):
    before = Gallery.build(folder, encoder, tmp_path / "g")
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(GalleryError, match="holds no photo"):
        Gallery.build(folder, encoder, tmp_path / "g")
    assert same(Gallery.open(tmp_path / "g", encoder), before)


def test_a_huge_photo_does_not_wait_in_memory_at_full_size(folder, encoder, monkeypatch):
    sizes = []
    real = encoder.embed
    monkeypatch.setattr(
        encoder,
        "embed",
        lambda photos, *a: sizes.extend(p.size for p in photos) or real(photos, *a),
    )
    paint(folder / "huge.png", 5, (3000, 2000))
    Gallery.build(folder, encoder)
    assert set(sizes) == {(16, 16)}


# --- another folder, another model


@pytest.mark.parametrize(
    "inside",
    [
        ["notes.txt"],
        ["manifest.json"],
        ["new/thesis.doc"],
        ["partial/a.txt"],
        ["pending/b.txt"],
        ["lock"],
    ],
    ids=lambda names: names[0],
)
def test_a_folder_that_holds_other_things_is_refused_and_untouched(
    folder, encoder, tmp_path, inside
):
    out = tmp_path / "mine"
    for name in inside:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("years of work")
    before = sorted(out.rglob("*"))
    with pytest.raises(GalleryError, match="exists and is not a gallery"):
        Gallery.build(folder, encoder, out)
    with pytest.raises(GalleryError, match="exists and is not a gallery"):
        Gallery.build(folder, encoder).save(out)
    assert sorted(out.rglob("*")) == before
    assert all(path.read_text() == "years of work" for path in before if path.is_file())


def test_a_file_in_the_place_of_the_gallery_is_refused_and_untouched(folder, encoder, tmp_path):
    (tmp_path / "g").write_text("years of work")
    for out in (tmp_path / "g", tmp_path / "g" / "below"):
        with pytest.raises(GalleryError):
            Gallery.build(folder, encoder, out)
    assert (tmp_path / "g").read_text() == "years of work"


def test_a_gallery_inside_the_photo_folder_is_no_photo(folder, encoder):
    for _ in range(2):
        assert len(Gallery.build(folder, encoder, folder / "gallery")) == 12


def test_another_revision_or_size_is_refused_whatever_the_name(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    for other in (Colours(revision="r2"), Colours(size=32), Colours("other", "r2")):
        with pytest.raises(GalleryError, match=r"was made with colours \(revision r1, 16 px\)"):
            Gallery.open(tmp_path / "g", other)
        with pytest.raises(GalleryError):
            Gallery.build(folder, other, tmp_path / "g")
    assert len(Gallery.open(tmp_path / "g", Colours())) == 12


def test_other_weights_of_the_background_remover_are_refused(
    folder, encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr("vitsim.background.revision", lambda model: "before")
    Gallery.build(folder, encoder, tmp_path / "g", background="cutout")
    kept = Gallery.cached(folder, encoder, background="cutout").folder
    assert Gallery.cached(folder, encoder, background="cutout").folder == kept
    monkeypatch.setattr("vitsim.background.revision", lambda model: "after")
    for use in (
        lambda: Gallery.open(tmp_path / "g", encoder),
        lambda: Gallery.build(folder, encoder, tmp_path / "g", background="cutout"),
    ):
        with pytest.raises(GalleryError, match="was made with other weights of cutout"):
            use()
    assert Gallery.cached(folder, encoder, background="cutout").folder != kept


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ({"background": "magic"}, VitsimError),
        *(({name: "magic"}, ValueError) for name in ("fit", "pooling", "engine")),
        ({"address": "head:10001"}, ValueError),
    ],
)
def test_a_choice_that_does_not_exist_is_refused_before_anything_is_written(
    folder, encoder, tmp_path, choice, error
):
    with pytest.raises(error):
        Gallery.build(folder, encoder, tmp_path / "g", **choice)
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_labels_of_a_table_stay_until_others_are_given(folder, encoder, tmp_path, kept):
    out = tmp_path / "g" if kept else None
    gallery = Gallery.build(folder, encoder, out, label=lambda path: path.stem)
    new = paint(folder / "ana" / "9.png", 99)
    added = gallery.add([folder / "ana" / "0.png", new])
    labels = added.photos.set_index("path")["label"]
    assert (labels["ana/0.png"], labels["ana/9.png"], labels["rex/1.png"]) == ("0", "ana", "1")
    if kept:
        assert Gallery.build(folder, encoder, out).photos.equals(added.photos)
        assert set(Gallery.build(folder, encoder, out, label=folder_name).photos["label"]) == {
            "ana", "rex", "tom"
        }  # fmt: skip


def test_the_same_weights_under_another_name_are_accepted(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    moved = Colours(name="elsewhere")
    assert len(Gallery.open(tmp_path / "g", moved)) == 12
    Gallery.build(folder, moved, tmp_path / "g")
    assert moved.embedded == 0


@pytest.mark.parametrize("choice", [{"fit": "crop"}, {"pooling": "mean"}, {"background": "cutout"}])
def test_building_in_another_way_into_the_same_folder_is_refused(folder, encoder, tmp_path, choice):
    Gallery.build(folder, encoder, tmp_path / "g")
    with pytest.raises(GalleryError, match=f"was made with {next(iter(choice))}"):
        Gallery.build(folder, encoder, tmp_path / "g", **choice)


def test_a_model_from_a_folder_is_found_from_another_folder(
    folder, small_model, tmp_path, monkeypatch
):
    from vitsim.encoder import Encoder

    monkeypatch.chdir(small_model.parent)
    Gallery.build(folder, Encoder.load(small_model.name), tmp_path / "g")
    monkeypatch.chdir(tmp_path)
    assert len(Gallery.open("g")) == 12


# --- moving


def test_a_gallery_moved_alone_still_finds_its_photos(folder, encoder, tmp_path):
    for place in (tmp_path / "g", folder / "gallery"):
        Gallery.build(folder, encoder, place)
        (tmp_path / "far" / "away").mkdir(parents=True, exist_ok=True)
        moved = shutil.move(place, tmp_path / "far" / "away" / place.name)
        match = Gallery.open(moved, encoder).match(folder / "rex" / "1.png", 1)[0]
        assert match.path.samefile(folder / "rex" / "1.png")


def test_a_gallery_moved_with_its_photos_finds_them_there(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    (tmp_path / "usb").mkdir()
    for name in ("photos", "g"):
        shutil.copytree(tmp_path / name, tmp_path / "usb" / name)
    gallery = Gallery.open(tmp_path / "usb" / "g", encoder)
    assert gallery.root == tmp_path / "usb" / "photos"
    shutil.rmtree(folder)
    assert Gallery.open(tmp_path / "usb" / "g", encoder).changes() == []


def test_a_gallery_copied_beside_other_photos_of_the_same_names_shows_its_own(
    folder, encoder, tmp_path
):
    Gallery.build(folder, encoder, tmp_path / "g")
    (tmp_path / "usb" / "photos" / "rex").mkdir(parents=True)
    paint(tmp_path / "usb" / "photos" / "rex" / "0.png", 77, size=(9, 9))
    shutil.copytree(tmp_path / "g", tmp_path / "usb" / "g")
    gallery = Gallery.open(tmp_path / "usb" / "g", encoder)
    assert gallery.root == folder and gallery.changes() == []


def test_a_gallery_whose_photos_are_gone_still_opens_and_tells(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    shutil.move(folder, tmp_path / "elsewhere")
    gallery = Gallery.open(tmp_path / "g", encoder)
    assert len(gallery.changes()) == 12
    assert len(gallery.match(tmp_path / "elsewhere" / "rex" / "1.png")) == 4


# --- damage


def test_what_is_no_gallery_is_refused(tmp_path, encoder):
    for place in (tmp_path / "no", tmp_path):
        with pytest.raises(GalleryError, match="is not a gallery"):
            Gallery.open(place, encoder)


@pytest.mark.parametrize("name", ["manifest.json", "photos.csv", "vectors.npy"])
def test_one_damaged_byte_is_refused(folder, encoder, tmp_path, name):
    Gallery.build(folder, encoder, tmp_path / "g")
    whole = (tmp_path / "g" / name).read_bytes()
    for seed in range(15):
        dice, spoilt = random.Random(seed), bytearray(whole)
        spoilt[dice.randrange(len(whole))] ^= dice.randrange(1, 256)
        (tmp_path / "g" / name).write_bytes(spoilt)
        with pytest.raises(GalleryError, match=r"is damaged|is of a newer format"):
            Gallery.open(tmp_path / "g", encoder)
    (tmp_path / "g" / name).write_bytes(whole)
    assert len(Gallery.open(tmp_path / "g", encoder))


@pytest.mark.parametrize("name", ["manifest.json", "photos.csv", "vectors.npy"])
@pytest.mark.parametrize("keep", [0, 0.5, 0.99, None])
def test_a_truncated_or_missing_file_is_refused_and_the_remedy_works(
    folder, encoder, tmp_path, name, keep
):
    path = tmp_path / "g" / name
    Gallery.build(folder, encoder, tmp_path / "g")
    whole = path.read_bytes()
    path.unlink() if keep is None else path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(GalleryError, match=r"is damaged .* Delete that folder and make it again"):
        Gallery.open(tmp_path / "g", encoder)
    with pytest.raises(GalleryError, match="is damaged"):
        Gallery.build(folder, encoder, tmp_path / "g")
    shutil.rmtree(tmp_path / "g")
    assert len(Gallery.build(folder, encoder, tmp_path / "g")) == 12


@pytest.mark.parametrize(
    ("step", "message"),
    [(1, "newer format.*Install a newer vitsim"), (-1, "older format.*make it again")],
)
def test_another_format_is_refused_as_such(folder, encoder, tmp_path, step, message):
    Gallery.build(folder, encoder, tmp_path / "g")
    path = tmp_path / "g" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": store.FORMAT + step}))
    with pytest.raises(GalleryError, match=message):
        Gallery.open(tmp_path / "g", encoder)


class Malice:
    def __reduce__(self):
        return os.mkdir, (str(Path(os.environ["VITSIM_CACHE"]).parent / "ran"),)


def test_no_pickle_is_ever_run(folder, encoder, tmp_path, cache):
    evil = np.array([Malice()], dtype=object)
    Gallery.build(folder, encoder, tmp_path / "g")
    np.save(tmp_path / "g" / "vectors.npy", evil, allow_pickle=True)
    manifest = json.loads((tmp_path / "g" / "manifest.json").read_text())
    manifest["files"]["vectors.npy"] = store.sha256(tmp_path / "g" / "vectors.npy")
    del manifest["sha256"]
    manifest["sha256"] = store._digest(manifest)  # a careful attacker
    (tmp_path / "g" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(GalleryError, match="is damaged"):
        Gallery.open(tmp_path / "g", encoder)

    left_over(tmp_path / "p", {})
    np.savez(tmp_path / "p" / "partial" / "000000.npz", sha256=evil, vectors=evil, notes=evil)
    assert not left_over(tmp_path / "p", {}).notes()
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Malice()))
    assert (tmp_path / "ran").exists(), "it would have run"


# --- kills, full disks, other programs

STEPS = ["replace", "rename", "fsync", "rmdir"]


def versions(folder: Path, out: Path) -> tuple[Gallery, Gallery]:
    """What `out` holds now, and what building again will make of it."""
    before = Gallery.build(folder, Colours(), out)
    paint(folder / "rex" / "new.png", 50)
    (folder / "ana" / "0.png").unlink()
    return before, Gallery.build(folder, Colours())


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(12))
def test_a_kill_at_any_step_of_the_commit_leaves_one_whole_version(
    folder, tmp_path, monkeypatch, step
):
    out = tmp_path / "g"
    before, after = versions(folder, out)
    count = 0

    def deadly(real):
        def call(*args, **options):
            nonlocal count
            count += 1
            if count > step:  # dead: nothing happens any more
                raise Killed
            return real(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, deadly(getattr(os, name)))
        patch.setattr(shutil, "rmtree", deadly(shutil.rmtree))
        try:
            Gallery.build(folder, Colours(), out)
        except Killed:
            pass
        else:
            assert step >= 8, "the steps are fewer than this test thinks"
    opened = Gallery.open(out, Colours())
    assert same(opened, before) or same(opened, after)
    assert same(Gallery.build(folder, Colours(), out), after)
    assert {path.name for path in out.iterdir()} == FILES


@pytest.mark.parametrize("where", ["header", "to_csv", "write_text", "fsync"])
def test_a_full_disk_leaves_the_old_version_and_says_so(folder, tmp_path, monkeypatch, where):
    out = tmp_path / "g"
    before, after = versions(folder, out)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    owner = {"to_csv": store.pd.DataFrame, "write_text": Path, "fsync": os}
    name = "write_array_header_1_0" if where == "header" else where
    owner = owner.get(where, np.lib.format)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        with pytest.raises(
            GalleryError, match=r"cannot be written \(No space left on device\)\. Make room"
        ):
            Gallery.build(folder, Colours(), out)
    assert same(Gallery.open(out, Colours()), before)
    assert not (out / "new").exists()
    assert same(Gallery.build(folder, Colours(), out), after)


def test_a_second_writer_is_refused_at_once_and_nothing_is_lost(folder, encoder, tmp_path):
    out, inside, go_on = tmp_path / "g", threading.Event(), threading.Event()

    def slowly(path):
        inside.set()
        assert go_on.wait(30)
        return path.parent.name

    first = threading.Thread(target=lambda: Gallery.build(folder, encoder, out, label=slowly))
    first.start()
    assert inside.wait(30)
    began = time.monotonic()
    with pytest.raises(GalleryBusy, match="is being written by another program"):
        Gallery.build(folder, Colours(), out)
    assert time.monotonic() - began < 60  # it does not wait for the other one
    go_on.set()
    first.join(30)
    assert len(Gallery.open(out, encoder)) == 12


def test_a_reader_never_sees_a_mixture(folder, encoder, tmp_path):
    out = tmp_path / "g"
    one = Gallery.build(folder, encoder, out)
    two = one.add([paint(folder / "zoe" / f"{n}.png", 90 + n) for n in range(5)])
    done, seen, wrong = threading.Event(), set(), []

    def read():
        while not done.is_set():
            try:
                gallery = Gallery.open(out, encoder)
                seen.add(len(gallery))
                if not (same(gallery, one) or same(gallery, two)):
                    wrong.append("a mixture")
            except GalleryBusy:
                pass
            except Exception as error:
                wrong.append(repr(error))

    readers = [threading.Thread(target=read) for _ in range(2)]
    one = dataclasses.replace(one, vectors=np.array(one.vectors))
    two = dataclasses.replace(two, vectors=np.array(two.vectors))
    for reader in readers:
        reader.start()
    for number in range(16):
        (two, one)[number % 2].save(out)
        time.sleep(0.01)
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == [] and seen == {12, 17}


# An index that runs in a process of its own, through the command, and takes its time.
SLOW_INDEX = """
    import sys, time
    import vitsim.encoder, vitsim.indexing, vitsim.known
    from test_gallery import Colours

    class Slow(Colours):
        def embed(self, photos, *rest):
            time.sleep(0.08)
            with open(LOG, "a") as log:
                log.write("x" * len(photos))
            return super().embed(photos, *rest)

    LOG = sys.argv.pop(1)
    vitsim.encoder.Encoder.load = classmethod(lambda *_, **__: Slow())
    vitsim.known.SAVE_SECONDS, vitsim.indexing.BATCH = 0.15, 4
    from vitsim.cli import main
    main()
"""


def test_a_killed_index_goes_on_where_it_stopped(tmp_path, monkeypatch):
    photos, out, log = tmp_path / "photos", tmp_path / "g", tmp_path / "log"
    for number in range(150):
        paint(photos / f"pet{number % 5}" / f"{number:03d}.png", number)
    program = textwrap.dedent(SLOW_INDEX)
    command = [sys.executable, "-c", program, log, "index", photos, "--out", out]
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    print("seed", seed := time.time_ns())  # which pytest shows of a test that fails
    dice, kills = random.Random(seed), 0
    for _ in range(3):
        had = len(list(out.glob("partial/[0-9]*.npz")))
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while running.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob("partial/[0-9]*.npz"))) > had:
                time.sleep(dice.uniform(0, 0.3))
                running.send_signal(signal.SIGKILL)
                break
            time.sleep(0.01)
        running.communicate()
        if running.returncode == -signal.SIGKILL and not (out / "manifest.json").exists():
            kills += 1
            with pytest.raises(GalleryError, match=r"was never finished.*goes on where it stopped"):
                Gallery.open(out, Colours())
    assert kills >= 2
    before = len(log.read_text())
    kept = sum(len(np.load(chunk)["sha256"]) for chunk in out.glob("partial/[0-9]*.npz"))
    assert kept >= 4 * kills
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    embedded = len(log.read_text())
    assert embedded - before == 150 - kept, "the last run embeds only what the killed ones did not"
    assert same(Gallery.open(out, Colours()), Gallery.build(photos, Colours()))
    assert not (out / "partial").exists()


def test_damaged_partial_work_is_done_again(folder, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("vitsim.known.SAVE_SECONDS", -1)
    monkeypatch.setattr(indexing, "BATCH", 3)

    def stop(path):
        if path.parent.name == "tom":
            raise KeyboardInterrupt
        return path.parent.name

    with pytest.raises(KeyboardInterrupt):
        Gallery.build(folder, encoder, tmp_path / "g", label=stop)
    chunks = sorted((tmp_path / "g" / "partial").glob("*.npz"))
    assert len(chunks) == 2
    chunks[0].write_bytes(chunks[0].read_bytes()[:100])
    again = Colours()
    gallery = Gallery.build(folder, again, tmp_path / "g")
    assert again.embedded == 9
    assert same(gallery, Gallery.build(folder, Colours()))


def test_partial_work_done_in_another_way_is_not_used(folder, encoder, tmp_path):
    digest = store.sha256(folder / "rex" / "1.png")
    recipe = {"fit": "crop"}
    assert not left_over(tmp_path / "g", recipe).notes()
    Known([(digest, np.full(48, 0.5, np.float32), "a note")], tmp_path / "g").save()
    again = left_over(tmp_path / "g", recipe)
    assert again.note(digest) == "a note" and (again.vector(digest) == 0.5).all()
    (tmp_path / "g" / "partial" / "000000.npz").rename(tmp_path / "g" / "partial" / "000007.npz")
    Known([("b", np.full(48, 0.25, np.float32), "")], tmp_path / "g").save()
    both = left_over(tmp_path / "g", recipe)
    assert [both.vector(one)[0] for one in (digest, "b")] == [0.5, 0.25], "none is overwritten"
    assert not left_over(tmp_path / "g", {"fit": "squash"}).notes()


def test_more_vectors_than_a_block_holds_are_kept_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr("vitsim.known.BLOCK", 4)
    left_over(tmp_path, {})
    vectors = np.arange(10, dtype=np.float32)[:, None]
    digests = [f"{number}" for number in range(10)]
    Known(zip(digests, vectors, [""] * 10, strict=True), tmp_path).save()
    np.save(tmp_path / "vectors.npy", vectors)
    whole = Known()
    whole.add_file(tmp_path / "vectors.npy", digests, [""] * 10)
    for known in (whole, left_over(tmp_path, {})):
        assert [known.vector(one)[0] for one in digests] == list(range(10))


def test_the_memory_of_an_index_does_not_grow_with_the_vectors(tmp_path, monkeypatch):
    class Long(Colours):
        def __init__(self):
            super().__init__()
            self.dim = 16_384

        def embed(self, photos, *args):
            return np.tile(super().embed(photos, *args), 342)[:, : self.dim]

    monkeypatch.setattr("vitsim.known.SAVE_SECONDS", -1)
    for number in range(256):
        paint(tmp_path / "photos" / "all" / f"{number:03d}.png", number)
    paths, peaks = find_photos(tmp_path / "photos"), []
    gc.collect()
    gc.freeze()  # as in a fresh process: what is here already does not delay the next collection
    for count in (64, 256):
        tracemalloc.start()
        out = tmp_path / f"{count}.gallery"
        gallery = Gallery.build(tmp_path / "photos", Long(), out, paths=paths[:count])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert gallery.vectors.shape == (count, 16_384)
        assert len(np.unique(gallery.vectors, axis=0)) == count
    gc.unfreeze()
    more = 4 * (256 - 64) * 16_384  # bytes of the vectors that the second one has more
    assert peaks[1] - peaks[0] < 0.1 * more


# --- the cache of `vitsim match FOLDER`


def test_a_cached_folder_is_embedded_once(folder, encoder):
    for _ in range(2):
        assert len(Gallery.cached(folder, encoder)) == 12
    assert encoder.embedded == 12


def test_other_choices_and_models_are_cached_apart(folder, encoder):
    assert Gallery.cached(folder, encoder).recipe.fit == "letterbox"
    assert Gallery.cached(folder, encoder, fit="crop").recipe.fit == "crop"
    assert Gallery.cached(folder, Colours(revision="r2")).recipe.revision == "r2"
    assert Gallery.cached(folder, encoder).recipe.fit == "letterbox"


def test_a_part_of_a_folder_is_cached_apart_from_the_whole(folder, encoder):
    part = find_photos(folder)[:2]
    for _ in range(2):
        assert len(Gallery.cached(folder, encoder, part)) == 2
        assert len(Gallery.cached(folder, encoder)) == 12
    assert encoder.embedded == 14


def test_a_cache_that_cannot_be_written_is_done_without(folder, encoder, cache):
    cache.write_text("a file where the folder should be")
    assert len(Gallery.cached(folder, encoder).match(folder / "rex" / "1.png")) == 4


def test_a_damaged_cache_is_made_again(folder, encoder, cache):
    Gallery.cached(folder, encoder)
    for path in cache.rglob("vectors.npy"):
        path.write_bytes(b"")
    assert Gallery.cached(folder, encoder).folder in (cache / "galleries").iterdir()
    again = Colours()
    assert len(Gallery.cached(folder, again)) == 12
    assert again.embedded == 0


def test_a_cache_that_another_program_fills_is_done_without(folder, encoder, cache):
    Gallery.cached(folder, encoder)
    (kept,) = (cache / "galleries").iterdir()
    with store.only_writer(kept):
        assert len(Gallery.cached(folder, encoder)) == 12
    assert same(Gallery.open(kept, encoder), Gallery.build(folder, encoder))


def test_adding_while_another_program_writes_is_refused(folder, encoder, tmp_path):
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    new = paint(folder / "zoe" / "0.png", 90)
    with store.only_writer(tmp_path / "g"), pytest.raises(GalleryBusy):
        gallery.add([new])


def test_partial_vectors_that_are_damaged_are_not_used(tmp_path):
    left_over(tmp_path, {})
    Known([("a", np.full(48, 0.5, np.float32), "")], tmp_path).save()
    (chunk,) = tmp_path.glob("partial/*.npz")
    half = np.float32([0.5] * 4).tobytes()
    chunk.write_bytes(chunk.read_bytes().replace(half, b"\1" + half[1:], 1))
    assert not left_over(tmp_path, {}).notes()


def test_photos_wait_for_the_model_in_a_short_queue_that_ends_with_it(monkeypatch):
    monkeypatch.setattr(indexing, "AHEAD", 20)
    begun = []

    def look(number):
        begun.append(number)
        time.sleep(0.01)
        return number

    ahead = indexing._ahead(look, list(range(200)))
    assert [next(ahead) for _ in range(5)] == list(range(5))
    time.sleep(0.5)
    assert len(begun) <= 25
    ahead.close()
    before = indexing._ahead(look, list(range(200, 400)))
    next(before)
    before.close()
    assert len([number for number in begun if number >= 200]) < 15


def test_a_copy_does_not_take_the_label_that_a_table_gave_the_first(folder, encoder, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\nrex/0.png,Rex da Silva\n")
    label = labels_from(tmp_path / "labels.csv", folder)
    Gallery.build(folder, encoder, tmp_path / "g", label=label)
    shutil.copy(folder / "rex" / "0.png", folder / "tom" / "copy.png")
    again = Gallery.build(folder, encoder, tmp_path / "g").photos.set_index("path")["label"]
    assert (again["rex/0.png"], again["tom/copy.png"]) == ("Rex da Silva", "tom")


def test_every_file_is_on_the_disk_before_the_version_counts(
    folder, encoder, tmp_path, monkeypatch
):
    seen, fsync, rename = [], os.fsync, os.rename

    def noted(number):
        seen.append(Path(os.readlink(f"/proc/self/fd/{number}")).name)
        fsync(number)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", lambda *way: seen.append("counts") or rename(*way))
    Gallery.build(folder, encoder, tmp_path / "g")
    assert set(seen[: seen.index("counts")]) >= FILES - {"vitsim.lock"}


def test_a_change_in_a_subfolder_is_told_and_one_of_the_size_is_left_to_changes(
    folder, encoder, tmp_path
):
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 9, 9)).save(folder / "rex" / f"{number}.bmp")
    gallery = Gallery.build(folder, encoder, tmp_path / "g")
    found = gallery.match(folder / "rex" / "1.bmp", 15)
    Image.new("RGB", (40, 30), (9, 200, 9)).save(folder / "rex" / "1.bmp")
    Image.new("RGB", (50, 30), (9, 200, 9)).save(folder / "rex" / "2.bmp")  # `changes` tells
    assert gallery.changed(found) == [f"{folder / 'rex' / '1.bmp'} was changed"]


def test_the_root_with_more_of_the_photos_is_taken_though_most_are_gone(folder, encoder, tmp_path):
    Gallery.build(folder, encoder, tmp_path / "g")
    shutil.copytree(tmp_path / "g", tmp_path / "usb" / "g")
    (tmp_path / "usb" / "photos" / "rex").mkdir(parents=True)
    shutil.copy(folder / "rex" / "0.png", tmp_path / "usb" / "photos" / "rex")
    for path in find_photos(folder)[3:]:
        path.unlink()
    assert Gallery.open(tmp_path / "usb" / "g", encoder).root == folder
