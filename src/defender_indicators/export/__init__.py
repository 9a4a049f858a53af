"""A report in forms for others: a CSV for spreadsheets, a page for people.

Both are written from the report as every door returns it, and read its rows once. Whatever a row says stays text:
a spreadsheet computes none of it and a browser runs none of it.
"""

from defender_indicators.export.report_csv import write_csv
from defender_indicators.export.report_html import write_html

__all__ = ["write_csv", "write_html"]
