"""Colours by name, so that one figure can be drawn on light, on dark and on paper.

A figure names a colour as the CSS variable that holds it, "--series-1". The series are Okabe and Ito's colours, which
people with any common colour blindness tell apart, darkened or lightened where the ground asks for it.

Source: Okabe and Ito 2008, Color Universal Design.
"""

from typing import Final

SERIES: Final = tuple(f"--series-{number}" for number in range(1, 9))
INK, MUTED, LINE = "--ink", "--muted", "--line"

LIGHT: Final = {
    "--paper": "#ffffff",
    "--raised": "#f6f7f9",
    "--ink": "#1b1f24",
    "--muted": "#59636e",
    "--line": "#d8dee4",
    "--accent": "#0b5cad",
    "--good": "#0f6e45",
    "--bad": "#b3261e",
    "--series-1": "#0072b2",
    "--series-2": "#d55e00",
    "--series-3": "#009e73",
    "--series-4": "#cc79a7",
    "--series-5": "#e69f00",
    "--series-6": "#56b4e9",
    "--series-7": "#6b5b95",
    "--series-8": "#8a8f98",
}
DARK: Final = {
    "--paper": "#14171c",
    "--raised": "#1c2027",
    "--ink": "#e4e7eb",
    "--muted": "#9aa4b0",
    "--line": "#343b45",
    "--accent": "#7cb7f5",
    "--good": "#5fcf9b",
    "--bad": "#ff8a80",
    "--series-1": "#4da3dd",
    "--series-2": "#f0803c",
    "--series-3": "#2fbf94",
    "--series-4": "#e39cc4",
    "--series-5": "#f0b840",
    "--series-6": "#9ad4f5",
    "--series-7": "#a99bd6",
    "--series-8": "#a5abb5",
}
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "x", "pentagon")
"""A second way to tell series apart, for those whom colour does not serve."""
