#!/usr/bin/env bash
# Writes constraints.txt anew: every package, direct or not, at one exact version a Python, 3.11 to
# 3.13, on every system. torch stays where it is until someone decides otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv build/uv && build/uv/bin/pip install --quiet uv
{
    echo "# Every version that is tested; written by \`make constraints\`, not by hand."
    build/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
        --no-header --no-annotate --quiet --constraint <(echo "torch==2.13.0")
} > build/constraints.txt
for python in 3.11 3.12 3.13; do
    build/uv/bin/uv pip compile pyproject.toml --all-extras --python-version "$python" --quiet \
        --constraint build/constraints.txt --output-file /dev/null
    echo "resolves for Python $python: $(grep -c == build/constraints.txt) pins"
done
mv build/constraints.txt constraints.txt
