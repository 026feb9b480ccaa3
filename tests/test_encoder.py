"""The encoder is the model and nothing else: unit rows, the right tokens, the right pixels."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import checkpoints
import numpy as np
import pytest
import torch
from PIL import Image

import vitsim.encoder
from vitsim.encoder import Encoder
from vitsim.images import PhotoError, fit


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Seven smooth pictures of several shapes."""
    random = np.random.default_rng(7)
    shapes = [(320, 200), (200, 320), (224, 224), (90, 300), (640, 480), (31, 17), (300, 300)]
    noise = [random.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in shapes]
    return [
        Image.fromarray(field).resize(shape, Image.Resampling.BICUBIC)
        for field, shape in zip(noise, shapes, strict=True)
    ]


@pytest.fixture(scope="module")
def dino(tmp_path_factory) -> Encoder:
    """A small DINOv2: trained at 518 px, used at 224, patches of 14."""
    folder = tmp_path_factory.mktemp("models") / "dino"
    config = {"image_size": 518, "patch_size": 14, "mlp_ratio": 2, **checkpoints.SMALL}
    made = checkpoints.make(folder, "Dinov2Model", checkpoints.DINO_PROCESSOR, **config)
    return Encoder.load(str(made))


@pytest.fixture(scope="module")
def dino_registers(tmp_path_factory) -> Encoder:
    """The same with four register tokens between CLS and the patches."""
    folder = tmp_path_factory.mktemp("models") / "registers"
    config = {"image_size": 518, "patch_size": 14, "mlp_ratio": 2, **checkpoints.SMALL}
    kind, processor = "Dinov2WithRegistersModel", checkpoints.DINO_PROCESSOR
    return Encoder.load(str(checkpoints.make(folder, kind, processor, **config)))


@pytest.fixture(scope="module")
def distilled(tmp_path_factory) -> Encoder:
    """A DeiT: a distillation token between CLS and the patches."""
    folder = tmp_path_factory.mktemp("models") / "deit"
    config = {"intermediate_size": 64, **checkpoints.SMALL}
    return Encoder.load(str(checkpoints.make(folder, "DeiTModel", **config)))


KINDS = {"small_encoder": (14, 1), "dino": (16, 1), "dino_registers": (16, 5), "distilled": (14, 2)}
each_kind = pytest.mark.parametrize("kind", KINDS)


def straight(encoder: Encoder, photo: Image.Image, how: str = "letterbox") -> np.ndarray:
    """The final tokens as transformers gives them: (tokens, d)."""
    with torch.no_grad():
        output = encoder.model(pixel_values=encoder.prepare([photo], how))
    return output.last_hidden_state[0].numpy()


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


@each_kind
def test_an_embedding_is_the_cls_token_with_norm_1(kind, photos, request):
    encoder = request.getfixturevalue(kind)
    vectors = encoder.embed(photos)
    assert vectors.shape == (len(photos), encoder.dim) == (7, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for photo, vector in zip(photos[:2], vectors, strict=False):
        np.testing.assert_allclose(vector, unit(straight(encoder, photo)[0]), atol=1e-5)


@each_kind
def test_mean_pooling_takes_the_patches_and_no_other_token(kind, photos, request):
    encoder, (grid, others) = request.getfixturevalue(kind), KINDS[kind]
    tokens = straight(encoder, photos[0])
    assert len(tokens) == others + grid**2
    (vector,) = encoder.embed(photos[:1], pooling="mean")
    np.testing.assert_allclose(vector, unit(tokens[others:].mean(0)), atol=1e-5)


@each_kind
def test_patch_tokens_lie_on_the_grid_row_by_row(kind, photos, request):
    encoder, (grid, others) = request.getfixturevalue(kind), KINDS[kind]
    patches, tokens = encoder.patch_tokens(photos[0]), straight(encoder, photos[0])
    assert patches.shape == (grid, grid, 32) and encoder.grid == grid
    assert patches.dtype == np.float32
    np.testing.assert_allclose(patches[0, 1], tokens[others + 1], atol=1e-5)
    np.testing.assert_allclose(patches[1, 0], tokens[others + grid], atol=1e-5)


@each_kind
def test_attention_has_rows_that_sum_to_1_and_leaves_the_model_as_it_was(kind, photos, request):
    encoder, (grid, others) = request.getfixturevalue(kind), KINDS[kind]
    before = encoder.model.config._attn_implementation
    attention = encoder.attention(photos[0])
    tokens = others + grid**2
    assert attention.shape == (2, 4, tokens, tokens) and attention.dtype == np.float32
    np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)
    assert attention.std() > 0
    assert encoder.model.config._attn_implementation == before == "sdpa"


def test_attention_leaves_the_model_as_it_was_also_when_it_fails(
    small_encoder, photos, monkeypatch
):
    def fail(*_, **__):
        assert small_encoder.model.config._attn_implementation == "eager"
        raise MemoryError

    monkeypatch.setattr(small_encoder.model, "forward", fail)
    with pytest.raises(MemoryError):
        small_encoder.attention(photos[0])
    assert small_encoder.model.config._attn_implementation == "sdpa"


def test_attention_in_two_threads_leaves_the_model_as_it_was(small_encoder, photos):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(small_encoder.attention, [photos[0]] * 40))
    assert small_encoder.model.config._attn_implementation == "sdpa"
    assert all(np.array_equal(one, both[0]) for one in both)


def test_loading_leaves_progress_bars_as_they_were(small_model):
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers.utils import logging

    for before in (False, True):
        (logging.enable_progress_bar if before else logging.disable_progress_bar)()
        Encoder.load(small_model)
        assert logging.is_progress_bar_enabled() is before
        assert are_progress_bars_disabled() is not before


def test_the_batch_size_does_not_change_the_vectors(small_encoder, photos):
    one = small_encoder.embed(photos, batch_size=1)
    for size in (2, 3, 7, 100):
        np.testing.assert_allclose(small_encoder.embed(photos, batch_size=size), one, atol=1e-5)


@pytest.fixture
def two_cores():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2, "the number of threads was not put back"
    torch.set_num_threads(before)


def test_every_core_has_its_batch_and_the_vectors_are_those_of_one(
    two_cores, small_encoder, photos, monkeypatch
):
    threads = {}

    def noted(self, batch, **how):
        threads.setdefault(threading.get_ident(), []).append(torch.get_num_threads())
        time.sleep(0.05)  # so that the other thread takes the next batch
        return embed(self, batch, **how)

    one = small_encoder.embed(photos, batch_size=100)
    embed = Encoder._embed
    monkeypatch.setattr(Encoder, "_embed", noted)
    np.testing.assert_allclose(small_encoder.embed(photos, batch_size=2), one, atol=1e-5)
    assert len(threads) == 2 and threading.get_ident() not in threads
    assert all(set(seen) == {1} for seen in threads.values())


def test_a_failure_in_one_thread_is_told_and_the_next_is_whole(two_cores, small_encoder, photos):
    with pytest.raises(PhotoError, match=r"no-such-photo\.jpg: does not exist"):
        small_encoder.embed([*photos, "no-such-photo.jpg", *photos], batch_size=1)
    assert small_encoder.embed(photos, batch_size=1).shape == (7, small_encoder.dim)


def test_an_interrupt_between_two_batches_leaves_the_cores_free(
    two_cores, small_encoder, photos, monkeypatch
):
    def interrupt(bar, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt) as kept:
        patch.setattr("tqdm.tqdm.update", interrupt)
        small_encoder.embed(photos, batch_size=1)
    assert kept.tb is not None  # a notebook keeps it as well, and with it every frame
    assert torch.get_num_threads() == 2 and not vitsim.encoder._cores.locked()


def test_one_image_that_was_not_read_yet_may_be_in_many_batches(two_cores, small_encoder, tmp_path):
    Image.effect_noise((1500, 1500), 80).convert("RGB").save(tmp_path / "large.jpg")
    for _ in range(5):
        with Image.open(tmp_path / "large.jpg") as unread:
            vectors = small_encoder.embed([unread] * 8, batch_size=1)
        np.testing.assert_allclose(vectors, np.repeat(vectors[:1], 8, axis=0), atol=1e-6)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """The way photos take to a GPU, with the CPU in its place."""
    monkeypatch.setattr(Encoder, "_on_cpu", Encoder._on_gpu)
    before = threading.active_count()
    yield
    assert threading.active_count() == before, "threads were left behind"


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@each_kind
def test_on_a_gpu_the_vectors_are_those_of_a_cpu_in_the_same_order(kind, pooling, photos, request):
    encoder = request.getfixturevalue(kind)
    here = encoder.embed(photos, pooling)
    request.getfixturevalue("as_on_a_gpu")
    for size in (None, 1, 2, 3, 7):
        there = encoder.embed(photos, pooling, batch_size=size)
        np.testing.assert_allclose(there, here, atol=1e-5)
    assert encoder.embed([]).shape == (0, 32)


@each_kind
def test_a_gpu_is_given_the_pixels_of_the_processor(kind, request, as_on_a_gpu, monkeypatch):
    encoder, seen = request.getfixturevalue(kind), []
    levels = np.random.default_rng(0).permutation(np.arange(224 * 224 * 3) % 256)
    photo = Image.fromarray(levels.astype(np.uint8).reshape(224, 224, 3))
    pooled = Encoder._pooled
    monkeypatch.setattr(
        Encoder,
        "_pooled",
        lambda self, pixels, how: seen.append(pixels) or pooled(self, pixels, how),
    )
    encoder.embed([photo])
    assert seen[0].dtype == torch.float32
    np.testing.assert_allclose(seen[0], encoder.prepare([photo]), rtol=0, atol=1e-6)


def test_a_gpu_is_fed_ahead_but_never_with_more_than_three_batches(
    small_encoder, photos, as_on_a_gpu, monkeypatch
):
    fitted, done, ahead = [], [], []

    def noted(bar, count):
        time.sleep(0.02)  # the threads could do all the others
        done.append(count)
        ahead.append(len(fitted) - sum(done))

    monkeypatch.setattr("vitsim.encoder.fit", lambda *how: fitted.append(1) or fit(*how))
    monkeypatch.setattr("tqdm.tqdm.update", noted)
    small_encoder.embed(photos * 6, batch_size=2)
    assert sum(done) == len(fitted) == 42
    assert 2 < max(ahead) <= 6 and ahead[-1] == 0


def test_a_photo_that_cannot_be_read_or_an_interrupt_stops_the_threads_of_a_gpu(
    small_encoder, photos, as_on_a_gpu, monkeypatch
):
    def interrupt(bar, count):
        raise KeyboardInterrupt

    before, kept = threading.active_count(), []
    with pytest.raises(PhotoError, match=r"no-such-photo\.jpg: does not exist") as error:
        small_encoder.embed([*photos, "no-such-photo.jpg", *photos * 9], batch_size=2)
    kept.append(error.tb)  # a notebook keeps it as well, and with it every frame
    fitted = []
    monkeypatch.setattr("vitsim.encoder.fit", lambda *how: fitted.append(1) or fit(*how))
    monkeypatch.setattr("tqdm.tqdm.update", interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        small_encoder.embed(photos * 9, batch_size=1)
    kept.append(stopped.tb)
    assert threading.active_count() == before and len(fitted) <= 4 and all(kept)


def test_photos_differ_and_keep_their_order(small_encoder, photos):
    vectors = small_encoder.embed(photos)
    assert (vectors @ vectors.T - np.eye(7)).max() < 0.999
    np.testing.assert_allclose(small_encoder.embed(photos[::-1])[::-1], vectors, atol=1e-5)


def test_a_path_and_an_image_give_the_same_vector(small_encoder, photos, tmp_path):
    path = tmp_path / "photo.png"
    photos[0].save(path)
    vectors = small_encoder.embed([photos[0], path, str(path), Image.open(path)])
    np.testing.assert_allclose(vectors, np.repeat(vectors[:1], 4, axis=0), atol=1e-6)


def test_a_photo_lying_on_its_side_is_the_same_as_path_and_as_image(small_encoder, tmp_path):
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(path, exif=exif)
    vectors = small_encoder.embed([path, Image.open(path)])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_transparency_is_laid_on_white_not_dropped(small_encoder, photos):
    clear = photos[0].convert("RGBA")
    clear.putalpha(0)
    white = Image.new("RGB", clear.size, "white")
    vectors = small_encoder.embed([clear, white, photos[0]])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert vectors[0] @ vectors[2] < 0.999


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "LA", "I;16"])
def test_images_of_any_mode_are_taken(small_encoder, mode):
    image = Image.new(mode, (50, 40))
    assert small_encoder.embed([image]).shape == (1, 32)


def test_no_photos_give_no_rows(small_encoder):
    assert small_encoder.embed([]).shape == (0, 32)
    assert small_encoder.embed(iter([]), pooling="mean").dtype == np.float32


def test_photos_may_come_from_a_generator(small_encoder, photos):
    vectors = small_encoder.embed(photo for photo in photos)
    np.testing.assert_array_equal(vectors, small_encoder.embed(photos))


def test_wrong_choices_are_refused(small_encoder, small_model, photos):
    with pytest.raises(ValueError, match="pooling='max': expected one of cls, mean"):
        small_encoder.embed(photos, pooling="max")
    with pytest.raises(ValueError, match="how='stretch'"):
        small_encoder.embed(photos, how="stretch")
    for size in (0, -1):
        with pytest.raises(ValueError, match=f"batch_size={size}"):
            small_encoder.embed(photos, batch_size=size)
    with pytest.raises(ValueError, match="dtype='int8'"):
        Encoder.load(str(small_model), dtype="int8")
    for single in ("photo.jpg", photos[0]):
        with pytest.raises(TypeError, match=r"write \[photo\]"):
            small_encoder.embed(single)


# Pixels.


def test_squash_gives_the_pixels_of_the_processor_of_the_checkpoint(small_encoder, photos):
    for photo in photos:
        theirs = small_encoder.processor(photo, return_tensors="pt")["pixel_values"]
        ours = small_encoder.prepare([photo], "squash")
        assert ours.shape == theirs.shape == (1, 3, 224, 224)
        grey_levels = (ours - theirs).abs().max() * 0.5 * 255
        assert grey_levels < 1e-3


def test_pixels_run_from_minus_1_to_1_and_the_fill_is_grey(small_encoder):
    white = Image.new("RGB", (100, 50), "white")
    pixels = small_encoder.prepare([white], "letterbox")[0]
    assert pixels.max().item() == pytest.approx(1)
    assert pixels[:, 0].abs().max() < 0.005  # 128 of 255
    assert (pixels[0, :, 112] > 0.9).sum() == 112  # half as high as wide
    assert small_encoder.prepare([white], "crop").min().item() == pytest.approx(1)


def test_dinov2_is_given_224_pixels_fitted_once_with_its_own_mean(dino, photos):
    assert dino.size == 224
    seen = np.asarray(fit(photos[0], 224)) / 255
    expected = (seen - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    pixels = dino.prepare(photos[:1])[0].permute(1, 2, 0)
    np.testing.assert_allclose(pixels, expected, atol=1e-5)


@pytest.mark.parametrize("how", ["letterbox", "squash", "crop"])
def test_each_fitting_reaches_the_model(small_encoder, photos, how):
    (vector,) = small_encoder.embed(photos[:1], how=how)
    tokens = straight(small_encoder, photos[0], how)
    np.testing.assert_allclose(vector, unit(tokens[0]), atol=1e-5)
    patches = small_encoder.patch_tokens(photos[0], how)
    np.testing.assert_allclose(patches[0, 0], tokens[1], atol=1e-5)


# Loading.


def test_a_classifier_and_its_bare_body_give_the_same_vectors(small_model, photos, tmp_path):
    """The checkpoint on the hub is a classifier: its names carry a prefix and it has no pooler."""
    import shutil

    classifier = tmp_path / "classifier"
    shutil.copytree(small_model, classifier)
    checkpoints.rename(classifier, lambda n: None if n.startswith("pooler.") else f"vit.{n}")
    ours = Encoder.load(str(classifier)).embed(photos)
    np.testing.assert_allclose(ours, Encoder.load(str(small_model)).embed(photos), atol=1e-6)


def test_half_precision_weights_are_computed_in_float32(small_model, photos, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "half"
    shutil.copytree(small_model, folder)
    path = folder / "model.safetensors"
    half = {name: weight.half() for name, weight in load_file(path).items()}
    save_file(half, path, {"format": "pt"})
    encoder = Encoder.load(str(folder))
    assert {weight.dtype for weight in encoder.model.parameters()} == {torch.float32}
    assert np.diag(encoder.embed(photos) @ Encoder.load(str(small_model)).embed(photos).T).min() > (
        0.999
    )


def test_bfloat16_is_close_and_still_answers_in_float32(small_model, small_encoder, photos):
    vectors = Encoder.load(str(small_model), dtype="bfloat16").embed(photos)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * small_encoder.embed(photos)).sum(1).min() > 0.98


def test_float64_computes_in_it_and_answers_in_float32(small_model, small_encoder, photos):
    exact = Encoder.load(str(small_model), device="cpu", dtype="float64")
    assert exact.prepare(photos[:1]).dtype == exact.model.dtype == torch.float64
    assert exact.embed(photos).dtype == exact.attention(photos[0]).dtype == np.float32
    np.testing.assert_allclose(exact.embed(photos), small_encoder.embed(photos), atol=1e-5)


def test_the_model_of_the_environment_is_taken_when_none_is_named(small_model, monkeypatch):
    monkeypatch.setenv("VITSIM_MODEL", str(small_model))
    encoder = Encoder.load()
    assert encoder.name == os.environ["VITSIM_MODEL"]
    assert (encoder.dim, encoder.size, encoder.grid) == (32, 224, 14)


def test_loading_is_quiet_and_works_with_no_network(small_model, no_network, capfd):
    Encoder.load(str(small_model))
    assert capfd.readouterr() == ("", "")


def test_the_model_is_ready_for_use_and_not_for_training(small_encoder):
    assert not small_encoder.model.training


@pytest.mark.parametrize(
    ("device", "native", "wanted"),
    [("cpu", True, "bfloat16"), ("cpu", False, "float32"), ("cuda", True, "bfloat16"),
     ("cuda:1", False, "float32"), ("mps", True, "float32")],
)  # fmt: skip
def test_auto_is_bfloat16_where_the_hardware_computes_it(monkeypatch, device, native, wanted):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native, raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native)
    assert vitsim.encoder._dtype("auto", device) is getattr(torch, wanted)
