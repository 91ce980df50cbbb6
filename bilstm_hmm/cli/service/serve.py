"""The command ``serve``: the answers of ``predict`` over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from bilstm_hmm.cli.labelling.options import Yes


def serve(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A model that ships, a bundle or a run; the first answers where none is asked "
            "for (default: default). May be repeated.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; each has the models in memory.")
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Batches that a process labels at a time (default: its cores)."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A bearer token a line; one has to come with a request."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Pages of this origin may call it, as in https://example.org. May be repeated.",
        ),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="A proxy that is believed for whom it asks (X-Forwarded-For). May be repeated.",
        ),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(help="Largest body of a request, in bytes.")
    ] = 33_554_432,
    max_seconds: Annotated[float, typer.Option(help="Longest recording, in seconds.")] = 600.0,
    max_files: Annotated[int, typer.Option(help="Most recordings of a request.")] = 64,
    concurrency: Annotated[int, typer.Option(help="Recordings a process labels at a time.")] = 16,
    queue: Annotated[int, typer.Option(help="Most recordings that wait in a process.")] = 64,
    wait: Annotated[
        float,
        typer.Option(
            help="Seconds that an answer may take while more is asked for than can be answered, or "
            "as long as a recording takes; the rest is refused. 0: only --queue counts."
        ),
    ] = 0.03,
    uploads: Annotated[int, typer.Option(help="Most bodies that a process reads at a time.")] = 128,
    timeout: Annotated[
        float, typer.Option(help="Seconds for a body to come, and again to be answered.")
    ] = 30.0,
    rate: Annotated[
        float, typer.Option(help="Requests a second of a client in a process; 0 is no limit.")
    ] = 100.0,
    streams: Annotated[int, typer.Option(help="Most streams that a process has open.")] = 32,
    stream_idle: Annotated[
        float, typer.Option(help="Seconds after which a silent stream is ended.")
    ] = 30.0,
    stream_seconds: Annotated[
        float, typer.Option(help="Seconds after which any stream is ended.")
    ] = 3600.0,
    yes: Yes = False,
) -> None:
    """Answer over HTTP: recordings, folders of them, and streams over a WebSocket."""
    import os

    from bilstm_hmm import __version__
    from bilstm_hmm.extras import require_extra

    require_extra("web", "Serving")
    # Before NumPy is loaded, here and in the processes that are begun: threads of OpenBLAS that are
    # woken for each small matrix take as much time again as labelling does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.service.guards.tokens import read_tokens
    from bilstm_hmm.service.models import load_models
    from bilstm_hmm.service.server import Binding, run_server
    from bilstm_hmm.service.settings import Limits, ServiceSettings, validate_settings

    settings = validate_settings(
        ServiceSettings(
            models=tuple(model or ("default",)),
            limits=Limits(
                max_bytes,
                max_seconds,
                max_files,
                concurrency,
                queue,
                wait,
                uploads,
                timeout,
                rate,
                streams,
                stream_idle,
                stream_seconds,
            ),
            threads=threads or max(1, (os.cpu_count() or 1) // workers),
            token_file=None if token_file is None else str(token_file),
            origins=tuple(origin or ()),
            version=__version__,
        )
    )
    # Refused here, in a sentence, rather than in a process of the server.
    read_tokens(settings.token_file)
    with_encoder(lambda: load_models(settings.models), yes)
    run_server(settings, Binding(host, port, workers, tuple(proxy or ())))
