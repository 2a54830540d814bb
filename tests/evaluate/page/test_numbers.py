import pytest

from playworld.evaluate.page.numbers import band, large, number, share, share_band, signed


def test_figures_that_do_not_exist_are_dashes():
    assert number(None) == signed(None) == share(None) == "-"
    assert band({"low": None, "high": None}) == share_band({"low": None, "high": None}) == "[-, -]"


@pytest.mark.parametrize(
    ("value", "text"), [(12.3, "12.3 "), (1_234, "1.23 k"), (1.13e9, "1.13 G"), (6.6e13, "66 T")]
)
def test_large_numbers_have_three_figures_and_a_prefix(value, text):
    assert large(value) == text
