"""Running the service: uvicorn, with one process or several."""

import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import uvicorn

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.service.intake.folders import own_folder
from bilstm_hmm.service.logs import configure_logs
from bilstm_hmm.service.metrics import MULTIPROCESS
from bilstm_hmm.service.settings import ServiceSettings, to_environment
from bilstm_hmm.service.streams import MAX_MESSAGE

_FACTORY = "bilstm_hmm.service.app:create_from_environment"
_PROTOCOL = "bilstm_hmm.service.guards.framing:LimitedProtocol"
#: Seconds in which a process has to answer its parent before it counts as hung.
_HUNG = 30


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the service listens, and in how many processes.

    `proxies` are addresses of proxies that say for whom they ask.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    proxies: Sequence[str] = ()


def run_server(settings: ServiceSettings, binding: Binding) -> None:
    """Serve until a signal says to stop: what runs is finished then.

    Raises
    ------
    ToolkitError
        Nothing can listen there.
    """
    port = _free_port(binding)
    to_environment(settings)
    configure_logs()
    # uvicorn raises the signal anew when it is done; that it has stopped is no failure.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    with own_folder("bilstm-hmm-metrics-") as folder:
        if binding.workers > 1:
            os.environ[MULTIPROCESS] = str(folder)
        host = f"[{binding.host}]" if ":" in binding.host else binding.host
        print(f"Serving at http://{host}:{port}; Ctrl+C stops it.", flush=True)
        uvicorn.run(
            _FACTORY,
            factory=True,
            host=binding.host,
            port=port,
            workers=binding.workers,
            log_config=None,
            access_log=False,
            server_header=False,
            http=_PROTOCOL,
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,
            proxy_headers=bool(binding.proxies),
            forwarded_allow_ips=list(binding.proxies),
            timeout_keep_alive=5,
            timeout_graceful_shutdown=round(settings.limits.timeout) + 5,
            timeout_worker_healthcheck=_HUNG,
        )


def _free_port(binding: Binding) -> int:
    """Return the port to listen at, a free one for 0.

    Raises
    ------
    ToolkitError
        It cannot be had.
    """
    try:
        family, kind, *_, address = socket.getaddrinfo(
            binding.host, binding.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as tried:
            if os.name == "posix":
                # As the server does: connections of one before may linger.
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            return int(tried.getsockname()[1])
    except OSError as error:
        raise ToolkitError(
            f"--host {binding.host} --port {binding.port}: cannot listen there ({error.strerror}); "
            "choose others."
        ) from None
