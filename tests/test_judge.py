"""What `vitsim evaluate` counts, and what it leaves out."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitsim import evaluation as ev
from vitsim import judge
from vitsim.gallery import Gallery
from vitsim.judge import FIGURES, evaluate_gallery
from vitsim.store import GalleryError


def crowd(sizes, spread=1.6, seed=1) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around a centre for each identity, and the identities."""
    rng, ids = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    vectors = rng.standard_normal((len(sizes), 30))[ids]
    vectors += spread * rng.standard_normal(vectors.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ids


def photo(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (14, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((160, 140)).save(path)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three identities of three photos each."""
    for number in range(9):
        photo(tmp_path / "photos" / "abc"[number // 3] / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def report(folder, small_encoder):
    return lambda **choices: evaluate_gallery(Gallery.build(folder, small_encoder, **choices))


def of_evaluation() -> tuple[dict, dict]:
    """The figures and the intervals of a crowd, by `judge` and by what `evaluation` says."""
    vectors, ids = crowd([8, 8, 8, 5, 5, 5, 1, 1, 3, 3, 3, 9])
    scores = (vectors @ vectors.T).astype(np.float32)
    np.fill_diagonal(scores, np.nan)
    asked = np.bincount(ids)[ids] > 1
    ranks = {f"recall@{k}": lambda *search, k=k: ev.recall_at_k(*search, k) for k in (1, 5)}
    ranks["mAP"] = ev.mean_average_precision

    def d_prime(*search):
        return ev.d_prime(*ev.genuine_impostor_scores(*search))

    expected = {
        name: ev.jackknife_by_identity(figure, scores[asked], ids[asked], ids)
        for name, figure in ranks.items()
    }
    expected["EER"] = ev.equal_error_rate_by_identity(scores, ids, ids)
    expected["d'"] = ev.jackknife_by_identity(d_prime, scores, ids, ids, rate=False)
    return judge.judge(vectors, ids).figures, expected


def test_figures_and_intervals_are_those_of_evaluation():
    found, expected = of_evaluation()
    assert list(found) == list(expected) == list(FIGURES)
    for name, interval in expected.items():
        mine, theirs = ([one.low, one.estimate, one.high] for one in (found[name], interval))
        assert mine == pytest.approx(theirs, abs=0.003), name


def test_identities_left_out_in_groups_give_nearly_the_same_intervals(monkeypatch):
    vectors, ids = crowd([4] * 60)
    each = judge.judge(vectors, ids).figures
    monkeypatch.setattr(judge, "GROUPS", 20)
    grouped = judge.judge(vectors, ids).figures
    for name in FIGURES:
        assert grouped[name].estimate == each[name].estimate
        widths = [one.high - one.low for one in (grouped[name], each[name])]
        assert 0.6 < widths[0] / widths[1] < 1.6, name


def test_the_limit_of_a_perfect_rate_counts_all_identities_though_they_are_left_out_in_groups():
    vectors = np.repeat(np.eye(150, dtype=np.float32), 2, axis=0)
    recall = judge.judge(vectors, np.repeat(range(150), 2)).figures["recall@1"]
    assert (recall.estimate, recall.high) == (1, 1)
    assert recall.low == pytest.approx(0.025 ** (1 / 150))


def test_every_pair_of_photos_is_scored_once():
    vectors, ids = crowd([3, 2, 1])
    found = judge.judge(vectors, ids)
    scores, (one, other) = vectors @ vectors.T, np.triu_indices(6, 1)
    same = ids[one] == ids[other]
    for mine, kind in ((found.genuine, same), (found.impostor, ~same)):
        assert np.sort(mine) == pytest.approx(np.sort(scores[one, other][kind]), abs=1e-6)


def test_no_pair_scores_above_one():
    vectors, ids = crowd([2] * 40, spread=0)
    assert judge.judge(np.float32(vectors), ids).genuine.max() <= 1


def test_two_photos_that_score_the_same_are_an_error_of_the_query():
    vectors = np.float32([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]])
    figures = judge.judge(vectors, ["a", "a", "b", "b", "c"]).figures
    assert figures["recall@1"].estimate == 0


def test_chance_is_what_random_vectors_reach(folder, small_encoder):
    ids = crowd([10, 20, 30])[1]
    others = np.bincount(ids)[ids] - 1
    recalls = [
        judge.judge(crowd([10, 20, 30], 1000, seed)[0], ids).figures["recall@1"].estimate
        for seed in range(30)
    ]
    assert np.mean(recalls) == pytest.approx(np.mean(others / 59), abs=0.04)
    assert evaluate_gallery(Gallery.build(folder, small_encoder)).chance == 2 / 8


def test_all_is_compared_and_the_baselines_stand_beside(report, small_model):
    found = report()
    assert (found.photos, found.identities, found.queries) == (9, 3, 9)
    assert list(found.methods) == [small_model.name, "16x16 pixels", "colour histogram"]
    assert found.notes == ("only 3 identities to draw from: the intervals may be too narrow",)
    for method in found.methods.values():
        assert (len(method.genuine), len(method.impostor)) == (9, 27)
        assert list(method.figures) == list(FIGURES)
    lines = str(found).splitlines()
    assert [line.split("  ")[0] for line in lines[1:6]] == list(FIGURES)
    assert str(found).isascii() and max(map(len, lines)) < 80


def test_two_animals_get_no_interval_and_the_report_says_so(report, folder, recwarn):
    """For one alone has no rival."""
    shutil.rmtree(folder / "c")
    found = report()
    for method in found.methods.values():
        for one in method.figures.values():
            assert np.isnan([one.estimate, one.low, one.high]).tolist() == [False, True, True]
    assert not recwarn.list
    assert found.notes == ("only 2 identities to draw from: no interval can be told",)
    assert str(found).splitlines()[-1] == "Without an interval: none can be told."


def test_an_exact_copy_changes_nothing(report, folder):
    before = report()
    shutil.copy(folder / "a" / "0.png", folder / "a" / "again.png")
    after = report()
    assert before.methods["16x16 pixels"].figures == after.methods["16x16 pixels"].figures
    assert after.photos == 9 and "an exact copy: a/again.png" in after.notes


def test_a_photo_in_two_folders_counts_for_neither(report, folder):
    shutil.copy(folder / "a" / "0.png", folder / "b" / "who.png")
    found = report()
    assert found.photos == 8
    assert "the same photo in two folders: a/0.png, b/who.png" in found.notes


def test_a_photo_alone_is_not_asked_for_but_may_be_taken_for_another(report, folder):
    photo(folder / "d" / "9.png", 9)
    found = report()
    assert (found.photos, found.identities, found.queries) == (10, 4, 9)
    assert found.chance == pytest.approx(2 / 9)
    assert "alone in its folder, so not asked for: d/9.png" in found.notes
    assert len(found.methods["16x16 pixels"].impostor) == 27 + 9


def test_a_photo_without_a_label_is_set_aside(report, folder):
    photo(folder / "loose.png", 9)
    assert report().photos == 9
    assert any(note.endswith(": loose.png") for note in report().notes)
    named = report(label=lambda path: "" if path.parent.name == "c" else path.parent.name)
    assert named.photos == 6 and named.identities == 2


def test_many_photos_in_a_note_are_counted(report, folder):
    for number in range(8):
        photo(folder / f"{number}.png", 20 + number)
    assert report().notes[0].endswith(": 0.png, 1.png, 2.png, 3.png, 4.png and 3 more")


def test_without_the_photos_the_model_alone_is_judged(folder, small_encoder):
    gallery = Gallery.build(folder, small_encoder)
    shutil.rmtree(folder / "b")
    found = evaluate_gallery(gallery)
    assert len(found.methods) == 1 and found.photos == 9
    told = [note for note in found.notes if note.startswith("no baselines: ")]
    assert len(told) == 1 and "does not exist" in told[0]


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (["a/0", "a/1"], r"holds photos of one identity only \(a\)"),
        (["a/0", "b/3", "c/6"], "holds fewer than two identities with two photos or more"),
        (["a/0", "a/1", "b/3"], "holds fewer than two identities with two photos or more"),
    ],
)
def test_nothing_to_compare_is_told_with_the_way_out(report, folder, kept, reason):
    for path in folder.rglob("*.png"):
        if path.relative_to(folder).with_suffix("").as_posix() not in kept:
            path.unlink()
    with pytest.raises(GalleryError, match=f"{reason}.*. Put the photos of each animal"):
        report()


def test_photos_in_no_folder_of_an_identity_are_told(report, folder):
    for path in folder.rglob("*.png"):
        shutil.move(path, folder)
    with pytest.raises(GalleryError, match=r"holds no photo of an identity.*in no folder of an"):
        report()


def test_folders_that_are_copies_of_each_other_are_told(report, folder):
    for name in "abc":
        shutil.copytree(folder / name, folder / f"{name} again")
    with pytest.raises(GalleryError, match=r"the same photo in two folders: a again/0\.png, "):
        report()


def test_more_photos_than_can_be_compared_are_refused(report, monkeypatch):
    monkeypatch.setattr(judge, "MOST", 8)
    with pytest.raises(GalleryError, match="holds 9 photos; 8 at most can be compared"):
        report()


def test_baselines_see_the_cut_out_that_the_model_saw(folder, small_encoder, monkeypatch):
    grey, seen = Image.new("RGB", (160, 140), (128, 128, 128)), []
    monkeypatch.setattr("vitsim.background.remove_background", lambda image, name: (image, None))
    monkeypatch.setattr(judge, "remove_background", lambda image, name: (grey, seen.append(name)))
    found = evaluate_gallery(Gallery.build(folder, small_encoder, background="cutout"))
    assert seen == ["cutout"] * 9
    assert found.methods["colour histogram"].impostor == pytest.approx(1)
