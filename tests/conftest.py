"""What several test files use. Every test has caches of its own; none writes to the user's."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import checkpoints
import pytest
from hub_server import COMMIT, Hub
from hypothesis import settings
from offline.sitecustomize import refuse_other_machines

network = {"allowed": True}
settings.register_profile("any machine", deadline=None)  # a busy one is slow, not wrong
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Iterator[Path]:
    """An empty cache folder of the test's own, for this process and those it starts.

    transformers and huggingface_hub read HF_HOME once, when they are imported: a test that needs
    it in force runs vitsim in a process of its own.
    """
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITSIM_CACHE", str(folder))
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    for name in ("VITSIM_MODEL", "VITSIM_LANG", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # pytest would keep it; some hold 346 MB


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Path:
    """A folder in hub format: a seeded random ViT, 32-d, 2 layers, 224 px, patches of 16 px."""
    return checkpoints.small_vit(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="session")
def small_encoder(small_model):
    """`small_model`, loaded."""
    from vitsim.encoder import Encoder

    return Encoder.load(str(small_model))


@pytest.fixture
def vitsim() -> Callable[..., subprocess.CompletedProcess]:
    """Run the installed command: `vitsim("match", photo, "-k", 2)` → returncode, stdout, stderr."""
    command = shutil.which("vitsim", path=Path(sys.executable).parent)
    assert command, "vitsim is not installed beside this Python: pip install -e ."

    def run(*words: object, timeout: float = 240, **env: object) -> subprocess.CompletedProcess:
        """`words` are the arguments; keywords in capitals are environment variables."""
        return subprocess.run(
            [command, *map(str, words)],
            env=os.environ | {name: str(value) for name, value in env.items()},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
        )

    return run


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process: `run("audit", folder)` → exit code, stdout, stderr.

    The fixture `vitsim` starts the installed command, which takes seconds.
    """
    from vitsim import cli

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["vitsim", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        captured = capsys.readouterr()
        told = captured.err + (f"{code}\n" if isinstance(code, str) else "")  # as Python does
        assert "\x1b" not in captured.out + told, "plain text when piped"
        assert "Traceback" not in told
        return (1 if isinstance(code, str) else code or 0), captured.out, told

    return call


@pytest.fixture(scope="session")
def hub_process() -> Iterator[Hub]:
    server = Hub()
    yield server
    server.close()


@pytest.fixture
def hub(hub_process, small_model, monkeypatch) -> Hub:
    """A hub on this machine, for the processes a test starts; it has the model `small/vit`."""
    hub_process.reset()
    hub_process.repos["small/vit"] = (small_model, COMMIT)
    monkeypatch.setenv("HF_ENDPOINT", hub_process.url)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return hub_process


@pytest.fixture(scope="session")
def vit_base(tmp_path_factory, hub_process) -> Iterator[str]:
    """The id of a full-size ViT-B/16 of random weights, which `hub` serves as the real one."""
    from vitsim.models import REVISIONS

    name = "google/vit-base-patch16-224"
    folder = checkpoints.vit_base(tmp_path_factory.mktemp("hub") / "vit-base")
    hub_process.repos[name] = (folder, REVISIONS[name])
    yield name
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _offline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "offline"), prepend=os.pathsep)
        patch.setitem(network, "allowed", False)
        yield


@pytest.fixture(scope="session")
def offline() -> Callable[[], AbstractContextManager[None]]:
    """`with offline():` any connection to another machine is refused, in what it starts, too."""
    return _offline


@pytest.fixture
def no_network(offline) -> Iterator[None]:
    """A test that is offline throughout."""
    with offline():
        yield


def _guard(event: str, args: tuple) -> None:
    if not network["allowed"]:
        refuse_other_machines(event, args)


sys.addaudithook(_guard)
