import pickle

import pytest

from sim.catalog.names import LISTED_CHOICES, UnknownName, find, nearest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("h100", "h100-sxm"),
        ("H100-SXM", "h100-sxm"),
        ("h100_nvl", "h100-nvl"),
        ("l40", "l40s"),
        ("tpu-v5p", None),
        ("", None),
    ],
)
def test_nearest_forgives_case_separators_and_slips(name: str, expected: str | None) -> None:
    assert nearest(name, ["h100-sxm", "h100-nvl", "l40s"]) == expected


def test_nearest_finds_a_fragment_of_a_long_key() -> None:
    keys = ["lambda/a100-sxm/on-demand", "aws/g6e.xlarge/l40s/on-demand"]
    assert nearest("l40s", keys) == "aws/g6e.xlarge/l40s/on-demand"


def test_find_returns_the_entry_or_says_what_there_is() -> None:
    assert find("GPU", "l40s", {"l40s": 7}) == 7
    with pytest.raises(UnknownName) as caught:
        find("GPU", "l40", {"l40s": 7, "h100-sxm": 8})
    error = caught.value
    assert (error.kind, error.name, error.choices) == ("GPU", "l40", ("l40s", "h100-sxm"))
    assert error.suggestion == "l40s"
    assert str(error) == "unknown GPU 'l40'; did you mean 'l40s'? Known: l40s, h100-sxm"


def test_without_a_near_name_only_the_choices_are_listed() -> None:
    assert str(UnknownName("GPU", "zzz", ["l40s"])) == "unknown GPU 'zzz'. Known: l40s"


def test_many_choices_are_cut_to_the_likeliest() -> None:
    choices = [f"card-{i}" for i in range(LISTED_CHOICES + 1)]
    text = str(UnknownName("GPU", "card-7x", choices))
    assert "did you mean 'card-7'?" in text
    assert text.endswith(f"and {LISTED_CHOICES + 1 - 5} more")


def test_survives_pickling() -> None:
    error = UnknownName("GPU", "l40", ["l40s"])
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.suggestion == "l40s"
