"""The command `vitsim` before it has commands, and what several of them use."""

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
import typer.core

from .. import VitsimError, __version__
from ..files import atomic
from ..texts import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, also when it is piped
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the photos most like one photo, with a Vision Transformer. Works without a network.",
    epilog="Exit codes: 0 done, 1 something is wrong with the input, 2 with the command line.",
)


def at_home(place: str | Path | None) -> str | Path | None:
    """With the ~ that a shell leaves, as in `--out=~/gallery`, for the user's folder."""
    return place and type(place)(os.path.expanduser(place))


def filled(place: str) -> str:
    """An argument; an empty one, which an unset variable leaves, is not the current folder.

    Raises: `typer.BadParameter`.
    """
    if not place:
        raise typer.BadParameter("is empty.")
    return place


def path_argument(told: str, name: str) -> object:
    """A path that must not be empty."""
    how = {"parser": lambda place: Path(filled(place)), "metavar": name, "help": told}
    return Annotated[Path, typer.Argument(**how)]


class OnePlace(typer.core.TyperCommand):
    """A command of one photo or folder, which says what to do with a second word."""

    def parse_args(self, context, words):
        """As any command. Raises: `typer.BadParameter`."""
        try:
            return super().parse_args(context, words)
        except Exception as error:
            if "extra argument" in getattr(error, "message", ""):
                error.message += (
                    ": one photo or folder at a time, a name with spaces in quotes; all else comes "
                    "after its option, such as --gallery FOLDER."
                )
            raise


def option(kind: object, told: str, default: str) -> object:
    """An option that says in words what it is when it is left out."""
    return Annotated[kind, typer.Option(help=told, show_default=default, callback=at_home)]


MODEL_HELP = "tiny (shipped), a folder, or a hub id."
BACKGROUND_HELP = (
    "Remove the background and crop first: cutout (shipped), u2net, u2netp, isnet-general-use or "
    "birefnet-general-lite; or keep."
)
FIT_HELP = "How a photo becomes a square."
POOLING_HELP = "The embedding: CLS token, or mean of the patches."
Fits = Literal["letterbox", "squash", "crop"]
Poolings = Literal["cls", "mean"]

Place = Annotated[
    str,
    typer.Option(
        "--gallery",
        "-g",
        help="A gallery, milvus:FILE.db, a folder of photos, or toy-pets.",
        callback=lambda place: at_home(place or "toy-pets"),
    ),
]
Model = option(str | None, MODEL_HELP, "VITSIM_MODEL or tiny")
Background = option(str | None, BACKGROUND_HELP, "keep")
Fit = Annotated[Fits, typer.Option(help=FIT_HELP)]
Pooling = Annotated[Poolings, typer.Option(help=POOLING_HELP)]
# A gallery on disk was made in one way already; nothing said then means that way.
ModelIfAny = option(str | None, MODEL_HELP, "the gallery's; of a folder VITSIM_MODEL or tiny")
BackgroundIfAny = option(str | None, BACKGROUND_HELP, "as the gallery was made, or keep")
FitIfAny = option(Fits | None, FIT_HELP, "as the gallery was made, or letterbox")
PoolingIfAny = option(Poolings | None, POOLING_HELP, "as the gallery was made, or cls")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vitsim {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """What every command takes; `main` sees to `--debug`."""


def save_figure(drawn: "Figure", path: Path) -> None:
    """Write a figure in the format of the path's ending, PNG without one, and say where it is.

    Raises `VitsimError` when it cannot be written.
    """
    try:
        with atomic(path) as temporary, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of letters that the font lacks
            drawn.savefig(temporary, format=path.suffix[1:] or "png")
    except (OSError, ValueError) as error:
        no_picture = isinstance(error, ValueError | IsADirectoryError)
        remedy = "Give a .png path." if no_picture else "Give another path, or make room."
        raise VitsimError(path, f"cannot be written ({error})", remedy) from error
    print(plain(f"figure: {path}"), file=sys.stderr)
