"""The Toy Pets as tables, and the samples: what is kept, and what is told when it is not there."""

from pathlib import Path

import pytest

from vitsim import VitsimError, datasets
from vitsim.images import open_photo


def test_pets_are_rows_of_photos_that_are_there():
    every = datasets.pets()
    assert all(Path(path).is_file() for path in every["photo"])
    for role in ("gallery", "query", "stranger"):
        for split in ("dev", "test"):
            kept = every[(every["role"] == role) & (every["split"] == split)]
            assert len(kept), (role, split)
            assert datasets.pets(role, split).equals(kept.reset_index(drop=True))
    assert set(datasets.pets(split="dev")["split"]) == {"dev"}


def test_a_sample_is_a_photo_that_is_here():
    assert {open_photo(datasets.sample(name)).mode for name in datasets.SAMPLES} == {"RGB"}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: datasets.pets(role="owner"), "role='owner': expected one of gallery, query, str"),
        (lambda: datasets.pets(split="train"), "split='train': expected one of dev, test"),
        (lambda: datasets.sample("dog"), "name='dog': expected one of cat, coffee, "),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_those_that_do(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_what_is_not_installed_is_told_with_the_way_out(monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(datasets, "files", missing)
    with pytest.raises(VitsimError, match=r"cat: comes with .*Run `pip install scikit-image`"):
        datasets.sample("cat")
    monkeypatch.setattr(datasets, "data_folder", lambda: tmp_path)
    with pytest.raises(VitsimError, match=r"photos\.csv: is missing\. Install vitsim again"):
        datasets.pets()
