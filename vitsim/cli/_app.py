"""The command `vitsim` before it has commands, and the options that several of them take."""

from typing import Annotated, Literal

import typer

from .. import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, also when it is piped
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the photos most like one photo, with a Vision Transformer. Works without a network.",
    epilog="Exit codes: 0 done, 1 something is wrong with the input, 2 with the command line.",
)

Model = Annotated[
    str | None,
    typer.Option(
        help="tiny (shipped), a folder, or a hub id.", show_default="VITSIM_MODEL or tiny"
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        help="Remove the background first: cutout (shipped), u2net, u2netp, isnet-general-use "
        "or birefnet-general-lite.",
        show_default="keep it",
    ),
]
Fit = Annotated[
    Literal["letterbox", "squash", "crop"], typer.Option(help="How a photo becomes a square.")
]
Pooling = Annotated[
    Literal["cls", "mean"], typer.Option(help="The embedding: CLS token, or mean of the patches.")
]


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
