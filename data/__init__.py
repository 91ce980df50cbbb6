"""Corpora of emotional speech, their clips, and the splits that they are evaluated with."""
