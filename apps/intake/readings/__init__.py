"""What tools measure, read from the bodies they post: pure, strict, and with words for a refusal.

Runs, reports, labels, counts and readings come many at a time and mean no alert: they become the
shapes of `shapes.py`, line by line, and go whole to the app that keeps them.
"""
