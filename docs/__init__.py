"""The pages of the documentation; `docs.generate` writes what they have from the code."""
