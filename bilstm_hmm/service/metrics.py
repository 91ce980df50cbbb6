"""What the service counts, for Prometheus; of several processes, added up."""

import os
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

#: Names the folder in which the processes of one service leave what they have counted.
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The counters of a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        name = "bilstm_hmm"

        def counter(what: str, text: str, *labels: str) -> Counter:
            return Counter(f"{name}_{what}", text, labels, registry=self._registry)

        def gauge(what: str, text: str) -> Gauge:
            return Gauge(
                f"{name}_{what}", text, registry=self._registry, multiprocess_mode="livesum"
            )

        def histogram(what: str, text: str, buckets: Any, *labels: str) -> Histogram:
            return Histogram(
                f"{name}_{what}", text, labels, registry=self._registry, buckets=buckets
            )

        self.requests = counter("requests", "Requests that were answered.", "route", "status")
        self.refused = counter("refused", "Requests and streams that were refused.", "reason")
        self.audio = counter("audio_seconds", "Seconds of sound that were labelled.", "kind")
        self.seconds = histogram(
            "request_seconds", "Seconds from a request to its answer.", _SECONDS, "route"
        )
        self.waiting_seconds = histogram(
            "wait_seconds", "Seconds that a recording waits to be labelled.", _SECONDS
        )
        self.batches = histogram(
            "batch_recordings", "Recordings that are labelled together.", (1, 2, 4, 8, 16, 32)
        )
        self.waiting = gauge("queue_length", "Recordings that wait to be labelled.")
        self.running = gauge("running", "Recordings that are being labelled.")
        self.streams = gauge("streams", "Streams that are open.")

    def text(self) -> bytes:
        """Return what was counted, in Prometheus's own format."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self._registry)
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def close(self) -> None:
        """Take the gauges of this process out of the sum of all."""
        if MULTIPROCESS in os.environ:
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
