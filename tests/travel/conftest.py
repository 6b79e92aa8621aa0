"""The toy region with a timetable: the feed of tests/toy/timetable on Wednesday 10 June 2020."""

import shutil
from pathlib import Path

import pytest

from megalopolis.region.read import read_region

TOY = Path(__file__).parents[1] / "toy"


@pytest.fixture(scope="session")
def timed_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timed") / "region"
    shutil.copytree(TOY / "region", folder)
    shutil.copytree(TOY / "timetable", folder / "timetable")
    with (folder / "region.yaml").open("a", encoding="utf-8") as file:
        file.write("timetable: {day: 2020-06-10}\n")
    return folder


@pytest.fixture(scope="session")
def timed(timed_folder):
    return read_region(timed_folder)
