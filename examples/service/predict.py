"""Label a recording with httpx: python predict.py URL FILE."""

import sys
from pathlib import Path

import httpx

url, file = sys.argv[1], Path(sys.argv[2])
with httpx.Client(base_url=url, timeout=60.0) as client:
    response = client.post("/v1/predict", files={"file": (file.name, file.read_bytes())})
    if response.is_error:
        # A problem object: `detail` says what is wrong and what to do.
        raise SystemExit(response.json()["detail"])
answer = response.json()
print(answer["emotion"], answer["confidence"])
for segment in answer["segments"]:
    print(segment["start"], segment["end"], segment["emotion"])
