"""Background removal, through rembg's real session with a network made here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from vitsim import background
from vitsim.background import cut_out, mask_of, remove_background
from vitsim.images import open_photo
from vitsim.models import ModelError

GREY = (128, 128, 128)


def network(path, dark=True):
    """A network that marks what is dark (or what is bright): it has one weight."""
    sign = helper.make_tensor("sign", TensorProto.FLOAT, [1], [-1.0 if dark else 1.0])
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["picture"], ["brightness"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["brightness", "sign"], ["mask"]),
        ],
        "brightness",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 320, 320])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 320, 320])],
        [sign],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


@pytest.fixture
def cutout(tmp_path, monkeypatch):
    """The shipped model `cutout` is the network above."""
    path = tmp_path / "shipped" / "cutout" / "cutout.onnx"
    network(path)
    monkeypatch.setattr(background, "shipped", lambda name: tmp_path / "shipped" / name)
    forget()
    yield path
    forget()


def forget():
    background.revision.cache_clear()
    background._session.cache_clear()


@pytest.fixture
def predictions(cutout, monkeypatch):
    """How many times the network was really asked."""
    from rembg.sessions.u2net_custom import U2netCustomSession

    asked, real = [], U2netCustomSession.predict
    monkeypatch.setattr(
        U2netCustomSession,
        "predict",
        lambda self, image, *a, **k: asked.append(1) or real(self, image, *a, **k),
    )
    return asked


def pet(size=(120, 80)) -> Image.Image:
    """A dark pet in the upper left quarter of a bright picture."""
    image = Image.new("RGB", size, (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image


def quarter_is_marked(mask: Image.Image) -> bool:
    values = np.asarray(mask, float)
    rows, columns = values.shape
    inside = values[: rows // 2 - 4, : columns // 2 - 4]
    outside = np.concatenate(
        [values[rows // 2 + 4 :].ravel(), values[:, columns // 2 + 4 :].ravel()]
    )
    return inside.min() > 240 and outside.max() < 15


def test_the_mask_has_the_size_of_the_picture_and_lies_on_the_pet(cutout):
    for size in [(120, 80), (80, 120), (33, 500)]:
        mask = mask_of(pet(size))
        assert (mask.size, mask.mode) == (size, "L")
        assert quarter_is_marked(mask)


def test_a_photo_lying_on_its_side_is_cut_out_upright(cutout, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pet().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    image = open_photo(tmp_path / "a.png")
    assert image.size == (120, 80)
    assert quarter_is_marked(mask_of(image))
    made, note = remove_background(image)
    assert note is None
    assert made.size == pytest.approx((63, 43), abs=2)  # its quarter, and a twentieth around
    assert made.getpixel((5, 5)) == (0, 0, 0)
    assert made.getpixel((made.width - 1, made.height - 1)) == GREY


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage garbage", b"Exif\0\0II*\0"])
def test_a_damaged_exif_block_does_not_keep_the_background(cutout, tmp_path, exif):
    pet().save(tmp_path / "a.jpg", exif=exif)
    image = open_photo(tmp_path / "a.jpg")
    assert "exif" not in image.info
    assert quarter_is_marked(mask_of(image))


def test_the_background_becomes_exactly_the_flat_colour(cutout):
    made = cut_out(pet(), mask_of(pet()), colour=(1, 200, 3))
    assert (made.mode, made.size) == ("RGB", (120, 80))
    assert made.getpixel((119, 79)) == (1, 200, 3)
    assert len(made.crop((66, 0, 120, 80)).getcolors()) == 1


def test_cropping_keeps_the_box_of_the_mask_and_a_margin_inside_the_picture():
    image, mask = Image.new("RGB", (200, 100), (9, 9, 9)), Image.new("L", (200, 100), 0)
    mask.paste(255, (50, 30, 110, 60))  # 60 wide: a margin of 3
    mask.putpixel((199, 99), 127)  # not above half: not the pet
    cut = cut_out(image, mask, crop=True)
    assert cut.size == (66, 36)
    assert cut.tobytes() == cut_out(image, mask).crop((47, 27, 113, 63)).tobytes()
    mask.paste(255, (0, 0, 200, 60))
    assert cut_out(image, mask, crop=True).size == (200, 70)
    assert cut_out(image, Image.new("L", (200, 100), 0), crop=True).size == (200, 100)


def test_a_soft_mask_mixes():
    half = Image.new("L", (4, 4), 128)
    made = cut_out(Image.new("RGB", (4, 4), (200, 0, 100)), half, (0, 100, 100))
    assert made.getpixel((0, 0)) == pytest.approx((100, 50, 100), abs=1)


def test_the_second_time_is_a_look_up(predictions):
    first = mask_of(pet())
    assert mask_of(pet()).tobytes() == first.tobytes()
    assert len(predictions) == 1


def test_another_picture_and_another_size_are_predicted_anew(predictions):
    mask_of(pet())
    mask_of(pet().transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    mask_of(Image.frombytes("RGB", (80, 120), pet().tobytes()))  # the same bytes, other sides
    assert len(predictions) == 3


def test_other_weights_are_another_model(predictions, cutout):
    assert quarter_is_marked(mask_of(pet()))
    network(cutout, dark=False)
    forget()
    assert not quarter_is_marked(mask_of(pet()))
    assert len(predictions) == 2


@pytest.mark.parametrize("damage", [b"", b"no picture", None], ids=["empty", "text", "cut"])
def test_a_damaged_mask_in_the_cache_is_made_again(predictions, cache, damage):
    mask_of(pet())
    (kept,) = cache.rglob("*.png")
    kept.write_bytes(kept.read_bytes()[:60] if damage is None else damage)
    assert quarter_is_marked(mask_of(pet()))
    assert quarter_is_marked(mask_of(pet()))
    assert len(predictions) == 2


def test_a_mask_of_another_size_in_the_cache_is_made_again(predictions, cache):
    mask_of(pet())
    (kept,) = cache.rglob("*.png")
    Image.new("L", (3, 3)).save(kept)
    assert quarter_is_marked(mask_of(pet()))


def test_a_cache_that_cannot_be_written_is_said_once_and_done_without(cutout, cache, capsys):
    mask_of(pet((50, 50)))
    capsys.readouterr()  # that rembg is loaded
    shutil.rmtree(cache)
    cache.write_text("a file where the folder should be")
    assert all(quarter_is_marked(mask_of(pet(size))) for size in [(120, 80), (80, 120)])
    assert capsys.readouterr().err == (
        f"note: masks are not kept in {cache} (Not a directory). "
        "Make room there, or set VITSIM_CACHE to a folder of yours.\n"
    )


def test_one_session_is_kept(cutout, monkeypatch):
    import rembg

    made, real = [], rembg.new_session
    monkeypatch.setattr(rembg, "new_session", lambda *a, **k: made.append(a) or real(*a, **k))
    mask_of(pet())
    mask_of(pet((50, 50)))
    assert made == [("u2net_custom",)]


def mostly(share: float) -> Image.Image:
    image = Image.new("RGB", (200, 200), (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, 200, round(200 * share)))
    return image


@pytest.mark.parametrize(
    ("share", "words"), [(0.005, "almost nothing"), (0.995, "almost everything")]
)
def test_a_mask_of_almost_nothing_or_everything_keeps_the_original_and_says_so(
    cutout, monkeypatch, share, words
):
    exact = Image.fromarray(255 - np.asarray(mostly(share).convert("L")))
    monkeypatch.setattr(background, "mask_of", lambda image, model: exact)
    made, note = remove_background(mostly(share))
    assert made.tobytes() == mostly(share).tobytes()
    assert words in note and "the background was kept" in note


@pytest.mark.parametrize("share", [0.015, 0.985])
def test_a_mask_that_shows_or_leaves_more_than_a_hundredth_is_taken(monkeypatch, share):
    exact = Image.fromarray(255 - np.asarray(mostly(share).convert("L")))
    monkeypatch.setattr(background, "mask_of", lambda image, model: exact)
    assert remove_background(mostly(share))[1] is None


@pytest.mark.filterwarnings("error")
def test_a_flat_picture_keeps_its_background_without_a_warning(cutout):
    flat = Image.new("RGB", (60, 60), (90, 90, 90))
    made, note = remove_background(flat)
    assert made.tobytes() == flat.tobytes() and "was kept" in note


@pytest.mark.parametrize(
    "name", ["withoutbg", "atlascloud", "bria-rmbg", "u2net_custom", "", "../u2net", "nonsense"]
)
def test_models_that_upload_or_are_unknown_cannot_be_chosen(name):
    with pytest.raises(
        ModelError, match=r"not a background remover of vitsim\. Choose one of cutout, u2net"
    ):
        mask_of(pet(), name)


@pytest.mark.parametrize("before", [None, "/some/where"])
def test_the_models_folder_of_the_user_is_as_before(cutout, monkeypatch, before):
    monkeypatch.delenv("U2NET_HOME", raising=False)
    if before:
        monkeypatch.setenv("U2NET_HOME", before)
    mask_of(pet())
    assert os.environ.get("U2NET_HOME") == before


def test_a_model_that_is_not_here_offline_says_what_to_do(no_network, tmp_path, monkeypatch):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "u2net"))
    with pytest.raises(
        ModelError, match=r"cannot be downloaded .*vitsim download u2netp.*else use `cutout`"
    ):
        mask_of(pet(), "u2netp")


def test_a_missing_shipped_model_says_what_to_do(cutout):
    cutout.unlink()
    with pytest.raises(ModelError, match=r"cutout\.onnx is missing\. Install vitsim again"):
        mask_of(pet())


@pytest.mark.parametrize(
    "places",
    [
        {"U2NET_HOME": "u"},
        {"REMBG_HOME": "r"},
        {"XDG_DATA_HOME": "x"},
        {"U2NET_HOME": "u", "REMBG_HOME": "r", "XDG_DATA_HOME": "x"},
        {},
    ],
    ids=" ".join,
)
def test_a_model_is_here_where_rembg_looks_for_it(tmp_path, monkeypatch, places):
    from rembg.sessions.u2net import U2netSession as Session

    for name in ("U2NET_HOME", "REMBG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, folder in places.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    assert background.home() == Path(Session.rembg_home())
    for folder in (Session.model_dir(), Session.legacy_home()):
        assert not background.is_here("u2net")
        weights = Path(folder, "u2net.onnx")
        weights.parent.mkdir(parents=True, exist_ok=True)
        weights.touch()
        assert background.is_here("u2net") and not background.is_here("u2netp")
        weights.unlink()


def test_every_model_on_offer_is_one_of_rembg():
    from rembg.sessions import sessions_names

    assert set(background.MODELS) - {"cutout"} <= set(sessions_names)


def test_where_nothing_can_be_kept_nothing_stays_behind(tmp_path):
    """A read-only home: what numba compiles goes to a folder that is gone with the program."""
    program = (
        "import os; os.access = lambda *_: False\n"
        "from vitsim import background; background._before_rembg()\n"
        "print(os.environ['NUMBA_CACHE_DIR'], os.path.isdir(os.environ['NUMBA_CACHE_DIR']))"
    )
    (scratch := tmp_path / "scratch").mkdir()
    place = os.environ | {"TMPDIR": str(scratch)}
    place.pop("NUMBA_CACHE_DIR", None)
    run = subprocess.run([sys.executable, "-c", program], env=place, text=True, capture_output=True)
    there, was = run.stdout.split()
    assert (Path(there).parent, was) == (scratch, "True") and not os.listdir(scratch)


def test_photos_cut_out_in_threads_share_one_session(cutout, monkeypatch):
    import time
    from concurrent.futures import ThreadPoolExecutor

    import rembg

    made, real = [], rembg.new_session

    def slowly(*words, **options):
        made.append(words)
        time.sleep(0.3)  # so that the other thread asks meanwhile
        return real(*words, **options)

    monkeypatch.setattr(rembg, "new_session", slowly)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(mask_of, [pet(), pet((50, 50))]))
    assert len(made) == 1
