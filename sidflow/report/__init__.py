"""A release as one self-contained HTML page, and its figures as functions from facts to data."""

from sidflow.report.build import Report, build_report
from sidflow.report.page import render
from sidflow.report.still import draw_still
from sidflow.report.write import Written, write_report

__all__ = ["Report", "Written", "build_report", "draw_still", "render", "write_report"]
