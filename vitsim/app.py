"""The demo page: a photo in, its ranked matches out, with what the model saw and how sure to be.

Made with Gradio, for one room: it listens on this machine only unless told otherwise, and what is
uploaded is soon deleted (`guard`).
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pandas as pd
from PIL import ExifTags, Image

from . import VitsimError, guard
from .attention import rollout
from .evaluation import exceedance
from .gallery import Gallery
from .images import PhotoError, fit, open_photo
from .indexing import prepare
from .parts import correspondences, patch_detail
from .plots import patch_lines, spotlights
from .plots.photos import GONE, photo_or_grey

if TYPE_CHECKING:
    import gradio
    from matplotlib.figure import Figure

MATCHES, LINES = 8, 15
PIXELS, MEGABYTES, WAITING = 60e6, 20, 40  # the most of an upload, and of people in the queue
FORGET = 1200  # seconds that an upload and its answer stay: longer than a full queue takes
STYLE = """/* whole captions, all matches, also on a phone */
.grid-container { grid-template-columns: repeat(auto-fill, minmax(max(80px, 22%), 1fr)) !important }
.grid-wrap { max-height: none !important; height: auto !important; padding-top: 2.5rem !important }
.caption-label { max-width: calc(100% - 8px) !important } .image-container { padding-top: 2rem }
@media (max-width: 700px) { #found .grid-container { grid-template-columns: 1fr 1fr !important } }
"""
SCROLL = "() => document.getElementById('surety').scrollIntoView({block: 'nearest'})"
WORDS = {
    "en": {
        "title": "# Is it the same one?\nGive a photo of an animal. Its most similar photos come "
        "back, best first. **A person decides.** Your photo is deleted from this machine after "
        f"{FORGET // 60} minutes.",
        "photo": "Photo to look for",
        "examples": "Or take one of these",
        "seen": "What the model sees",
        "matches": "Most similar, best first",
        "parts": "Patches that choose each other",
        "attention": "Attention rollout: where information could flow",
        "surety": "Best score **{score}**. {count} photos of this gallery ({labels} labels) were "
        "looked for with their own animal left out: about **{share}** in 100 found a stranger that "
        "scores this high.",
        "none": "Best score **{score}**. {count} photos of this gallery ({labels} labels) were "
        "looked for with their own animal left out: **none** found a stranger that scores this "
        "high; with so few animals up to {bound} in 100 are possible (95 % limit).",
        "absent": " Yours may well not be here.",
        "unknown": "Best score **{score}**. The labels of this gallery are all one, or each of one "
        "photo, so how often strangers score this high cannot be told.",
        "unread": "Best score **{score}**. A gallery in Milvus can only be searched, so how often "
        "strangers score this high cannot be told.",
        "stale": "{label} (changed or gone)",
        "refused": "{told}",
        "large": "has {pixels} megapixels, more than {most}",
        "smaller": "Take a smaller copy.",
    },
    "pt": {
        "title": "# É o mesmo animal?\nEscolha a foto de um animal. As fotos mais parecidas "
        "aparecem em ordem, a melhor primeiro. **Quem decide é uma pessoa.** Sua foto é apagada "
        f"desta máquina depois de {FORGET // 60} minutos.",
        "photo": "Foto a procurar",
        "examples": "Ou escolha uma destas",
        "seen": "O que o modelo vê",
        "matches": "Mais parecidas, a melhor primeiro",
        "parts": "Patches que se escolhem um ao outro",
        "attention": "Attention rollout: por onde a informação pode passar",
        "surety": "Melhor escore: **{score}**. {count} fotos desta galeria ({labels} rótulos) "
        "foram procuradas sem as fotos do próprio animal: cerca de **{share}** em cada 100 acharam "
        "um estranho com escore tão alto.",
        "none": "Melhor escore: **{score}**. {count} fotos desta galeria ({labels} rótulos) foram "
        "procuradas sem as fotos do próprio animal: **nenhuma** achou um estranho com escore tão "
        "alto; com tão poucos animais, ainda pode haver até {bound} em cada 100 (limite de 95 %).",
        "absent": " O seu talvez não esteja aqui.",
        "unknown": "Melhor escore: **{score}**. Esta galeria tem um só rótulo, ou um para cada "
        "foto; não dá para dizer com que frequência estranhos têm um escore tão alto.",
        "unread": "Melhor escore: **{score}**. Em uma galeria no Milvus só se pode buscar; não dá "
        "para dizer com que frequência estranhos têm um escore tão alto.",
        "stale": "{label} (mudou ou sumiu)",
        "refused": "Esta foto não pode ser usada. Em inglês: {told}",
        "large": "tem {pixels} megapixels, mais do que {most}",
        "smaller": "Use uma cópia menor.",
    },
}


@dataclass(frozen=True)
class Answer:
    """What the page shows for one photo; `matches` are pictures with rank, score and label."""

    seen: Image.Image
    matches: list[tuple[Image.Image, str]]
    surety: str
    parts: Image.Image
    attention: Image.Image


def strangers(gallery: Gallery, most: int = 2000) -> pd.Series:
    """Best scores of photos that look for an animal which is not there, by label.

    Every labelled photo, or `most` of them, plays the query while its copies and the photos of its
    own label are left out, and those without a label, which may be of its own animal. Empty unless
    there are two labels, one of them with two photos.
    """
    labels, files = (gallery.photos[name].to_numpy() for name in ("label", "sha256"))
    named = np.flatnonzero(labels)
    if not 1 < len(set(labels[named])) < len(named):
        return pd.Series(dtype=float)
    rows, vectors, best = named[:: -(-len(named) // most)], gallery.vectors, {}
    for row in rows:  # one at a time: the whole matrix of a large gallery would not fit
        others = (labels != labels[row]) & (labels != "") & (files != files[row])
        if others.any():
            best[row] = (vectors @ vectors[row])[others].max()
    return pd.Series(best).set_axis(labels[list(best)])


def answer(gallery: Gallery, impostors: pd.Series, photo: str | Path, lang: str) -> Answer:
    """Everything the page says of one photo, in the language `en` or `pt`.

    `impostors` come from `strangers`. Raises: `PhotoError`, and `ModelError` for the background.
    """
    _refuse_large(photo, words := WORDS[lang])
    seen, _ = prepare(photo, gallery.recipe)
    found = gallery.match(photo, MATCHES)
    stale = {m.path for m in found if not m.path.exists() or gallery.changed([m], resized=True)}
    shown = [GONE if m.path in stale else photo_or_grey(m.path) for m in found]
    labels = [words["stale"].format(label=m.label) if m.path in stale else m.label for m in found]
    best, _ = prepare(shown[0], gallery.recipe)
    encoder, grid = gallery.encoder, gallery.encoder.grid
    detail = [patch_detail(side, grid) for side in (seen, best)]
    pairs = correspondences(*map(encoder.patch_tokens, (seen, best)), *detail, k=LINES)
    return Answer(
        seen=seen,
        matches=[
            (fit(one, 320), f"{m.rank}. {_number(m.score, lang)} · {label}")
            for one, m, label in zip(shown, found, labels, strict=True)
        ],
        surety=_surety(found[0].score, impostors, gallery, lang),
        parts=_picture(patch_lines([(seen, best, pairs)], grid, [""])),
        attention=_picture(spotlights(seen, [rollout(encoder.attention(seen), grid)], [""])),
    )


def page(gallery: Gallery, examples: list[Path]) -> "tuple[gradio.Blocks, gradio.I18n]":
    """The page for an open gallery, and its texts; `serve` shows it."""
    import gradio as gr

    say = gr.I18n(**{lang: WORDS[lang] for lang in WORDS}, **{"pt-BR": WORDS["pt"]})
    impostors = strangers(gallery)
    look = ["fullscreen"]  # and no button that shares or downloads

    def search(photo: str | None, request: gr.Request):
        if photo is None:
            return None, [], "", None, None
        try:
            shown = answer(gallery, impostors, photo, _language(request))
        except VitsimError as error:
            told = str(PhotoError(Path(error.subject).name, error.reason, error.remedy))
            if not isinstance(error, TooLarge):  # which speaks the language
                told = WORDS[_language(request)]["refused"].format(told=told)
            return None, [], f"⚠️ {told}", None, None
        matches = [(_unique(picture), told) for picture, told in shown.matches]
        seen, parts, attention = map(_unique, (shown.seen, shown.parts, shown.attention))
        return seen, matches, shown.surety, parts, attention

    def take_example(event: gr.SelectData, request: gr.Request):
        return None, *search(str(examples[event.index]), request)

    with gr.Blocks(title="vitsim", analytics_enabled=False) as blocks:
        gr.Markdown(say("title"))
        with gr.Row():
            with gr.Column(min_width=280):
                photo = gr.Image(
                    label=say("photo"), sources=["upload", "webcam"], type="filepath", height=320
                )
                # Not decoded by Gradio: `open_photo` has a sentence for whatever was uploaded.
                photo.preprocess = lambda sent: sent and _uploaded(sent.path, photo.GRADIO_CACHE)
                chosen = gr.Gallery(label=say("examples"), columns=4, buttons=[],
                                    allow_preview=False, visible=bool(examples))  # fmt: skip
            with gr.Column(scale=2, min_width=300):
                surety = gr.Markdown(elem_id="surety")
                found = gr.Gallery(label=say("matches"), columns=4, object_fit="contain",
                                   buttons=look, elem_id="found")  # fmt: skip
                seen = gr.Image(label=say("seen"), interactive=False, height=320, buttons=look)
                parts = gr.Image(label=say("parts"), interactive=False, buttons=look)
                attention = gr.Image(label=say("attention"), interactive=False, buttons=look)
        shown = [seen, found, surety, parts, attention]
        photo.input(search, photo, shown, api_name="search").then(None, js=SCROLL)
        chosen.select(take_example, None, [photo, *shown], api_name=False).then(None, js=SCROLL)
        thumbs = [fit(open_photo(path), 160) for path in examples]
        blocks.load(lambda: [_unique(one) for one in thumbs], None, chosen)
    return blocks.queue(max_size=WAITING), say


def serve(
    gallery: Gallery,
    examples: list[Path],
    host: str = "127.0.0.1",
    port: int | None = None,
    inbrowser: bool = True,
) -> str:
    """Show the page; its address.

    Uploads lie in a folder that goes with this process, each for `FORGET` seconds. Raises:
    `VitsimError` when the host or the port cannot be used.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    uploads = os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="vitsim-uploads-")
    waits = guard.delete_after(uploads)
    import gradio as gr
    from starlette.middleware import Middleware

    blocks, say = page(gallery, examples)
    blocks.waits = waits  # as long as the page
    guard.forget(uploads, FORGET)
    closed = [Middleware(guard.guarded, host=host)]
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    try:
        _, address, _ = blocks.launch(
            server_name=host, server_port=port, share=False, inbrowser=inbrowser, quiet=True,
            prevent_thread_lock=True, max_file_size=f"{MEGABYTES}mb", footer_links=[], i18n=say,
            css=STYLE, theme=gr.themes.Default(**fonts), app_kwargs={"middleware": closed},
        )  # fmt: skip
    except OSError as error:
        told = f"cannot be used ({error})", "Choose others with --host and --port, or neither."
        raise VitsimError(f"{host}, port {port or 'any'}", *told) from error
    return address


def _uploaded(path: str, folder: str) -> str:
    """The path of an upload: never that of another file here, whatever the browser sends."""
    if not Path(path).resolve().is_relative_to(Path(folder).resolve()):
        raise PhotoError("the photo", "is no upload", "Choose one on the page.")
    return path


def _unique(picture: Image.Image) -> Image.Image:
    """Gradio keeps equal pictures in one file, and writes it anew while others may be reading."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageID] = uuid4().hex
    copy = picture.copy()
    copy.info["exif"] = exif.tobytes()
    return copy


def _surety(score: float, impostors: pd.Series, gallery: Gallery, lang: str) -> str:
    """How often a stranger scores this high, in a sentence."""
    labels = impostors.index.nunique()
    said = {"score": _number(score, lang), "count": len(impostors), "labels": labels}
    if impostors.empty:
        return WORDS[lang]["unread" if gallery.photos.empty else "unknown"].format(**said)
    share = exceedance(impostors, score)
    if share == 0:  # the rule of three, over animals: photos of one are not independent
        return WORDS[lang]["none"].format(bound=min(100, -(-300 // labels)), **said)
    said["share"] = max(1, round(100 * share))
    return WORDS[lang]["surety"].format(**said) + WORDS[lang]["absent"] * (share >= 0.5)


class TooLarge(PhotoError):
    """More pixels than the page takes, said in the language of its reader."""


def _refuse_large(photo: str | Path, words: dict) -> None:
    try:
        with Image.open(photo) as image:
            pixels = image.width * image.height
    except Exception:  # not a picture, or damaged: open_photo has the words
        return
    if pixels > PIXELS:
        reason = words["large"].format(pixels=round(pixels / 1e6), most=round(PIXELS / 1e6))
        raise TooLarge(photo, reason, words["smaller"])


def _language(request) -> str:
    asked = request.headers.get("accept-language", "") if request else ""
    return "pt" if asked.lower().startswith("pt") else "en"


def _number(value: float, lang: str) -> str:
    text = f"{value:z.2f}".replace("-", "−")
    return text.replace(".", ",") if lang == "pt" else text


def _picture(figure: "Figure") -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
