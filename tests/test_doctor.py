"""`vitsim doctor` sees what `vitsim download` brought, and the disks that it would go to."""

import os
import re
import shutil

import pytest


@pytest.fixture
def doctor(vitsim, monkeypatch, tmp_path):
    """In a process of its own, for huggingface_hub reads HF_HOME once."""
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "rembg"))
    monkeypatch.setenv("HF_ENDPOINT", os.environ.get("HF_ENDPOINT", "http://127.0.0.1:9"))

    def call(**env):
        ended = vitsim("doctor", **env)
        assert ended.stderr == ""
        return ended.returncode, ended.stdout

    return call


def test_doctor_lists_what_was_downloaded(hub, doctor, vitsim, tmp_path):
    assert vitsim("download", "small/vit").returncode == 0
    weights = tmp_path / "rembg" / "u2net.onnx"
    weights.parent.mkdir()
    weights.touch()
    code, out = doctor()
    assert code == 0 and "All is well" in out
    assert "model           small/vit: here\n" in out
    assert "model           google/vit-base-patch16-224: not on this machine\n" in out
    assert "background      cutout: here\n" in out
    assert "background      u2net: here\n" in out
    assert "background      u2netp: not on this machine\n" in out


def test_doctor_lists_no_model_that_is_half_here(hub, doctor, vitsim, cache):
    assert vitsim("download", "small/vit").returncode == 0
    next(cache.glob("hf/hub/*/snapshots/*/model.safetensors")).unlink()
    assert "small/vit" not in doctor()[1]


@pytest.mark.parametrize("variable", ["VITSIM_CACHE", "HF_HOME", "U2NET_HOME"])
def test_doctor_tells_which_folder_cannot_be_written(doctor, tmp_path, variable):
    """A file in the way refuses root, too. Models may lie where they can only be read."""
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "place"
    code, out = doctor(**{variable: place})
    assert re.search(f" {place}.*, read-only\n", out)
    told = f"to do: {place} cannot be written: set {variable} to a folder of your own"
    assert (code, told in out) == ((1, True) if variable == "VITSIM_CACHE" else (0, False))


def test_doctor_tells_what_of_vitsim_itself_is_missing(run, monkeypatch):
    monkeypatch.setattr("vitsim.hub.hub_reachable", lambda: False)
    monkeypatch.setattr("vitsim.doctor.installed", {"torch": "2", "pillow": "3"}.get)
    monkeypatch.setattr("vitsim.models.is_here", lambda name: False)
    monkeypatch.setattr("vitsim.background.is_here", lambda name: False)
    code, out, _ = run("doctor")
    todo = [line for line in out.splitlines() if line.startswith("to do: ")]
    assert code == 1 and todo[:5] == [
        "to do: transformers is missing: pip install transformers",
        'to do: rembg is missing: pip install "rembg[cpu]"',
        "to do: faiss-cpu is missing: pip install faiss-cpu",
        "to do: the shipped model tiny is missing: install vitsim again",
        "to do: the shipped background remover cutout is missing: install vitsim again",
    ]
    for line in ("rembg           missing", "torch           2", "background      cutout: not on"):
        assert f"\n{line}" in out


def test_doctor_tells_of_a_full_disk_wherever_it_is(run, monkeypatch, cache, tmp_path):
    full, usage = tmp_path / "full", shutil.disk_usage
    full.mkdir()
    monkeypatch.setattr("vitsim.hub.hub_reachable", lambda: False)
    monkeypatch.setattr(
        "vitsim.doctor.shutil.disk_usage",
        lambda place: usage(place)._replace(**{"free": 10**9} if place == full else {}),
    )
    monkeypatch.setenv("U2NET_HOME", str(full / "rembg"))
    code, out, _ = run("doctor")
    told = f"to do: less than 2 GB is free in {full / 'rembg'}: make room, or set U2NET_HOME"
    assert code == 1 and told in out
