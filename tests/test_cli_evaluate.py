"""`vitsim evaluate`, as a user meets it."""

import json
import shutil
from pathlib import Path

import hostile
import numpy as np
import pytest
from PIL import Image

from vitsim import judge, plots
from vitsim.evaluation import equal_error_rate


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Three animals of three photos each: one colour with noise."""
    folder = tmp_path_factory.mktemp("animals")
    for number in range(9):
        rng = np.random.default_rng(number)
        name = ["gato", "cão", "égua"][number // 3]
        (folder / name).mkdir(exist_ok=True)
        noise = rng.integers(0, 60, (14, 16, 3)) + 60 * np.eye(3)[number // 3]
        Image.fromarray(np.uint8(noise)).resize((160, 140)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def evaluate(run, photos, small_model):
    def call(folder=photos, *more):
        return run("evaluate", folder, "--model", small_model, *more)

    return call


def test_evaluate_prints_a_table_beside_the_baselines(evaluate, photos, small_model):
    code, out, told = evaluate()
    about, how, empty, head, *rows = out.splitlines()
    assert code == 0 and empty == ""
    assert about.endswith(": 9 photos of 3 identities, 9 asked for")
    assert how == f"model {small_model}, cls, letterbox, background kept"
    assert head.split() == [small_model.name, "16x16", "pixels", "colour", "histogram"]
    names = ["recall@1", "recall@5", "mAP", "EER", "d'"]
    assert [row.split()[0] for row in rows[:5]] == names
    assert rows[0].endswith("1.00 [0.29, 1.00]"), (
        "the histogram sees the colours; 0.29: .025 ** 1/3"
    )
    assert rows[-1] == "Estimate [95 % interval over identities]. By chance, recall@1: 0.25."
    assert told == "note: only 3 identities to draw from: the intervals may be too narrow\n"


def test_evaluate_prints_json_that_any_program_reads(evaluate, photos, small_model):
    code, out, _ = evaluate(photos, "--json", "--pooling", "mean")
    answer = json.loads(out)
    assert code == 0 and out.isascii()
    assert (answer["photos"], answer["identities"], answer["queries"]) == (9, 3, 9)
    assert (answer["pooling"], answer["fit"], answer["chance"]) == ("mean", "letterbox", 0.25)
    assert list(answer["figures"]) == [small_model.name, "16x16 pixels", "colour histogram"]
    recall = answer["figures"]["colour histogram"]["recall@1"]
    assert (recall["estimate"], recall["high"], recall["level"]) == (1, 1, 0.95)


def test_evaluate_of_two_animals_prints_json_without_nan(evaluate, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "two")
    shutil.rmtree(tmp_path / "two" / "cão")
    _, out, _ = evaluate(tmp_path / "two", "--json")
    assert (
        json.loads(out, parse_constant=pytest.fail)["figures"]["16x16 pixels"]["EER"]["low"] is None
    )


def test_evaluate_saves_figures(evaluate, photos, tmp_path, monkeypatch):
    drawn = {}
    for name in ("score_strips", "roc", "det"):
        draw = getattr(plots, name)
        monkeypatch.setattr(
            plots, name, lambda *a, name=name, draw=draw: drawn.update({name: a}) or draw(*a)
        )
    code, _, told = evaluate(photos, "--out", tmp_path / "new" / "folder")
    assert code == 0
    groups, mark = drawn["score_strips"]
    assert [len(groups[name]) for name in ("genuine", "impostor")] == [9, 27]
    assert mark == equal_error_rate(groups["genuine"], groups["impostor"]).threshold
    for name in ("roc", "det"):
        (rates,) = drawn[name]
        perfect = rates["colour histogram"]
        assert len(rates) == 3 and np.maximum(perfect.fmr, perfect.fnmr).min() == 0
    for name in ("scores.png", "roc.png", "det.png"):
        path = tmp_path / "new" / "folder" / name
        assert f"figure: {path}\n" in told
        with Image.open(path) as figure:
            assert figure.width > 700 and np.asarray(figure.convert("L")).std() > 20
    for among in (photos, photos / "gato", photos / "new"):
        code, _, told = evaluate(photos, "--out", among)
        assert code == 1 and f"{among}: lies among the photos" in told
    assert len(list(photos.rglob("*.png"))) == 9 and not (photos / "new").exists()
    (tmp_path / "file").touch()
    code, _, told = evaluate(photos, "--out", tmp_path / "file")
    assert code == 1 and "cannot be written" in told


def test_evaluate_embeds_once_and_shares_its_gallery_with_match(
    evaluate, run, photos, small_model, monkeypatch
):
    assert evaluate()[0] == 0
    monkeypatch.setattr("vitsim.indexing.prepare", lambda *_: pytest.fail("embedded again"))
    assert evaluate()[0] == 0
    photo = photos / "gato" / "0.png"
    assert run("match", photo, "--gallery", photos, "--model", small_model)[0] == 0


def test_evaluate_takes_a_gallery_and_the_way_it_was_made(run, photos, small_model, tmp_path):
    gallery, table = tmp_path / "g", tmp_path / "labels.csv"
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    rows = [f"{name},animal {number % 2}" for number, name in enumerate(names)]
    table.write_text("\n".join(["path,label", *rows]))
    index = ["index", photos, "--out", gallery, "--model", small_model, "--labels", table]
    assert run(*index, "--fit", "crop")[0] == 0
    code, out, _ = run("evaluate", gallery)
    assert code == 0 and "9 photos of 2 identities" in out and ", cls, crop, background kept" in out
    assert run("evaluate", gallery, "--fit", "crop")[0] == 0
    code, out, told = run("evaluate", gallery, "--fit", "squash")
    assert (code, out) == (1, "") and "was made with fit crop. Leave --fit out" in told


def test_evaluate_lists_what_it_cannot_read_and_what_it_sets_aside(evaluate, photos, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(photos, mine)
    (mine / "gato" / "note.jpg").write_text("no picture")
    (mine / "alone").mkdir()
    Image.new("RGB", (200, 200), "red").save(mine / "alone" / "one.png")
    shutil.copy(mine / "gato" / "0.png", mine / "gato" / "again.png")
    code, out, told = evaluate(mine)
    assert code == 0 and "10 photos of 4 identities, 9 asked for" in out
    assert "note.jpg: is not a picture" in told
    assert "note: an exact copy: gato/again.png\n" in told
    assert "note: alone in its folder, so not asked for: alone/one.png\n" in told
    answer = json.loads(evaluate(mine, "--json")[1])
    assert (answer["photos"], answer["queries"]) == (10, 9)
    (skipped,) = answer["skipped"]
    assert "note.jpg: is not a picture" in skipped


def test_folders_of_one_name_in_two_places_are_told(evaluate, run, photos, small_model, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(photos, mine)
    (mine / "2023").mkdir()
    (mine / "gato").rename(mine / "2023" / "gato")
    assert "one identity, by" not in evaluate(mine)[2]
    hostile.picture(seed=50).save(mine / "cão" / "new.png")
    (mine / "2024" / "gato").mkdir(parents=True)
    hostile.picture(seed=51).save(mine / "2024" / "gato" / "other.png")
    assert (
        "note: taken for one identity, by their name: 2023/gato, 2024/gato\n" in evaluate(mine)[2]
    )
    told = run("index", mine, "--out", tmp_path / "g", "--model", small_model)[2]
    assert told == "note: folders of one name have one label: 2023/gato, 2024/gato\n"


def test_evaluate_of_a_folder_that_cannot_be_judged_ends_in_one_sentence(
    evaluate, photos, tmp_path
):
    (tmp_path / "empty").mkdir()
    shutil.copytree(photos / "gato", tmp_path / "one" / "gato")
    for path in sorted(photos.rglob("*.png"))[::3]:
        shutil.copytree(path.parent, tmp_path / "flat", dirs_exist_ok=True)
        (tmp_path / "single" / path.parent.name).mkdir(parents=True)
        shutil.copy(path, tmp_path / "single" / path.parent.name)
    for name, reason in {
        "no": "does not exist",
        "empty": "holds no photo",
        "one": "holds photos of one identity only (gato). Put the photos of each animal",
        "single": "holds fewer than two identities with two photos or more; alone in its folder",
        "flat": "holds no photo of an identity to compare; in no folder of an identity: ",
    }.items():
        code, out, told = evaluate(tmp_path / name)
        assert (code, out) == (1, "")
        assert told.startswith(f"vitsim: {tmp_path / name}: {reason}") and told.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["a", "--fit", "stretch"], ["a", "--no"]], ids=" ".join)
def test_a_wrong_command_line_ends_with_code_2(run, words):
    code, out, told = run("evaluate", *words)
    assert code == 2 and "Usage: vitsim evaluate" in out + told


def test_help_says_what_each_figure_is(run):
    code, out, told = run("evaluate", "--help")
    assert (code, told) == (0, "") and out.isascii()
    for word in ("recall@1", "recall@5", "mAP", "EER", "d'", "<letterbox|squash|crop>", "--out"):
        assert word in out
    assert f"{judge.MOST:,} photos at most" in " ".join(out.split())


def test_the_installed_command_judges_the_shipped_gallery_without_a_network(vitsim, no_network):
    ended = vitsim("evaluate", "toy-pets", COLUMNS=80)
    assert ended.returncode == 0
    assert "150 photos of 50 identities" in ended.stdout and ended.stderr == ""
