"""Opening any photo upright and in RGB, finding photos, fitting them, auditing a folder."""

import os
import random
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import chain, product
from pathlib import Path

import hostile
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, features

from vitsim import images
from vitsim.images import PhotoError, audit, find_photos, fingerprint, fit, open_photo

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (30, 40, 210)
W, H = 40, 24


def quarters(size=(W, H)) -> Image.Image:
    """Red, green, blue and grey quarters: no two ways up look the same."""
    image = Image.new("RGB", (2, 2))
    image.putdata([RED, GREEN, BLUE, (128, 128, 128)])
    return image.resize(size, Image.Resampling.NEAREST)


def saved(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def photo_like(size=(300, 260), seed=0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (26, 30, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def is_near(image: Image.Image, wanted: Image.Image, by: float = 12) -> bool:
    assert image.mode == "RGB"
    assert image.size == wanted.size
    difference = np.abs(np.asarray(image, float) - np.asarray(wanted.convert("RGB"), float))
    return difference.mean() < by


# --- modes and formats


FORMATS = [".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2"]
if features.check("avif"):
    FORMATS.append(".avif")


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_opens_as_the_same_picture(tmp_path, ending):
    lossless = {"lossless": True} if ending == ".webp" else {}
    path = saved(quarters(), tmp_path / f"a{ending}", **lossless)
    assert is_near(open_photo(path), quarters())


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "I;16", "LA", "RGBA"])
def test_every_png_mode_becomes_rgb(tmp_path, mode):
    wanted = quarters().convert("L") if mode in ("L", "1", "I;16", "LA") else quarters()
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(wanted, dtype=np.uint16) * 257)
    else:
        stored = wanted.convert(mode)
    if mode in ("1", "P"):  # both are made by dithering
        wanted = stored
    assert is_near(open_photo(saved(stored, tmp_path / "a.png")), wanted)


@pytest.mark.parametrize(
    "mode",  # no YCbCr: Pillow 12 cannot read its own
    ["L", "1", "P", "RGB", "I;16", "LA", "RGBA", "CMYK", "LAB", "I", "F"],
)
def test_every_tiff_mode_becomes_rgb(tmp_path, mode):
    grey = quarters().convert("L")
    if mode == "LAB":
        to_lab = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        stored, wanted = ImageCms.applyTransform(quarters(), to_lab), quarters()
    elif mode == "I;16":
        stored, wanted = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257), grey
    elif mode == "I":
        stored, wanted = Image.fromarray(np.asarray(grey, dtype=np.int32) * 257), grey
    elif mode == "F":
        stored, wanted = Image.fromarray(np.asarray(grey, dtype=np.float32) / 255), grey
    else:
        stored = (grey if mode in ("L", "1", "LA") else quarters()).convert(mode)
        wanted = stored.convert("RGB")
    assert is_near(open_photo(saved(stored, tmp_path / "a.tif")), wanted)


def test_16_bit_grey_is_scaled_not_cut_off(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    pixels = np.asarray(open_photo(saved(Image.fromarray(values), tmp_path / "a.png")))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert (pixels[..., 0] == pixels[..., 2]).all()


def test_floating_point_from_0_to_1_is_scaled_and_nan_is_no_crash(tmp_path):
    values = np.array([[0, 0.5, 1, np.nan]], dtype=np.float32)
    pixels = np.asarray(open_photo(saved(Image.fromarray(values), tmp_path / "a.tif")))
    assert pixels[0, :, 0].tolist() == [0, 128, 255, 0]


def test_floating_point_up_to_255_is_taken_as_it_is(tmp_path):
    values = np.array([[0, 100, 255, 300]], dtype=np.float32)
    pixels = np.asarray(open_photo(saved(Image.fromarray(values), tmp_path / "a.tif")))
    assert pixels[0, :, 0].tolist() == [0, 100, 255, 255]


@pytest.mark.parametrize("ending", [".jpg", ".tif"])
def test_cmyk_without_a_profile(tmp_path, ending):
    path = saved(quarters().convert("CMYK"), tmp_path / f"a{ending}")
    assert is_near(open_photo(path), quarters())


def srgb(lab: np.ndarray) -> np.ndarray:
    """Lab `(n, 3)`, white D50, → sRGB from 0 to 255: the formulas of CIE 15 and IEC 61966-2-1."""
    f = (lab[:, :1] + 16) / 116 + lab[:, [1, 0, 2]] * (1 / 500, 0, -1 / 200)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.9642, 1, 0.8249)
    to_linear = [[3.13386, -1.61687, -0.49061], [-0.97877, 1.91614, 0.03345],
                 [0.07195, -0.22899, 1.40524]]  # D65, adapted to D50 by Bradford  # fmt: skip
    linear = xyz @ np.transpose(to_linear)
    return 255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


@pytest.mark.parametrize("ending", [".jpg", ".tif"])
def test_cmyk_goes_through_its_profile(tmp_path, ending):
    inks = Image.frombytes("CMYK", (4, 4), bytes(chain(*product((0, 255), repeat=4))))
    inks = inks.resize((64, 64), Image.Resampling.NEAREST)  # JPEG's blocks hold one colour each
    wanted = srgb(hostile.LAB * (100 / 255, 1, 1) - (0, 128, 128))

    def away(**profile) -> np.ndarray:
        opened = open_photo(saved(inks, tmp_path / f"a{ending}", **profile))
        return np.abs(np.asarray(opened)[8::16, 8::16].reshape(16, 3) - wanted)

    assert away(icc_profile=hostile.press(hostile.LAB)).max() < 2
    assert away().mean() > 40


@pytest.mark.parametrize(
    "profile",
    [b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()],
    ids=["damaged", "of another colour space"],
)
def test_cmyk_with_a_useless_profile_still_opens(tmp_path, profile):
    path = saved(quarters().convert("CMYK"), tmp_path / "a.tif", icc_profile=profile)
    assert is_near(open_photo(path), quarters())


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, ending):
    frames = [Image.new("RGB", (W, H), colour) for colour in (RED, GREEN, BLUE)]
    path = saved(frames[0], tmp_path / f"a{ending}", save_all=True, append_images=frames[1:])
    assert is_near(open_photo(path), frames[0])


# --- transparency


def with_alpha() -> Image.Image:
    """Left half opaque red; right half hidden green."""
    image = Image.new("RGBA", (W, H), (*RED, 255))
    image.paste((*GREEN, 0), (W // 2, 0, W, H))
    return image


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
def test_colours_hidden_under_alpha_do_not_come_back(tmp_path, ending):
    lossless = {"lossless": True, "exact": True} if ending == ".webp" else {}
    path = saved(with_alpha(), tmp_path / f"a{ending}", **lossless)
    for background in [(255, 255, 255), (128, 128, 128), (0, 0, 255)]:
        opened = open_photo(path, background)
        assert opened.getpixel((W - 1, 0)) == background
        assert opened.getpixel((0, 0)) == RED


def test_alpha_of_half_mixes_half_and_half(tmp_path):
    path = saved(Image.new("RGBA", (2, 2), (0, 0, 0, 128)), tmp_path / "a.png")
    assert open_photo(path, (200, 100, 50)).getpixel((0, 0)) == pytest.approx((100, 50, 25), abs=1)


def test_grey_with_alpha(tmp_path):
    image = Image.merge(
        "LA", [Image.new("L", (2, 1), 10), Image.frombytes("L", (2, 1), b"\x00\xff")]
    )
    opened = open_photo(saved(image, tmp_path / "a.png"), (1, 2, 3))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(1, 2, 3), (10, 10, 10)]


def test_palette_with_a_transparent_entry(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putpixel((1, 0), 1)
    opened = open_photo(saved(image, tmp_path / "a.png", transparency=1), (9, 9, 9))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [RED, (9, 9, 9)]


def test_palette_with_alpha_per_entry(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putpixel((1, 0), 1)
    opened = open_photo(saved(image, tmp_path / "a.png", transparency=b"\xff\x00"), (9, 9, 9))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [RED, (9, 9, 9)]


def test_a_palette_of_colours_with_alpha():
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, 255, *GREEN, 0], "RGBA")
    image.putpixel((1, 0), 1)
    opened = open_photo(image, (9, 9, 9))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [RED, (9, 9, 9)]


@pytest.mark.parametrize(
    ("mode", "colours", "key"), [("RGB", [RED, GREEN], GREEN), ("L", [10, 90], 90)]
)
def test_a_transparent_colour_key(tmp_path, mode, colours, key):
    image = Image.new(mode, (2, 1), colours[0])
    image.putpixel((1, 0), colours[1])
    opened = open_photo(saved(image, tmp_path / "a.png", transparency=key), (7, 8, 9))
    assert opened.getpixel((1, 0)) == (7, 8, 9)
    assert opened.getpixel((0, 0)) != (7, 8, 9)


def test_a_transparent_gif(tmp_path):
    opened = open_photo(saved(with_alpha(), tmp_path / "a.gif"), (5, 5, 250))
    assert opened.getpixel((W - 1, 0)) == (5, 5, 250)


def test_an_image_in_memory_is_treated_as_a_file_is(tmp_path):
    path = saved(with_alpha(), tmp_path / "a.png")
    with Image.open(path) as image:
        assert open_photo(image).tobytes() == open_photo(path).tobytes()
    assert open_photo(with_alpha()).getpixel((W - 1, 0)) == (255, 255, 255)


# --- orientation

UNDO = [  # what was done to the upright picture when it was stored with this orientation
    None,
    lambda image: image,
    ImageOps.mirror,
    lambda image: image.rotate(180),
    ImageOps.flip,
    lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    lambda image: image.transpose(Image.Transpose.ROTATE_90),
    lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    lambda image: image.transpose(Image.Transpose.ROTATE_270),
]


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_same_upright_picture(tmp_path, orientation, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(UNDO[orientation](quarters()), tmp_path / f"a{ending}", exif=exif)
    assert is_near(open_photo(path), quarters())


def test_an_oriented_image_is_turned_once():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = BytesIO()
    UNDO[6](quarters()).save(stored, "PNG", exif=exif)
    once = open_photo(Image.open(stored))
    assert is_near(open_photo(once), quarters())


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert is_near(open_photo(saved(quarters(), tmp_path / "a.jpg", exif=exif)), quarters())


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + b"\xff" * 60]
)
def test_nonsense_in_the_exif_block_does_not_lose_the_picture(tmp_path, exif):
    path = saved(quarters(), tmp_path / "a.jpg", exif=exif)
    assert is_near(open_photo(path), quarters())
    assert "turned" not in {finding.kind for finding in audit(tmp_path)}


# --- what cannot be read


def refusal(path: Path) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        open_photo(path)
    error = caught.value
    assert str(path) in str(error)
    assert error.reason and error.remedy
    assert str(error) == f"{path}: {error.reason}. {error.remedy}"
    return error


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", ".gif", ".bmp"])
def test_truncated_at_every_tenth_it_is_refused_or_opened_never_worse(tmp_path, ending):
    whole = saved(photo_like((90, 70)), tmp_path / f"whole{ending}").read_bytes()
    refused = 0
    for tenth in range(10):
        path = tmp_path / f"cut{tenth}{ending}"
        path.write_bytes(whole[: len(whole) * tenth // 10])
        try:
            assert open_photo(path).size == (90, 70)
        except PhotoError as error:
            refused += 1
            assert str(path) in str(error) and error.remedy
    assert refused >= 8 or ending == ".gif"
    assert "0 bytes" in refusal(tmp_path / f"cut0{ending}").reason


@pytest.mark.parametrize("seed", range(30))
def test_damaged_bytes_raise_photo_error_or_nothing(tmp_path, seed):
    dice = random.Random(seed)
    ending = dice.choice([".jpg", ".png", ".webp", ".tif", ".gif", ".bmp", ".jp2"])
    whole = bytearray(saved(photo_like((60, 40)), tmp_path / f"a{ending}").read_bytes())
    for _ in range(12):
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    (tmp_path / f"a{ending}").write_bytes(whole)
    try:
        assert open_photo(tmp_path / f"a{ending}").mode == "RGB"
    except PhotoError as error:
        assert error.reason and error.remedy


def test_a_text_named_jpg(tmp_path):
    (tmp_path / "a.jpg").write_text("Dear owner, your dog is here.")
    assert "not a picture" in refusal(tmp_path / "a.jpg").reason


def test_a_folder_named_jpg(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    assert "not a regular file" in refusal(tmp_path / "a.jpg").reason


def test_a_pipe_named_jpg_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    told = []
    asking = threading.Thread(target=lambda: told.append(refusal(tmp_path / "a.jpg")), daemon=True)
    asking.start()
    asking.join(10)
    assert "not a regular file" in told[0].reason
    with pytest.raises(PhotoError, match="not a regular file"):
        fingerprint(tmp_path / "a.jpg")


def test_a_photo_without_permission(tmp_path, monkeypatch):
    path = saved(quarters(), tmp_path / "a.jpg")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(images.Image, "open", refuse)
    assert "may not be read" in refusal(path).reason


def test_a_missing_photo(tmp_path):
    assert "does not exist" in refusal(tmp_path / "no.jpg").reason
    with pytest.raises(PhotoError, match="does not exist"):
        fingerprint(tmp_path / "no.jpg")


@pytest.mark.parametrize("name", ["a\nb.jpg", "gato 🐈 ção.jpg", "a'\"b.jpg", " .jpg", "-rf.jpg"])
def test_strange_names_open_and_are_named_in_refusals(tmp_path, name):
    assert is_near(open_photo(saved(quarters(), tmp_path / name)), quarters())
    (tmp_path / name).write_bytes(b"no picture")
    refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a\0b.jpg", "cannot be opened .*Rename"), ("x" * 300 + ".jpg", "has too long a name")],
    ids=["NUL", "too long"],
)
def test_impossible_names_are_refused(name, reason):
    with pytest.raises(PhotoError, match=reason):
        open_photo(name)
    with pytest.raises(PhotoError, match=reason):
        fingerprint(name)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    path = saved(quarters(), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", W * H // 3)
    assert "too many pixels" in refusal(path).reason


def test_a_large_photo_below_the_bomb_limit_opens_without_a_warning(tmp_path, monkeypatch, recwarn):
    path = saved(quarters(), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", W * H - 1)
    assert open_photo(path).size == (W, H)
    assert not recwarn


def test_photos_opened_in_threads_leave_the_warnings_of_others_on(tmp_path, monkeypatch):
    path, waits = saved(quarters(), tmp_path / "a.png"), iter([0.2, 0.4])

    def slowly(image):  # who comes first leaves first
        time.sleep(next(waits))
        return image

    monkeypatch.setattr(images, "_upright", slowly)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(open_photo, [path] * 2))
    assert not [one for one in warnings.filters if one[:4] == ("ignore", None, Warning, None)]


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1)])
def test_extreme_sizes_open_and_fit(tmp_path, size):
    image = open_photo(saved(Image.new("RGB", size, RED), tmp_path / "a.png"))
    assert image.size == size
    for how in images.FITS:
        assert fit(image, 32, how).size == (32, 32)


def test_out_of_memory_is_told_as_an_unreadable_photo(tmp_path, monkeypatch):
    path = saved(quarters(), tmp_path / "a.png")
    monkeypatch.setattr(images, "_to_rgb", lambda *_: (_ for _ in ()).throw(MemoryError("no room")))
    refusal(path)


def test_photo_error_survives_pickling_between_processes(tmp_path):
    import pickle

    error = refusal(tmp_path / "no.jpg")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


# --- finding photos


def test_photos_are_found_in_all_folders_whatever_the_case_of_their_ending(tmp_path):
    names = ["b/z.JPG", "a.jpeg", "b/c/d.PnG", "B/x.tif", "e.webp"]
    for name in [*names, "notes.txt", "b/table.csv", "jpg", "f.jpg.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)]
    assert found == sorted(names)


def test_the_order_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    for name in ["é.jpg", "Z.jpg", "a.jpg", "b/1.jpg", "b/10.jpg", "b/2.jpg", "b.jpg", "b-c/1.jpg"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    (tmp_path / "another").symlink_to(tmp_path / "b")
    wanted, real, dice = find_photos(tmp_path), os.walk, random.Random(0)

    def shuffled(*args, **options):
        for folder, inner, names in real(*args, **options):
            dice.shuffle(inner)
            dice.shuffle(names)
            yield folder, inner, names

    monkeypatch.setattr(os, "walk", shuffled)
    for _ in range(10):
        assert find_photos(tmp_path) == wanted


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    for name in [".a.jpg", "._a.jpg", ".trash/b.jpg", "c.jpg"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_photos(tmp_path) == [tmp_path / "c.jpg"]


def test_a_folder_that_is_itself_hidden_may_be_asked_for(tmp_path):
    (tmp_path / ".mine").mkdir()
    (tmp_path / ".mine" / "a.jpg").touch()
    assert len(find_photos(tmp_path / ".mine")) == 1


def test_loops_of_links_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "a" / "loop.jpg").symlink_to("loop.jpg")
    assert [path.name for path in find_photos(tmp_path)] == ["loop.jpg", "x.jpg"]
    refusal(tmp_path / "a" / "loop.jpg")


def test_a_linked_folder_is_found_once(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.jpg").touch()
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("one", "two"):
        (root / name).symlink_to(elsewhere)
    assert find_photos(root) == [root / "one" / "x.jpg"]


def test_a_link_to_a_folder_beside_it_does_not_take_its_name(tmp_path):
    for name in ("rex", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    (tmp_path / "best friends").symlink_to("rex")
    (tmp_path / "shown").symlink_to(".hidden")
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)]
    assert found == ["rex/1.jpg", "shown/1.jpg"]


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path):
    with pytest.raises(PhotoError, match="does not exist"):
        find_photos(tmp_path / "no")
    (tmp_path / "file").touch()
    with pytest.raises(PhotoError, match="is not a folder"):
        find_photos(tmp_path / "file")


def test_a_folder_without_permission_is_told(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(PhotoError, match="may not be read"):
        find_photos(tmp_path)


# --- fitting


@pytest.mark.parametrize("size", [(80, 40), (40, 80), (50, 50), (3, 200), (224, 224)])
@pytest.mark.parametrize("how", images.FITS)
def test_fitting_gives_a_square(size, how):
    fitted = fit(quarters(size), 64, how)
    assert (fitted.size, fitted.mode) == ((64, 64), "RGB")


def test_letterbox_keeps_everything_between_grey_bars():
    pixels = np.asarray(fit(quarters((80, 40)), 64))
    assert (pixels[:16] == 128).all() and (pixels[48:] == 128).all()
    for (row, column), colour in {(17, 1): RED, (17, 62): GREEN, (46, 1): BLUE}.items():
        assert np.abs(pixels[row, column].astype(int) - colour).max() < 12


def test_letterbox_takes_another_colour():
    assert fit(quarters((10, 80)), 40, fill=(1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)


def test_crop_keeps_the_middle():
    image = Image.new("RGB", (90, 30), RED)
    image.paste(GREEN, (30, 0, 60, 30))
    pixels = np.asarray(fit(image, 30, "crop"))
    assert (pixels == GREEN).all()


@pytest.mark.parametrize("how", images.FITS)
def test_fitting_what_fits_already_changes_nothing(how):
    image = photo_like((48, 48))
    assert fit(image, 48, how).tobytes() == image.tobytes()


def test_wrong_choices_of_fit_are_refused():
    with pytest.raises(ValueError, match="letterbox, squash, crop"):
        fit(quarters(), 32, "stretch")
    with pytest.raises(ValueError, match="at least 1 pixel"):
        fit(quarters(), 0)


# --- audit


def test_audit_has_nothing_to_say_about_a_good_photo(tmp_path):
    saved(photo_like(), tmp_path / "good.jpg")
    assert audit(tmp_path) == []


def test_audit_finds_each_kind(tmp_path):
    sideways = Image.Exif()
    sideways[0x0112] = 6
    contrast = np.asarray(photo_like(), dtype=float)
    saved(photo_like(), tmp_path / "a.png")
    saved(photo_like(), tmp_path / "b_twin.png")
    saved(photo_like((300, 100), 1), tmp_path / "c_small.png")
    saved(Image.fromarray((contrast / 8).astype(np.uint8)), tmp_path / "d_dark.png")
    saved(Image.fromarray((255 - contrast / 8).astype(np.uint8)), tmp_path / "e_bright.png")
    saved(Image.new("RGB", (300, 260), (120, 130, 110)), tmp_path / "f_flat.png")
    saved(photo_like((700, 200), 2), tmp_path / "g_long.png")
    saved(photo_like(seed=3), tmp_path / "h_turned.jpg", exif=sideways)
    (tmp_path / "i_unreadable.jpg").write_text("no picture")
    os.mkfifo(tmp_path / "j_unreadable.jpg")
    found = [(finding.path.stem, finding.kind) for finding in audit(tmp_path)]
    kinds = {}
    for name, kind in found:
        kinds.setdefault(name, set()).add(kind)
    assert set(kinds) == {path.stem for path in tmp_path.iterdir()} - {"a"}
    assert all(name.split("_")[1] in seen for name, seen in kinds.items())
    assert all(finding.text.startswith(str(finding.path)) for finding in audit(tmp_path))


def halves(dark: int, bright: int, size=(256, 200)) -> Image.Image:
    """Grey; at this size the mean and the standard deviation are exact."""
    image = Image.new("L", size, dark)
    image.paste(bright, (size[0] // 2, 0, *size))
    return image


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("small", halves(60, 190, (200, 128)), halves(60, 190, (200, 127))),
        ("long", halves(60, 190, (384, 128)), halves(60, 190, (385, 128))),
        ("dark", halves(5, 45), halves(4, 45)),
        ("bright", halves(210, 250), halves(210, 251)),
        ("flat", halves(110, 130), halves(111, 130)),
    ],
)
def test_audit_draws_each_line_where_it_says(tmp_path, kind, good, bad):
    saved(good, tmp_path / "a.png")
    saved(bad, tmp_path / "b.png")
    assert [(finding.path.stem, finding.kind) for finding in audit(tmp_path)] == [("b", kind)]


def test_audit_tells_of_photos_on_their_side_and_of_no_other_orientation(tmp_path):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        saved(photo_like(seed=orientation), tmp_path / f"{orientation}.jpg", exif=exif)
    found = [(finding.path.stem, finding.kind) for finding in audit(tmp_path)]
    assert found == [(f"{orientation}", "turned") for orientation in (5, 6, 7, 8)]


def test_audit_names_the_twin(tmp_path):
    saved(photo_like(), tmp_path / "a.png")
    saved(photo_like(), tmp_path / "b.png")
    (finding,) = audit(tmp_path)
    assert finding.kind == "twin" and str(tmp_path / "a.png") in finding.text


def test_a_photo_of_an_iphone_is_known_by_its_content(tmp_path):
    (tmp_path / "whatsapp.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(80))
    with pytest.raises(PhotoError, match=r"is a HEIC photo\. Run `pip install pillow-heif`"):
        open_photo(tmp_path / "whatsapp.jpg")


def test_8_bit_values_in_a_wide_format_are_not_dimmed(tmp_path):
    values = np.array([[0, 100, 255]], dtype=np.int32)
    pixels = np.asarray(open_photo(saved(Image.fromarray(values), tmp_path / "a.tif")))
    assert pixels[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("how", images.FITS)
def test_shrinking_mixes_the_pixels_that_it_drops(how):
    stripes = Image.fromarray(np.tile(np.uint8([0, 255]), (256, 128))).convert("RGB")
    assert np.asarray(fit(stripes, 64, how)).mean() == pytest.approx(127.5, abs=3)


def test_a_damaged_heic_photo_is_not_told_to_install_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_opens_heif", lambda: True)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(80))
    assert "pip install" not in refusal(tmp_path / "a.heic").remedy
