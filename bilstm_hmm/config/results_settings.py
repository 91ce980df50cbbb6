"""What comes out of a training: what a bundle holds, and where the run is tracked besides."""

from typing import Annotated, Literal

from pydantic import Field

from bilstm_hmm.config.section import Section

Tracking = Annotated[
    Literal["none", "tensorboard", "mlflow"],
    Field(
        description="Where parameters, epochs, scores and pictures go besides the run's folder: "
        "`tensorboard`, event files in that folder; `mlflow`, a store or server of MLflow; or "
        "`none`."
    ),
]
TrackingUri = Annotated[
    str | None,
    Field(
        description="The store or server of MLflow, as in `http://localhost:5000`; `null` takes "
        "the environment's `MLFLOW_TRACKING_URI`, or else `runs/mlflow.db`."
    ),
]


class BundleSettings(Section):
    """What a bundle holds beyond what every bundle does."""

    int8: Annotated[
        bool,
        Field(description="Add a quantised network, for `predict --precision int8`."),
    ] = False
