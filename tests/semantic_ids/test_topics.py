"""Topic names: terms, contrast with the parent, inheritance."""

import numpy as np
import pytest

from sidflow.errors import ShapeError
from sidflow.semantic_ids.terms import pick_terms, plain_text, term_matrix, text_terms
from sidflow.semantic_ids.topics import find_topics

SOAPS = ["Lavender Bar Soap 3.5 oz", "Oat Bar Soap", "Rose Bar Soap, 2 pack", "Olive Bar Soap", "Lemon Bar Soap"]
COMBS = ["Wide Hair Comb", "Fine Hair Comb", "Tail Hair Comb", "Wood Hair Comb", "Steel Hair Comb"]
POLISH = ["Red Nail Polish", "Blue Nail Polish", "Gold Nail Polish", "Clear Nail Polish", "Pink Nail Polish"]


def name_topics(codes, titles, extra=None, terms=3):
    """Topic names by item."""
    return find_topics(codes, titles, extra, terms).by_item(codes)


def test_names_tell_nodes_apart():
    """Each first code is named by the pair of words that its items share."""
    codes = np.repeat([[0], [1], [2]], 5, axis=0)
    names = name_topics(codes, SOAPS + COMBS + POLISH)
    assert names == (("bar soap",),) * 5 + (("hair comb",),) * 5 + (("nail polish",),) * 5


def test_second_level_is_named_against_its_parent():
    """Inside the soaps, what all soaps share names nothing."""
    titles = [f"Mint Bar Soap {k}" for k in range(5)] + [f"Rose Bar Soap {k}" for k in range(5)] + COMBS
    codes = np.array([[0, 0]] * 5 + [[0, 1]] * 5 + [[1, 0]] * 5)
    names = name_topics(codes, titles)
    assert names[0][0] == "bar soap"
    assert names[0][1].startswith("mint")
    assert names[5][1].startswith("rose")
    assert "soap" not in names[5][1].replace("rose bar", "")


def test_small_nodes_inherit():
    """Single items at the last level, and nodes of four, take the name above; nothing above is assorted."""
    codes = np.array([[0, k] for k in range(5)] + [[1, 0]] * 4)
    names = name_topics(codes, SOAPS + COMBS[:4])
    assert names[:5] == (("bar soap", "bar soap"),) * 5
    assert names[5:] == (("assorted", "assorted"),) * 4


def test_a_node_without_distinguishing_terms_inherits():
    """A child that holds all of its parent's items has no contrast to name it."""
    names = name_topics(np.zeros((5, 2), int), SOAPS)
    assert names == (("assorted", "assorted"),) * 5


def test_topic_names_structure():
    """Names and typical titles by prefix; items of unknown prefixes take the nearest name above."""
    topics = find_topics(np.repeat([[3, 1], [4, 1]], 5, axis=0), SOAPS + COMBS)
    assert topics.names == {(3,): "bar soap", (4,): "hair comb"}
    assert topics.by_item(np.array([[3, 7], [9, 1]])) == (("bar soap", "bar soap"), ("assorted", "assorted"))
    assert len(topics.titles[4,]) == 3
    assert set(topics.titles[4,]) <= set(COMBS)


def test_the_most_typical_title_comes_first():
    """It says what sets its node apart, and little else: neither a longer title nor another one is nearer to all."""
    long = "Mint Bar Soap Soap Dish Travel Case Sponge Towel Brush Comb"
    titles = ["Mint Soap Bar Refill", long, "Mint Bar Soap", "Oat Bar", "Mint Bar Soap", *COMBS]
    titles += ["Travel Case", "Soap Dish", "Sponge Towel", "Travel Case", "Soap Dish"] * 2
    topics = find_topics(np.repeat([[0], [1], [2], [2]], 5, axis=0), titles)
    assert topics.titles[0,][0] == "Mint Bar Soap"
    assert len(set(topics.titles[0,])) == 3


def test_codes_out_of_order():
    """The items of a prefix need not stand together."""
    codes = np.tile([[1, 0], [0, 5]], (5, 1))
    topics = find_topics(codes, [title for two in zip(COMBS, SOAPS, strict=True) for title in two])
    assert topics.names == {(0,): "bar soap", (1,): "hair comb"}
    assert set(topics.titles[0,]) <= set(SOAPS)


def test_extra_texts_count():
    """Brand and category may name a topic that titles do not."""
    titles = [f"{word} thing" for word in "abcdefghij"]
    extra = ["Store > Hair Care"] * 5 + ["Store > Nail Care"] * 5
    names = name_topics(np.repeat([[0], [1]], 5, axis=0), titles, extra)
    assert (names[0][0], names[5][0]) == ("hair care", "nail care")


def test_number_of_terms():
    """At most `terms` terms make a name."""
    titles = [f"alpha, beta, gamma, delta {k}" for k in range(5)] + COMBS
    codes = np.repeat([[0], [1]], 5, axis=0)
    assert len(name_topics(codes, titles, terms=2)[0][0].split(", ")) == 2
    assert len(name_topics(codes, titles, terms=4)[0][0].split(", ")) == 4


def test_names_do_not_depend_on_row_order():
    """Names follow the item through any order of rows."""
    titles = SOAPS + COMBS + POLISH
    codes = np.repeat([[0], [1], [2]], 5, axis=0)
    order = np.random.default_rng(0).permutation(15)
    names = name_topics(codes, titles)
    shuffled = name_topics(codes[order], [titles[row] for row in order])
    assert shuffled == tuple(names[row] for row in order)


def test_no_text_and_no_items():
    """Empty titles name nothing, and an empty catalogue has no names."""
    assert name_topics(np.zeros((6, 1), int), [""] * 6) == (("assorted",),) * 6
    assert name_topics(np.zeros((0, 2), int), []) == ()


def test_uneven_inputs_are_refused():
    """Codes, titles and texts must be as many."""
    with pytest.raises(ShapeError, match="1 SIDs, 2 titles, 1 extra texts"):
        name_topics(np.zeros((1, 1), int), ["a", "b"], ["c"])


def test_mark_up_never_reaches_a_name_or_title():
    """Tags and character references are gone from names and titles."""
    titles = [f"<b>Shea</b> &amp; Aloe &lt;script&gt; {k}" for k in range(5)] + COMBS
    topics = find_topics(np.repeat([[0], [1]], 5, axis=0), titles)
    everything = " ".join([*topics.names.values(), *sum(topics.titles.values(), ())])
    assert not set("<>") & set(everything)
    assert "amp" not in everything
    assert topics.titles[0,][0].startswith("Shea & Aloe")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Nail Polish", ["nail", "polish", "nail polish"]),
        ("nail, polish", ["nail", "polish"]),
        ("soap for men", ["soap", "men"]),
        ("Hair Care > Shampoos", ["hair", "care", "hair care", "shampoos"]),
        ("100 ml 24k SPF30 a B", []),
        ("L'Oreal anti-aging 'gel'", ["l'oreal", "anti-aging", "l'oreal anti-aging", "gel", "anti-aging gel"]),
        ("<b>oil</b>&amp;wax", ["oil", "wax"]),
        ("crème brûlée", ["crème", "brûlée", "crème brûlée"]),
        ("bye bye", ["bye", "bye"]),
        ("", []),
    ],
)
def test_text_terms(text, terms):
    """Words and adjacent pairs; no numbers, units, stop words, mark-up, or pairs across what was left out."""
    assert list(text_terms(text)) == terms


def test_term_matrix():
    """A term needs three texts, counts once in each, and columns follow the sorted terms."""
    uses, vocabulary = term_matrix(["red soap soap", "soap red", "soap", "red"])
    assert vocabulary == ("red", "soap")
    assert uses.toarray().tolist() == [[1, 1], [1, 1], [0, 1], [1, 0]]


def test_pick_terms_says_nothing_twice():
    """Plurals and words of a chosen pair are left out."""
    ranked = ["nail polish", "polishes", "nails", "brush", "brushes", "accessories", "accessory", "glass"]
    assert pick_terms(ranked, 4) == ("nail polish", "brush", "accessories", "glass")
    assert pick_terms([], 3) == ()


def test_plain_text():
    """Tags, also escaped ones, and stray brackets go; white space is single."""
    assert plain_text(" <i>A</i> &lt;b&gt;B &amp; C  3 < 4 ") == "A B & C 3 4"
