"""Reads typed facts from the text of an answer: numbers with units, dates, polarity, named parts."""
