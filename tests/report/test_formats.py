"""Numbers and texts as a report writes them."""

import pytest

from sidflow.report import formats


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (formats.count(12101), "12,101"),
        (formats.count(None), "-"),
        (formats.share(0.1234), "12.3%"),
        (formats.decimal(0.08147), "0.0815"),
        (formats.interval((0.07798, 0.0852)), "0.0780 to 0.0852"),
        (formats.interval(None), "-"),
        (formats.seconds(0.0041), "4 ms"),
        (formats.seconds(12.34), "12.3 s"),
        (formats.seconds(461.8), "7 min 42 s"),
        (formats.seconds(7500), "2 h 05 min"),
        (formats.size(999), "999 B"),
        (formats.size(1384585), "1.4 MB"),
        (formats.size(2.5e12), "2500.0 GB"),
        (formats.anything(None), "-"),
        (formats.anything(True), "True"),
        (formats.anything(12101.0), "12,101"),
        (formats.anything(0.00376988), "0.00377"),
        (formats.anything("full"), "full"),
        (formats.anything(float("inf")), "inf"),
    ],
)
def test_numbers(said: str, expected: str) -> None:
    """Thousands are separated, digits fixed, units chosen by size."""
    assert said == expected


def test_texts_are_cut_and_put_on_one_line() -> None:
    """Control characters, line separators and direction marks become spaces; the cut is visible."""
    assert formats.shorten("a\u2028b\tc\u202ed\x00", 20) == "a b c d"
    assert formats.shorten("abcdefgh", 8) == "abcdefgh"
    assert formats.shorten("abcdefghi", 8) == "abcdefg…"


def test_texts_of_figures_hold_no_markup() -> None:
    """Plotly would take <b> and <a> for markup; cutting happens before escaping, so no entity is halved."""
    assert formats.figure_text("<b>a</b> & b") == "&lt;b&gt;a&lt;/b&gt; &amp; b"
    assert formats.figure_text("<<<<", 3) == "&lt;&lt;…"
