from datetime import date

import pytest

from sim.catalog.datafiles import read_json, read_text, read_yaml

YAML_FILES = ("gpus.yaml", "hosts.yaml", "models.yaml", "prices.yaml", "workloads.yaml")
JSON_FILES = ("step_times.json", "extrapolation.json")


@pytest.mark.parametrize("name", YAML_FILES)
def test_yaml_files_say_source_and_date_at_their_head(name: str) -> None:
    head = "".join(line for line in read_text(name).splitlines()[:12] if line.startswith("#"))
    assert "2026-11" in head
    assert any(word in head for word in ("ource", "fitted to", "read off", "traces named"))


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_files_say_source_and_date_at_their_head(name: str) -> None:
    document = read_json(name)
    assert list(document)[:3] == ["about", "source", "as_of"]
    assert date.fromisoformat(document["as_of"]) == date(2026, 11, 24)


def test_yaml_dates_are_dates() -> None:
    assert read_yaml("gpus.yaml")["as_of"] == date(2026, 11, 24)


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        read_text("nothing.yaml")
