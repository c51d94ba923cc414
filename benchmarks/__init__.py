"""Measurements of the instrument itself, as ratios against peers in one run; no part of the package."""
