# Everything a newcomer needs. `make` alone explains.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTED := $(VENV)/.tested
# An example that `tiny` gets right; its card says how often it does not.
DEMO_PHOTO ?= data/pets/photos/dog_002/dog_002_08.jpg

.DEFAULT_GOAL := help
.PHONY: help demo lab test models browser lint notebooks slides handout kit benchmark pets learnt tiny cutout gallery evaluate constraints fuzz audit clean

help:  ## say what can be made
	@sed -nE 's/^([a-z]+):.*## /\1 /p' $(MAKEFILE_LIST) | while read -r what for; do printf '  make %-11s %s\n' "$$what" "$$for"; done

demo: $(READY)  ## match a lost pet's photo against the shipped gallery
	@$(BIN)/vitsim match "$(DEMO_PHOTO)" --gallery toy-pets --figure demo.png

# In a container one often is root, whom Jupyter refuses unless told.
lab: $(READY)  ## open the lessons in JupyterLab
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

test: $(TESTED)  ## run the tests and compare every notebook (10 minutes)
	$(BIN)/python -m pytest -n 2 --dist loadscope --ignore tests/test_scale.py --ignore tests/test_lessons_any_model.py
	$(BIN)/python -m pytest tests/test_scale.py  # alone: Ray waits for its helpers for seconds only

models: $(TESTED)  ## run every lesson with a full-size ViT-B/16 of random weights (10 minutes)
	$(BIN)/python -m pytest -n 2 --dist load tests/test_lessons_any_model.py

browser: $(TESTED)  ## the demo page and the slides in a real browser (needs Chromium)
	$(BIN)/python -m pytest tests/browser
	$(BIN)/python tools/build_slides.py
	$(BIN)/python tools/check_slides.py

lint: $(TESTED)  ## check the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(TESTED)  ## build the notebooks of both languages from notebooks/source
	$(BIN)/python tools/build_notebooks.py

slides: $(TESTED)  ## build the slides of both languages: build/slides/en/index.html and pt
	$(BIN)/python tools/build_slides.py

handout: $(TESTED)  ## the slides as PDF (needs Chromium)
	$(BIN)/python tools/build_slides.py --handout

kit: $(READY)  ## everything for a room without a network, in build/kit
	$(BIN)/python tools/offline_kit.py --out build/kit

benchmark: $(TESTED)  ## time everything beside the original way; writes BENCHMARKS.md (10 minutes)
	$(BIN)/python tools/benchmark.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"vitsim needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Name another: make demo PYTHON=python3.12")'
	@echo "Setting up $(VENV), once; this takes a few minutes."
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[notebooks,app]"
	@echo "Compiling what removes backgrounds, once, so that no lesson waits for it."
	@$(BIN)/python -c 'import vitsim, rembg'  # in this order: vitsim tells onnxruntime to report nothing
	@touch $@

$(TESTED): $(READY)
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[notebooks,app,slides,scale,dev]"
	@touch $@

pets: build/render/.ready  ## render the Toy Pets, shipped and for training (hours; goes on where it stopped)
	build/render/bin/python tools/render_pets.py --out data/pets
	build/render/bin/python tools/render_pets.py --train --out build/bare

build/render/.ready: tools/requirements-render.txt
	python3.11 -m venv build/render
	build/render/bin/python -m pip install --requirement $<
	@touch $@

learnt:
	@for place in photos/train.tar photos/gallery teachers; do test -e ../shared/$$place \
	    || { echo "../shared/$$place is not there; CONTRIBUTING.md says what is learned from"; exit 1; }; done

tiny: learnt pets $(VENV)/.train  ## train the small Vision Transformer anew, its last stage with a GPU only (hours; goes on where it stopped)
	$(BIN)/python tools/teacher_targets.py
	$(BIN)/python tools/coat_pets.py
	$(BIN)/python tools/describe_pets.py
	$(BIN)/python tools/vector_space.py
	$(BIN)/python tools/train_vit.py photos64 --samples 350
	$(BIN)/python tools/train_vit.py mixed112 --samples 130
	$(BIN)/python tools/train_vit.py mixed224 --samples 300
	$(BIN)/python tools/train_vit.py last224 --samples 100
	$(BIN)/python tools/train_vit.py full224 --samples 60
	$(BIN)/python tools/train_vit.py photos224 --samples 90
	$(BIN)/python tools/train_vit.py fresh224 --samples 60
	$(BIN)/python tools/train_vit.py export
	@if $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then set -x; \
	    $(BIN)/python tools/gpu_pack.py && $(BIN)/python tools/gpu_train.py && \
	    $(BIN)/python tools/train_vit.py export --weights build/tiny_gpu.pt; \
	else echo "tiny has six layers: torch finds no GPU here, with which seven minutes make twelve."; fi

cutout: learnt pets $(VENV)/.train  ## train the shipped background remover anew (hours; goes on where it stopped)
	$(BIN)/python tools/cutout_labels.py
	$(BIN)/python tools/teacher_targets.py
	$(BIN)/python tools/coat_pets.py
	$(BIN)/python tools/train_cutout.py train low
	$(BIN)/python tools/train_cutout.py train full
	$(BIN)/python tools/train_cutout.py train sharp
	$(BIN)/python tools/train_cutout.py train fine
	$(BIN)/python tools/train_cutout.py export
	$(BIN)/python tools/train_cutout.py evaluate

gallery: $(READY)  ## index the shipped gallery anew, after a change of pets or tiny
	$(BIN)/python tools/make_gallery.py

evaluate: $(VENV)/.train  ## say how good tiny is, beside the baselines (minutes)
	$(BIN)/python tools/evaluate.py
	$(BIN)/python tools/evaluate_variants.py
	$(BIN)/python tools/show_matches.py

$(VENV)/.train: $(READY) tools/requirements-train.txt
	$(BIN)/python -m pip install --constraint constraints.txt --requirement tools/requirements-train.txt
	@touch $@

constraints:  ## pin every dependency anew (needs a package index)
	bash tools/constraints.sh

fuzz: $(TESTED)  ## search for a file that breaks open_photo (5 minutes; Linux)
	$(BIN)/python -m pip install --requirement tools/requirements-fuzz.txt
	$(BIN)/python tools/fuzz_photos.py

audit: $(TESTED)  ## look every pinned package up among the known vulnerabilities (needs pypi.org)
	$(BIN)/python -m pip install pip-audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

clean:  ## remove the environment and caches (trained and rendered work in build/ stays)
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis demo.png
