"""What the documentation has from the code and from the stored results.

``python -m docs.generate`` writes it, with ``--check`` it only says what is not up to date.
"""
