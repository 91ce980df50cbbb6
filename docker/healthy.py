"""Whether the service answers: the image's HEALTHCHECK."""

import os
import urllib.request

with urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/readyz", timeout=3):
    pass
