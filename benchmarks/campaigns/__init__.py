"""What a service that runs has to stand: see `python -m benchmarks.service --help`."""
