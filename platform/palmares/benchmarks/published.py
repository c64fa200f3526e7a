"""Rows of papers' tables. They stand beside the ranks as published, never among them: nobody scored them here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from ml.catalog import PROTOCOLS

PAPERS: Final = {
    "boukhayma2019": "Boukhayma, de Bem & Torr, CVPR 2019",
    "hmp2024": "Duran et al., HMP, WACV 2024",
    "kong2022": "Kong et al., Identity-Aware Hand Mesh Estimation, ECCV 2022",
    "zhou2020": "Zhou et al., CVPR 2020",
}
METRICS: Final = {
    "RA-MPJPE": "ra_mpjpe",
    "PA-MPJPE": "pa_mpjpe",
    "RA-MPVPE": "ra_mpvpe",
    "RA-ACC": "ra_acceleration_error",
    "mean 3D joint distance": "mpjpe",
    "MSE_mano": "shape_mse",
    "L-error": "length_error",
    "W-error": "width_error",
}
_NOTES: Final = {("hmp2024", "PA-MPJPE"): "aligned without reflections"}
"""What a paper's figure is, where ours of that name is another: by paper and the metric's name there."""
_AUC: Final = {"RHD": "ra_auc_joints", "STB": "ra_auc_joints", "Dexter+Object": "auc_joints", "EgoDexter": "auc_joints"}


@dataclass(frozen=True)
class Published:
    """One figure of a paper.

    Attributes:
        method, variant: as the paper calls them.
        metric: our name.
        value: in `unit`, as printed.
        paper, table: where it stands.
        note: what to know when comparing.
    """

    dataset: str
    method: str
    variant: str
    metric: str
    value: float
    unit: str
    paper: str
    table: str
    note: str

    @property
    def citation(self) -> str:
        return f"{PAPERS[self.paper]}, table {self.table}"


@cache
def published_rows() -> tuple[Published, ...]:
    """All rows whose metric is one of ours."""
    with (Path(__file__).parent / "data" / "published_results.csv").open(newline="", encoding="utf-8") as stream:
        return tuple(
            Published(
                dataset=row["dataset"], method=row["method"], variant=row["variant"], metric=metric, value=float(row["value"]),
                unit=row["unit"], paper=row["paper"], table=row["table"],
                note="; ".join(filter(None, (row["note"], _NOTES.get((row["paper"], row["metric"]), "")))),
            )
            for row in csv.DictReader(stream)
            if (metric := METRICS.get(row["metric"]) or _AUC.get(row["dataset"])) and row["metric"] != "dataset"
        )  # fmt: skip


def published_for(protocol: str) -> list[Published]:
    """Rows on the data sets of a protocol."""
    return [row for row in published_rows() if row.dataset in PROTOCOLS[protocol].datasets]
