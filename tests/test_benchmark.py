"""What was measured on several machines stays together in one report."""

import json
from pathlib import Path

import benchmark

ROOT = Path(__file__).parents[1]


def test_the_report_is_what_the_program_writes_of_its_figures():
    reports = json.loads((ROOT / "benchmarks.json").read_text())
    assert benchmark.written(reports) == (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")


def test_what_another_machine_measured_is_added_and_nothing_is_lost():
    here, there = {"machine": {"cores": 2}, "memory": 1, "match": 1}, {"machine": {"cores": 16}}
    again = {"machine": {"cores": 2}, "match": 2}
    assert benchmark.merged([here], [there]) == [here, there]
    assert benchmark.merged([here, there], [again]) == [here | {"match": 2}, there]


def test_photographs_are_all_different(tmp_path):
    numbers = [*range(3), *range(600, 603), *range(1200, 1203)]
    files = benchmark.photographs(tmp_path, numbers)
    assert len({file.read_bytes() for file in files}) == len(list(tmp_path.iterdir())) == 9
